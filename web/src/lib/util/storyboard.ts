/** The pictures of a seek bar: a WebVTT track whose cues point into a sheet (`sheet.jpg#xywh=x,y,w,h`). */

export interface Tile {
	/** Seconds. */
	start: number;
	/** Address of the sheet. */
	sheet: string;
	x: number;
	y: number;
	width: number;
	height: number;
}

const CUE = /^(?:(\d+):)?(\d+):([\d.]+) --> [^\n]*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/gm;

/** The tiles of a track, in the order of time; `base` is the track's own address. */
export function tiles(track: string, base: string): Tile[] {
	return [...track.matchAll(CUE)].map((cue) => {
		const [hours = 0, minutes = 0, seconds = 0] = cue.slice(1, 4).map((text) => Number(text ?? 0));
		const [x = 0, y = 0, width = 0, height = 0] = cue.slice(5).map(Number);
		const sheet = new URL(cue[4] ?? '', new URL(base, 'http://x')).pathname;
		return { start: hours * 3600 + minutes * 60 + seconds, sheet, x, y, width, height };
	});
}

/** The tile that shows that second. */
export function tileAt(all: Tile[], second: number): Tile | undefined {
	return all.findLast((tile) => tile.start <= second) ?? all[0];
}
