/** Files on their way to the server, a few at a time. */
import { ApiError } from '$lib/api/error';
import { sendFile, type Sending } from '$lib/api/upload';
import type { Document } from '$lib/api/types';

const AT_ONCE = 2;

export type UploadState = 'waiting' | 'sending' | 'done' | 'failed' | 'cancelled';

export class Upload {
	state = $state<UploadState>('waiting');
	/** Bytes; the form around the file counts too, so it is bounded by the file's size where shown. */
	sent = $state(0);
	error = $state<ApiError | null>(null);
	document = $state.raw<Document | null>(null);
	private sending: Sending | null = null;

	constructor(
		readonly id: number,
		readonly file: File
	) {}

	get fraction(): number {
		return this.file.size === 0 ? 1 : Math.min(1, this.sent / this.file.size);
	}

	async run(send: typeof sendFile): Promise<void> {
		this.state = 'sending';
		this.sending = send(this.file, (bytes) => (this.sent = bytes));
		try {
			this.document = await this.sending.answer;
			this.state = 'done';
		} catch (error) {
			this.error = error instanceof ApiError ? error : new ApiError(0, 'unknown', String(error));
			this.state = this.error.code === 'aborted' ? 'cancelled' : 'failed';
		}
	}

	cancel(): void {
		if (this.state === 'waiting') this.state = 'cancelled';
		this.sending?.abort();
	}

	reset(): void {
		this.error = null;
		this.sent = 0;
		this.state = 'waiting';
	}
}

export class Uploads {
	items = $state<Upload[]>([]);
	private next = 1;

	constructor(
		private readonly send: typeof sendFile = sendFile,
		/** Called when one has been added. */
		public onDone: () => void = () => {}
	) {}

	get busy(): boolean {
		return this.items.some((upload) => upload.state === 'waiting' || upload.state === 'sending');
	}

	add(files: Iterable<File>): void {
		for (const file of files) this.items.push(new Upload(this.next++, file));
		this.pump();
	}

	retry(upload: Upload): void {
		upload.reset();
		this.pump();
	}

	/** Forgets everything that has ended. */
	clear(): void {
		this.items = this.items.filter((upload) => upload.state === 'waiting' || upload.state === 'sending');
	}

	private pump(): void {
		const running = this.items.filter((upload) => upload.state === 'sending').length;
		const waiting = this.items.filter((upload) => upload.state === 'waiting');
		for (const upload of waiting.slice(0, Math.max(0, AT_ONCE - running))) void this.run(upload);
	}

	private async run(upload: Upload): Promise<void> {
		await upload.run(this.send);
		if (upload.state === 'done') this.onDone();
		this.pump();
	}
}

export const uploads = new Uploads();
