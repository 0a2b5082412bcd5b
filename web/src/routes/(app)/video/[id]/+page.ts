import { Client } from '$lib/api/client';
import { loadDocument } from '$lib/api/load';
import { numberParameter } from '$lib/util/links';
import type { PageLoad } from './$types';

export const load: PageLoad = async (event) => {
	const document = await loadDocument(event, event.params.id, ['video']);
	const segments = await new Client(event.fetch).segments(document.id);
	return { document, segments, start: numberParameter(event.url, 't') };
};
