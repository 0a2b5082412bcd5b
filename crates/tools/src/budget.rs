//! How long work may take: never one time for all, always what follows from the size of the work, and said so where it is reached.

use std::fmt;
use std::time::Duration;

/// What the size of work is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A million bytes of the file.
    Megabyte,
    /// A million pixels of a picture.
    Megapixel,
    /// A page of a document.
    Page,
    /// A second of a recording.
    SecondOfSound,
}

impl Unit {
    const fn one(self) -> &'static str {
        match self {
            Self::Megabyte => "megabyte",
            Self::Megapixel => "megapixel",
            Self::Page => "page",
            Self::SecondOfSound => "second of sound",
        }
    }

    const fn many(self) -> &'static str {
        match self {
            Self::Megabyte => "megabytes",
            Self::Megapixel => "megapixels",
            Self::Page => "pages",
            Self::SecondOfSound => "seconds of sound",
        }
    }
}

/// What the time is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// For the whole of the work, where it does not tell how far it is.
    Whole,
    /// Since the work last got on. As long as it does, it may take any time.
    Still,
}

/// A rule for time: so much in any case, and so much more for each unit of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBudget {
    /// What the time is counted for.
    pub clock: Clock,
    /// For work of any size.
    pub base: Duration,
    /// For each unit.
    pub each: Duration,
    /// What its size is counted in.
    pub unit: Unit,
}

impl TimeBudget {
    /// For the whole of the work.
    pub const fn whole(base_s: u64, each_ms: u64, unit: Unit) -> Self {
        Self {
            clock: Clock::Whole,
            base: Duration::from_secs(base_s),
            each: Duration::from_millis(each_ms),
            unit,
        }
    }

    /// For standing still.
    pub const fn still(base_s: u64, each_ms: u64, unit: Unit) -> Self {
        Self {
            clock: Clock::Still,
            ..Self::whole(base_s, each_ms, unit)
        }
    }

    /// What work of this size may take. A size that is unknown is 0, and so is one that is no number.
    pub fn allow(self, units: f64) -> Allowance {
        Allowance {
            budget: self,
            units: if units > 0.0 { units } else { 0.0 },
        }
    }
}

/// `60 s + 2 s for each page`, with `without progress` where that is what counts.
impl fmt::Display for TimeBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, each) = (seconds(self.base), seconds(self.each));
        write!(f, "{base} + {each} for each {}", self.unit.one())?;
        match self.clock {
            Clock::Whole => Ok(()),
            Clock::Still => write!(f, ", without progress"),
        }
    }
}

/// The time that one piece of work may take, and how that came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    budget: TimeBudget,
    units: f64,
}

impl Allowance {
    /// The time.
    pub fn time(self) -> Duration {
        let more = self.budget.each.as_secs_f64() * self.units;
        let more = Duration::try_from_secs_f64(more).unwrap_or(Duration::MAX);
        self.budget.base.saturating_add(more)
    }

    /// What it is counted for.
    pub const fn clock(self) -> Clock {
        self.budget.clock
    }
}

/// `60 s + 2 s for each of 126 pages`.
impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TimeBudget {
            base, each, unit, ..
        } = self.budget;
        write!(f, "{}", seconds(base))?;
        let units = rounded(self.units);
        if self.units == 0.0 || each.is_zero() {
            return Ok(());
        }
        let each = seconds(each);
        match units.as_str() {
            "1" => write!(f, " + {each} for 1 {}", unit.one()),
            _ => write!(f, " + {each} for each of {units} {}", unit.many()),
        }
    }
}

/// Counts the time of one run against its allowance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    allowance: Allowance,
    spent: Duration,
}

impl Watch {
    pub(crate) const fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            spent: Duration::ZERO,
        }
    }

    /// So much was waited.
    pub(crate) fn spend(&mut self, time: Duration) {
        self.spent = self.spent.saturating_add(time);
    }

    /// The work got on.
    pub(crate) fn moved(&mut self) {
        if self.allowance.clock() == Clock::Still {
            self.spent = Duration::ZERO;
        }
    }

    /// How much may still be waited.
    pub(crate) fn left(&self) -> Duration {
        self.allowance.time().saturating_sub(self.spent)
    }

    pub(crate) const fn allowance(&self) -> Allowance {
        self.allowance
    }
}

/// `312 s`, with one decimal below ten.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} s", rounded(time.as_secs_f64()))
}

/// As people say it: whole numbers from ten on, two digits below one, no zeros behind the point.
fn rounded(number: f64) -> String {
    let text = match number {
        10.0.. => format!("{number:.0}"),
        1.0..10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    };
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: TimeBudget = TimeBudget::whole(60, 2000, Unit::Page);

    #[test]
    fn the_time_grows_with_the_work_and_says_how() {
        let allowed = PAGES.allow(126.0);
        assert_eq!(allowed.time(), Duration::from_secs(312));
        assert_eq!(allowed.to_string(), "60 s + 2 s for each of 126 pages");
        assert_eq!(seconds(allowed.time()), "312 s");
        assert_eq!(PAGES.allow(1.0).to_string(), "60 s + 2 s for 1 page");
        assert_eq!(PAGES.to_string(), "60 s + 2 s for each page");
    }

    #[test]
    fn an_unknown_size_has_the_base_and_an_absurd_one_does_not_overflow() {
        for unknown in [0.0, -1.0, f64::NAN] {
            assert_eq!(PAGES.allow(unknown).time(), Duration::from_secs(60));
            assert_eq!(PAGES.allow(unknown).to_string(), "60 s");
        }
        assert_eq!(PAGES.allow(f64::INFINITY).time(), Duration::MAX);
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        let still = TimeBudget::still(60, 50, Unit::Megabyte);
        assert_eq!(
            still.to_string(),
            "60 s + 0.05 s for each megabyte, without progress"
        );
        assert_eq!(
            still.allow(8.7).to_string(),
            "60 s + 0.05 s for each of 8.7 megabytes"
        );
    }

    #[test]
    fn progress_is_life_only_where_stillness_counts() {
        for (budget, left) in [(PAGES, 10), (TimeBudget::still(60, 2000, Unit::Page), 60)] {
            let mut watch = Watch::new(budget.allow(0.0));
            watch.spend(Duration::from_secs(50));
            watch.moved();
            assert_eq!(watch.left(), Duration::from_secs(left));
            watch.spend(Duration::from_secs(100));
            assert_eq!(watch.left(), Duration::ZERO);
        }
    }
}
