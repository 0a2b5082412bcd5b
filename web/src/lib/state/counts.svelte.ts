/** How many documents of each category there are, as the sidebar shows them. */
import { api } from '$lib/api/client';
import type { CategoryCounts } from '$lib/api/types';
import { throttled } from '$lib/util/throttle';

class Counts {
	of = $state<CategoryCounts | null>(null);
	/** For bursts of events: at most one call in half a second. */
	refreshSoon = throttled(500, () => void this.refresh());

	async refresh(): Promise<void> {
		try {
			this.of = await api.counts();
		} catch {
			// The old figures stay; the banner of the lost connection says why.
		}
	}
}

export const counts = new Counts();
