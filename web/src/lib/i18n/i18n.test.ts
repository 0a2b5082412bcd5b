import { describe, expect, it } from 'vitest';
import { en } from './en';
import { fill, i18n, pickLocale, t, tOr } from './index.svelte';
import { ko } from './ko';

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe('dictionaries', () => {
	it('have the same keys', () => {
		expect(Object.keys(ko).sort()).toEqual(Object.keys(en).sort());
	});

	it('have the same placeholders and no empty text', () => {
		for (const [key, text] of Object.entries(en)) {
			const korean = ko[key as keyof typeof en];
			expect(placeholders(korean), key).toEqual(placeholders(text));
			expect(korean.trim(), key).not.toBe('');
		}
	});
});

describe('pickLocale', () => {
	it('takes the first language there is a dictionary for', () => {
		expect(pickLocale(['fr-FR', 'ko-KR', 'en'])).toBe('ko');
		expect(pickLocale(['de'])).toBe('en');
	});
});

describe('t', () => {
	it('follows the chosen language and fills in values', () => {
		i18n.locale = 'ko';
		expect(t('search.page', { page: 3 })).toBe('3쪽');
		i18n.locale = 'en';
		expect(t('search.page', { page: 3 })).toBe('Page 3');
	});

	it('leaves a placeholder without a value readable', () => {
		expect(fill('{a} and {b}', { a: 1 })).toBe('1 and {b}');
	});

	it('falls back for names it does not know, inherited ones included', () => {
		expect(tOr('stage.telepathy', 'telepathy')).toBe('telepathy');
		expect(tOr('toString', 'x')).toBe('x');
	});
});
