/** What the queue page shows, kept fresh: by events, and by asking now and then for what changes without one. */
import { untrack } from 'svelte';
import { api, type Client } from '$lib/api/client';
import type { Page, QueueItem, QueueQuery, QueueStats } from '$lib/api/types';
import { paced } from '$lib/util/paced';
import { events, type Events, type LiveEvent } from './events.svelte';

const AT_MOST_EVERY_MS = 1000;
/** Ages, rates and times to go change without an event. */
const POLL_MS = 15_000;
/** While no events come. */
const POLL_WITHOUT_EVENTS_MS = 5000;

type Source = Pick<Client, 'queue' | 'queueStats'>;

export interface QueueData {
	query: QueueQuery;
	stats: QueueStats;
	page: Page<QueueItem>;
}

export async function loadQueue(source: Source, query: QueueQuery): Promise<QueueData> {
	const [stats, page] = await Promise.all([source.queueStats(), source.queue(query)]);
	return { query, stats, page };
}

export class QueueView {
	data = $state.raw<QueueData>() as QueueData;
	/** When the figures were asked for, in Unix milliseconds. */
	asOf = $state(Date.now());
	/** Asks again soon, however often it is called. */
	refresh = paced(AT_MOST_EVERY_MS, () => this.reload());
	private asked = 0;

	constructor(
		first: QueueData,
		private readonly source: Source = api
	) {
		this.data = first;
	}

	/** What a navigation loaded. Effects may call it. */
	show(data: QueueData): void {
		untrack(() => this.take(data));
	}

	/** To be used in an `$effect`: ends with it, and begins anew when the line for events comes or goes. */
	live(line: Events = events): () => void {
		const unlisten = line.listen((event) => isNews(event) && this.refresh());
		const timer = setInterval(() => this.refresh(), line.connected ? POLL_MS : POLL_WITHOUT_EVENTS_MS);
		return () => {
			unlisten();
			clearInterval(timer);
		};
	}

	/** Where the server does not answer, the old figures stay; the banner of the lost connection says why. */
	private async reload(): Promise<void> {
		await untilSeen();
		const number = ++this.asked;
		const data = await loadQueue(this.source, this.data.query);
		if (number === this.asked) this.take(data);
	}

	private take(data: QueueData): void {
		this.asked++;
		this.data = data;
		this.asOf = Date.now();
	}
}

/** Each step of progress is in `events.progress`; that a run began is news. */
function isNews(event: LiveEvent): boolean {
	if (event.kind === 'document') return false;
	return event.kind !== 'queue' || event.data.status !== 'processing' || event.data.progress === null;
}

/** A page that nobody looks at asks for nothing. */
function untilSeen(): Promise<void> {
	const page = globalThis.document;
	if (page === undefined || page.visibilityState === 'visible') return Promise.resolve();
	return new Promise((seen) => page.addEventListener('visibilitychange', () => seen(), { once: true }));
}
