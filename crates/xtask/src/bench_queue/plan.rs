//! What is measured: the systems, the points, and how many items each system gets.

use std::fmt;

use anyhow::{Context, Result, ensure};

pub const POSTGRESQL: &str = "postgresql";
pub const SQLITE: &str = "sqlite";

/// Workers of the points that have one number of them.
const WORKERS: usize = 4;
/// What `--quick` divides the items by.
const QUICK: usize = 5;
const LONG_HISTORY: usize = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    Seogo,
    Graphile,
    PgBoss,
    Procrastinate,
    Bare,
}

impl System {
    pub const ALL: [Self; 5] = [
        Self::Seogo,
        Self::Graphile,
        Self::PgBoss,
        Self::Procrastinate,
        Self::Bare,
    ];

    /// Reads `seogo,bare,…`.
    pub fn parse(names: &str) -> Result<Vec<Self>> {
        let one = |name: &str| {
            Self::ALL
                .into_iter()
                .find(|system| system.to_string() == name)
                .with_context(|| format!("no system {name:?}; there are seogo, graphile, pg-boss, procrastinate and bare"))
        };
        names.split(',').map(one).collect()
    }

    pub fn databases(self) -> &'static [&'static str] {
        match self {
            Self::Seogo | Self::Bare => &[POSTGRESQL, SQLITE],
            _ => &[POSTGRESQL],
        }
    }

    /// Its column's heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Seogo => "Seogo",
            Self::Graphile => "graphile_worker",
            Self::PgBoss => "pg-boss",
            Self::Procrastinate => "Procrastinate",
            Self::Bare => "bare SQL",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Seogo => "seogo",
            Self::Graphile => "graphile",
            Self::PgBoss => "pg-boss",
            Self::Procrastinate => "procrastinate",
            Self::Bare => "bare",
        })
    }
}

/// One thing measured, of every system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub measure: &'static str,
    pub workers: usize,
    pub history: usize,
    pub analyzed: bool,
}

impl Point {
    const fn new(measure: &'static str, workers: usize) -> Self {
        Self {
            measure,
            workers,
            history: 0,
            analyzed: false,
        }
    }

    pub fn title(&self) -> String {
        let workers = if self.workers == 1 {
            "1 worker".to_owned()
        } else {
            format!("{} workers", self.workers)
        };
        match self.measure {
            "enqueue-one" => "enqueue, one by one".to_owned(),
            "enqueue-batch" => "enqueue, 100 at a time".to_owned(),
            measure @ ("pickup" | "idle") => measure.to_owned(),
            measure => {
                let history = if self.history == 0 {
                    String::new()
                } else {
                    format!(", {} finished rows", thousands(self.history))
                };
                let tables = if self.analyzed { ", after ANALYZE" } else { "" };
                format!("{measure}, {workers}{history}{tables}")
            }
        }
    }

    /// graphile_worker deletes what is finished: it has no history that could slow it down. Idling is Seogo's own goal.
    pub fn fits(&self, system: System) -> bool {
        match self.measure {
            "idle" => system == System::Seogo,
            _ => self.history == 0 || system != System::Graphile,
        }
    }

    pub fn arguments(&self, system: System, url: &str, quick: bool) -> Vec<String> {
        let items = items(system, self.measure) / if quick { QUICK } else { 1 };
        let pairs = [
            ("--url", url.to_owned()),
            ("--measure", self.measure.to_owned()),
            ("--workers", self.workers.to_string()),
            ("--items", items.to_string()),
            ("--history", self.history.to_string()),
        ];
        let mut arguments: Vec<String> = pairs
            .into_iter()
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect();
        arguments.extend(self.analyzed.then(|| "--analyzed".to_owned()));
        arguments
    }
}

/// So many that a run takes a second or more.
fn items(system: System, measure: &str) -> usize {
    match (system, measure) {
        (System::Procrastinate, "enqueue-batch") => 10_000,
        (System::Procrastinate, _) | (_, "enqueue-one") => 2000,
        (System::Graphile, "pairs") => 5000,
        (_, "pairs") => 20_000,
        _ => 50_000,
    }
}

/// Everything, or the points of one measure. `history` names the drains beside finished rows.
pub fn points(quick: bool, only: Option<&str>) -> Result<Vec<Point>> {
    let mut points = vec![Point::new("enqueue-one", 1), Point::new("enqueue-batch", 1)];
    points.extend([1, WORKERS, 16].map(|workers| Point::new("drain", workers)));
    points.push(Point {
        analyzed: true,
        ..Point::new("drain", WORKERS)
    });
    for history in [10_000, 100_000, LONG_HISTORY] {
        if quick && history == LONG_HISTORY {
            continue;
        }
        points.extend([false, true].map(|analyzed| Point {
            history,
            analyzed,
            ..Point::new("drain", WORKERS)
        }));
    }
    points.extend([false, true].map(|analyzed| Point {
        analyzed,
        ..Point::new("pairs", WORKERS)
    }));
    points.extend([Point::new("pickup", 1), Point::new("idle", 1)]);
    points.retain(|point| only.is_none_or(|only| point.is(only)));
    ensure!(
        !points.is_empty(),
        "no measure {:?}; see cargo xtask",
        only.unwrap_or_default()
    );
    Ok(points)
}

impl Point {
    fn is(&self, only: &str) -> bool {
        let history = self.measure == "drain" && (self.history > 0 || self.analyzed);
        match only {
            "history" => history,
            "drain" => self.measure == "drain" && !history,
            other => self.measure == other,
        }
    }
}

/// `1000000` as `1,000,000`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_can_be_asked_for_alone() {
        let titles = |only| {
            points(false, Some(only))
                .unwrap()
                .iter()
                .map(Point::title)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            titles("drain"),
            ["drain, 1 worker", "drain, 4 workers", "drain, 16 workers"]
        );
        assert_eq!(titles("history").len(), 7);
        assert_eq!(
            titles("pairs"),
            ["pairs, 4 workers", "pairs, 4 workers, after ANALYZE"]
        );
        assert!(points(false, Some("speed")).is_err());
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(10_000), "10,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn systems_go_by_their_names() {
        assert_eq!(
            System::parse("seogo,pg-boss").unwrap(),
            [System::Seogo, System::PgBoss]
        );
        assert!(System::parse("river").is_err());
    }
}
