import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { paced } from './paced';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const taking = (milliseconds: number) =>
	vi.fn(() => new Promise<void>((done) => void setTimeout(done, milliseconds)));

it('makes one run of hundreds of events within a second', async () => {
	const run = taking(0);
	const go = paced(1000, run);
	for (let event = 0; event < 900; event++) {
		go();
		await vi.advanceTimersByTimeAsync(1);
	}
	expect(run).toHaveBeenCalledTimes(1);
	await vi.advanceTimersByTimeAsync(1000);
	expect(run).toHaveBeenCalledTimes(2);
	await vi.advanceTimersByTimeAsync(10_000);
	expect(run).toHaveBeenCalledTimes(2);
});

it('never runs twice at a time and rests as long as a slow run took', async () => {
	const run = taking(3000);
	const go = paced(1000, run);
	go();
	await vi.advanceTimersByTimeAsync(1500);
	go();
	await vi.advanceTimersByTimeAsync(4499);
	expect(run).toHaveBeenCalledTimes(1);
	await vi.advanceTimersByTimeAsync(1);
	expect(run).toHaveBeenCalledTimes(2);
});

it('goes on after a run that failed', async () => {
	const run = vi.fn().mockRejectedValue(new Error('away'));
	const go = paced(1000, run);
	go();
	await vi.advanceTimersByTimeAsync(1000);
	go();
	expect(run).toHaveBeenCalledTimes(2);
});
