/** One typed function per API call; every refusal is an {@link ApiError}. */
import { errorFromBody, unreachable } from './error';
import type * as T from './types';

type Fetch = typeof globalThis.fetch;
type Query = Record<string, string | number | boolean | undefined>;

let onUnauthorized: () => void = () => {};

/** Called when a call other than the sign-in is refused because the session ended. */
export function whenUnauthorized(handler: () => void): void {
	onUnauthorized = handler;
}

export function withQuery(path: string, query: Query): string {
	const parameters = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined && value !== '') parameters.set(name, String(value));
	}
	const text = parameters.toString();
	return text === '' ? path : `${path}?${text}`;
}

const part = encodeURIComponent;

/** Addresses for `src` and `href`; the session cookie opens them. */
export const urls = {
	file: (id: string) => `/api/documents/${part(id)}/file`,
	download: (id: string) => `/api/documents/${part(id)}/file?download=1`,
	preview: (id: string) => `/api/documents/${part(id)}/preview`,
	thumbnail: (id: string) => `/api/documents/${part(id)}/thumbnail`,
	videoThumbnail: (id: string) => `/api/video/${part(id)}/thumbnail`,
	storyboard: (id: string) => `/api/video/${part(id)}/storyboard.vtt`,
	subtitles: (id: string, n: number) => `/api/video/${part(id)}/subtitles/${n}`,
	upload: '/api/documents',
	events: '/api/events'
};

export class Client {
	constructor(private readonly fetch: Fetch) {}

	setup = () => this.json<{ needed: boolean }>('GET', '/api/setup');
	setUp = (token: string, username: string, password: string) =>
		this.send('POST', '/api/setup', { token, username, password });
	session = () => this.json<{ username: string }>('GET', '/api/auth/session');
	login = (username: string, password: string) =>
		this.send('POST', '/api/auth/login', { username, password });
	logout = () => this.send('POST', '/api/auth/logout');
	tokens = async () => listOf(await this.json<T.ApiToken[] | T.Page<T.ApiToken>>('GET', '/api/auth/tokens'));
	createToken = (name: string) => this.json<T.NewApiToken>('POST', '/api/auth/tokens', { name });
	deleteToken = (id: string) => this.send('DELETE', `/api/auth/tokens/${part(id)}`);

	documents = (query: T.DocumentQuery) =>
		this.json<T.Page<T.Document>>('GET', withQuery('/api/documents', { ...query }));
	document = (id: string) => this.json<T.DocumentDetail>('GET', `/api/documents/${part(id)}`);
	text = (id: string) => this.textOrNothing(`/api/documents/${part(id)}/text`);
	update = (id: string, patch: T.DocumentPatch) =>
		this.json<T.Document>('PATCH', `/api/documents/${part(id)}`, patch);
	trash = (id: string) => this.send('DELETE', `/api/documents/${part(id)}`);
	restore = (id: string) => this.json<T.Document>('POST', `/api/documents/${part(id)}/restore`);
	runStage = (id: string, stage: string) =>
		this.send('POST', `/api/documents/${part(id)}/stages/${part(stage)}`);
	/** What happened to its queue rows, oldest first. */
	timeline = async (id: string) =>
		listOf(
			await this.json<T.TimelineItem[] | { items: T.TimelineItem[] }>(
				'GET',
				`/api/documents/${part(id)}/timeline`
			)
		);
	createNote = (note: { title?: string; text: string }) => this.json<T.Document>('POST', '/api/notes', note);
	saveNote = (id: string, note: { title?: string; text: string }) =>
		this.json<T.Document>('PUT', `/api/notes/${part(id)}`, note);
	segments = (id: string) => this.json<T.Segment[]>('GET', `/api/audio/${part(id)}/segments`);
	convert = (id: string) => this.send('POST', `/api/video/${part(id)}/convert`);
	/** The track of its seek bar's pictures; empty where none has been made yet. */
	storyboard = (id: string) => this.textOrNothing(urls.storyboard(id));
	subtitles = (id: string) => this.json<T.SubtitleTrack[]>('GET', `/api/video/${part(id)}/subtitles`);

	counts = () => this.json<T.CategoryCounts>('GET', '/api/stats/category-counts');
	status = () => this.json<T.ServerStatus>('GET', '/api/status');
	search = (query: T.SearchQuery) => this.json<T.SearchAnswer>('GET', withQuery('/api/search', { ...query }));

	queue = (query: T.QueueQuery) =>
		this.json<T.Page<T.QueueItem>>('GET', withQuery('/api/queue', { ...query }));
	queueStats = () => this.json<T.QueueStats>('GET', '/api/queue/stats');
	retry = (row: string) => this.send('POST', `/api/queue/${part(row)}/retry`);
	cancel = (row: string) => this.send('POST', `/api/queue/${part(row)}/cancel`);
	/** Failed rows; cancelled ones where the selection has that status. */
	retryMatching = (selection: T.QueueSelection) => this.counted('/api/queue/retry-failed', selection);
	/** Rows that wait and rows that run; an empty selection is refused. */
	cancelMatching = (selection: T.QueueSelection) => this.counted('/api/queue/cancel', selection);
	rerun = (what: T.Rerun) => this.counted('/api/queue/rerun', what);
	setPriority = (row: string, priority: T.Priority) =>
		this.send('POST', `/api/queue/${part(row)}/priority`, { priority });
	pause = (stage: string) => this.send('POST', `/api/queue/stages/${part(stage)}/pause`);
	resume = (stage: string) => this.send('POST', `/api/queue/stages/${part(stage)}/resume`);

	private async json<R>(method: string, path: string, body?: unknown): Promise<R> {
		return (await (await this.request(method, path, body)).json()) as R;
	}

	/** How many rows it took. */
	private async counted(path: string, body: unknown): Promise<number> {
		return (await this.json<{ count: number }>('POST', path, body)).count;
	}

	private async send(method: string, path: string, body?: unknown): Promise<void> {
		await this.request(method, path, body);
	}

	/** A document whose text has not been read yet has none: that is no error. */
	private async textOrNothing(path: string): Promise<string> {
		try {
			return await (await this.request('GET', path)).text();
		} catch (error) {
			if (error instanceof Error && 'status' in error && error.status === 404) return '';
			throw error;
		}
	}

	private async request(method: string, path: string, body?: unknown): Promise<Response> {
		const answer = await this.fetch(path, init(method, body)).catch(() => {
			throw unreachable();
		});
		if (answer.ok) return answer;
		const error = errorFromBody(answer.status, await answer.text());
		if (answer.status === 401 && !path.startsWith('/api/auth/')) onUnauthorized();
		throw error;
	}
}

function init(method: string, body: unknown): RequestInit {
	if (body === undefined) return { method, credentials: 'same-origin' };
	const headers = { 'content-type': 'application/json' };
	return { method, credentials: 'same-origin', headers, body: JSON.stringify(body) };
}

function listOf<I>(answer: I[] | { items: I[] }): I[] {
	return Array.isArray(answer) ? answer : answer.items;
}

/** For what happens after a page has been loaded; `+page.ts` makes one of its own `fetch`. */
export const api = new Client((input, options) => globalThis.fetch(input, options));
