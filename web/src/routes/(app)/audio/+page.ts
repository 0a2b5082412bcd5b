import { loadCategory } from '$lib/api/load';
import type { PageLoad } from './$types';

export const load: PageLoad = (event) => loadCategory(event, 'audio');
