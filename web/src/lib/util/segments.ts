import type { Segment } from '$lib/api/types';

/** The index of the line being spoken (the last one begun); -1 before the first. Lines are ordered by `start_s`. */
export function segmentAt(segments: readonly Segment[], seconds: number): number {
	let low = 0;
	let high = segments.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((segments[middle]?.start_s ?? Infinity) <= seconds) low = middle + 1;
		else high = middle;
	}
	return low - 1;
}
