import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Events, progressKey, type LiveEvent } from './events.svelte';

class FakeSource extends EventTarget {
	static readonly CLOSED = 2;
	static made: FakeSource[] = [];
	readyState = 1;
	onopen: (() => void) | null = null;
	onerror: (() => void) | null = null;

	constructor(readonly url: string) {
		super();
		FakeSource.made.push(this);
	}

	close(): void {
		this.readyState = 2;
	}

	say(name: string, data: unknown): void {
		this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
	}
}

const latest = () => FakeSource.made.at(-1)!;

beforeEach(() => {
	FakeSource.made = [];
	vi.useFakeTimers();
	vi.stubGlobal('EventSource', FakeSource);
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

it('passes events on and keeps the progress of what runs', () => {
	const events = new Events();
	const heard: LiveEvent[] = [];
	events.listen((event) => heard.push(event));
	events.start();
	const row = { id: 'q', document_id: 'd', stage: 'stt', status: 'processing', progress: 0.5 };
	latest().say('queue', row);
	latest().dispatchEvent(new MessageEvent('document', { data: 'not JSON' }));
	expect(heard).toEqual([{ kind: 'queue', data: row }]);
	expect(events.progress.get(progressKey('d', 'stt'))).toBe(0.5);
	latest().say('queue', { ...row, status: 'completed', progress: null });
	expect(events.progress.size).toBe(0);
	latest().say('stage', { stage: 'stt' });
	latest().say('resync', {});
	expect(heard.slice(-2)).toEqual([{ kind: 'stage' }, { kind: 'reconnected' }]);
});

it('connects again after a refusal, later each time, and says that events may be missing', () => {
	const events = new Events();
	const heard: string[] = [];
	events.listen((event) => heard.push(event.kind));
	events.start();
	for (const delay of [1000, 2000]) {
		latest().readyState = 2;
		latest().onerror?.();
		const before = FakeSource.made.length;
		vi.advanceTimersByTime(delay - 1);
		expect(FakeSource.made).toHaveLength(before);
		vi.advanceTimersByTime(1);
		expect(FakeSource.made).toHaveLength(before + 1);
	}
	expect(events.connected).toBe(false);
	latest().onopen?.();
	expect(events.connected).toBe(true);
	expect(heard).toEqual(['reconnected']);
});
