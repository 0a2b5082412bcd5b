import { Client } from '$lib/api/client';
import type { Status } from '$lib/api/types';
import { dependencies } from '$lib/state/live';
import type { PageLoad } from './$types';

const ROWS = ['processing', 'failed', 'waiting', 'pending', 'completed'] as const;
type Rows = (typeof ROWS)[number];

const LIMIT = 100;

/** `waiting` rows are pending ones that lack something. */
const statusOf = (rows: Rows): Status => (rows === 'waiting' ? 'pending' : rows);

export const load: PageLoad = async ({ fetch, url, depends }) => {
	depends(dependencies.queue);
	const client = new Client(fetch);
	const rows = ROWS.find((one) => one === url.searchParams.get('rows')) ?? 'processing';
	const [stats, page] = await Promise.all([
		client.queueStats(),
		client.queue({ status: statusOf(rows), limit: LIMIT })
	]);
	const items = page.items.filter((item) => rows !== 'waiting' || item.waiting_for !== null);
	return { rows, stats, items };
};
