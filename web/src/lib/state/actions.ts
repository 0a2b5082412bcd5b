/** What people do to documents from more than one page, with the message that follows. */
import { goto, invalidate, invalidateAll } from '$app/navigation';
import { api } from '$lib/api/client';
import type { Document } from '$lib/api/types';
import { t, tOr } from '$lib/i18n/index.svelte';
import { messageOf } from '$lib/util/errors';
import { sectionOf } from '$lib/util/links';
import { counts } from './counts.svelte';
import { dependencies } from './live';
import { toasts } from './toasts.svelte';

/** Does it, and shows what the server said where it refused. */
export async function attempt(work: () => Promise<void>): Promise<void> {
	try {
		await work();
	} catch (error) {
		toasts.show({ text: messageOf(error), tone: 'error' });
	}
}

export function moveToTrash(document: Document): Promise<void> {
	return attempt(async () => {
		await api.trash(document.id);
		toasts.show({
			text: t('document.to_trash', { title: document.title }),
			action: { label: t('app.undo'), run: () => restore(document) }
		});
		counts.refreshSoon();
		await goto(sectionOf(document.category));
	});
}

export function restore(document: Document): Promise<void> {
	return attempt(async () => {
		await api.restore(document.id);
		toasts.show({ text: t('document.restored', { title: document.title }) });
		counts.refreshSoon();
		await invalidateAll();
	});
}

export function runStage(documentId: string, stage: string): Promise<void> {
	return attempt(async () => {
		await api.runStage(documentId, stage);
		toasts.show({ text: t('stages.again', { stage: stageLabel(stage) }) });
		await invalidate(dependencies.document(documentId));
	});
}

export function retryRow(documentId: string, row: string): Promise<void> {
	return attempt(async () => {
		await api.retry(row);
		await Promise.all([invalidate(dependencies.document(documentId)), invalidate(dependencies.queue)]);
	});
}

export function stageLabel(stage: string): string {
	return tOr(`stage.${stage}`, stage);
}
