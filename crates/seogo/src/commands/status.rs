//! `seogo status`: what is in the archive and what is being worked on.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use store::StageCounts;

use crate::app::App;
use crate::cli::JsonArgs;

use super::print_json;

#[derive(Serialize)]
struct Status {
    /// Documents per category.
    documents: BTreeMap<&'static str, i64>,
    /// Queue rows per stage.
    stages: BTreeMap<String, StageCounts>,
    /// Stages that a person holds.
    paused: Vec<String>,
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
    let counts = tx.category_counts().await?;
    Ok(Status {
        documents: counts
            .into_iter()
            .map(|(category, count)| (category.as_str(), count))
            .collect(),
        stages: tx.stage_counts().await?.into_iter().collect(),
        paused: tx.paused_stages().await?,
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
    ];
    text += &format!("\n{:<12}", "stage");
    text.extend(columns.map(|column| format!("{column:>10}")));
    text.push('\n');
    for (stage, counts) in &status.stages {
        text += &row(stage, counts, status.paused.contains(stage));
    }
    text
}

fn row(stage: &str, counts: &StageCounts, paused: bool) -> String {
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
    format!("{stage:<12}{numbers}{note}\n")
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
        let status = Status {
            documents: [("audio", 7)].into(),
            stages: [("stt".to_owned(), counts)].into(),
            paused: vec!["stt".to_owned()],
        };
        let text = table(&status);
        assert!(text.contains("audio                7"), "{text}");
        assert!(
            text.contains(
                "stt                  3         0         0         0         1         0  paused"
            ),
            "{text}"
        );
    }
}
