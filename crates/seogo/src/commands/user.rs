//! `seogo user add NAME`.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Result;

use crate::app::App;
use crate::cli::UserTask;

pub async fn run(app: &App, task: UserTask) -> Result<ExitCode> {
    let UserTask::Add {
        name,
        password_stdin,
    } = task;
    let password = password(password_stdin)?;
    let store = app.open().await?;
    let (clock, random) = (&*app.clock, &*app.random);
    let user = api::create_user(&store, clock, random, &name, &password).await?;
    println!("{} can sign in now.", user.name);
    Ok(ExitCode::SUCCESS)
}

/// One line of standard input; asked for where a person sits there.
fn password(quiet: bool) -> Result<String> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() && !quiet {
        eprint!("Password (it will be shown as you type): ");
        std::io::stderr().flush()?;
    }
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
