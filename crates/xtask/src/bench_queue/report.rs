//! The figures of all rounds, their medians, and the two files they end in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use pgserver::Server;
use serde_json::{Value, json};

use super::database::query;
use super::disk::Disk;
use super::plan::{POSTGRESQL, Point, SQLITE, System};

const NONE: &str = "–";

/// One row of a table: a point, and the measure as the program names it (`pickup` has two).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    point: Point,
    measure: String,
}

/// Every figure of every round.
#[derive(Default)]
pub struct Figures {
    cells: BTreeMap<(&'static str, Row, System), Cell>,
}

#[derive(Default)]
struct Cell {
    values: Vec<f64>,
    cpu: Vec<f64>,
    unit: String,
    settings: String,
}

impl Figures {
    /// Takes in one line of a program.
    pub fn add(&mut self, point: &Point, system: System, database: &'static str, line: &Value) {
        let row = Row {
            point: point.clone(),
            measure: line["measure"].as_str().unwrap_or(point.measure).to_owned(),
        };
        let cell = self.cells.entry((database, row, system)).or_default();
        cell.values.extend(line["value"].as_f64());
        cell.cpu.extend(line["cpu_s_per_10k"].as_f64());
        line["unit"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut cell.unit);
        cell.settings = line["settings"]
            .as_str()
            .map_or_else(|| line["settings"].to_string(), str::to_owned);
    }

    /// The rows of a database in the order of the plan.
    fn rows(&self, database: &str, points: &[Point]) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self
            .cells
            .keys()
            .filter(|key| key.0 == database)
            .map(|key| &key.1)
            .collect();
        rows.sort_by_key(|row| {
            (
                points.iter().position(|point| *point == row.point),
                &row.measure,
            )
        });
        rows.dedup();
        rows
    }

    fn systems(&self, database: &str) -> Vec<System> {
        let known = |system: &System| {
            self.cells
                .keys()
                .any(|key| key.0 == database && key.2 == *system)
        };
        System::ALL.into_iter().filter(known).collect()
    }

    fn cell(&self, database: &'static str, row: &Row, system: System) -> Option<&Cell> {
        self.cells.get(&(database, row.clone(), system))
    }

    fn value(&self, database: &'static str, row: &Row, system: System) -> Option<f64> {
        median(&self.cell(database, row, system)?.values)
    }
}

/// The middle one; of an even number the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(sorted.len() / 2 - 1)?, upper))
}

/// Under what the figures came about.
pub struct Setting {
    rounds: usize,
    quick: bool,
    cores: usize,
    disk: Disk,
    postgresql: String,
}

impl Setting {
    pub fn read(disk: &Disk, server: &Server, rounds: usize, quick: bool) -> Result<Self> {
        Ok(Self {
            rounds,
            quick,
            cores: std::thread::available_parallelism()?.get(),
            disk: disk.clone(),
            postgresql: query(server, "SHOW server_version")?,
        })
    }

    fn sentence(&self) -> String {
        let quick = if self.quick {
            ", a fifth of the items (`--quick`)"
        } else {
            ""
        };
        format!(
            "Medians of {} round(s){quick}. {} cores, {}, fdatasync of a page {:.2} ms. PostgreSQL {} with fsync, synchronous_commit \
             and full_page_writes on and autovacuum off; SQLite in WAL mode with synchronous=FULL. A fresh database for every figure, \
             a checkpoint before the clock starts.",
            self.rounds, self.cores, self.disk.filesystem, self.disk.fdatasync_ms, self.postgresql
        )
    }
}

/// Writes `queue.json` and `queue.md`.
pub fn write(folder: &Path, setting: &Setting, points: &[Point], figures: &Figures) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(
        folder.join("queue.json"),
        serde_json::to_string_pretty(&as_json(setting, figures))?,
    )?;
    std::fs::write(
        folder.join("queue.md"),
        as_markdown(setting, points, figures),
    )?;
    Ok(())
}

fn as_json(setting: &Setting, figures: &Figures) -> Value {
    let results: Vec<Value> = figures
        .cells
        .iter()
        .map(|((database, row, system), cell)| {
            json!({
                "system": system.to_string(),
                "database": database,
                "measure": row.measure,
                "workers": row.point.workers,
                "history": row.point.history,
                "analyzed": row.point.analyzed,
                "median": median(&cell.values),
                "values": cell.values,
                "unit": cell.unit,
                "cpu_s_per_10k": median(&cell.cpu),
                "settings": cell.settings,
            })
        })
        .collect();
    json!({
        "rounds": setting.rounds,
        "quick": setting.quick,
        "cores": setting.cores,
        "filesystem": setting.disk.filesystem,
        "fdatasync_ms": setting.disk.fdatasync_ms,
        "postgresql": setting.postgresql,
        "results": results,
    })
}

fn as_markdown(setting: &Setting, points: &[Point], figures: &Figures) -> String {
    let mut text = format!("# The queue beside its peers\n\n{}\n", setting.sentence());
    for (database, title) in [(POSTGRESQL, "PostgreSQL"), (SQLITE, "SQLite")] {
        let systems = figures.systems(database);
        if systems.is_empty() {
            continue;
        }
        let table = Table {
            figures,
            points,
            database,
        };
        let _ = write!(text, "\n## {title}\n\n");
        table.draw(&mut text, &systems, |row, system| {
            let cell = figures.cell(database, row, system)?;
            Some(format!("{} {}", number(median(&cell.values)?), cell.unit))
        });
        if systems.first() == Some(&System::Seogo) && systems.len() > 1 {
            text.push_str("\nSeogo ÷ each; for rates more is better, for the milliseconds of pickup less is:\n\n");
            table.draw(&mut text, &systems[1..], |row, system| {
                let own = figures.value(database, row, System::Seogo)?;
                Some(format!(
                    "{}×",
                    number(own / figures.value(database, row, system)?)
                ))
            });
        }
        text.push_str("\nCPU of the worker's process, seconds per 10,000 items:\n\n");
        table.draw(&mut text, &systems, |row, system| {
            let cpu = &figures.cell(database, row, system)?.cpu;
            Some(number(median(cpu)?))
        });
    }
    text.push_str("\n## Settings\n\n");
    for line in settings(figures) {
        let _ = writeln!(text, "- {line}");
    }
    text
}

/// What each system said of how it was set, once for every measure.
fn settings(figures: &Figures) -> Vec<String> {
    let mut lines: Vec<String> = figures
        .cells
        .iter()
        .map(|((database, row, system), cell)| {
            format!(
                "{} on {database}, {}: {}",
                system.title(),
                row.point.measure,
                cell.settings
            )
        })
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

struct Table<'a> {
    figures: &'a Figures,
    points: &'a [Point],
    database: &'static str,
}

impl Table<'_> {
    /// One line a row, one column a system; rows without any cell are left out.
    fn draw(
        &self,
        text: &mut String,
        systems: &[System],
        cell: impl Fn(&Row, System) -> Option<String>,
    ) {
        let headings: Vec<&str> = systems.iter().map(|system| system.title()).collect();
        let _ = writeln!(
            text,
            "| | {} |\n|---|{}",
            headings.join(" | "),
            "---:|".repeat(systems.len())
        );
        for row in self.figures.rows(self.database, self.points) {
            let cells: Vec<Option<String>> =
                systems.iter().map(|&system| cell(row, system)).collect();
            if cells.iter().all(Option::is_none) {
                continue;
            }
            let cells: Vec<String> = cells
                .into_iter()
                .map(|cell| cell.unwrap_or_else(|| NONE.to_owned()))
                .collect();
            let _ = writeln!(text, "| {} | {} |", title(row), cells.join(" | "));
        }
    }
}

fn title(row: &Row) -> String {
    match row.measure.strip_prefix("pickup-") {
        Some(percentile) => format!("pickup, {percentile}"),
        None => row.point.title(),
    }
}

/// Three figures that mean something.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench_queue::plan::points;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn the_tables_hold_medians_and_ratios() {
        let points = points(false, Some("pairs")).unwrap();
        let mut figures = Figures::default();
        for (system, value) in [
            (System::Seogo, 100.0),
            (System::Seogo, 300.0),
            (System::Seogo, 200.0),
            (System::Graphile, 50.0),
        ] {
            let line = json!({"measure": "pairs", "value": value, "unit": "pairs/s", "settings": "as shipped"});
            figures.add(&points[0], system, POSTGRESQL, &line);
        }
        let setting = Setting {
            rounds: 3,
            quick: false,
            cores: 2,
            disk: Disk {
                filesystem: "ext2/ext3".into(),
                fdatasync_ms: 0.25,
            },
            postgresql: "15".into(),
        };
        let text = as_markdown(&setting, &points, &figures);
        assert!(
            text.contains("| pairs, 4 workers | 200 pairs/s | 50.0 pairs/s |"),
            "{text}"
        );
        assert!(text.contains("| pairs, 4 workers | 4.00× |"), "{text}");
        assert!(
            text.contains("- Seogo on postgresql, pairs: as shipped\n"),
            "{text}"
        );
    }
}
