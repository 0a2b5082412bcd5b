/** A real Chromium, with what the tests ask of its page. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	'--autoplay-policy=no-user-gesture-required'
];

/** Long enough for a busy machine; every wait ends as soon as its condition holds. */
export const PATIENCE_MS = 60_000;

export class Browser {
	/** What went wrong inside the page: exceptions, and whatever the content policy refused. */
	faults = [];

	static async open(baseURL) {
		const browser = new Browser();
		browser.profile = await mkdtemp(join(tmpdir(), 'seogo-e2e-profile-'));
		browser.context = await chromium.launchPersistentContext(browser.profile, {
			executablePath: process.env.SEOGO_CHROMIUM ?? '/usr/bin/chromium',
			headless: true,
			args: FLAGS,
			baseURL,
			locale: 'en-US',
			viewport: { width: 1280, height: 860 }
		});
		browser.context.setDefaultTimeout(PATIENCE_MS);
		browser.page = browser.context.pages()[0] ?? (await browser.context.newPage());
		browser.#watch();
		return browser;
	}

	async close() {
		await this.context.close();
		await rm(this.profile, { recursive: true, force: true });
	}

	#watch() {
		this.page.on('pageerror', (error) => this.faults.push(error.message));
		this.page.on('console', (message) => {
			const policy = message.text().includes('Content Security Policy');
			if (policy && message.type() === 'error') this.faults.push(message.text());
		});
	}
}

/** Goes on until the sidebar's figure is the one wanted; the page is not reloaded, so the figure is live. */
export async function untilCount(page, category, wanted) {
	await page.waitForFunction(
		([id, text]) => document.querySelector(`[data-testid="${id}"]`)?.textContent === text,
		[`count-${category}`, String(wanted)],
		{ timeout: PATIENCE_MS }
	);
}

export async function count(page, category) {
	return Number(await page.getByTestId(`count-${category}`).textContent());
}

/** Types the words into the search box; again until there is a hit, since the index follows the store. */
export async function searchUntilFound(page, words) {
	const deadline = Date.now() + PATIENCE_MS;
	const hits = page.getByTestId('search-hit');
	while (Date.now() < deadline) {
		await page.goto('/settings');
		await page.getByTestId('search-input').fill(words);
		await page.getByTestId('search-input').press('Enter');
		await page.waitForURL(/\/search\?/);
		await hits.or(page.getByTestId('empty')).first().waitFor();
		if ((await hits.count()) > 0) return hits.first();
	}
	throw new Error(`“${words}” was not found.`);
}

/** Waits until the media element's time is within half a second of the one wanted. */
export async function untilPlayerAt(page, seconds) {
	const player = await page.getByTestId('player').elementHandle();
	await page.waitForFunction(([media, at]) => Math.abs(media.currentTime - at) < 0.5, [player, seconds]);
}

/** Waits until the media element has played on past the given second. */
export async function untilPlayedPast(page, seconds) {
	const player = await page.getByTestId('player').elementHandle();
	await page.waitForFunction(([media, from]) => !media.error && media.currentTime > from, [player, seconds]);
}
