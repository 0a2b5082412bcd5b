/** The API refused, or could not be reached (`code` is then `unreachable`). */
export class ApiError extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
		/** The document that is there already, where the code is `duplicate`. */
		readonly existingId: string | null = null
	) {
		super(message);
		this.name = 'ApiError';
	}
}

export const unreachable = () => new ApiError(0, 'unreachable', 'The server cannot be reached.');

/** The error that the body of a refusal speaks of; bodies that are not the API's still give a usable one. */
export function errorFromBody(status: number, body: string): ApiError {
	const fields = parseObject(body);
	const code = text(fields['error_code']) ?? `http_${status}`;
	const message = text(fields['message']) ?? `The server answered ${status}.`;
	return new ApiError(status, code, message, text(fields['existing_id']));
}

function parseObject(body: string): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(body);
		return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
	} catch {
		return {};
	}
}

function text(value: unknown): string | null {
	return typeof value === 'string' && value !== '' ? value : null;
}
