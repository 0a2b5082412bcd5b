/** The language of the interface: `t('key', {name: 'value'})` is reactive where a component uses it. */
import { en, type Dictionary, type MessageKey } from './en';
import { ko } from './ko';

export type { MessageKey };
export const LOCALES = ['en', 'ko'] as const;
export type Locale = (typeof LOCALES)[number];

const dictionaries: Record<Locale, Dictionary> = { en, ko };
const STORAGE_KEY = 'seogo-locale';

class I18n {
	locale = $state<Locale>(initialLocale());

	choose(locale: Locale): void {
		this.locale = locale;
		globalThis.localStorage?.setItem(STORAGE_KEY, locale);
	}
}

/** The dictionary for a list of BCP 47 languages, best first; English where none is known. */
export function pickLocale(languages: readonly string[]): Locale {
	const primary = languages.map((language) => language.toLowerCase().split('-')[0]);
	return primary.find(isLocale) ?? 'en';
}

function initialLocale(): Locale {
	const chosen = globalThis.localStorage?.getItem?.(STORAGE_KEY);
	return isLocale(chosen) ? chosen : pickLocale(globalThis.navigator?.languages ?? []);
}

function isLocale(value: unknown): value is Locale {
	return LOCALES.some((locale) => locale === value);
}

export function fill(message: string, values: Record<string, string | number>): string {
	return message.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export const i18n = new I18n();

export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
	return fill(dictionaries[i18n.locale][key], values);
}

/** The message of a key made at run time (a stage, a status), or the fallback where there is none. */
export function tOr(key: string, fallback: string): string {
	return Object.hasOwn(en, key) ? t(key as MessageKey) : fallback;
}
