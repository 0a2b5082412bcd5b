//! `seogo status`: what is in the archive and what is being worked on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use store::{StageCounts, StageRate};

use crate::app::App;
use crate::cli::JsonArgs;

use super::print_json;

#[derive(Serialize)]
struct Status {
    /// Documents per category.
    documents: BTreeMap<&'static str, i64>,
    /// How each stage stands.
    stages: BTreeMap<String, StageStatus>,
    /// Stages that a person holds.
    paused: BTreeSet<String>,
}

#[derive(Serialize)]
struct StageStatus {
    /// Queue rows.
    #[serde(flatten)]
    counts: StageCounts,
    /// Runs completed in a minute, within the last ten.
    completed_per_minute: f64,
    /// Seconds that a run took in the mean of the last hour.
    mean_s: Option<f64>,
    /// Seconds until what is open is through.
    eta_s: Option<f64>,
}

impl StageStatus {
    fn new(counts: StageCounts, rate: StageRate, paused: bool) -> Self {
        let open = counts.pending + counts.processing;
        let eta_s = rate.eta_s(open, counts.processing);
        Self {
            completed_per_minute: rate.per_minute(),
            mean_s: rate.mean_s(),
            eta_s: eta_s.filter(|_| !paused),
            counts,
        }
    }
}

pub async fn run(app: &App, output: JsonArgs) -> Result<ExitCode> {
    let status = gather(app).await?;
    if output.json {
        print_json(&status)?;
    } else {
        print!("{}", table(&status));
    }
    Ok(ExitCode::SUCCESS)
}

async fn gather(app: &App) -> Result<Status> {
    let store = app.open_existing().await?;
    let mut tx = store.read().await?;
    let documents = tx.category_counts().await?;
    let paused: BTreeSet<_> = tx.paused_stages().await?.into_keys().collect();
    let mut rates = tx.stage_rates(app.clock.now()).await?;
    let stages = tx.stage_counts().await?.into_iter();
    let stages = stages.map(|(stage, counts)| {
        let rate = rates.remove(&stage).unwrap_or_default();
        let status = StageStatus::new(counts, rate, paused.contains(&stage));
        (stage, status)
    });
    Ok(Status {
        documents: documents
            .into_iter()
            .map(|(category, count)| (category.as_str(), count))
            .collect(),
        stages: stages.collect(),
        paused,
    })
}

fn table(status: &Status) -> String {
    let mut text = String::new();
    for (category, count) in &status.documents {
        text += &format!("{category:<12}{count:>10}\n");
    }
    let columns = [
        "pending",
        "waiting",
        "running",
        "done",
        "failed",
        "cancelled",
        "a minute",
        "to go",
    ];
    text += &format!("\n{:<12}", "stage");
    text.extend(columns.map(|column| format!("{column:>10}")));
    text.push('\n');
    for (stage, of) in &status.stages {
        text += &row(stage, of, status.paused.contains(stage));
    }
    text
}

fn row(stage: &str, of: &StageStatus, paused: bool) -> String {
    let counts = &of.counts;
    let numbers = [
        counts.pending,
        counts.waiting,
        counts.processing,
        counts.completed,
        counts.failed,
        counts.cancelled,
    ];
    let numbers: String = numbers.map(|number| format!("{number:>10}")).concat();
    let note = if paused { "  paused" } else { "" };
    let eta = of.eta_s.map_or("-".to_owned(), span);
    let rate = of.completed_per_minute;
    format!("{stage:<12}{numbers}{rate:>10.1}{eta:>10}{note}\n")
}

/// Seconds in the unit that fits.
fn span(seconds: f64) -> String {
    match seconds {
        ..60.0 => format!("{seconds:.0} s"),
        ..3600.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3600.0),
        _ => format!("{:.0} days", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_number_and_the_pause() {
        let counts = StageCounts {
            pending: 3,
            failed: 1,
            ..StageCounts::default()
        };
        let rate = StageRate {
            completed: 6,
            window_ms: 240_000,
            ..StageRate::default()
        };
        let held = StageStatus::new(counts.clone(), rate, true);
        let status = Status {
            documents: [("audio", 7)].into(),
            stages: [
                ("stt".to_owned(), held),
                ("embed".to_owned(), StageStatus::new(counts, rate, false)),
            ]
            .into(),
            paused: ["stt".to_owned()].into(),
        };
        let text = table(&status);
        assert!(text.contains("audio                7"), "{text}");
        assert!(
            text.contains(
                "stt                  3         0         0         0         1         0       1.5         -  paused\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("         1         0       1.5     2 min\n"),
            "{text}"
        );
    }

    #[test]
    fn a_span_is_told_in_the_unit_that_fits() {
        let told = [5.0, 90.0, 5400.0, 400_000.0].map(span);
        assert_eq!(told, ["5 s", "2 min", "1.5 h", "5 days"]);
    }
}
