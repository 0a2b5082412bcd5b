import { describe, expect, it } from 'vitest';
import { formatDate, formatLanguage, formatSize, formatSpan, formatTime, percent } from './format';

describe('formatSize', () => {
	it.each([
		[0, '0 B'],
		[999, '999 B'],
		[1_400_000, '1.4 MB'],
		[3e15, '3,000 TB']
	])('%d bytes', (bytes, text) => expect(formatSize(bytes, 'en')).toBe(text));
});

describe('formatTime', () => {
	it.each([
		[0, '0:00'],
		[187.9, '3:07'],
		[3723, '1:02:03'],
		[Number.NaN, '0:00'],
		[Infinity, '0:00']
	])('%d seconds', (seconds, text) => expect(formatTime(seconds)).toBe(text));
});

describe('formatDate', () => {
	it('keeps the day of a plain date in every time zone', () => {
		expect(formatDate('2025-03-12', 'en-US')).toBe('Mar 12, 2025');
	});

	it('shows what it cannot read as it is', () => {
		expect(formatDate('someday', 'en')).toBe('someday');
	});
});

describe('others', () => {
	it('speaks in the reader’s language', () => {
		expect(formatLanguage('ko', 'en')).toBe('Korean');
		expect(formatLanguage('not a tag', 'en')).toBe('not a tag');
		expect(formatSpan(300, 'en')).toBe('5 min');
	});

	it('bounds percentages', () => {
		expect(percent(0.456)).toBe(46);
		expect(percent(7)).toBe(100);
	});
});
