import { describe, expect, it } from 'vitest';
import { segmentAt } from './segments';

const segments = [1, 4, 9].map((start_s) => ({ start_s, end_s: start_s + 2, text: '' }));

describe('segmentAt', () => {
	it.each([
		[0, -1],
		[1, 0],
		[3.9, 0],
		[4, 1],
		[100, 2]
	])('at %d s', (seconds, index) => expect(segmentAt(segments, seconds)).toBe(index));

	it('finds nothing where there is nothing', () => expect(segmentAt([], 5)).toBe(-1));
});
