import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Document } from '$lib/api/types';
import { NoteEditor } from './noteEditor.svelte';

const created = { id: 'n1' } as Document;
const fake = () => ({ createNote: vi.fn(async () => created), saveNote: vi.fn(async () => created) });

function type(editor: NoteEditor, text: string): void {
	editor.text = text;
	editor.edited();
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('makes the note after a pause, then changes that one', async () => {
	const notes = fake();
	const editor = new NoteEditor(null, notes);
	const onCreated = vi.fn();
	editor.onCreated = onCreated;
	type(editor, 'a');
	type(editor, 'ab');
	expect(editor.state).toBe('dirty');
	await vi.advanceTimersByTimeAsync(700);
	expect(notes.createNote).toHaveBeenCalledExactlyOnceWith({ text: 'ab' });
	expect(onCreated).toHaveBeenCalledExactlyOnceWith(created);
	editor.title = ' T ';
	editor.edited();
	await editor.save();
	expect(notes.saveNote).toHaveBeenCalledExactlyOnceWith('n1', { title: 'T', text: 'ab' });
	expect(editor.state).toBe('saved');
});

it('saves what was typed during a save, and never makes the note twice', async () => {
	const notes = fake();
	const editor = new NoteEditor(null, notes);
	type(editor, 'a');
	const saving = editor.save();
	type(editor, 'ab');
	await Promise.all([saving, editor.save()]);
	expect(notes.createNote).toHaveBeenCalledTimes(1);
	expect(notes.saveNote).toHaveBeenCalledExactlyOnceWith('n1', { text: 'ab' });
	expect(editor.unsaved).toBe(false);
});

it('says that a save failed and can save again', async () => {
	const notes = fake();
	notes.saveNote.mockRejectedValueOnce(new Error('no'));
	const editor = new NoteEditor({ id: 'n', title: 't', text: '' }, notes);
	type(editor, 'x');
	await editor.save();
	expect(editor.state).toBe('failed');
	expect(editor.unsaved).toBe(true);
	await editor.save();
	expect(editor.state).toBe('saved');
});

it('makes no note out of nothing', async () => {
	const notes = fake();
	const editor = new NoteEditor(null, notes);
	type(editor, '  ');
	await editor.save();
	expect(notes.createNote).not.toHaveBeenCalled();
	expect(editor.state).toBe('blank');
	expect(editor.unsaved).toBe(false);
});

it('keeps the last text of a note that has been emptied', async () => {
	const notes = fake();
	const editor = new NoteEditor({ id: 'n', title: '', text: 'x' }, notes);
	type(editor, '');
	await editor.save();
	expect(notes.saveNote).not.toHaveBeenCalled();
	expect(editor.state).toBe('empty');
	expect(editor.unsaved).toBe(true);
});
