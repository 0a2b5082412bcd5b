declare global {
	namespace App {
		interface Error {
			message: string;
			/** `error_code` of the API, where the API refused. */
			code?: string;
		}
	}
}

export {};
