/** Runs at once, then at most once per `milliseconds`; a call in between is made up for at the end. */
export function throttled(milliseconds: number, run: () => void): () => void {
	let resting = false;
	let asked = false;
	const go = () => {
		if (resting) {
			asked = true;
			return;
		}
		resting = true;
		setTimeout(() => {
			resting = false;
			if (asked) {
				asked = false;
				go();
			}
		}, milliseconds);
		run();
	};
	return go;
}
