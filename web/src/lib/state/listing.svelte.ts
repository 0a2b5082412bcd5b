/** A growing list of documents of one or several categories, one page after the other. */
import { untrack } from 'svelte';
import { api } from '$lib/api/client';
import type { Document, DocumentQuery, Page } from '$lib/api/types';

type Order = NonNullable<DocumentQuery['sort']>;
type FetchPage = (query: DocumentQuery) => Promise<Page<Document>>;

/** What `+page.ts` loads: the first page of each category asked for. */
export interface FirstPages {
	queries: DocumentQuery[];
	pages: Page<Document>[];
}

export async function firstPages(fetchPage: FetchPage, queries: DocumentQuery[]): Promise<FirstPages> {
	return { queries, pages: await Promise.all(queries.map((query) => fetchPage(query))) };
}

class Source {
	items = $state.raw<Document[]>([]);
	cursor = $state<string | null>(null);

	constructor(readonly query: DocumentQuery) {}

	/** Takes a newer first page; later pages seen already stay. */
	absorb(page: Page<Document>): void {
		const end = this.items.findIndex((item) => item.id === page.items.at(-1)?.id);
		const fresh = new Set(page.items.map((item) => item.id));
		const later = page.next_cursor !== null && end >= 0 ? this.items.slice(end + 1) : [];
		const kept = later.filter((item) => !fresh.has(item.id));
		if (kept.length === 0) this.cursor = page.next_cursor;
		this.items = [...page.items, ...kept];
	}

	async more(fetchPage: FetchPage): Promise<void> {
		if (this.cursor === null) return;
		const page = await fetchPage({ ...this.query, cursor: this.cursor });
		this.items = [...this.items, ...page.items];
		this.cursor = page.next_cursor;
	}
}

export class Listing {
	loading = $state(false);
	private sources = $state.raw<Source[]>([]);
	private merged = $derived(merge(this.sources));

	constructor(private readonly fetchPage: FetchPage = api.documents) {}

	get items(): Document[] {
		return this.merged.items;
	}

	get hasMore(): boolean {
		return this.sources.some((source) => source.cursor !== null);
	}

	/** Shows what was loaded; the same queries again only refresh the beginning. Effects may call it. */
	show(first: FirstPages): void {
		untrack(() => this.take(first));
	}

	private take(first: FirstPages): void {
		const queries = JSON.stringify(first.queries);
		if (queries !== JSON.stringify(this.sources.map((source) => source.query))) {
			this.sources = first.queries.map((query) => new Source(query));
		}
		first.pages.forEach((page, index) => this.sources[index]?.absorb(page));
	}

	async more(): Promise<void> {
		if (this.loading) return;
		this.loading = true;
		try {
			await Promise.all(this.merged.exhausted.map((source) => source.more(this.fetchPage)));
		} finally {
			this.loading = false;
		}
	}
}

/**
 * The sources' items in one order. It ends where a source that has more on the server runs out (`exhausted`), since
 * the next item may be one that is not here yet.
 */
function merge(sources: Source[]): { items: Document[]; exhausted: Source[] } {
	const order = before(sources[0]?.query.sort ?? 'added');
	const next = sources.map(() => 0);
	const items: Document[] = [];
	for (;;) {
		const heads = sources.map((source, index) => source.items[next[index] ?? 0]);
		const exhausted = sources.filter((source, index) => !heads[index] && source.cursor !== null);
		const best = exhausted.length > 0 ? -1 : first(heads, order);
		const item = heads[best];
		if (item === undefined) return { items, exhausted };
		items.push(item);
		next[best] = (next[best] ?? 0) + 1;
	}
}

function first(heads: (Document | undefined)[], order: (a: Document, b: Document) => boolean): number {
	let best = -1;
	heads.forEach((head, index) => {
		const leader = heads[best];
		if (head && (!leader || order(head, leader))) best = index;
	});
	return best;
}

function before(sort: Order): (a: Document, b: Document) => boolean {
	if (sort === 'title') return (a, b) => a.title < b.title;
	if (sort === 'date') return (a, b) => (a.document_date ?? '') > (b.document_date ?? '');
	return (a, b) => a.created_at > b.created_at;
}
