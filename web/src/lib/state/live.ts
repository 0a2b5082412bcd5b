/** Loads a page's data again when an event concerns it. */
import { invalidate } from '$app/navigation';
import { throttled } from '$lib/util/throttle';
import { events, type LiveEvent } from './events.svelte';

const AT_MOST_EVERY_MS = 1000;

/** What `+page.ts` files depend on. */
export const dependencies = {
	documents: 'seogo:documents',
	document: (id: string) => `seogo:document:${id}` as const,
	queue: 'seogo:queue'
} as const;

/** To be used in an `$effect`: ends with it. */
export function reloadOn(dependency: string, concerns: (event: LiveEvent) => boolean): () => void {
	const reload = throttled(AT_MOST_EVERY_MS, () => void invalidate(dependency));
	return events.listen((event) => {
		if (event.kind === 'reconnected' || concerns(event)) reload();
	});
}

/** Changes of one document, but not each step of progress: that is in `events.progress`. */
export function ofDocument(id: string): (event: LiveEvent) => boolean {
	return (event) => {
		if (event.kind === 'document') return event.data.id === id;
		if (event.kind !== 'queue' || event.data.document_id !== id) return false;
		return event.data.status !== 'processing' || event.data.progress === null;
	};
}
