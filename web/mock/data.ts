/** Sample data for working on the web app without a server. */
import type {
	Category,
	Document,
	DocumentDetail,
	QueueItem,
	Segment,
	StageRow,
	Status
} from '../src/lib/api/types';

const DAY = (day: number) => `2026-03-${String(day).padStart(2, '0')}T09:12:00Z`;

const blank = (index: number, category: Category): DocumentDetail => ({
	id: `0190-${category}-${index}`,
	title: '',
	category,
	file_type: 'pdf',
	mime: 'application/pdf',
	path: 'Inbox/file.pdf',
	content_hash: 'af13',
	size: 482_113,
	modified_at: DAY(27 - index),
	source: 'watch',
	language: 'ko',
	document_type: null,
	summary: null,
	document_date: null,
	duration_s: null,
	width: null,
	height: null,
	page_count: null,
	needs_conversion: false,
	transcript_draft: false,
	thumbnail_path: null,
	preview_path: null,
	user_fields: [],
	tags: [],
	created_at: DAY(28 - index),
	updated_at: DAY(28 - index),
	missing_since: null,
	trashed_at: null,
	pipeline: { state: 'done', open: 0, failed: 0 },
	stages: []
});

const stage = (name: string, status: Status, more: Partial<StageRow> = {}): StageRow => ({
	id: `row-${name}-${status}`,
	stage: name,
	status,
	attempts: 1,
	max_attempts: 3,
	progress: null,
	error_code: null,
	error_message: null,
	waiting_for: null,
	created_at: DAY(20),
	started_at: DAY(20),
	completed_at: DAY(20),
	run_at: DAY(20),
	...more
});

const read = [
	stage('extract', 'completed'),
	stage('classify', 'completed'),
	stage('chunk', 'completed'),
	stage('embed', 'pending', { attempts: 0, waiting_for: 'embed_model' })
];

const DRAFT_LINES =
	'welcome to the march meeting|we begin with the plan for the new reading room|the shelves come on thursday and the painters need two more days|jun will call the carpenter|the budget for books stays as it was last year|we have forty three new readers since january|most of them come for the evening hours|so we keep the evening hours until june|next point is the roof|it leaks above the map collection|the maps have been moved to the second floor|a roofer will look at it on monday|we meet again on the second of april|thank you all for coming'.split(
		'|'
	);

export const segments: Segment[] = DRAFT_LINES.map((text, index) => ({
	start_s: index * 4.5,
	end_s: index * 4.5 + 4,
	text
}));

const documents: [Category, Partial<DocumentDetail>][] = [
	[
		'document',
		{
			title: '2026년 봄 열람실 운영 계획',
			page_count: 12,
			tags: ['계획', '열람실'],
			document_type: '계획서',
			document_date: '2026-03-02',
			stages: read,
			path: 'Inbox/열람실 운영 계획.pdf'
		}
	],
	[
		'document',
		{
			title: 'Lease agreement, Maple Street 14',
			page_count: 8,
			language: 'en',
			tags: ['contract'],
			document_type: 'contract',
			stages: read
		}
	],
	[
		'document',
		{
			title:
				'Water damage report — scanned and signed, with the estimate of the insurance and a very long file name',
			file_type: 'docx',
			language: 'en',
			pipeline: { state: 'working', open: 2, failed: 0 },
			stages: [stage('extract', 'processing', { progress: 0.4 })]
		}
	],
	[
		'document',
		{
			title: 'old-archive.pdf',
			pipeline: { state: 'failed', open: 0, failed: 1 },
			stages: [
				stage('extract', 'failed', {
					attempts: 3,
					error_code: 'encrypted',
					error_message:
						'This PDF is protected by a password. Save a copy without the password and put it into the library.'
				})
			]
		}
	],
	[
		'image',
		{
			title: '영수증 2026-02-11',
			file_type: 'jpg',
			width: 1200,
			height: 1600,
			thumbnail_path: 'x',
			pipeline: { state: 'waiting', open: 1, failed: 0 },
			stages: [
				stage('extract', 'pending', {
					attempts: 0,
					waiting_for: 'program:tesseract'
				})
			]
		}
	],
	[
		'document',
		{
			title: 'Chili recipe',
			file_type: 'md',
			size: 2113,
			language: 'en',
			tags: ['kitchen', 'recipe'],
			stages: read
		}
	],
	[
		'image',
		{
			title: 'Whiteboard after the workshop',
			file_type: 'png',
			width: 1600,
			height: 900,
			thumbnail_path: 'x'
		}
	],
	[
		'note',
		{ title: '도서관 이야기', path: null, file_type: 'note', source: 'note', stages: read, tags: ['생각'] }
	],
	[
		'note',
		{ title: 'Things to ask the roofer', path: null, file_type: 'note', source: 'note', language: 'en' }
	],
	[
		'audio',
		{
			title: 'March meeting',
			file_type: 'm4a',
			duration_s: 63,
			transcript_draft: true,
			language: 'en',
			stages: [stage('stt', 'completed'), stage('classify', 'completed')]
		}
	],
	[
		'audio',
		{
			title: '할머니와의 통화',
			file_type: 'mp3',
			duration_s: 1284,
			pipeline: { state: 'working', open: 1, failed: 0 },
			stages: [stage('stt', 'processing', { progress: 0.37 })]
		}
	],
	[
		'audio',
		{
			title: 'Voice memo 0043',
			file_type: 'wav',
			duration_s: 12,
			pipeline: { state: 'waiting', open: 1, failed: 0 },
			stages: [stage('stt', 'pending', { attempts: 0, waiting_for: 'speech_model' })]
		}
	],
	[
		'video',
		{
			title: 'Opening of the reading room',
			file_type: 'mp4',
			mime: 'video/mp4',
			duration_s: 754,
			width: 1920,
			height: 1080,
			thumbnail_path: 'x',
			stages: [stage('thumbnail', 'completed')]
		}
	],
	[
		'video',
		{
			title: 'IMG_2231',
			file_type: 'mov',
			mime: 'video/quicktime',
			duration_s: 31,
			needs_conversion: true,
			pipeline: { state: 'none', open: 0, failed: 0 }
		}
	],
	['document', { title: 'Forgotten draft', trashed_at: DAY(21), file_type: 'txt' }]
];

export const library: DocumentDetail[] = documents.map(([category, fields], index) => ({
	...blank(index, category),
	...fields
}));

export const summary = ({ stages: _stages, ...document }: DocumentDetail): Document => document;

export const texts = (document: DocumentDetail): string => {
	if (document.stages[0]?.status !== 'completed' && document.category !== 'note') return '';
	const page = `${document.title}\n\n서고는 책을 쌓아 두는 곳이다. 봄부터 열람실은 저녁 아홉 시까지 문을 연다.\nThe reading room stays open until nine in the evening from spring on.\n`;
	return Array.from({ length: document.page_count ?? 1 }, (_, index) => `${page}\n§ ${index + 1}\n`).join(
		'\f'
	);
};

export const queueItems = (): QueueItem[] =>
	library.flatMap((document) =>
		document.stages.map((row) => ({
			...row,
			id: `${document.id}-${row.stage}`,
			document_id: document.id,
			document_title: document.title,
			worker: null,
			priority: 0
		}))
	);
