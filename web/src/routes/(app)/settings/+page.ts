import { Client } from '$lib/api/client';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, depends }) => {
	depends('seogo:tokens');
	const client = new Client(fetch);
	const [tokens, server] = await Promise.all([client.tokens(), client.status()]);
	return { tokens, server };
};
