/** Light, dark, or as the system says; `static/theme.js` applies the choice before the first paint. */

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORAGE_KEY = 'seogo-theme';

class ThemeChoice {
	theme = $state<Theme>(stored());

	choose(theme: Theme): void {
		this.theme = theme;
		if (theme === 'system') {
			localStorage.removeItem(STORAGE_KEY);
			delete document.documentElement.dataset['theme'];
		} else {
			localStorage.setItem(STORAGE_KEY, theme);
			document.documentElement.dataset['theme'] = theme;
		}
	}

	/** Switches from what is seen now to the other. */
	toggle(): void {
		const dark = this.theme === 'dark' || (this.theme === 'system' && systemIsDark());
		this.choose(dark ? 'light' : 'dark');
	}
}

function systemIsDark(): boolean {
	return matchMedia('(prefers-color-scheme: dark)').matches;
}

function stored(): Theme {
	const theme = globalThis.localStorage?.getItem?.(STORAGE_KEY);
	return theme === 'light' || theme === 'dark' ? theme : 'system';
}

export const theme = new ThemeChoice();
