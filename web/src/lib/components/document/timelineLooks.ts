/** How what happened looks. */
import type { TimelineKind } from '$lib/api/types';
import type { IconName } from '../icons';

export const kindLooks: Record<TimelineKind, { tone: string; icon: IconName }> = {
	enqueued: { tone: '', icon: 'plus' },
	started: { tone: '', icon: 'play' },
	completed: { tone: 'good', icon: 'check' },
	failed: { tone: 'bad', icon: 'alert' },
	retried: { tone: 'warn', icon: 'rotate' },
	waiting: { tone: 'warn', icon: 'hourglass' },
	worker_lost: { tone: 'bad', icon: 'alert' },
	handed_back: { tone: '', icon: 'clock' },
	cancelled: { tone: '', icon: 'x' },
	revived: { tone: '', icon: 'rotate' }
};
