//! `seogo models list|pull|add`.

use std::process::ExitCode;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use speech::models;

use super::print_json;
use crate::app::App;
use crate::cli::ModelsTask;

pub async fn run(app: &App, task: ModelsTask) -> Result<ExitCode> {
    app.settings.data.create()?;
    let folder = app.settings.data.models();
    match task {
        ModelsTask::List(output) if output.json => print_json(&models::list(&folder))?,
        ModelsTask::List(_) => print_list(&models::list(&folder)),
        ModelsTask::Pull { name } => {
            let name = name.unwrap_or_else(|| models::RECOMMENDED.to_owned());
            let bar = bar();
            let file = models::pull(&name, &folder, |progress| {
                bar.set_length(progress.total.unwrap_or(0));
                bar.set_position(progress.done);
            })
            .await?;
            bar.finish_and_clear();
            println!(
                "{} is ready. A running server takes it up by itself.",
                file.display()
            );
        }
        ModelsTask::Add { file } => {
            let file = models::add(&file, &folder)?;
            println!(
                "{} is ready. A running server takes it up by itself.",
                file.display()
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_list(listed: &[models::Listed]) {
    for model in listed {
        let mark = if model.path.is_some() {
            "installed"
        } else {
            ""
        };
        let size = indicatif::HumanBytes(model.bytes).to_string();
        println!("{:<28}{size:>12}  {mark}", model.name);
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
    {
        bar.set_style(style);
    }
    bar
}
