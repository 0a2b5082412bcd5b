import { expect, it } from 'vitest';
import { Player } from './player.svelte';

it('answers its keys within the bounds of the recording', () => {
	const player = new Player();
	player.duration = 12;
	expect(player.press('l')).toBe(true);
	expect(player.time).toBe(10);
	player.press('ArrowRight');
	expect(player.time).toBe(12);
	player.press('j');
	player.press('ArrowLeft');
	expect(player.time).toBe(0);
	player.press(' ');
	expect(player.paused).toBe(false);
	player.press('k');
	expect(player.paused).toBe(true);
	expect(player.press('x')).toBe(false);
	expect(player.press('constructor')).toBe(false);
});

it('seeks before the length is known', () => {
	const player = new Player();
	player.seek(90);
	expect(player.time).toBe(90);
});
