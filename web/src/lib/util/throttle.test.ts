import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { throttled } from './throttle';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('runs at once, and once more for everything asked meanwhile', () => {
	const run = vi.fn();
	const go = throttled(500, run);
	go();
	go();
	go();
	expect(run).toHaveBeenCalledTimes(1);
	vi.advanceTimersByTime(500);
	expect(run).toHaveBeenCalledTimes(2);
	vi.advanceTimersByTime(5000);
	expect(run).toHaveBeenCalledTimes(2);
});
