/** Where in the app things are. */
import type { Category, SearchHit } from '$lib/api/types';

const SECTIONS: Record<Category, string> = {
	document: '/documents',
	image: '/documents',
	note: '/notes',
	audio: '/audio',
	video: '/video'
};

export function sectionOf(category: Category): string {
	return SECTIONS[category];
}

export function documentHref(document: { id: string; category: Category }): string {
	return `${SECTIONS[document.category]}/${encodeURIComponent(document.id)}`;
}

/** The very page or second that was found. */
export function hitHref(hit: SearchHit): string {
	const href = documentHref({ id: hit.document_id, category: hit.category });
	if (hit.start_s != null) return `${href}?t=${Math.floor(hit.start_s)}`;
	return hit.page != null && hit.page > 0 ? `${href}?page=${hit.page}` : href;
}

/** A non-negative number out of an address's parameter; null where there is none. */
export function numberParameter(url: URL, name: string): number | null {
	const text = url.searchParams.get(name);
	const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
	return Number.isFinite(value) && value >= 0 ? value : null;
}

/** Where to go after sign-in: a path of this app, whatever the address bar says. */
export function safeNext(next: string | null): string {
	return next !== null && /^\/(?![/\\])/.test(next) ? next : '/';
}
