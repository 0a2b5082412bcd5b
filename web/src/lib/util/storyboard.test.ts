import { describe, expect, it } from 'vitest';
import { tileAt, tiles } from './storyboard';

const track = `WEBVTT

00:00:00.000 --> 00:00:30.000
storyboard.jpg#xywh=0,0,160,90

01:00:30.500 --> 01:01:00.000
storyboard.jpg#xywh=160,90,160,90
`;

describe('the pictures of a seek bar', () => {
	const all = tiles(track, '/api/video/a/storyboard.vtt');

	it('are read with their place', () => {
		expect(all).toEqual([
			{ start: 0, sheet: '/api/video/a/storyboard.jpg', x: 0, y: 0, width: 160, height: 90 },
			{ start: 3630.5, sheet: '/api/video/a/storyboard.jpg', x: 160, y: 90, width: 160, height: 90 }
		]);
	});

	it('are found by their second', () => {
		expect(tileAt(all, 12)?.x).toBe(0);
		expect(tileAt(all, 9999)?.x).toBe(160);
		expect(tileAt(all, -1)?.x).toBe(0);
		expect(tileAt([], 1)).toBeUndefined();
	});

	it('are none where the text is no such track', () => {
		expect(tiles('', '/x')).toEqual([]);
		expect(tiles('WEBVTT\n\n00:01.000 --> 00:02.000\nHello', '/x')).toEqual([]);
	});
});
