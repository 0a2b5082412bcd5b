import { Client } from '$lib/api/client';
import { loadDocument } from '$lib/api/load';
import { numberParameter } from '$lib/util/links';
import type { PageLoad } from './$types';

export const load: PageLoad = async (event) => {
	const { id } = event.params;
	const [document, text] = await Promise.all([
		loadDocument(event, id, ['document', 'image']),
		new Client(event.fetch).text(id)
	]);
	return { document, text, page: numberParameter(event.url, 'page') };
};
