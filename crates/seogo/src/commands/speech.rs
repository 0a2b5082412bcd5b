//! `seogo speech`: the speech service.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use speech::{SpeechConfig, models};
use tokio::net::TcpListener;
use tracing::info;

use crate::app::App;
use crate::cli::SpeechArgs;
use crate::{archive, shutdown};

pub async fn run(app: &App, arguments: SpeechArgs) -> Result<ExitCode> {
    let stop = shutdown::on_signal()?;
    let address = arguments.listen;
    let config = config(app, arguments)?;
    let toolbox = archive::toolbox(app)?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another with --listen"))?;
    info!(address = %listener.local_addr()?, "the speech service is running");
    speech::serve(listener, config, toolbox, stop).await?;
    Ok(ExitCode::SUCCESS)
}

fn config(app: &App, arguments: SpeechArgs) -> Result<SpeechConfig> {
    let settings = &app.settings;
    let roots = if arguments.roots.is_empty() {
        vec![settings.library_dir.clone()]
    } else {
        arguments.roots
    };
    let roots = roots
        .iter()
        .map(std::path::absolute)
        .collect::<Result<_, _>>()?;
    let named = settings
        .stt_model
        .as_deref()
        .map(|name| model_file(app, name));
    Ok(SpeechConfig {
        roots,
        model: arguments.model.or(named),
        models_dir: Some(settings.data.models()),
        max_upload_bytes: settings.max_upload_bytes,
        ..SpeechConfig::default()
    })
}

/// The setting names a file, or a model of the catalogue below the models folder.
fn model_file(app: &App, name: &str) -> PathBuf {
    match models::find(name) {
        Some(info) => app.settings.data.models().join(info.file_name()),
        None => PathBuf::from(name),
    }
}
