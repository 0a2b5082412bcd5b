/** The extracted text as pages: a form feed stands between two of them. */

export function splitPages(text: string): string[] {
	const pages = text.split('\f');
	// Extractors end the last page with a form feed, too.
	if (pages.length > 1 && pages.at(-1)?.trim() === '') pages.pop();
	return pages.map((page) => page.replace(/^[\r\n]+|\s+$/g, ''));
}
