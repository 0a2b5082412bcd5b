//! `seogo token create NAME`.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::app::App;
use crate::cli::TokenTask;

pub async fn run(app: &App, task: TokenTask) -> Result<ExitCode> {
    let TokenTask::Create { name, user } = task;
    let store = app.open().await?;
    let owner = match user {
        Some(user) => {
            let found = store.read().await?.user_by_name(&user).await?;
            Some(
                found
                    .with_context(|| format!("there is no user {user}"))?
                    .id,
            )
        }
        None => None,
    };
    let (clock, random) = (&*app.clock, &*app.random);
    let made = api::create_api_token(&store, clock, random, &name, owner.as_deref()).await?;
    println!("Token {name} (it cannot be shown again): {}", made.token);
    Ok(ExitCode::SUCCESS)
}
