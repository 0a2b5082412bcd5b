import { Client } from '$lib/api/client';
import { loadDocument } from '$lib/api/load';
import type { PageLoad } from './$types';

/** `/notes/new` is the note that is not there yet: one page for both lets the first save change only the address. */
export const load: PageLoad = async (event) => {
	const { id } = event.params;
	if (id === 'new') return { document: null, text: '' };
	const [document, text] = await Promise.all([
		loadDocument(event, id, ['note']),
		new Client(event.fetch).text(id)
	]);
	return { document, text };
};
