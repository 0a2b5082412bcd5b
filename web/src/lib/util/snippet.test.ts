import { describe, expect, it } from 'vitest';
import { sanitizeSnippet } from './snippet';

describe('sanitizeSnippet', () => {
	it('keeps marks and what the server has escaped', () => {
		expect(sanitizeSnippet('a &lt;b&gt; <mark>서고</mark> &amp; c')).toBe(
			'a &lt;b&gt; <mark>서고</mark> &amp; c'
		);
	});

	it.each([
		['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
		['<img src=x onerror=alert(1)>', '&lt;img src=x onerror=alert(1)&gt;'],
		['<mark onclick="x()">a</mark>', '&lt;mark onclick=&quot;x()&quot;&gt;a'],
		['<MARK>a</MARK>', '&lt;MARK&gt;a&lt;/MARK&gt;'],
		['<mark<mark>>a', '&lt;mark<mark>&gt;a</mark>'],
		['a & b &nope; &#60;', 'a &amp; b &amp;nope; &#60;']
	])('escapes %s', (input, output) => {
		expect(sanitizeSnippet(input)).toBe(output);
	});

	it('balances marks', () => {
		expect(sanitizeSnippet('a</mark><mark>b<mark>c')).toBe('a<mark>bc</mark>');
	});
});
