/** Search snippets are the only text from the server that is rendered as HTML. */

const MARKS = /(<mark>|<\/mark>)/;
const ENTITY = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)/g;

/** The snippet with every `<mark>` balanced and everything else that could be HTML escaped. */
export function sanitizeSnippet(snippet: string): string {
	let open = false;
	let html = '';
	for (const piece of snippet.split(MARKS)) {
		if (piece === '<mark>') {
			html += open ? '' : piece;
			open = true;
		} else if (piece === '</mark>') {
			html += open ? piece : '';
			open = false;
		} else {
			html += escape(piece);
		}
	}
	return open ? `${html}</mark>` : html;
}

/** Entities stay, since the server has escaped the text once already. */
function escape(text: string): string {
	return text
		.replace(ENTITY, '&amp;')
		.replaceAll('<', '&lt;')
		.replaceAll('>', '&gt;')
		.replaceAll('"', '&quot;')
		.replaceAll("'", '&#39;');
}
