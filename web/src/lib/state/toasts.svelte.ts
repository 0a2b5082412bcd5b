/** Short messages at the edge of the page, some with one thing to do about them. */

const SECONDS_SHOWN = 8;

export interface Toast {
	id: number;
	text: string;
	tone: 'info' | 'error';
	action?: { label: string; run: () => void | Promise<void> };
}

class Toasts {
	items = $state<Toast[]>([]);
	private next = 1;

	show(toast: Omit<Toast, 'id' | 'tone'> & { tone?: Toast['tone'] }): void {
		const id = this.next++;
		this.items.push({ tone: 'info', ...toast, id });
		setTimeout(() => this.close(id), SECONDS_SHOWN * 1000);
	}

	close(id: number): void {
		this.items = this.items.filter((toast) => toast.id !== id);
	}
}

export const toasts = new Toasts();
