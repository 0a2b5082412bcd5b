import { Client } from '$lib/api/client';
import { queryOf, shownBy } from '$lib/components/queue/view';
import { loadQueue } from '$lib/state/queueView.svelte';
import { dependencies } from '$lib/state/live';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, depends }) => {
	depends(dependencies.queue);
	const shown = shownBy(url);
	return { shown, queue: await loadQueue(new Client(fetch), queryOf(shown)) };
};
