import { describe, expect, it } from 'vitest';
import {
	formatDate,
	formatLanguage,
	formatRate,
	formatRunTime,
	formatSize,
	formatSpan,
	formatTime,
	formatWhen,
	percent
} from './format';

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

describe('formatRunTime', () => {
	it.each([
		[0.34, '340 ms'],
		[2.44, '2.4 sec'],
		[95, '95 sec'],
		[720, '12 min']
	])('%d seconds', (seconds, text) => expect(formatRunTime(seconds, 'en')).toBe(text));
});

describe('formatWhen', () => {
	const now = Date.parse('2026-03-12T09:00:00Z');

	it.each([
		['2026-03-12T09:02:00Z', 'en', 'in 2 minutes'],
		['2026-03-12T08:59:57Z', 'en', '3 seconds ago'],
		['2026-03-12T09:00:00Z', 'en', 'now'],
		['2026-03-12T06:00:00Z', 'ko', '3시간 전'],
		['someday', 'en', 'someday']
	])('%s in %s', (time, locale, text) => expect(formatWhen(time, now, locale)).toBe(text));
});

describe('formatRate', () => {
	it('has digits where there are few', () => {
		expect(formatRate(0.25, 'en')).toBe('0.3');
		expect(formatRate(1234.5, 'en')).toBe('1,235');
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
