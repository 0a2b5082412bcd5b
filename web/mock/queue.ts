/** A queue that can be steered and that goes on by itself, for working on its page without a server. */
import type { ServerResponse } from 'node:http';
import type { QueueItem, QueueSelection, StageCounts, Status, TimelineItem } from '../src/lib/api/types';
import { library, queueItems } from './data';

const STAGES = [
	'extract',
	'stt',
	'thumbnail',
	'classify',
	'preview',
	'embed',
	'chunk',
	'summarize',
	'convert'
];
const MESSAGES: Record<string, string> = {
	speech_model: 'There is no speech model yet. Get one with: seogo models pull',
	embed_model: 'There is no embedding model yet.',
	'program:tesseract': 'tesseract is not installed. Install it with: sudo apt-get install tesseract-ocr'
};
const MINUTE_MS = 60_000;

const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString();
const paused = new Map([['embed', ago(37 * MINUTE_MS)]]);
const outdated = new Map([['classify', 1312]]);
const listeners = new Set<ServerResponse>();

const own: QueueItem[] = queueItems().map((row) => ({
	...row,
	created_at: ago(9 * MINUTE_MS),
	run_at: ago(-2 * MINUTE_MS),
	started_at: ago(3 * MINUTE_MS),
	completed_at: row.status === 'processing' ? null : ago(2 * MINUTE_MS)
}));
const titles = library.map((one) => one.title);
const pending = Array.from({ length: 130 }, (_, index): QueueItem => {
	const document = library[index % library.length]!;
	const stage = STAGES[index % 4]!;
	return {
		id: `p-${String(index).padStart(4, '0')}`,
		document_id: document.id,
		document_title: titles[index % titles.length]!,
		stage,
		status: 'pending',
		attempts: index % 17 === 3 ? 2 : 0,
		max_attempts: 10,
		progress: null,
		error_code: null,
		error_message: index % 17 === 3 ? 'The speech service closed the connection.' : null,
		waiting_for: null,
		created_at: ago(index * 20_000),
		started_at: null,
		completed_at: null,
		run_at: ago(-MINUTE_MS),
		worker: null,
		priority: index % 9 === 0 ? 10 : index % 5 === 0 ? -10 : 0
	};
});
const rows = [...own, ...pending];

const tell = (event: string, data: unknown) => {
	for (const line of listeners) line.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
};
const tellRow = ({ id, document_id, stage, status, progress }: QueueItem) =>
	tell('queue', { id, document_id, stage, status, progress });

const become = (row: QueueItem, change: Partial<QueueItem>) => {
	Object.assign(row, change);
	tellRow(row);
};
const again = (row: QueueItem) =>
	become(row, { status: 'pending', attempts: 0, error_code: null, error_message: null, progress: null });
const stop = (row: QueueItem) =>
	become(row, { status: 'cancelled', completed_at: ago(0), waiting_for: null, progress: null });

/** Something runs a little further, ends, and the next begins. */
const goOn = () => {
	if (listeners.size === 0) return;
	const running = rows.filter((row) => row.status === 'processing');
	for (const row of running) {
		const progress = (row.progress ?? 0) + 0.07;
		if (progress < 1) become(row, { progress });
		else become(row, { status: 'completed', progress: null, completed_at: ago(0) });
	}
	const next = rows.find((row) => row.status === 'pending' && row.waiting_for === null);
	if (running.length < 4 && next) become(next, { status: 'processing', started_at: ago(0), attempts: 1 });
};
setInterval(goOn, 1500).unref();

export function listen(response: ServerResponse): void {
	response.writeHead(200, { 'content-type': 'text/event-stream' });
	response.write(': hello\n\n');
	listeners.add(response);
	response.on('close', () => listeners.delete(response));
}

const fits = (row: QueueItem, { stage, status, document_id }: QueueSelection) =>
	(stage ?? row.stage) === row.stage &&
	(status ?? row.status) === row.status &&
	(document_id ?? row.document_id) === row.document_id;

export function listed(query: URLSearchParams) {
	const asked = query.get('status');
	const status = asked === 'waiting' ? 'pending' : ((asked ?? undefined) as Status | undefined);
	const selection = { status, stage: query.get('stage') ?? undefined };
	const found = rows.filter(
		(row) => fits(row, selection) && (asked !== 'waiting' || row.waiting_for !== null)
	);
	const from = found.findIndex((row) => row.id === query.get('cursor')) + 1;
	const items = found.slice(from, from + Number(query.get('limit') ?? 50));
	const more = from + items.length < found.length;
	return { items, next_cursor: more ? (items.at(-1)?.id ?? null) : null };
}

export function stats() {
	const stages = STAGES.map(countsOf);
	return { stages, oldest_pending_age_s: 2580, eta_s: 1260 };
}

function countsOf(stage: string): StageCounts {
	const here = rows.filter((row) => row.stage === stage);
	const count = (status: Status) =>
		here.filter((row) => row.status === status && row.waiting_for === null).length;
	const busy = count('processing') + count('pending') > 0;
	return {
		stage,
		lane: stage === 'stt' ? 'gpu' : 'cpu',
		paused: paused.has(stage),
		paused_since: paused.get(stage) ?? null,
		pending: count('pending'),
		waiting: here.filter((row) => row.waiting_for !== null).length,
		processing: count('processing'),
		completed: count('completed') * 1131,
		failed: count('failed'),
		cancelled: count('cancelled'),
		concurrency: stage === 'extract' ? 5 : 4,
		version: 2,
		outdated: outdated.get(stage) ?? 0,
		completed_per_minute: busy ? (stage === 'stt' ? 0.4 : 42.5) : 0,
		mean_s: count('completed') > 0 ? (stage === 'stt' ? 843 : 0.34) : null,
		eta_s: busy ? (stage === 'stt' ? 11_400 : 190) : null,
		oldest_due_at: null,
		waiting_for: reasons(here)
	};
}

function reasons(here: QueueItem[]) {
	const names = new Set(here.flatMap((row) => row.waiting_for ?? []));
	return [...names].map((name) => ({
		waiting_for: name,
		message: MESSAGES[name] ?? name,
		count: here.filter((row) => row.waiting_for === name).length,
		next_look_at: ago(-2 * MINUTE_MS)
	}));
}

export function steer(stage: string, action: string): void {
	if (action === 'pause') paused.set(stage, ago(0));
	else paused.delete(stage);
	tell('stage', { stage });
}

/** False where the row is no longer what it has to be. */
export function change(id: string, action: string, body: string): boolean {
	const row = rows.find((one) => one.id === id);
	if (row === undefined) return false;
	if (action === 'retry') again(row);
	else if (action === 'cancel') stop(row);
	else if (row.status !== 'pending') return false;
	else become(row, JSON.parse(body));
	return true;
}

export function all(action: string, body: string): number {
	const asked = JSON.parse(body || '{}');
	if (action === 'rerun') return rerun(asked.stage, asked.outdated === true);
	const open = (row: QueueItem) => row.status === 'pending' || row.status === 'processing';
	const wanted = action === 'cancel' ? open : (row: QueueItem) => row.status === (asked.status ?? 'failed');
	const found = rows.filter((row) => fits(row, asked) && wanted(row));
	found.forEach(action === 'cancel' ? stop : again);
	return found.length;
}

function rerun(stage: string, older: boolean): number {
	const count = older ? (outdated.get(stage) ?? 0) : 12;
	if (older) outdated.delete(stage);
	tell('stage', { stage });
	return count;
}

export function timeline(documentId: string): TimelineItem[] {
	const stages = library.find((one) => one.id === documentId)?.stages ?? [];
	return stages.flatMap(({ stage, status, waiting_for, error_code, error_message }, index) => {
		const at = (second: number) => ago((60 - index * 10 - second) * MINUTE_MS);
		const entry = (
			kind: TimelineItem['kind'],
			second: number,
			more: Partial<TimelineItem> = {}
		): TimelineItem => ({
			at: at(second),
			stage,
			kind,
			attempt: 1,
			code: null,
			message: null,
			worker: null,
			duration_s: null,
			...more
		});
		const worker = 'nas-1/4711';
		const begun = [entry('enqueued', 0, { attempt: 0 }), entry('started', 1, { worker })];
		if (waiting_for)
			return [begun[0]!, entry('waiting', 1, { code: waiting_for, message: MESSAGES[waiting_for] ?? null })];
		if (status === 'completed')
			return [...begun, entry('completed', 2, { worker, duration_s: 1.42 + index })];
		if (status !== 'failed') return begun;
		return [
			...begun,
			entry('worker_lost', 2, { worker, message: 'The worker process ended while this ran.' }),
			entry('retried', 3, {
				attempt: 2,
				code: 'timed_out',
				message: 'pdftotext took longer than 60 s.',
				duration_s: 60
			}),
			entry('failed', 4, { attempt: 3, worker, code: error_code, message: error_message, duration_s: 0.21 })
		];
	});
}
