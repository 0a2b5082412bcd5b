// Runs before the first paint so that a chosen theme does not flash; a file because the page's policy allows no inline script.
try {
	const theme = localStorage.getItem('seogo-theme');
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
	// Storage may be refused; the system's theme is used.
}
