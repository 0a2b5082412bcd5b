import { describe, expect, it } from 'vitest';
import { neighbour, shownStatus, since, waitingReason } from './status';

describe('waitingReason', () => {
	it('explains what it knows and passes on what it does not', () => {
		const row = { error_message: 'The moon is not full.' };
		expect(waitingReason({ ...row, waiting_for: 'speech_model' })).toContain('seogo models pull');
		expect(waitingReason({ ...row, waiting_for: 'program:ffmpeg' })).toContain('ffmpeg');
		expect(waitingReason({ ...row, waiting_for: 'full_moon' })).toBe('The moon is not full.');
		expect(waitingReason({ error_message: null, waiting_for: 'full_moon' })).toBe('full_moon');
	});
});

describe('shownStatus', () => {
	it('tells waiting from pending', () => {
		expect(shownStatus({ status: 'pending', waiting_for: 'x' })).toBe('waiting');
		expect(shownStatus({ status: 'pending', waiting_for: null })).toBe('pending');
		expect(shownStatus({ status: 'completed', waiting_for: 'x' })).toBe('completed');
	});
});

describe('since', () => {
	it('is when the row came to stand as it does', () => {
		const row = { created_at: 'a', started_at: 'b', completed_at: 'c' };
		expect(since({ ...row, status: 'pending' })).toBe('a');
		expect(since({ ...row, status: 'processing' })).toBe('b');
		expect(since({ ...row, status: 'failed' })).toBe('c');
		expect(since({ ...row, status: 'cancelled', completed_at: null })).toBe('a');
	});
});

describe('neighbour', () => {
	it('is one priority away, and none beyond the ends', () => {
		expect([neighbour(10, 'sooner'), neighbour(0, 'sooner'), neighbour(-10, 'sooner')]).toEqual([
			null,
			10,
			0
		]);
		expect([neighbour(10, 'later'), neighbour(0, 'later'), neighbour(-10, 'later')]).toEqual([0, -10, null]);
	});
});
