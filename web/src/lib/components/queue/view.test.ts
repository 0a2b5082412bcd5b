import { describe, expect, it } from 'vitest';
import type { QueueStats, StageCounts } from '$lib/api/types';
import { cellOf } from './columns';
import { rerunOf, rerunSize } from './rerun';
import { absences, addressOf, cancellable, perMinute, queryOf, rowsOf, shownBy, withStage } from './view';

const stage = (name: string, fields: Partial<StageCounts> = {}): StageCounts => ({
	stage: name,
	lane: 'cpu',
	paused: false,
	paused_since: null,
	concurrency: 5,
	version: 1,
	outdated: 0,
	completed_per_minute: 0,
	mean_s: null,
	eta_s: null,
	oldest_due_at: null,
	waiting_for: [],
	pending: 0,
	waiting: 0,
	processing: 0,
	completed: 0,
	failed: 0,
	cancelled: 0,
	...fields
});
const stats = (...stages: StageCounts[]): QueueStats => ({
	stages,
	oldest_pending_age_s: null,
	eta_s: null
});
const two = stats(
	stage('extract', { pending: 7, waiting: 2, failed: 3, processing: 1, completed_per_minute: 4.5 }),
	stage('stt', { pending: 10, failed: 1, completed_per_minute: 0.5 })
);

describe('the address', () => {
	it('says what is shown, and is read back', () => {
		const shown = { rows: 'failed', stage: 'stt', after: 'row 1' } as const;
		const address = addressOf(shown);
		expect(address).toBe('/queue?rows=failed&stage=stt&after=row+1');
		expect(shownBy(new URL(address, 'http://localhost'))).toEqual(shown);
		expect(queryOf(shown)).toEqual({ status: 'failed', stage: 'stt', cursor: 'row 1', limit: 50 });
	});

	it('shows what runs where it says nothing that is known', () => {
		const shown = shownBy(new URL('http://localhost/queue?rows=sleeping&stage='));
		expect(shown).toEqual({ rows: 'processing', stage: null, after: null });
	});
});

describe('the figures', () => {
	it('count what each tab lists: the pending with those that wait', () => {
		expect(rowsOf(two, { rows: 'pending', stage: null })).toBe(19);
		expect(rowsOf(two, { rows: 'waiting', stage: null })).toBe(2);
		expect(rowsOf(two, { rows: 'failed', stage: 'stt' })).toBe(1);
		expect(perMinute(two)).toBe(5);
	});

	it('are told as people read them', () => {
		const slow = stage('stt', { processing: 2, failed: 1234, mean_s: 720, eta_s: 7200, paused: true });
		expect(cellOf(slow, 'processing', 'en')).toEqual({ text: '2/5', blank: false, rows: 'processing' });
		expect(cellOf(slow, 'failed', 'en')).toEqual({ text: '1,234', blank: false, rows: 'failed' });
		expect(cellOf(slow, 'mean', 'en').text).toBe('12 min');
		// A stage that is paused never gets done.
		expect(cellOf(slow, 'left', 'en').blank).toBe(true);
		expect(cellOf({ ...slow, paused: false }, 'left', 'en').text).toBe('2 hr');
		expect(cellOf(slow, 'per_minute', 'en')).toEqual({ text: '–', blank: true, rows: null });
	});
});

describe('cancelling all', () => {
	it('takes exactly what it says', () => {
		const shown = { stage: null, after: null };
		const pending = { selection: { status: 'pending' }, count: 19 };
		expect(cancellable(two, { ...shown, rows: 'pending' })).toEqual(pending);
		expect(cancellable(two, { ...shown, rows: 'waiting' })).toEqual(pending);
		expect(cancellable(two, { ...shown, rows: 'processing', stage: 'extract' })).toEqual({
			selection: { status: 'processing', stage: 'extract' },
			count: 1
		});
	});

	it('is not offered where nothing goes on', () => {
		const shown = { stage: 'stt', after: null };
		expect(cancellable(two, { ...shown, rows: 'processing' })).toBeNull();
		expect(cancellable(two, { ...shown, rows: 'failed' })).toBeNull();
		expect(cancellable(two, { ...shown, rows: 'completed' })).toBeNull();
	});

	it('names no stage where all are meant', () => {
		expect(withStage(null, { status: 'failed' })).toEqual({ status: 'failed' });
	});
});

describe('absences', () => {
	it('are one for each thing, with the soonest look, most wanted first', () => {
		const model = { waiting_for: 'm', message: 'Get it.', count: 2, next_look_at: '2026-03-01T10:00:00Z' };
		const tool = { waiting_for: 'program:x', message: 'Install it.', count: 4, next_look_at: null };
		const found = absences([
			stage('a', { waiting_for: [model, tool] }),
			stage('b', { waiting_for: [{ ...model, count: 3, next_look_at: '2026-03-01T09:00:00Z' }] })
		]);
		expect(found.map((one) => [one.waiting_for, one.count, one.next_look_at])).toEqual([
			['m', 5, '2026-03-01T09:00:00Z'],
			['program:x', 4, null]
		]);
		expect(found[0]?.stages).toEqual([
			{ stage: 'a', count: 2 },
			{ stage: 'b', count: 3 }
		]);
	});
});

describe('running again', () => {
	it('asks for exactly what was chosen, and says how many that are', () => {
		const counts = { document: 10, note: 2, audio: 3, video: 0, image: 1 };
		const one = stage('extract', { outdated: 7 });
		expect(rerunOf('outdated', 'extract')).toEqual({ stage: 'extract', outdated: true });
		expect(rerunOf('all', 'extract')).toEqual({ stage: 'extract', all: true });
		expect(rerunOf('note', 'extract')).toEqual({ stage: 'extract', category: 'note' });
		expect(rerunSize('outdated', one, null)).toBe(7);
		expect(rerunSize('note', one, counts)).toBe(2);
		expect(rerunSize('all', one, counts)).toBe(16);
		expect(rerunSize('all', one, null)).toBeNull();
	});
});
