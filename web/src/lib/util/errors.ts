/** What people read when something was refused. */
import { ApiError } from '$lib/api/error';
import { t, tOr } from '$lib/i18n/index.svelte';

/** In the reader's language where the app knows the code; else the server's own words. */
export function messageOf(error: unknown): string {
	if (error instanceof ApiError) return tOr(`error.${error.code}`, error.message);
	return error instanceof Error && error.message !== '' ? error.message : t('error.title');
}
