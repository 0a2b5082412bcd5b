/** What plays: bound to a media element by the page that shows it. */

export const SPEEDS = [0.75, 1, 1.25, 1.5, 2] as const;
const SHORT_STEP_S = 5;
export const LONG_STEP_S = 10;

export class Player {
	/** Seconds. */
	time = $state(0);
	/** Seconds; NaN until the browser knows. */
	duration = $state(Number.NaN);
	paused = $state(true);
	speed = $state(1);
	failed = $state(false);

	/** `known`: the length in seconds that the server knows. */
	constructor(private readonly known: number | null = null) {}

	/** Seconds: what the browser says, before that what the server knows. */
	get length(): number {
		return Number.isFinite(this.duration) ? this.duration : (this.known ?? 0);
	}

	toggle(): void {
		this.paused = !this.paused;
	}

	seek(seconds: number): void {
		const end = Number.isFinite(this.duration) ? this.duration : Infinity;
		this.time = Math.max(0, Math.min(seconds, end));
	}

	skip(seconds: number): void {
		this.seek(this.time + seconds);
	}

	/** Whether the key was one of the player's: space, k, arrows, j, l. */
	press(key: string): boolean {
		const action = this.keys.get(key);
		action?.();
		return action !== undefined;
	}

	private readonly keys = new Map([
		[' ', () => this.toggle()],
		['k', () => this.toggle()],
		['ArrowLeft', () => this.skip(-SHORT_STEP_S)],
		['ArrowRight', () => this.skip(SHORT_STEP_S)],
		['j', () => this.skip(-LONG_STEP_S)],
		['l', () => this.skip(LONG_STEP_S)]
	]);
}
