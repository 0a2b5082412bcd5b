/** The figures of a stage, in the order shown. */
import type { StageCounts } from '$lib/api/types';
import { formatRate, formatRunTime, formatSpan } from '$lib/util/format';
import { TABS, type Tab } from './view';

export const columns = [
	'processing',
	'pending',
	'waiting',
	'failed',
	'completed',
	'per_minute',
	'mean',
	'left'
] as const;
export type Column = (typeof columns)[number];

export interface Cell {
	text: string;
	/** Nothing to see here: shown faintly, and left out where room is short. */
	blank: boolean;
	/** The rows it counts; null where it counts none. */
	rows: Tab | null;
}

const NOTHING = '–';

export function cellOf(stage: StageCounts, column: Column, locale: string): Cell {
	const rows = TABS.find((tab) => tab === column) ?? null;
	if (rows !== null) return { text: counted(stage, rows, locale), blank: stage[rows] === 0, rows };
	const text = measured(stage, column, locale);
	return { text: text ?? NOTHING, blank: text === null, rows: null };
}

/** Of what runs, also how many could. */
function counted(stage: StageCounts, rows: Tab, locale: string): string {
	const count = stage[rows].toLocaleString(locale);
	return rows === 'processing' && stage.processing > 0 ? `${count}/${stage.concurrency}` : count;
}

function measured(stage: StageCounts, column: Column, locale: string): string | null {
	const { completed_per_minute: rate, mean_s: mean, eta_s: left } = stage;
	if (column === 'per_minute') return rate > 0 ? formatRate(rate, locale) : null;
	if (column === 'mean') return mean == null ? null : formatRunTime(mean, locale);
	return left == null || stage.paused ? null : formatSpan(left, locale);
}
