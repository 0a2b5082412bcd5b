import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { QueueQuery } from '$lib/api/types';
import { Events, type LiveEvent } from './events.svelte';
import { QueueView, type QueueData } from './queueView.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const stats = { stages: [], oldest_pending_age_s: null, eta_s: null };
const data = (query: QueueQuery, next_cursor: string | null = null): QueueData => ({
	query,
	stats,
	page: { items: [], next_cursor }
});
const source = (answer: (query: QueueQuery) => Promise<QueueData['page']>) => ({
	queue: vi.fn(answer),
	queueStats: vi.fn(async () => stats)
});
const settled = () => vi.advanceTimersByTimeAsync(0);

/** Events that a test can say. */
class Line extends Events {
	say!: (event: LiveEvent) => void;
	override listen(listener: (event: LiveEvent) => void): () => void {
		this.say = listener;
		return () => (this.say = () => {});
	}
}
const row = (status: 'processing' | 'failed', progress: number | null): LiveEvent => ({
	kind: 'queue',
	data: { id: 'q', document_id: 'd', stage: 'stt', status, progress }
});

it('asks once for a burst of events, and not at all for a step of progress or a document', async () => {
	const server = source(async () => ({ items: [], next_cursor: 'new' }));
	const view = new QueueView(data({ status: 'failed' }), server);
	const line = new Line();
	const end = view.live(line);
	line.say(row('processing', 0.4));
	line.say({ kind: 'document', data: { id: 'd', category: 'note' } });
	await settled();
	expect(server.queue).not.toHaveBeenCalled();
	for (let event = 0; event < 500; event++) line.say(row('failed', null));
	await settled();
	expect(server.queue).toHaveBeenCalledTimes(1);
	expect(server.queue).toHaveBeenCalledWith({ status: 'failed' });
	expect(view.data.page.next_cursor).toBe('new');
	await vi.advanceTimersByTimeAsync(5000);
	expect(server.queueStats).toHaveBeenCalledTimes(2);
	end();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(server.queueStats).toHaveBeenCalledTimes(2);
});

it('asks by itself now and then, more often while no events come', async () => {
	const server = source(async () => ({ items: [], next_cursor: null }));
	const line = new Line();
	const view = new QueueView(data({}), server);
	const end = view.live(line);
	await vi.advanceTimersByTimeAsync(15_000);
	expect(server.queue).toHaveBeenCalledTimes(1);
	end();
	line.connected = false;
	const endAgain = view.live(line);
	await vi.advanceTimersByTimeAsync(15_000);
	expect(server.queue).toHaveBeenCalledTimes(4);
	endAgain();
});

it('keeps what is shown while the server does not answer, and goes on afterwards', async () => {
	let up = false;
	const server = source(async () => {
		if (!up) throw new Error('away');
		return { items: [], next_cursor: 'back' };
	});
	const view = new QueueView(data({}, 'old'), server);
	view.refresh();
	await settled();
	expect(view.data.page.next_cursor).toBe('old');
	up = true;
	view.refresh();
	await vi.advanceTimersByTimeAsync(1000);
	expect(view.data.page.next_cursor).toBe('back');
});

it('drops an answer to what is no longer asked', async () => {
	const server = source(
		() => new Promise((done) => void setTimeout(() => done({ items: [], next_cursor: 'late' }), 300))
	);
	const view = new QueueView(data({ status: 'failed' }), server);
	view.refresh();
	await vi.advanceTimersByTimeAsync(100);
	view.show(data({ status: 'waiting' }, 'shown'));
	await vi.advanceTimersByTimeAsync(300);
	expect(view.data.page.next_cursor).toBe('shown');
});
