import { redirect } from '@sveltejs/kit';
import { Client, withQuery } from '$lib/api/client';
import { ApiError } from '$lib/api/error';
import { untrack } from 'svelte';
import type { LayoutLoad } from './$types';

/** Everything below needs a session; who has none signs in and comes back. */
export const load: LayoutLoad = async ({ fetch, url }) => {
	const next = untrack(() => url.pathname + url.search);
	try {
		return { user: await new Client(fetch).session() };
	} catch (error) {
		if (error instanceof ApiError && error.status === 401) {
			redirect(307, withQuery('/login', { next: next === '/' ? undefined : next }));
		}
		throw error;
	}
};
