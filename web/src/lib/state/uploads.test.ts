import { expect, it, vi } from 'vitest';
import { ApiError } from '$lib/api/error';
import type { Document } from '$lib/api/types';
import { Uploads } from './uploads.svelte';

const file = (name: string) => new File(['12345'], name);

/** Stands for the server; the test answers when it likes. */
function server() {
	const calls: {
		file: File;
		progress: (bytes: number) => void;
		resolve: (document: Document) => void;
		reject: (error: ApiError) => void;
	}[] = [];
	const send = (sent: File, progress: (bytes: number) => void) => {
		const { promise, resolve, reject } = withResolvers<Document>();
		calls.push({ file: sent, progress, resolve, reject });
		return { answer: promise, abort: () => reject(new ApiError(0, 'aborted', 'x')) };
	};
	return { calls, send };
}

function withResolvers<V>() {
	let resolve!: (value: V) => void;
	let reject!: (error: ApiError) => void;
	const promise = new Promise<V>((yes, no) => ((resolve = yes), (reject = no)));
	return { promise, resolve, reject };
}

it('sends two at a time and goes on after a refusal', async () => {
	const { calls, send } = server();
	const done = vi.fn();
	const uploads = new Uploads(send, done);
	uploads.add([file('a'), file('b'), file('c')]);
	expect(calls.map((call) => call.file.name)).toEqual(['a', 'b']);
	calls[0]!.progress(500);
	expect(uploads.items[0]!.fraction).toBe(1);
	calls[0]!.reject(new ApiError(409, 'duplicate', 'there already', 'old'));
	await vi.waitFor(() => expect(calls).toHaveLength(3));
	expect(uploads.items[0]!.state).toBe('failed');
	expect(uploads.items[0]!.error?.existingId).toBe('old');
	for (const call of calls.slice(1)) call.resolve({ id: call.file.name } as Document);
	await vi.waitFor(() => expect(done).toHaveBeenCalledTimes(2));
	expect(uploads.busy).toBe(false);
});

it('cancels what runs and what waits, and tries again', async () => {
	const { calls, send } = server();
	const uploads = new Uploads(send);
	uploads.add([file('a'), file('b'), file('c')]);
	uploads.items[2]!.cancel();
	uploads.items[0]!.cancel();
	await vi.waitFor(() => expect(uploads.items[0]!.state).toBe('cancelled'));
	expect(calls).toHaveLength(2);
	uploads.retry(uploads.items[0]!);
	expect(calls).toHaveLength(3);
	uploads.clear();
	expect(uploads.items.map((upload) => upload.file.name)).toEqual(['a', 'b']);
});
