/** Outlines on a 24 × 24 grid, drawn with a stroke; in the manner of lucide. */
export const icons = {
	activity: 'M22 12h-4l-3 9L9 3l-3 9H2',
	alert: 'M12 9v4M12 17h.01M10.3 3.9 1.8 18a2 2 0 0 0 1.7 3h17a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0z',
	arrowDown: 'M12 5v14M6 13l6 6 6-6',
	arrowUp: 'M12 19V5M6 11l6-6 6 6',
	check: 'M20 6 9 17l-5-5',
	clock: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
	copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
	download: 'M12 3v12M7 10l5 5 5-5M4 20h16',
	file: 'M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8zM14 2v6h6M8 13h8M8 17h5',
	film: 'M3 4h18v16H3zM7.5 4v16M16.5 4v16M3 12h18M3 8h4.5M3 16h4.5M16.5 8H21M16.5 16H21',
	grid: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
	hourglass: 'M6 3h12M6 21h12M7 3v4l5 5 5-5V3M7 21v-4l5-5 5 5v4',
	image: 'M3 4h18v16H3zM9 11a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM21 16l-5-5L5 20',
	list: 'M8 6h13M8 12h13M8 18h13M3.5 6h.01M3.5 12h.01M3.5 18h.01',
	logout: 'M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4M16 17l5-5-5-5M21 12H9',
	menu: 'M4 6h16M4 12h16M4 18h16',
	mic: 'M12 2a3 3 0 0 0-3 3v7a3 3 0 0 0 6 0V5a3 3 0 0 0-3-3zM19 10v2a7 7 0 0 1-14 0v-2M12 19v3',
	moon: 'M20.5 13.5A8.5 8.5 0 1 1 10.5 3.5a6.5 6.5 0 0 0 10 10z',
	note: 'M12 20h9M16.5 3.5a2.1 2.1 0 0 1 3 3L7 19l-4 1 1-4z',
	open: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
	pause: 'M8 5v14M16 5v14',
	play: 'M7 4.5v15l12-7.5z',
	plus: 'M12 5v14M5 12h14',
	rotate: 'M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5',
	search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM21 21l-5-5',
	settings:
		'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
	skipBack: 'M11 17l-5-5 5-5M18 17l-5-5 5-5',
	skipForward: 'M13 17l5-5-5-5M6 17l5-5-5-5',
	sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4',
	tag: 'M3 3h8l10 10-8 8L3 11zM7.5 7.5h.01',
	trash: 'M3 6h18M8 6V4h8v2M6 6l1 15h10l1-15M10 11v6M14 11v6',
	upload: 'M12 16V4M7 9l5-5 5 5M4 20h16',
	x: 'M18 6 6 18M6 6l12 12'
} as const;

export type IconName = keyof typeof icons;
