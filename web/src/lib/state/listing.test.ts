import { expect, it, vi } from 'vitest';
import type { Document, DocumentQuery } from '$lib/api/types';
import { Listing } from './listing.svelte';

const document = (id: string, created_at: string) => ({ id, created_at }) as Document;
const ids = (listing: Listing) => listing.items.map((item) => item.id);
const queries: DocumentQuery[] = [{ category: 'document' }, { category: 'image' }];

it('merges categories by time, and only as far as nothing can be missing in between', async () => {
	const more = vi.fn(async () => ({ items: [document('d2', '2025-02')], next_cursor: null }));
	const listing = new Listing(more);
	listing.show({
		queries,
		pages: [
			{ items: [document('d1', '2025-05')], next_cursor: 'c' },
			{ items: [document('i1', '2025-06'), document('i2', '2025-01')], next_cursor: null }
		]
	});
	expect(ids(listing)).toEqual(['i1', 'd1']);
	expect(listing.hasMore).toBe(true);
	await listing.more();
	expect(more).toHaveBeenCalledExactlyOnceWith({ category: 'document', cursor: 'c' });
	expect(ids(listing)).toEqual(['i1', 'd1', 'd2', 'i2']);
	expect(listing.hasMore).toBe(false);
});

it('keeps later pages when the first comes again, and drops what has gone', async () => {
	const one = [{ category: 'note' as const }];
	const listing = new Listing(async () => ({ items: [document('c', '1')], next_cursor: null }));
	listing.show({
		queries: one,
		pages: [{ items: [document('a', '3'), document('b', '2')], next_cursor: 'x' }]
	});
	await listing.more();
	const fresh = [document('new', '4'), document('b', '2')];
	listing.show({ queries: one, pages: [{ items: fresh, next_cursor: 'y' }] });
	expect(ids(listing)).toEqual(['new', 'b', 'c']);
	listing.show({ queries: one, pages: [{ items: [], next_cursor: null }] });
	expect(ids(listing)).toEqual([]);
});

it('starts anew for other queries', () => {
	const listing = new Listing();
	listing.show({ queries: [{ tag: 'a' }], pages: [{ items: [document('a', '1')], next_cursor: null }] });
	listing.show({ queries: [{ tag: 'b' }], pages: [{ items: [document('b', '1')], next_cursor: null }] });
	expect(ids(listing)).toEqual(['b']);
});
