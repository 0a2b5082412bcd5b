import { describe, expect, it } from 'vitest';
import { hitHref, numberParameter, safeNext } from './links';

const hit = { document_id: 'x', title: '', snippet: '', score: 1 };

describe('hitHref', () => {
	it('goes to the page, the second, or the document', () => {
		expect(hitHref({ ...hit, category: 'document', page: 3 })).toBe('/documents/x?page=3');
		expect(hitHref({ ...hit, category: 'audio', start_s: 12.7 })).toBe('/audio/x?t=12');
		expect(hitHref({ ...hit, category: 'audio', start_s: 0 })).toBe('/audio/x?t=0');
		expect(hitHref({ ...hit, category: 'note', page: null, start_s: null })).toBe('/notes/x');
	});
});

describe('numberParameter', () => {
	it('takes only numbers from zero up', () => {
		const url = new URL('http://x/?t=1.5&page=&bad=-1&word=a');
		expect(numberParameter(url, 't')).toBe(1.5);
		for (const name of ['page', 'bad', 'word', 'none']) expect(numberParameter(url, name)).toBeNull();
	});
});

describe('safeNext', () => {
	it.each(['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', null])(
		'refuses %s',
		(next) => expect(safeNext(next)).toBe('/')
	);

	it('keeps paths of the app', () => expect(safeNext('/audio/1?t=2')).toBe('/audio/1?t=2'));
});
