import { Client } from '$lib/api/client';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch }) => {
	return { setupNeeded: (await new Client(fetch).setup()).needed };
};
