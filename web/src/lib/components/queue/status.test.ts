import { describe, expect, it } from 'vitest';
import { shownStatus, waitingReason } from './status';

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
