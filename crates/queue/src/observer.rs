//! The moments between which a crash must do no harm, shown to whoever wants to look (or to crash there).

use model::QueueItemId;

/// A moment in the way of runs through the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The claim is committed; the work has not begun.
    Claimed,
    /// The work has ended; nothing of it is handed to the database yet.
    Worked,
    /// Everything is written; the commit has not been asked for.
    Committing,
    /// The commit has been taken; nobody has been told.
    Committed,
}

/// Looks on. It is called on the runner's own path and must be quick.
pub trait Observer: Send + Sync + 'static {
    /// These rows have come to that moment.
    fn at(&self, moment: Moment, rows: &[&QueueItemId]);
}

/// Sees nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Observer for Nobody {
    fn at(&self, _moment: Moment, _rows: &[&QueueItemId]) {}
}
