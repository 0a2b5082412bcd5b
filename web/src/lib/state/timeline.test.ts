import { expect, it, vi } from 'vitest';
import { TIMELINE_KINDS, type TimelineItem } from '$lib/api/types';
import { tOr } from '$lib/i18n/index.svelte';
import { Timeline } from './timeline.svelte';

const entry = { at: '2026-03-01T10:00:00Z', stage: 'stt', kind: 'failed' } as TimelineItem;

it('keeps what it knows when a later look is refused, and says why', async () => {
	vi.useFakeTimers();
	const ask = vi.fn().mockResolvedValueOnce([entry]).mockRejectedValue(new Error('away'));
	const timeline = new Timeline('d', { timeline: ask });
	expect(timeline.items).toBeNull();
	timeline.refresh();
	await vi.advanceTimersByTimeAsync(1000);
	expect(timeline.items).toEqual([entry]);
	timeline.refresh();
	await vi.advanceTimersByTimeAsync(0);
	expect(timeline.items).toEqual([entry]);
	expect(timeline.problem).toBe('away');
	expect(ask).toHaveBeenCalledWith('d');
	vi.useRealTimers();
});

it('has words for each kind', () => {
	for (const kind of TIMELINE_KINDS) expect(tOr(`history.${kind}`, ''), kind).not.toBe('');
});
