/** Answers the API from sample data in the development server; no part of what is built. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import type { DocumentDetail } from '../src/lib/api/types';
import { library, segments, summary, texts } from './data';
import { picture, tone } from './media';
import * as queue from './queue';

type Exchange = { url: URL; parts: string[]; body: string; response: ServerResponse };
type Route = [method: string, pattern: RegExp, answer: (exchange: Exchange) => void];

let signedIn = true;

const send = ({ response }: Exchange, type: string, body: string | Buffer, status = 200) => {
	response.writeHead(status, { 'content-type': type });
	response.end(body);
};
const json = (exchange: Exchange, value: unknown, status = 200) =>
	send(exchange, 'application/json', JSON.stringify(value), status);
const nothing = (exchange: Exchange) => void exchange.response.writeHead(204).end();
const refuse = (exchange: Exchange, status: number, error_code: string, more = {}) =>
	json(exchange, { error_code, message: `Refused: ${error_code}`, ...more }, status);

const find = ({ parts }: Exchange): DocumentDetail =>
	library.find((one) => one.id === parts[0]) ?? library[0]!;
const known = (answer: (exchange: Exchange, document: DocumentDetail) => void) => (exchange: Exchange) => {
	if (library.some((one) => one.id === exchange.parts[0])) answer(exchange, find(exchange));
	else refuse(exchange, 404, 'not_found');
};

const listed = (exchange: Exchange) => {
	const wanted = (name: string) => exchange.url.searchParams.get(name);
	const trashed = wanted('trashed') === 'true';
	const items = library.filter(
		(one) =>
			(one.trashed_at !== null) === trashed &&
			(wanted('category') ?? one.category) === one.category &&
			(wanted('state') ?? one.pipeline.state) === one.pipeline.state &&
			(wanted('tag') === null || one.tags.includes(wanted('tag') ?? ''))
	);
	json(exchange, { items: items.map(summary), next_cursor: null });
};

const searched = (exchange: Exchange) => {
	const q = exchange.url.searchParams.get('q') ?? '';
	if (q === 'nothing') return json(exchange, { hits: [], total: 0 });
	const snippet = `… from spring on the <mark>${q.replaceAll('<', '&lt;')}</mark> stays open until nine in the evening, &amp; on Sundays …`;
	const hits = library.slice(0, 12).map((one, index) => ({
		document_id: one.id,
		title: one.title,
		category: one.category,
		snippet,
		score: 1,
		...(one.category === 'audio' ? { start_s: 18.2 } : {}),
		...(one.category === 'document' ? { page: index + 2 } : {})
	}));
	json(exchange, { hits, total: 12 });
};

const status = (exchange: Exchange) =>
	json(exchange, {
		version: '0.1.0',
		speech: { ready: false, model: null, engine: 'draft', message: null, command: 'seogo models pull' },
		programs: [
			{ name: 'ffmpeg', found: true, needed_for: 'sound and video', mend: null },
			{
				name: 'tesseract',
				found: false,
				needed_for: 'text in pictures',
				mend: 'sudo apt-get install tesseract-ocr'
			}
		]
	});

const changed = (exchange: Exchange) => {
	const [row = '', action = ''] = exchange.parts;
	if (queue.change(row, action, exchange.body)) nothing(exchange);
	else refuse(exchange, 409, 'not_pending');
};

const steered = (exchange: Exchange) => {
	queue.steer(exchange.parts[0] ?? '', exchange.parts[1] ?? '');
	nothing(exchange);
};

const login = (exchange: Exchange) => {
	if (exchange.body.includes('wrong')) return refuse(exchange, 401, 'invalid_credentials');
	signedIn = true;
	nothing(exchange);
};

const counts = (exchange: Exchange) => {
	const of = { document: 0, note: 0, audio: 0, video: 0, image: 0 };
	for (const one of library) if (one.trashed_at === null) of[one.category] += 1;
	json(exchange, of);
};

const upload = (exchange: Exchange) => {
	if (exchange.body.includes('.mov"')) return refuse(exchange, 400, 'unsupported_codec');
	if (exchange.body.includes('again'))
		return refuse(exchange, 409, 'duplicate', { existing_id: library[0]!.id });
	json(exchange, summary(library[0]!), 201);
};

const change = known((exchange, document) => {
	Object.assign(document, JSON.parse(exchange.body));
	json(exchange, summary(document));
});

const createNote = (exchange: Exchange) => {
	const note = {
		...library.find((one) => one.category === 'note')!,
		id: `note-${library.length}`,
		...JSON.parse(exchange.body)
	};
	library.unshift(note);
	json(exchange, summary(note), 201);
};

const trashAt = (time: string | null) =>
	known((exchange, document) => {
		document.trashed_at = time;
		json(exchange, summary(document));
	});

const file = known((exchange, document) =>
	document.category === 'audio'
		? send(exchange, 'audio/wav', tone(document.duration_s ?? 5))
		: send(exchange, 'image/svg+xml', picture)
);

const id = '/api/documents/([^/]+)';
const routes: Route[] = [
	['GET', /^\/api\/setup$/, (exchange) => json(exchange, { needed: exchange.url.searchParams.has('x') })],
	['POST', /^\/api\/setup$/, login],
	[
		'GET',
		/^\/api\/auth\/session$/,
		(exchange) => (signedIn ? json(exchange, { username: 'mina' }) : refuse(exchange, 401, 'unauthorized'))
	],
	['POST', /^\/api\/auth\/login$/, login],
	['POST', /^\/api\/auth\/logout$/, (exchange) => ((signedIn = false), nothing(exchange))],
	[
		'GET',
		/^\/api\/auth\/tokens$/,
		(exchange) => json(exchange, [{ id: '1', name: 'backup script', last_used_at: null }])
	],
	[
		'POST',
		/^\/api\/auth\/tokens$/,
		(exchange) => json(exchange, { id: '2', name: 'x', token: 'sg_3f9ac0d27be14c41a7d2' })
	],
	['GET', /^\/api\/documents$/, listed],
	['POST', /^\/api\/documents$/, upload],
	['GET', new RegExp(`^${id}$`), known((exchange, document) => json(exchange, document))],
	['PATCH', new RegExp(`^${id}$`), change],
	['DELETE', new RegExp(`^${id}$`), trashAt('2026-03-28T00:00:00Z')],
	['POST', new RegExp(`^${id}/restore$`), trashAt(null)],
	[
		'GET',
		new RegExp(`^${id}/text$`),
		known((exchange, document) => send(exchange, 'text/plain; charset=utf-8', texts(document)))
	],
	['GET', new RegExp(`^${id}/(?:file|thumbnail|preview)$`), file],
	['GET', /^\/api\/video\/([^/]+)\/thumbnail$/, (exchange) => send(exchange, 'image/svg+xml', picture)],
	['POST', /^\/api\/notes$/, createNote],
	['PUT', /^\/api\/notes\/([^/]+)$/, change],
	[
		'GET',
		/^\/api\/audio\/([^/]+)\/segments$/,
		known((exchange, document) => json(exchange, document.transcript_draft ? segments : []))
	],
	['GET', /^\/api\/stats\/category-counts$/, counts],
	['GET', /^\/api\/queue\/stats$/, (exchange) => json(exchange, queue.stats())],
	['GET', /^\/api\/queue$/, (exchange) => json(exchange, queue.listed(exchange.url.searchParams))],
	['POST', /^\/api\/queue\/stages\/([^/]+)\/(pause|resume)$/, steered],
	[
		'POST',
		/^\/api\/queue\/(retry-failed|cancel|rerun)$/,
		(exchange) => json(exchange, { count: queue.all(exchange.parts[0] ?? '', exchange.body) })
	],
	['POST', /^\/api\/queue\/([^/]+)\/(retry|cancel|priority)$/, changed],
	[
		'GET',
		new RegExp(`^${id}/timeline$`),
		known((exchange, document) => json(exchange, { items: queue.timeline(document.id) }))
	],
	['GET', /^\/api\/search$/, searched],
	['GET', /^\/api\/status$/, status],
	['GET', /^\/api\/events$/, (exchange) => queue.listen(exchange.response)],
	['POST', /^\/api\//, nothing],
	['DELETE', /^\/api\//, nothing]
];

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
	const url = new URL(request.url ?? '/', 'http://localhost');
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	const body = Buffer.concat(chunks).toString();
	for (const [method, pattern, reply] of routes) {
		const match = pattern.exec(url.pathname);
		if (match && method === request.method) return reply({ url, parts: match.slice(1), body, response });
	}
	refuse({ url, parts: [], body, response }, 404, 'not_found');
}

export function mockServer(): Plugin {
	return {
		name: 'seogo-mock',
		configureServer(server) {
			server.middlewares.use((request, response, next) => {
				if (request.url?.startsWith('/api/')) void answer(request, response);
				else next();
			});
		}
	};
}
