/** What several `+page.ts` files load alike. */
import { redirect, type LoadEvent } from '@sveltejs/kit';
import { firstPages } from '$lib/state/listing.svelte';
import { dependencies } from '$lib/state/live';
import { documentHref } from '$lib/util/links';
import { Client } from './client';
import type { Category, DocumentDetail } from './types';

type Event = Pick<LoadEvent, 'fetch' | 'url' | 'depends'>;

/** The first page of one category. */
export async function loadCategory({ fetch, depends }: Event, category: Category) {
	depends(dependencies.documents);
	return { first: await firstPages(new Client(fetch).documents, [{ category }]) };
}

/** A document of one of the categories; one of another is shown on its own page. */
export async function loadDocument(
	{ fetch, url, depends }: Event,
	id: string,
	categories: readonly Category[]
): Promise<DocumentDetail> {
	depends(dependencies.document(id));
	const document = await new Client(fetch).document(id);
	if (!categories.includes(document.category)) redirect(307, documentHref(document) + url.search);
	return document;
}
