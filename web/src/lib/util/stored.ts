/** One of a few words, kept in this browser; the first is the default. */
export function stored<const Word extends string>(key: string, words: readonly [Word, ...Word[]]) {
	return {
		read: (): Word => {
			const kept = globalThis.localStorage?.getItem(key);
			return words.find((word) => word === kept) ?? words[0];
		},
		write: (word: Word): void => globalThis.localStorage?.setItem(key, word)
	};
}
