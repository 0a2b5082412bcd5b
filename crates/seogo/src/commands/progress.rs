//! A bar for what takes a while; shown on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// An empty bar with room for a message.
pub fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// Moves the bar to `done` of `total`.
pub fn move_to(bar: &ProgressBar, done: usize, total: usize) {
    bar.set_length(total as u64);
    bar.set_position(done as u64);
}
