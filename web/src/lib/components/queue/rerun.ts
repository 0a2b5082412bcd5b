/** For which documents a stage is to run again. */
import type { Category, CategoryCounts, Rerun, StageCounts } from '$lib/api/types';

export type RerunChoice = 'outdated' | 'all' | Category;

export function rerunOf(choice: RerunChoice, stage: string): Rerun {
	if (choice === 'outdated') return { stage, outdated: true };
	return choice === 'all' ? { stage, all: true } : { stage, category: choice };
}

/** How many documents at most: a stage leaves out those it is not for. Null where that is not known yet. */
export function rerunSize(
	choice: RerunChoice,
	stage: Pick<StageCounts, 'outdated'>,
	counts: CategoryCounts | null
): number | null {
	if (choice === 'outdated') return stage.outdated;
	if (counts === null) return null;
	return choice === 'all' ? Object.values(counts).reduce((sum, count) => sum + count, 0) : counts[choice];
}
