//! How long until a failed run is tried again, and until an absent thing is looked for again.

use model::{Random, Timestamp};

/// Delay before the second try, in milliseconds; it doubles with every try.
const FIRST_RETRY_MS: i64 = 2_000;
/// Longest delay between two tries.
const LONGEST_RETRY_MS: i64 = 10 * 60_000;
/// Shortest and longest time between two looks for something absent.
const WAIT_MS: (i64, i64) = (5_000, 5 * 60_000);

/// Exponential backoff with full jitter over its upper half, after `attempts` tries.
pub(crate) fn retry_delay_ms(attempts: i64, random: &dyn Random) -> i64 {
    let doublings = u32::try_from((attempts - 1).clamp(0, 30)).unwrap_or(0);
    let whole = FIRST_RETRY_MS
        .saturating_mul(1_i64 << doublings)
        .min(LONGEST_RETRY_MS);
    whole / 2 + (random.unit() * (whole / 2) as f64) as i64
}

/// A quarter of the time it has been waiting already, within bounds: often at first, seldom later, and no counter to keep.
pub(crate) fn wait_delay_ms(created_at: Timestamp, now: Timestamp) -> i64 {
    (now.ms_since(created_at) / 4).clamp(WAIT_MS.0, WAIT_MS.1)
}

#[cfg(test)]
mod tests {
    use model::SeededRandom;

    use super::*;

    #[test]
    fn retries_come_later_and_later_and_never_past_the_limit() {
        let random = SeededRandom::new(3);
        for attempts in 1..40 {
            let whole = FIRST_RETRY_MS
                .saturating_mul(1 << (attempts - 1).min(20))
                .min(LONGEST_RETRY_MS);
            let delay = retry_delay_ms(attempts, &random);
            assert!(delay >= whole / 2 && delay <= whole, "{attempts}: {delay}");
        }
    }

    #[test]
    fn waiting_is_probed_often_first_and_seldom_later() {
        let created = Timestamp(0);
        assert_eq!(wait_delay_ms(created, Timestamp(0)), 5_000);
        assert_eq!(wait_delay_ms(created, Timestamp(60_000)), 15_000);
        assert_eq!(wait_delay_ms(created, Timestamp(1_000_000_000)), 300_000);
    }
}
