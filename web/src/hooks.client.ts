import type { HandleClientError } from '@sveltejs/kit';
import { ApiError } from '$lib/api/error';
import { messageOf } from '$lib/util/errors';

/** The error page shows what the API said instead of “Internal Error”. */
export const handleError: HandleClientError = ({ error, message }) => {
	if (error instanceof ApiError) return { message: messageOf(error), code: error.code };
	console.error(error);
	return { message };
};
