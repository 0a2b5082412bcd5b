import { describe, expect, it } from 'vitest';
import { splitPages } from './pages';

describe('splitPages', () => {
	it('splits at form feeds and keeps blank pages in the middle, so that numbers stay right', () => {
		expect(splitPages('one\n\f\f  three\f')).toEqual(['one', '', '  three']);
	});

	it('gives one page for text without form feeds', () => {
		expect(splitPages('\nhello\n')).toEqual(['hello']);
		expect(splitPages('')).toEqual(['']);
	});
});
