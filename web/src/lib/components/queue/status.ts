/** How the state of a queue row looks, and what it says. */
import { PRIORITIES, type Priority, type StageRow, type Status } from '$lib/api/types';
import { t, tOr } from '$lib/i18n/index.svelte';
import type { IconName } from '../icons';

export type ShownStatus = Status | 'waiting';

/** `waiting` is what a pending row is that lacks something. */
export function shownStatus(row: Pick<StageRow, 'status' | 'waiting_for'>): ShownStatus {
	return row.status === 'pending' && row.waiting_for !== null ? 'waiting' : row.status;
}

export const statusLooks: Record<ShownStatus, { tone: string; icon: IconName }> = {
	pending: { tone: '', icon: 'clock' },
	waiting: { tone: 'warn', icon: 'clock' },
	processing: { tone: 'good', icon: 'activity' },
	completed: { tone: 'good', icon: 'check' },
	failed: { tone: 'bad', icon: 'alert' },
	cancelled: { tone: '', icon: 'x' }
};

const PROGRAM = 'program:';

/** Why a row waits: in the reader's language where the app knows the cause, else in the server's words. */
export function waitingReason(row: Pick<StageRow, 'waiting_for' | 'error_message'>): string {
	const cause = row.waiting_for ?? '';
	if (cause.startsWith(PROGRAM)) return t('waiting.program', { name: cause.slice(PROGRAM.length) });
	return tOr(`waiting.${cause}`, row.error_message ?? cause);
}

/** When the row came to stand as it does. */
export function since(row: Pick<StageRow, 'status' | 'created_at' | 'started_at' | 'completed_at'>): string {
	if (row.status === 'pending') return row.created_at;
	return (row.status === 'processing' ? row.started_at : row.completed_at) ?? row.created_at;
}

/** The next priority up or down; null at the end. */
export function neighbour(priority: Priority, way: 'sooner' | 'later'): Priority | null {
	const step = way === 'sooner' ? -1 : 1;
	return PRIORITIES[PRIORITIES.indexOf(priority) + step] ?? null;
}
