//! Files that were just seen, until their size and time of change have held still for a while.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use model::Timestamp;

use crate::FoundFile;
use crate::content::Stamp;
use crate::ingest::lock;
use crate::names::DiskPath;

/// What waits, and since when it looks as it does.
#[derive(Debug, Default)]
pub(crate) struct Settling(Mutex<HashMap<DiskPath, (Stamp, Timestamp)>>);

impl Settling {
    /// Notes how the file looks now. `true` where it has looked like that for `settle`; then it waits no longer.
    pub(crate) fn observe(&self, file: &FoundFile, now: Timestamp, settle: Duration) -> bool {
        let stamp = Stamp {
            size: file.size,
            modified_at: file.modified_at,
        };
        let mut waiting = lock(&self.0);
        let entry = waiting.entry(file.disk.clone()).or_insert((stamp, now));
        // A clock that was set back must not make anything wait for long.
        if entry.0 != stamp || entry.1 > now {
            *entry = (stamp, now);
        }
        let settled = now.ms_since(entry.1) >= millis(settle);
        if settled {
            waiting.remove(&file.disk);
        }
        settled
    }

    /// Those whose time is over, longest waiting first, to be looked at again.
    pub(crate) fn due(&self, now: Timestamp, settle: Duration) -> Vec<DiskPath> {
        let waiting = lock(&self.0);
        let mut due: Vec<_> = waiting
            .iter()
            .filter(|(_, (_, since))| now.ms_since(*since) >= millis(settle))
            .map(|(disk, (_, since))| (*since, disk.clone()))
            .collect();
        due.sort();
        due.into_iter().map(|(_, disk)| disk).collect()
    }

    /// How long until the first is due.
    pub(crate) fn next_due_in(&self, now: Timestamp, settle: Duration) -> Option<Duration> {
        let first = lock(&self.0).values().map(|(_, since)| *since).min()?;
        let left = first.plus_ms(millis(settle)).ms_since(now);
        Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(settle))
    }

    /// Whether a file of that size waits: perhaps what vanished elsewhere.
    pub(crate) fn has_size(&self, size: i64) -> bool {
        lock(&self.0).values().any(|(stamp, _)| stamp.size == size)
    }

    /// It changed while it was read: waits from now on.
    pub(crate) fn wait_again(&self, file: &FoundFile, now: Timestamp) {
        let stamp = Stamp {
            size: file.size,
            modified_at: file.modified_at,
        };
        lock(&self.0).insert(file.disk.clone(), (stamp, now));
    }

    /// It is gone, or somebody else's business.
    pub(crate) fn drop_path(&self, disk: &DiskPath) {
        lock(&self.0).remove(disk);
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(1);

    fn file(size: i64) -> FoundFile {
        FoundFile {
            disk: DiskPath::new("Inbox/a".as_ref()).unwrap(),
            size,
            modified_at: Timestamp(5),
        }
    }

    #[test]
    fn only_what_holds_still_settles() {
        let settling = Settling::default();
        assert!(!settling.observe(&file(1), Timestamp(0), SETTLE));
        assert!(
            !settling.observe(&file(2), Timestamp(1000), SETTLE),
            "it grew"
        );
        assert!(!settling.observe(&file(2), Timestamp(1999), SETTLE));
        assert_eq!(settling.due(Timestamp(2000), SETTLE).len(), 1);
        assert!(settling.observe(&file(2), Timestamp(2000), SETTLE));
        assert_eq!(settling.len(), 0);
    }

    #[test]
    fn a_clock_set_back_costs_one_settling_time_at_most() {
        let settling = Settling::default();
        settling.observe(&file(1), Timestamp(1_000_000), SETTLE);
        assert!(!settling.observe(&file(1), Timestamp(0), SETTLE));
        assert!(settling.observe(&file(1), Timestamp(1000), SETTLE));
    }

    #[test]
    fn the_next_due_time_is_never_further_than_one_settling_time() {
        let settling = Settling::default();
        assert_eq!(settling.next_due_in(Timestamp(0), SETTLE), None);
        settling.observe(&file(1), Timestamp(1_000_000), SETTLE);
        assert_eq!(settling.next_due_in(Timestamp(0), SETTLE), Some(SETTLE));
        assert_eq!(
            settling.next_due_in(Timestamp(2_000_000), SETTLE),
            Some(Duration::ZERO)
        );
    }
}
