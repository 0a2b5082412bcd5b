/** How the state of a queue row looks. */
import type { StageRow, Status } from '$lib/api/types';
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
