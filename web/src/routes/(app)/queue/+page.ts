import { Client } from '$lib/api/client';
import { dependencies } from '$lib/state/live';
import type { PageLoad } from './$types';

const ROWS = ['processing', 'failed', 'waiting', 'pending', 'completed'] as const;

const LIMIT = 100;

export const load: PageLoad = async ({ fetch, url, depends }) => {
	depends(dependencies.queue);
	const client = new Client(fetch);
	const rows = ROWS.find((one) => one === url.searchParams.get('rows')) ?? 'processing';
	const [stats, page] = await Promise.all([
		client.queueStats(),
		client.queue({ status: rows, limit: LIMIT })
	]);
	return { rows, stats, items: page.items };
};
