import { Client } from '$lib/api/client';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url }) => {
	const { needed } = await new Client(fetch).setup();
	return { needed, token: url.searchParams.get('token') ?? '' };
};
