//! How fast stages go and when they will be through, from what was counted minute by minute.

use std::collections::HashMap;

use model::Timestamp;

use super::Tx;
use super::queue_minutes::MINUTE_MS;
use crate::StoreError;
use crate::value::args;

/// The rate is that of so many minutes.
const RATE_MINUTES: i64 = 10;
/// The mean length of a run is that of so many minutes.
const MEAN_MINUTES: i64 = 60;

/// How fast a stage went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageRate {
    /// Runs completed in the last ten minutes.
    pub completed: i64,
    /// Milliseconds since the first minute of those ten in which one was, or a minute where that is more.
    pub window_ms: i64,
    /// Runs that ended within the last hour, well or not.
    pub runs: i64,
    /// Microseconds that those took together.
    pub busy_us: i64,
}

impl StageRate {
    /// Runs completed in a minute, since the stage began to complete some within the last ten minutes.
    pub fn per_minute(&self) -> f64 {
        if self.completed == 0 || self.window_ms == 0 {
            return 0.0;
        }
        self.completed as f64 * MINUTE_MS as f64 / self.window_ms as f64
    }

    /// Seconds that a run took in the mean of the last hour.
    pub fn mean_s(&self) -> Option<f64> {
        (self.runs > 0).then(|| self.busy_us as f64 / 1_000_000.0 / self.runs as f64)
    }

    /// Seconds until `open` runs are through, `parallel` of which go on now: by the rate, or where nothing was completed
    /// lately (runs take long) by the length of a run. `None` where nothing is open or nothing is known.
    pub fn eta_s(&self, open: i64, parallel: i64) -> Option<f64> {
        if open <= 0 {
            return None;
        }
        let rate = self.per_minute();
        if rate > 0.0 {
            return Some((open as f64 * 60.0 / rate).round());
        }
        let rounds = open as f64 / parallel.max(1) as f64;
        self.mean_s().map(|mean| (rounds.ceil() * mean).round())
    }
}

impl Tx {
    /// How fast each stage went, all workers together; a stage that did nothing within the hour is absent.
    pub async fn stage_rates(
        &mut self,
        now: Timestamp,
    ) -> Result<HashMap<String, StageRate>, StoreError> {
        let minute = now.0.div_euclid(MINUTE_MS);
        let rows = self
            .fetch(
                "SELECT stage, \
                    CAST(SUM(CASE WHEN minute > $1 THEN completed ELSE 0 END) AS BIGINT), \
                    CAST(MIN(CASE WHEN minute > $1 AND completed > 0 THEN minute END) AS BIGINT), \
                    CAST(SUM(completed + failed) AS BIGINT), CAST(SUM(busy_us) AS BIGINT) \
                 FROM stage_minutes WHERE minute > $2 GROUP BY stage",
                args![minute - RATE_MINUTES, minute - MEAN_MINUTES],
            )
            .await?;
        rows.into_iter()
            .map(|mut row| {
                let stage = row.text()?;
                let completed = row.int()?;
                let since = row.opt_int()?.unwrap_or(minute);
                let rate = StageRate {
                    completed,
                    window_ms: now.0.saturating_sub(since * MINUTE_MS).max(MINUTE_MS),
                    runs: row.int()?,
                    busy_us: row.int()?,
                };
                Ok((stage, rate))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_go_follows_from_the_rate() {
        let rate = StageRate {
            completed: 60,
            window_ms: 10 * MINUTE_MS,
            ..StageRate::default()
        };
        assert_eq!(rate.per_minute(), 6.0);
        assert_eq!(rate.eta_s(30, 1), Some(300.0));
        assert_eq!(rate.eta_s(0, 1), None);
    }

    #[test]
    fn while_long_runs_go_on_it_follows_from_their_length() {
        let rate = StageRate {
            runs: 2,
            busy_us: 7_200_000_000,
            ..StageRate::default()
        };
        assert_eq!(rate.mean_s(), Some(3600.0));
        assert_eq!(rate.eta_s(3, 2), Some(7200.0));
        assert_eq!(rate.eta_s(1, 0), Some(3600.0));
        assert_eq!(StageRate::default().eta_s(3, 1), None);
        assert_eq!(StageRate::default().mean_s(), None);
    }
}
