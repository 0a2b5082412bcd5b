/** The server's live events; connects again by itself for as long as it is started. */
import { SvelteMap } from 'svelte/reactivity';
import { urls } from '$lib/api/client';
import type { DocumentEvent, QueueEvent } from '$lib/api/types';

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;

export type LiveEvent =
	| { kind: 'document'; data: DocumentEvent }
	| { kind: 'queue'; data: QueueEvent }
	/** A stage was paused or resumed. */
	| { kind: 'stage' }
	/** Events may have been missed: everything shown is to be asked for again. */
	| { kind: 'reconnected' };

type Listener = (event: LiveEvent) => void;

export class Events {
	connected = $state(true);
	/** Progress (0 to 1) of what runs now, by {@link progressKey}. */
	progress = new SvelteMap<string, number>();
	private listeners = new Set<Listener>();
	private source: EventSource | null = null;
	private timer: ReturnType<typeof setTimeout> | undefined;
	private delay = FIRST_DELAY_MS;
	private lost = false;

	start(): void {
		if (this.source !== null) return;
		const source = new EventSource(urls.events);
		this.source = source;
		source.onopen = () => this.opened();
		source.onerror = () => this.failed(source);
		source.addEventListener('document', (event) => this.receive('document', event));
		source.addEventListener('queue', (event) => this.receive('queue', event));
		source.addEventListener('stage', () => this.tell({ kind: 'stage' }));
		source.addEventListener('resync', () => this.tell({ kind: 'reconnected' }));
	}

	stop(): void {
		clearTimeout(this.timer);
		this.source?.close();
		this.source = null;
	}

	/** Listens until the returned function is called. */
	listen(listener: Listener): () => void {
		this.listeners.add(listener);
		return () => void this.listeners.delete(listener);
	}

	private opened(): void {
		this.connected = true;
		this.delay = FIRST_DELAY_MS;
		if (this.lost) this.tell({ kind: 'reconnected' });
		this.lost = false;
	}

	/** The browser itself reconnects after a broken line, but not after a refusal. */
	private failed(source: EventSource): void {
		this.connected = false;
		this.lost = true;
		if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
		this.source = null;
		this.timer = setTimeout(() => this.start(), this.delay);
		this.delay = Math.min(this.delay * 2, LONGEST_DELAY_MS);
	}

	private receive(kind: 'document' | 'queue', event: MessageEvent<string>): void {
		const live = parse(kind, event.data);
		if (live === null) return;
		if (live.kind === 'queue') this.keepProgress(live.data);
		this.tell(live);
	}

	private keepProgress(row: QueueEvent): void {
		const key = progressKey(row.document_id, row.stage);
		if (row.status === 'processing' && row.progress !== null) this.progress.set(key, row.progress);
		else this.progress.delete(key);
	}

	private tell(event: LiveEvent): void {
		for (const listener of this.listeners) listener(event);
	}
}

export function progressKey(documentId: string, stage: string): string {
	return `${documentId}/${stage}`;
}

function parse(kind: 'document' | 'queue', data: string): LiveEvent | null {
	try {
		return { kind, data: JSON.parse(data) } as LiveEvent;
	} catch {
		return null;
	}
}

export const events = new Events();
