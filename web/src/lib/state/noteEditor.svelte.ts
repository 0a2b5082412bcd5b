/** One note being written: saved a moment after the last key, one save at a time, in order. */
import { api } from '$lib/api/client';
import type { Document } from '$lib/api/types';

const PAUSE_MS = 700;

export type SaveState = 'blank' | 'empty' | 'dirty' | 'saving' | 'saved' | 'failed';
type Notes = Pick<typeof api, 'createNote' | 'saveNote'>;

export class NoteEditor {
	id = $state<string | null>(null);
	title = $state('');
	text = $state('');
	state = $state<SaveState>('blank');
	error = $state.raw<unknown>(null);
	/** Called when the first save has given the note its place. */
	onCreated: (document: Document) => void = () => {};
	private timer: ReturnType<typeof setTimeout> | undefined;
	private running: Promise<void> | null = null;
	private edits = 0;
	private savedEdits = 0;

	constructor(
		note: { id: string; title: string; text: string } | null,
		private readonly notes: Notes = api
	) {
		if (note === null) return;
		Object.assign(this, note);
		this.state = 'saved';
	}

	/** Whether something would be lost. */
	get unsaved(): boolean {
		return this.edits !== this.savedEdits && !(this.id === null && this.empty);
	}

	edited(): void {
		this.edits += 1;
		this.state = 'dirty';
		clearTimeout(this.timer);
		this.timer = setTimeout(() => void this.save(), PAUSE_MS);
	}

	/** Saves what is unsaved now; done when nothing is left, or a save failed. */
	save(): Promise<void> {
		clearTimeout(this.timer);
		this.running ??= this.saveAll().finally(() => (this.running = null));
		return this.running;
	}

	private async saveAll(): Promise<void> {
		if (this.empty) this.state = this.id === null ? 'blank' : 'empty';
		while (this.unsaved && !this.empty) {
			const edits = this.edits;
			this.state = 'saving';
			try {
				await this.send();
			} catch (error) {
				this.error = error;
				this.state = 'failed';
				return;
			}
			this.savedEdits = edits;
			this.state = 'saved';
		}
	}

	/** A note needs a title or some text: a new one is made once there is something in it. */
	private get empty(): boolean {
		return this.title.trim() === '' && this.text.trim() === '';
	}

	private async send(): Promise<void> {
		const title = this.title.trim();
		const note = title === '' ? { text: this.text } : { title, text: this.text };
		if (this.id !== null) {
			await this.notes.saveNote(this.id, note);
			return;
		}
		const created = await this.notes.createNote(note);
		this.id = created.id;
		this.onCreated(created);
	}
}
