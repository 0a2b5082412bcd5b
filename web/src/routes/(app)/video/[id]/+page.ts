import { loadDocument } from '$lib/api/load';
import { numberParameter } from '$lib/util/links';
import type { PageLoad } from './$types';

export const load: PageLoad = async (event) => {
	const document = await loadDocument(event, event.params.id, ['video']);
	return { document, start: numberParameter(event.url, 't') };
};
