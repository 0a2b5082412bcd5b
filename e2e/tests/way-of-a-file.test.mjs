/** The whole way of a file: from the set-up link to the page, the second and the picture. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
	Browser,
	count,
	searchUntilFound,
	untilCount,
	untilPlayedPast,
	untilPlayerAt
} from '../lib/browser.mjs';
import { fixture } from '../lib/fixtures.mjs';
import { Server } from '../lib/server.mjs';

const RESULTS = join(dirname(fileURLToPath(import.meta.url)), '../test-results');
const REPORT = fixture('documents/report.pdf');
const SPOKEN = fixture('audio/spoken.mp3');
const CLIP = fixture('video/clip.mp4');
const MOV = fixture('video/clip.mov');

let server;
let browser;
let page;

before(async () => {
	server = await Server.start();
	browser = await Browser.open(server.url);
	page = browser.page;
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

let broken = false;

/** Steps build on each other: after one has failed, the rest would only fail slowly. */
function step(name, body) {
	test(name, async (context) => {
		if (broken) return context.skip('an earlier step failed');
		try {
			await body();
		} catch (error) {
			broken = true;
			await keepEvidence(name);
			throw error;
		}
	});
}

/** A picture of the page, and what the server printed. */
async function keepEvidence(name) {
	await mkdir(RESULTS, { recursive: true });
	const file = join(RESULTS, name.replace(/[^a-z0-9]+/gi, '-'));
	await page.screenshot({ path: `${file}.png` });
	await writeFile(`${file}.log`, server.log);
}

async function upload(path) {
	await page.getByTestId('upload-input').setInputFiles(path);
	const row = page.getByTestId('upload-row').last();
	await row.and(page.locator('[data-state="done"], [data-state="failed"]')).waitFor();
	return row;
}

step('first set-up leads into the app', async () => {
	await page.goto(server.setupLink);
	const form = page.getByTestId('setup-form');
	await form.getByTestId('username').fill('mina');
	await form.getByTestId('password').fill('a long enough password');
	await form.getByTestId('submit').click();
	await page.getByTestId('count-document').waitFor();
	assert.equal(new URL(page.url()).pathname, '/');
});

step('signing out and in again', async () => {
	await page.getByRole('button', { name: 'Sign out' }).click();
	const form = page.getByTestId('login-form');
	await form.getByTestId('username').fill('mina');
	await form.getByTestId('password').fill('a wrong password');
	await form.getByTestId('submit').click();
	await page.getByTestId('form-error').waitFor();
	await form.getByTestId('password').fill('a long enough password');
	await form.getByTestId('submit').click();
	await page.getByTestId('count-document').waitFor();
});

step('an uploaded PDF is read, and its words are found on their page', async () => {
	const before = await count(page, 'document');
	const row = await upload(REPORT.path);
	assert.equal(await row.getAttribute('data-state'), 'done');
	await untilCount(page, 'document', before + 1);
	await row.getByTestId('upload-open').click();
	await page.getByTestId('document-text').waitFor();
	assert.ok((await page.getByTestId('text-page').count()) >= 3, 'the text has its pages');

	const [words] = REPORT.words;
	const hit = await searchUntilFound(page, words);
	assert.ok((await hit.locator('mark').count()) > 0, 'what was found is marked');
	await hit.click();
	await page.waitForURL(/\/documents\/[^?]+\?page=\d+/);
	const found = page.locator(`#page-${new URL(page.url()).searchParams.get('page')}`);
	await found.waitFor();
	await page.waitForFunction(
		(node) => node.getBoundingClientRect().top < innerHeight,
		await found.elementHandle()
	);
	assert.match(await found.innerText(), new RegExp(words.split(' ')[0], 'i'));
});

step('the same file again is refused with a way to the one that is there', async () => {
	const row = await upload(REPORT.path);
	assert.equal(await row.getAttribute('data-error'), 'duplicate');
	await row.getByTestId('upload-existing').click();
	await page.getByTestId('document-text').waitFor();
});

step('a recording is transcribed, and a click on a line moves the player there', async () => {
	const before = await count(page, 'audio');
	await server.drop(SPOKEN.path, 'Recordings');
	await untilCount(page, 'audio', before + 1);
	await page.getByTestId('nav-audio').click();
	await page.getByTestId('audio-card').first().click();

	const lines = page.getByTestId('transcript-line');
	await lines.first().waitFor();
	const line = lines.last();
	const start = Number(await line.getAttribute('data-start'));
	// From elsewhere, so that the move is seen even where the line is the first.
	const elsewhere = start < 3 ? start + 5 : 0;
	await page.getByTestId('player').evaluate((media, seconds) => (media.currentTime = seconds), elsewhere);
	await untilPlayerAt(page, elsewhere);
	await line.click();
	await untilPlayerAt(page, start);
	await page.getByTestId('play').click();
	await untilPlayedPast(page, start + 0.2);
	const draft = await page.getByTestId('draft-badge').count();
	assert.equal(await page.getByTestId('draft-notice').count(), draft, 'a draft says that it is one');
});

step('an .mp4 gets a thumbnail and plays', async () => {
	const before = await count(page, 'video');
	await server.drop(CLIP.path, 'Videos');
	await untilCount(page, 'video', before + 1);
	await page.getByTestId('nav-video').click();
	const picture = await page.getByTestId('video-thumbnail').elementHandle();
	await page.waitForFunction((image) => image.complete && image.naturalWidth > 0, picture);
	await page.getByTestId('video-card').first().click();

	const player = page.getByTestId('player');
	await player.waitFor();
	assert.match((await player.getAttribute('poster')) ?? '', /thumbnail/);
	await player.evaluate((video) => video.play());
	await untilPlayedPast(page, 0.3);
	assert.equal(await player.evaluate((video) => video.videoWidth), 320);
	// The pictures of its seek bar are made because somebody watches it.
	await page.getByTestId('seek-bar').locator('input').hover();
	await page.getByTestId('seek-picture').waitFor();
});

step('a .mov in the library is kept and shows what to do about it', async () => {
	const before = await count(page, 'video');
	await server.drop(MOV.path, 'Videos');
	await untilCount(page, 'video', before + 1);
	await page.getByTestId('nav-video').click();
	await page
		.getByTestId('video-card')
		.filter({ has: page.getByTestId('conversion-badge') })
		.click();
	await page.getByTestId('conversion-card').waitFor();
	assert.equal(await page.getByTestId('player').count(), 0);
});

step('an uploaded .mov is refused and explained', async () => {
	const before = await count(page, 'video');
	const row = await upload(MOV.path);
	assert.equal(await row.getAttribute('data-error'), 'unsupported_codec');
	assert.match(await row.innerText(), /\.mov/);
	await page.reload();
	await untilCount(page, 'video', before);
});

step('a note is saved as it is written, and counted', async () => {
	const before = await count(page, 'note');
	await page.getByTestId('nav-note').click();
	await page.getByTestId('new-note').click();
	await page.getByTestId('note-text').fill('The heron stands in the reed.\n왜가리');
	await page.waitForURL((url) => /\/notes\/(?!new)./.test(url.pathname));
	await page.locator('[data-testid="save-state"][data-state="saved"]').waitFor();
	await untilCount(page, 'note', before + 1);
	await page.reload();
	assert.match(await page.getByTestId('note-text').inputValue(), /왜가리/);
});

step('what is deleted comes back by undo', async () => {
	const before = await count(page, 'note');
	await page.getByTestId('delete').click();
	await untilCount(page, 'note', before - 1);
	await page.getByTestId('toast-action').click();
	await untilCount(page, 'note', before);
});

step('the queue shows every step, and a stage can be paused', async () => {
	await page.getByTestId('nav-queue').click();
	const stage = page.locator('[data-testid="queue-stage"][data-stage="stt"]');
	await stage.getByRole('button', { name: /^Pause/ }).click();
	await stage.getByRole('button', { name: /^Resume/ }).click();
	await stage.getByRole('button', { name: /^Pause/ }).waitFor();
});

step('the queue fits a phone and is steered by keys alone', async () => {
	const wide = page.viewportSize();
	await page.setViewportSize({ width: 390, height: 844 });
	await page.goto('/queue?rows=waiting');
	await page.getByTestId('queue-row').first().waitFor();
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
	await page.getByTestId('cancel-all').press('Enter');
	await page.getByTestId('dialog').waitFor();
	await page.keyboard.press('Escape');
	await page.getByTestId('dialog').waitFor({ state: 'detached' });
	assert.ok(await page.getByTestId('cancel-all').evaluate((button) => button === document.activeElement));
	await page.setViewportSize(wide);
});

step('a step runs again for a kind of document, and the document tells what happened', async () => {
	await page.goto('/queue?rows=completed&stage=chunk');
	await page.locator('[data-testid="queue-stage"][data-stage="chunk"]').getByTestId('rerun-stage').click();
	await page.getByRole('radio', { name: 'Note' }).check();
	await page.getByTestId('dialog-confirm').click();
	await page.getByTestId('toast').filter({ hasText: 'will run again' }).waitFor();
	await page.getByTestId('queue-row').first().getByRole('link').click();
	await page.getByTestId('history').locator('summary').click();
	await page.locator('[data-testid="history-entry"][data-kind="completed"]').first().waitFor();
});

step('nothing went wrong inside the page', () => {
	assert.deepEqual(browser.faults, []);
});
