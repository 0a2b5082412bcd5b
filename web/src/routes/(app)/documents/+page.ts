import { Client } from '$lib/api/client';
import type { DocumentQuery } from '$lib/api/types';
import { dependencies } from '$lib/state/live';
import { firstPages } from '$lib/state/listing.svelte';
import type { LoadEvent } from '@sveltejs/kit';

/** `kind` is a category, or `failed` for documents of both with an error. */
export const load = async ({ fetch, url, depends }: Pick<LoadEvent, 'fetch' | 'url' | 'depends'>) => {
	depends(dependencies.documents);
	const queries = queriesFor(url.searchParams);
	return { first: await firstPages(new Client(fetch).documents, queries), tag: url.searchParams.get('tag') };
};

function queriesFor(parameters: URLSearchParams): DocumentQuery[] {
	const kind = parameters.get('kind');
	const sort = parameters.get('sort');
	const tag = parameters.get('tag');
	const query: DocumentQuery = {
		...(sort === 'title' || sort === 'date' ? { sort } : {}),
		...(tag ? { tag } : {}),
		...(kind === 'failed' ? { state: 'failed' as const } : {})
	};
	const both = ['document', 'image'] as const;
	const one = both.filter((category) => category === kind);
	return (one.length > 0 ? one : both).map((category) => ({ ...query, category }));
}
