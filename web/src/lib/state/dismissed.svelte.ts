/** Banners that a person has hidden; they come back with the next visit, since what they tell of is still so. */
import { SvelteSet } from 'svelte/reactivity';

const STORAGE_KEY = 'seogo-dismissed';

class Dismissed {
	private readonly names = new SvelteSet<string>(stored());

	has(name: string): boolean {
		return this.names.has(name);
	}

	add(name: string): void {
		this.names.add(name);
		sessionStorage.setItem(STORAGE_KEY, [...this.names].join('\n'));
	}
}

function stored(): string[] {
	const kept = globalThis.sessionStorage?.getItem(STORAGE_KEY) ?? '';
	return kept.split('\n').filter((name) => name !== '');
}

export const dismissed = new Dismissed();
