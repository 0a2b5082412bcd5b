/** The API's JSON, as the server's contract has it: times are RFC 3339, absent values are null. */

export const CATEGORIES = ['document', 'note', 'audio', 'video', 'image'] as const;
export type Category = (typeof CATEGORIES)[number];
export type CategoryCounts = Record<Category, number>;

export const STATUSES = ['pending', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

export interface Pipeline {
	state: 'done' | 'working' | 'waiting' | 'failed' | 'none';
	/** Rows not yet ended. */
	open: number;
	failed: number;
}

export interface Document {
	id: string;
	title: string;
	category: Category;
	file_type: string;
	mime: string;
	/** Relative to the library root; null for notes. */
	path: string | null;
	content_hash: string;
	/** Bytes. */
	size: number;
	modified_at: string;
	source: 'watch' | 'upload' | 'note' | 'cli';
	language: string | null;
	document_type: string | null;
	summary: string | null;
	/** `YYYY-MM-DD`. */
	document_date: string | null;
	/** Seconds. */
	duration_s: number | null;
	width: number | null;
	height: number | null;
	page_count: number | null;
	needs_conversion: boolean;
	transcript_draft: boolean;
	thumbnail_path: string | null;
	preview_path: string | null;
	user_fields: string[];
	tags: string[];
	created_at: string;
	updated_at: string;
	missing_since: string | null;
	trashed_at: string | null;
	pipeline: Pipeline;
}

/** The newest queue row of one stage of one document. */
export interface StageRow {
	id: string;
	stage: string;
	status: Status;
	attempts: number;
	max_attempts: number;
	/** 0 to 1. */
	progress: number | null;
	error_code: string | null;
	error_message: string | null;
	waiting_for: string | null;
	created_at: string;
	started_at: string | null;
	completed_at: string | null;
	run_at: string;
}

export interface DocumentDetail extends Document {
	stages: StageRow[];
}

export interface DocumentPatch {
	title?: string;
	tags?: string[];
	document_date?: string;
	document_type?: string;
	language?: string;
	category?: Category;
}

export interface Page<T> {
	items: T[];
	next_cursor: string | null;
}

export interface DocumentQuery {
	category?: Category;
	q?: string;
	tag?: string;
	state?: 'failed';
	trashed?: boolean;
	sort?: 'added' | 'title' | 'date';
	limit?: number;
	cursor?: string;
}

export interface Segment {
	/** Seconds. */
	start_s: number;
	/** Seconds. */
	end_s: number;
	text: string;
	confidence?: number | null;
}

/** Higher goes first: a person waits for it, the rest, done again because a stage got better. */
export const PRIORITIES = [10, 0, -10] as const;
export type Priority = (typeof PRIORITIES)[number];

export interface QueueItem extends StageRow {
	document_id: string;
	document_title: string;
	worker: string | null;
	priority: Priority;
}

export interface QueueQuery {
	/** `waiting`: those of the pending rows that lack something. */
	status?: Status | 'waiting';
	stage?: string;
	document_id?: string;
	limit?: number;
	cursor?: string;
}

/** Rows that all of it fits; what is left out narrows nothing. */
export interface QueueSelection {
	stage?: string;
	status?: Status;
	error_code?: string;
	category?: Category;
	document_id?: string;
	tag?: string;
}

/** Whose documents a stage is to run again for. */
export interface Rerun {
	stage: string;
	category?: Category;
	tag?: string;
	document_id?: string;
	/** Only those last done by an older version of the stage. */
	outdated?: true;
	all?: true;
}

/** Something absent that rows of one stage wait for. */
export interface WaitingFor {
	waiting_for: string;
	/** What to do about it. */
	message: string | null;
	count: number;
	next_look_at: string | null;
}

export interface StageCounts {
	stage: string;
	lane: string;
	paused: boolean;
	paused_since: string | null;
	/** How many run at once at most. */
	concurrency: number;
	version: number;
	/** Documents last done by an older version of the stage. */
	outdated: number;
	/** Over the last ten minutes. */
	completed_per_minute: number;
	/** Seconds a run took in the last hour; null where none was. */
	mean_s: number | null;
	/** Seconds; null where unknown. */
	eta_s: number | null;
	oldest_due_at: string | null;
	waiting_for: WaitingFor[];
	/** Ready to run; what waits is not counted here. */
	pending: number;
	waiting: number;
	processing: number;
	completed: number;
	failed: number;
	cancelled: number;
}

export interface QueueStats {
	stages: StageCounts[];
	/** Seconds. */
	oldest_pending_age_s: number | null;
	/** Seconds. */
	eta_s: number | null;
}

export const TIMELINE_KINDS = [
	'enqueued',
	'started',
	'completed',
	'failed',
	'retried',
	'waiting',
	'worker_lost',
	'handed_back',
	'cancelled',
	'revived'
] as const;
export type TimelineKind = (typeof TIMELINE_KINDS)[number];

/** Something that happened to one of a document's queue rows. */
export interface TimelineItem {
	at: string;
	stage: string;
	kind: TimelineKind;
	/** In which of the row's attempts, where it was in one. */
	attempt: number | null;
	code: string | null;
	message: string | null;
	worker: string | null;
	/** Seconds the run took that ended here. */
	duration_s: number | null;
}

export interface SearchHit {
	document_id: string;
	title: string;
	category: Category;
	/** Escaped HTML in which the words found are within `<mark>`. */
	snippet: string;
	score: number;
	page?: number | null;
	/** Seconds. */
	start_s?: number | null;
}

export interface SearchQuery {
	q: string;
	category?: Category;
	limit?: number;
	offset?: number;
}

export interface SearchAnswer {
	hits: SearchHit[];
	total: number;
}

export interface SpeechStatus {
	ready: boolean;
	model: string | null;
	engine: 'whisper' | 'draft' | 'none';
	message: string | null;
	/** What to type to mend it. */
	command: string | null;
}

export interface ProgramStatus {
	name: string;
	found: boolean;
	needed_for: string;
	/** What to type to mend it. */
	mend: string | null;
}

export interface ServerStatus {
	version: string;
	speech: SpeechStatus;
	programs: ProgramStatus[];
}

export interface ApiToken {
	id: string;
	name: string;
	created_at?: string | null;
	last_used_at?: string | null;
}

export interface NewApiToken {
	id: string;
	name: string;
	/** Shown once, never again. */
	token: string;
}

export interface DocumentEvent {
	id: string;
	/** Null where the document is gone. */
	category: Category | null;
}

export interface QueueEvent {
	id: string;
	document_id: string;
	stage: string;
	status: Status;
	progress: number | null;
}

/** A track of a video's subtitles; its address goes by its place in the list. */
export interface SubtitleTrack {
	language: string | null;
	title: string | null;
}
