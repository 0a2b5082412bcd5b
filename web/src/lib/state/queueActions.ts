/** What people do to the queue, with the message that follows and the way back. */
import { goto } from '$app/navigation';
import { api } from '$lib/api/client';
import type { Priority, QueueItem, QueueSelection, Rerun } from '$lib/api/types';
import { rowsAddress, type Cancellable, type Shown } from '$lib/components/queue/view';
import { i18n, t } from '$lib/i18n/index.svelte';
import { attempt, stageLabel } from './actions';
import { toasts } from './toasts.svelte';

/** Called after each, so that the page shows what came of it: whatever was refused may have changed as well. */
type Done = () => void;

async function act(work: () => Promise<void>, done: Done): Promise<void> {
	await attempt(work);
	done();
}

export function cancelRow(item: QueueItem, done: Done): Promise<void> {
	const values = { stage: stageLabel(item.stage), title: item.document_title };
	return act(async () => {
		await api.cancel(item.id);
		const action = { label: t('queue.retry'), run: () => retryAgain(item.id, done) };
		toasts.show({ text: t('queue.cancelled_one', values), action });
	}, done);
}

export function retryAgain(row: string, done: Done): Promise<void> {
	return act(() => api.retry(row), done);
}

export function runAgain(item: QueueItem, done: Done): Promise<void> {
	return act(async () => {
		await api.runStage(item.document_id, item.stage);
		toasts.show({ text: t('stages.again', { stage: stageLabel(item.stage) }) });
	}, done);
}

export function setPriority(item: QueueItem, priority: Priority, done: Done): Promise<void> {
	return act(() => api.setPriority(item.id, priority), done);
}

export function steer(stage: string, action: 'pause' | 'resume', done: Done): Promise<void> {
	return act(() => api[action](stage), done);
}

export function retryMatching(selection: QueueSelection, done: Done): Promise<void> {
	return act(async () => {
		const count = await api.retryMatching(selection);
		announce('queue.retried', count, { rows: 'pending', stage: selection.stage ?? null });
	}, done);
}

export function cancelAll({ selection }: Cancellable, done: Done): Promise<void> {
	return act(async () => {
		const count = await api.cancelMatching(selection);
		announce('queue.cancelled_all', count, { rows: 'cancelled', stage: selection.stage ?? null });
	}, done);
}

export function rerun(what: Rerun, done: Done): Promise<void> {
	return act(async () => {
		const count = await api.rerun(what);
		announce('queue.rerun_done', count, { rows: 'pending', stage: what.stage });
	}, done);
}

/** How many it was, and the way to them. */
function announce(
	key: 'queue.retried' | 'queue.cancelled_all' | 'queue.rerun_done',
	count: number,
	where: Pick<Shown, 'rows' | 'stage'>
): void {
	if (count === 0) return toasts.show({ text: t('queue.none_matched') });
	const text = t(key, { count: count.toLocaleString(i18n.locale) });
	toasts.show({ text, action: { label: t('queue.show'), run: () => goto(rowsAddress(where)) } });
}
