/** Whether a key press belongs to a field or control, so that shortcuts leave it alone. */
export function isTyping(event: KeyboardEvent): boolean {
	const target = event.target;
	if (!(target instanceof HTMLElement)) return false;
	return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/**
 * Whether space presses what has the focus; no shortcut takes it then. Where `data-space="player"` is written, space is
 * the player's and Enter alone presses: who clicked a line of a transcript wants space to pause.
 */
export function isPressing(event: KeyboardEvent): boolean {
	const target = event.target;
	return (
		target instanceof HTMLElement && target.closest('button:not([data-space="player"]), a, summary') !== null
	);
}

export function hasModifier(event: KeyboardEvent): boolean {
	return event.ctrlKey || event.metaKey || event.altKey;
}
