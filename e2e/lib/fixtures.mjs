/** The sample files and what each must yield, as ../fixtures/MANIFEST.tsv has it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../fixtures');
const rows = readFileSync(join(root, 'MANIFEST.tsv'), 'utf8')
	.split('\n')
	.slice(1)
	.filter((line) => line !== '')
	.map((line) => line.split('\t'));

/** A sample: its path on the disk and the phrases that are in it. */
export function fixture(name) {
	const row = rows.find(([file]) => file === name);
	if (row === undefined) throw new Error(`fixtures/MANIFEST.tsv does not name ${name}.`);
	const words = (row[4] ?? '').split('|').map((word) => word.trim());
	return { path: join(root, name), words: words.filter((word) => word !== '') };
}
