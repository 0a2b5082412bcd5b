//! `seogo doctor`: what is missing, and the command that mends it. Exit 1 when something is.

use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use speech::models;

use super::print_json;
use crate::app::App;
use crate::archive;
use crate::cli::JsonArgs;

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    name: String,
    ok: bool,
    /// What it is for, or what was found.
    detail: String,
    /// What to type, where it is missing.
    mend: Option<String>,
}

pub async fn run(app: &App, output: JsonArgs) -> Result<ExitCode> {
    let mut findings = vec![database(app).await, library(app), speech_model(app)];
    findings.extend(programs(app)?);
    if output.json {
        print_json(&findings)?;
    } else {
        findings.iter().for_each(print);
    }
    let well = findings.iter().all(|finding| finding.ok);
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(finding: &Finding) {
    let mark = if finding.ok { "ok     " } else { "missing" };
    println!("{mark}  {:<22} {}", finding.name, finding.detail);
    if let Some(mend) = &finding.mend {
        println!("         {:<22} → {mend}", "");
    }
}

async fn database(app: &App) -> Finding {
    let (ok, detail, mend) = match app.open_existing().await {
        Ok(_) => (true, "answers".to_owned(), None),
        Err(error) => (false, format!("{error:#}"), Some("seogo serve".to_owned())),
    };
    Finding {
        name: "database".into(),
        ok,
        detail,
        mend,
    }
}

fn library(app: &App) -> Finding {
    let folder = &app.settings.library_dir;
    let ok = folder.is_dir();
    Finding {
        name: "library".into(),
        ok,
        detail: folder.display().to_string(),
        mend: (!ok).then(|| "mount it, or name the right folder with --library-dir".to_owned()),
    }
}

fn speech_model(app: &App) -> Finding {
    let found = app
        .settings
        .stt_endpoint
        .as_ref()
        .map(|endpoint| format!("service at {endpoint}"))
        .or_else(|| app.settings.stt_model.clone())
        .or_else(|| {
            let file = models::default_model(&app.settings.data.models())?;
            Some(file.display().to_string())
        });
    Finding {
        name: "speech model".into(),
        ok: found.is_some(),
        mend: found.is_none().then(|| "seogo models pull".to_owned()),
        detail: found.unwrap_or_else(|| "none: transcripts are drafts, of English only".to_owned()),
    }
}

fn programs(app: &App) -> Result<Vec<Finding>> {
    let finding = |program: tools::Program| Finding {
        name: program.name.to_string(),
        ok: program.found.is_some(),
        detail: program.needed_for.to_string(),
        mend: program.found.is_none().then(|| program.mend.to_string()),
    };
    let programs = archive::toolbox(app)?.programs();
    Ok(programs.into_iter().map(finding).collect())
}
