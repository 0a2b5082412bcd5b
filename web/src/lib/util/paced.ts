/**
 * Runs at once, then again at most once per `milliseconds`, never twice at a time. What is asked for meanwhile is made up
 * for by one run at the end; a run that takes long is rested from as long as it took, so that it is half the load at most.
 */
export function paced(milliseconds: number, run: () => Promise<unknown>): () => void {
	let busy = false;
	let asked = false;
	const turn = async () => {
		asked = false;
		const began = performance.now();
		await run().catch(() => {});
		const took = performance.now() - began;
		setTimeout(rested, Math.max(milliseconds - took, took));
	};
	const rested = () => {
		if (asked) void turn();
		else busy = false;
	};
	return () => {
		asked = true;
		if (busy) return;
		busy = true;
		void turn();
	};
}
