/** What of the queue is shown, as the page's address has it, and what the figures add up to. */
import type { QueueQuery, QueueSelection, QueueStats, StageCounts, WaitingFor } from '$lib/api/types';
import { withQuery } from '$lib/api/client';

export const TABS = ['processing', 'pending', 'waiting', 'failed', 'completed', 'cancelled'] as const;
export type Tab = (typeof TABS)[number];

/** Rows on one page. */
export const PAGE_ROWS = 50;

export interface Shown {
	rows: Tab;
	/** Null for every stage. */
	stage: string | null;
	/** Where the page begins; null at the start. */
	after: string | null;
}

export function shownBy(url: URL): Shown {
	const word = (name: string) => url.searchParams.get(name) || null;
	const rows = TABS.find((tab) => tab === word('rows')) ?? 'processing';
	return { rows, stage: word('stage'), after: word('after') };
}

export function addressOf({ rows, stage, after = null }: Omit<Shown, 'after'> & Partial<Shown>): string {
	return withQuery('/queue', { rows, stage: stage ?? undefined, after: after ?? undefined });
}

/** Where the list of rows begins, from elsewhere on the page. */
export const ROWS_ANCHOR = 'rows';

/** The same, with the list in view. */
export function rowsAddress(shown: Omit<Shown, 'after'> & Partial<Shown>): string {
	return `${addressOf(shown)}#${ROWS_ANCHOR}`;
}

export function queryOf({ rows, stage, after }: Shown): QueueQuery {
	return { status: rows, stage: stage ?? undefined, cursor: after ?? undefined, limit: PAGE_ROWS };
}

/** How many rows the tab lists; the pending ones are listed with those that wait for something absent. */
export function rowsOf(stats: QueueStats, { rows, stage }: Pick<Shown, 'rows' | 'stage'>): number {
	const of = (one: StageCounts) => (rows === 'pending' ? one.pending + one.waiting : one[rows]);
	const wanted = stats.stages.filter((one) => stage === null || one.stage === stage);
	return wanted.reduce((sum, one) => sum + of(one), 0);
}

/** What “cancel all” takes; null where nothing shown could be cancelled. */
export interface Cancellable {
	selection: QueueSelection;
	count: number;
}

/** Whatever has not begun is one kind to the server, so what is due goes with what waits. */
export function cancellable(stats: QueueStats, { rows, stage }: Shown): Cancellable | null {
	if (rows !== 'processing' && rows !== 'pending' && rows !== 'waiting') return null;
	const status = rows === 'processing' ? rows : 'pending';
	const count = rowsOf(stats, { rows: status, stage });
	return count === 0 ? null : { selection: withStage(stage, { status }), count };
}

export function withStage(stage: string | null, selection: QueueSelection): QueueSelection {
	return stage === null ? selection : { ...selection, stage };
}

/** One absent thing, with all that wait for it. */
export interface Absence extends WaitingFor {
	stages: { stage: string; count: number }[];
}

/** What is missing, the thing most rows wait for first. */
export function absences(stages: StageCounts[]): Absence[] {
	const found = new Map<string, Absence>();
	for (const { stage, waiting_for } of stages) {
		for (const reason of waiting_for ?? []) {
			const known = found.get(reason.waiting_for) ?? { ...reason, count: 0, stages: [] };
			known.count += reason.count;
			known.stages.push({ stage, count: reason.count });
			known.next_look_at = earlier(known.next_look_at, reason.next_look_at);
			found.set(reason.waiting_for, known);
		}
	}
	return [...found.values()].sort((a, b) => b.count - a.count);
}

function earlier(a: string | null, b: string | null): string | null {
	if (a === null || b === null) return a ?? b;
	return a < b ? a : b;
}

export function perMinute(stats: QueueStats): number {
	return stats.stages.reduce((sum, stage) => sum + stage.completed_per_minute, 0);
}
