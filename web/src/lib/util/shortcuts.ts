/** Whether a key press belongs to a field or control, so that shortcuts leave it alone. */
export function isTyping(event: KeyboardEvent): boolean {
	const target = event.target;
	if (!(target instanceof HTMLElement)) return false;
	return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** Space and Enter press the focused button or link; no shortcut takes them from it. */
export function isPressing(event: KeyboardEvent): boolean {
	const target = event.target;
	return target instanceof HTMLElement && target.closest('button, a, summary') !== null;
}

export function hasModifier(event: KeyboardEvent): boolean {
	return event.ctrlKey || event.metaKey || event.altKey;
}
