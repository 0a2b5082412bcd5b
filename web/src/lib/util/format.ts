/** Numbers and times as people read them. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in decimal units: `1.4 MB`. */
export function formatSize(bytes: number, locale: string): string {
	const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
	const value = bytes / 1000 ** power;
	const digits = power === 0 || value >= 100 ? 0 : 1;
	return `${value.toLocaleString(locale, { maximumFractionDigits: digits })} ${UNITS[power]}`;
}

/** Seconds as on a player: `3:07`, `1:02:03`. */
export function formatTime(seconds: number): string {
	const whole = Number.isFinite(seconds) ? Math.max(0, Math.floor(seconds)) : 0;
	const hours = Math.floor(whole / 3600);
	const minutes = Math.floor((whole % 3600) / 60);
	const rest = String(whole % 60).padStart(2, '0');
	return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** A day such as `12 March 2025`; times of day are added by {@link formatDateTime}. */
export function formatDate(time: string, locale: string): string {
	return format(time, locale, { dateStyle: 'medium' });
}

export function formatDateTime(time: string, locale: string): string {
	return format(time, locale, { dateStyle: 'medium', timeStyle: 'short' });
}

/** A day and a time of day to the second, short. */
export function formatMoment(time: string, locale: string): string {
	return format(time, locale, { dateStyle: 'short', timeStyle: 'medium' });
}

/** A length of time in words: `5 min`, `2 hr`. */
export function formatSpan(seconds: number, locale: string): string {
	const [value, unit] = span(seconds);
	return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
}

/** How long a run took, short ones too: `340 ms`, `2.4 sec`, `95 sec`, `12 min`. */
export function formatRunTime(seconds: number, locale: string): string {
	const [value, unit, digits] = runTime(seconds);
	const options = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits } as const;
	return new Intl.NumberFormat(locale, options).format(value);
}

/** From one moment to another, as people say it: `in 2 minutes`, `3 hours ago`. */
export function formatWhen(time: string, now: number, locale: string): string {
	const seconds = (new Date(time).getTime() - now) / 1000;
	if (Number.isNaN(seconds)) return time;
	const [value, unit] = span(Math.abs(seconds));
	const signed = seconds < 0 ? -value : value;
	return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(signed, unit);
}

/** A number of things, with more digits the smaller it is. */
export function formatRate(rate: number, locale: string): string {
	return rate.toLocaleString(locale, { maximumFractionDigits: rate >= 10 ? 0 : 1 });
}

/** The name of a BCP 47 language in the reader's own: `ko` is `Korean`. */
export function formatLanguage(tag: string, locale: string): string {
	try {
		return new Intl.DisplayNames(locale, { type: 'language' }).of(tag) ?? tag;
	} catch {
		return tag;
	}
}

export function percent(fraction: number): number {
	return Math.round(Math.min(1, Math.max(0, fraction)) * 100);
}

function format(time: string, locale: string, options: Intl.DateTimeFormatOptions): string {
	const date = new Date(time.length === 10 ? `${time}T00:00:00` : time);
	return Number.isNaN(date.getTime()) ? time : date.toLocaleString(locale, options);
}

const QUICK_S = 10;
const PLAIN_SECONDS_S = 120;

function runTime(seconds: number): [number, string, number] {
	if (seconds < 1) return [Math.max(0, Math.round(seconds * 1000)), 'millisecond', 0];
	if (seconds < QUICK_S) return [seconds, 'second', 1];
	if (seconds < PLAIN_SECONDS_S) return [seconds, 'second', 0];
	return [...span(seconds), 0];
}

function span(seconds: number): [number, 'second' | 'minute' | 'hour' | 'day'] {
	if (seconds < 60) return [Math.max(0, Math.round(seconds)), 'second'];
	if (seconds < 3600) return [Math.round(seconds / 60), 'minute'];
	if (seconds < 86_400) return [Math.round(seconds / 3600), 'hour'];
	return [Math.round(seconds / 86_400), 'day'];
}
