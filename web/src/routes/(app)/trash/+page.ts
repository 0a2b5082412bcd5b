import { Client } from '$lib/api/client';
import { dependencies } from '$lib/state/live';
import { firstPages } from '$lib/state/listing.svelte';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, depends }) => {
	depends(dependencies.documents);
	return { first: await firstPages(new Client(fetch).documents, [{ trashed: true }]) };
};
