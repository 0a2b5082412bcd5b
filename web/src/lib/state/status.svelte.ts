/** What the server lacks: the speech model, programs. */
import { api } from '$lib/api/client';
import type { ServerStatus } from '$lib/api/types';

class Status {
	server = $state<ServerStatus | null>(null);

	async refresh(): Promise<void> {
		try {
			this.server = await api.status();
		} catch {
			// Banners are a help, not a need.
		}
	}
}

export const status = new Status();
