/** Who is signed in. */
import { api } from '$lib/api/client';

class Session {
	username = $state<string | null>(null);

	async end(): Promise<void> {
		await api.logout();
		this.username = null;
	}
}

export const session = new Session();
