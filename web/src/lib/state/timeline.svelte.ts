/** What happened to one document's queue rows; asked for once somebody looks, and again as it goes on. */
import { api, type Client } from '$lib/api/client';
import type { TimelineItem } from '$lib/api/types';
import { messageOf } from '$lib/util/errors';
import { paced } from '$lib/util/paced';

const AT_MOST_EVERY_MS = 1000;

export class Timeline {
	/** Oldest first; null before the first answer. */
	items = $state.raw<TimelineItem[] | null>(null);
	/** Why there is nothing to show. */
	problem = $state<string | null>(null);
	refresh = paced(AT_MOST_EVERY_MS, () => this.load());

	constructor(
		private readonly documentId: string,
		private readonly source: Pick<Client, 'timeline'> = api
	) {}

	/** What is known already stays where the server does not answer. */
	private async load(): Promise<void> {
		try {
			this.items = await this.source.timeline(this.documentId);
			this.problem = null;
		} catch (error) {
			this.problem = messageOf(error);
		}
	}
}
