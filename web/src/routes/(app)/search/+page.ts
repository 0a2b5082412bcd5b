import { Client } from '$lib/api/client';
import { CATEGORIES, type Category, type SearchAnswer } from '$lib/api/types';
import type { PageLoad } from './$types';

const PAGE_SIZE = 30;
const NOTHING: SearchAnswer = { hits: [], total: 0 };

export const load: PageLoad = async ({ fetch, url }) => {
	const q = (url.searchParams.get('q') ?? '').trim();
	const category = CATEGORIES.find((one) => one === url.searchParams.get('category'));
	const pages = Math.max(1, Math.floor(Number(url.searchParams.get('pages'))) || 1);
	const limit = pages * PAGE_SIZE;
	return { q, category, pages, answer: await answerTo(q, category, limit, fetch) };
};

async function answerTo(
	q: string,
	category: Category | undefined,
	limit: number,
	fetch: typeof globalThis.fetch
) {
	if (q === '') return NOTHING;
	return new Client(fetch).search({ q, limit, ...(category ? { category } : {}) });
}
