import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { QueueItem } from '$lib/api/types';
import { i18n } from '$lib/i18n/index.svelte';
import * as actions from './queueActions';
import { toasts } from './toasts.svelte';

vi.mock('$app/navigation', () => ({ goto: vi.fn(), invalidate: vi.fn(), invalidateAll: vi.fn() }));
import { goto } from '$app/navigation';

const calls: [string, string, unknown][] = [];
let answer = () => new Response('{"count":1234}', { status: 200 });

beforeEach(() => {
	vi.useFakeTimers();
	i18n.locale = 'en';
	calls.length = 0;
	toasts.items = [];
	answer = () => new Response('{"count":1234}', { status: 200 });
	vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
		calls.push([
			init.method ?? '',
			path,
			init.body === undefined ? undefined : JSON.parse(String(init.body))
		]);
		return answer();
	});
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

const item = { id: 'r/1', document_id: 'd', document_title: 'Lease', stage: 'stt', priority: 0 } as QueueItem;

it('cancels one row, and offers to take it up again', async () => {
	const done = vi.fn();
	await actions.cancelRow(item, done);
	expect(calls).toEqual([['POST', '/api/queue/r%2F1/cancel', undefined]]);
	expect(toasts.items[0]?.text).toBe('“Transcribe” cancelled for Lease');
	await toasts.items[0]?.action?.run();
	expect(calls[1]).toEqual(['POST', '/api/queue/r%2F1/retry', undefined]);
	expect(done).toHaveBeenCalledTimes(2);
});

it('cancels many, says how many it were, and leads to them', async () => {
	const selection = { status: 'pending', stage: 'stt' } as const;
	await actions.cancelAll({ selection, count: 1200 }, () => {});
	expect(calls).toEqual([['POST', '/api/queue/cancel', selection]]);
	expect(toasts.items[0]?.text).toBe('1,234 cancelled');
	await toasts.items[0]?.action?.run();
	expect(goto).toHaveBeenCalledWith('/queue?rows=cancelled&stage=stt#rows');
});

it('sends exactly the filter, the choice and the priority', async () => {
	await actions.retryMatching({ status: 'cancelled', stage: 'stt' }, () => {});
	await actions.rerun({ stage: 'embed', outdated: true }, () => {});
	await actions.setPriority(item, -10, () => {});
	expect(calls).toEqual([
		['POST', '/api/queue/retry-failed', { status: 'cancelled', stage: 'stt' }],
		['POST', '/api/queue/rerun', { stage: 'embed', outdated: true }],
		['POST', '/api/queue/r%2F1/priority', { priority: -10 }]
	]);
});

it('says so where nothing was left to do', async () => {
	answer = () => new Response('{"count":0}', { status: 200 });
	await actions.rerun({ stage: 'embed', all: true }, () => {});
	expect(toasts.items[0]?.text).toBe('There was nothing to do.');
	expect(toasts.items[0]?.action).toBeUndefined();
});

it('tells why it was refused, and shows how things stand', async () => {
	answer = () => new Response('{"error_code":"not_pending","message":"No."}', { status: 409 });
	const done = vi.fn();
	await actions.setPriority(item, 10, done);
	expect(toasts.items[0]).toMatchObject({
		tone: 'error',
		text: expect.stringContaining('no longer pending')
	});
	expect(done).toHaveBeenCalledTimes(1);
});
