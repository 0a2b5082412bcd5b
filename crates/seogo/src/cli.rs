//! The command line: subcommands here, the flags of settings from the list of settings.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::settings::list::{SETTINGS, Setting};

/// The flag that names the settings file.
pub const CONFIG_FLAG: &str = "config";

/// A self-hosted archive that reads, listens and finds.
#[derive(Debug, Parser)]
#[command(
    name = "seogo",
    version,
    disable_help_subcommand = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Show what is in the archive and what is being worked on
    Status(JsonArgs),
    /// Try failed work again
    Retry(RetryArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// See [`Task::Retry`].
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// Only this stage
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
}

/// How to print.
#[derive(Clone, Copy, Debug, Args)]
pub struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What the command line says.
#[derive(Debug)]
pub struct Invocation {
    /// What to do.
    pub task: Task,
    /// Settings given as flags: key and value.
    pub flags: Vec<(&'static str, String)>,
    /// The settings file, where one is named.
    pub config: Option<PathBuf>,
}

/// Reads the arguments, the program's name first.
///
/// # Errors
/// Usage errors, and the requests for help and version, as clap reports them.
pub fn parse(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<Invocation, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    let task = Cli::from_arg_matches(&matches)?.task;
    let (mut flags, mut config) = (Vec::new(), None);
    // From the root down to the innermost subcommand: later ones win.
    let mut level = Some(&matches);
    while let Some(matches) = level {
        flags.extend(flags_of(matches));
        config = given::<PathBuf>(matches, CONFIG_FLAG).cloned().or(config);
        level = matches.subcommand().map(|(_, below)| below);
    }
    Ok(Invocation {
        task,
        flags,
        config,
    })
}

fn flags_of(matches: &ArgMatches) -> impl Iterator<Item = (&'static str, String)> {
    SETTINGS.iter().filter_map(|setting| {
        let value = given::<String>(matches, setting.key)?;
        Some((setting.key, value.clone()))
    })
}

/// The value of an argument that this level may not have.
fn given<'a, T: Clone + Send + Sync + 'static>(matches: &'a ArgMatches, id: &str) -> Option<&'a T> {
    matches.try_get_one(id).ok().flatten()
}

/// The whole command line; every level takes the flags of the settings.
pub fn command() -> Command {
    with_settings(Cli::command())
}

fn with_settings(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    let own: Vec<String> = command
        .get_arguments()
        .filter_map(|arg| arg.get_long().map(str::to_owned))
        .collect();
    let command = names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, with_settings)
    });
    setting_arguments()
        .filter(|argument| !own.iter().any(|long| argument.get_long() == Some(long)))
        .fold(command, Command::arg)
}

fn setting_arguments() -> impl Iterator<Item = Arg> {
    let config = Arg::new(CONFIG_FLAG)
        .long(CONFIG_FLAG)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("Settings file [variable: SEOGO_CONFIG] [default: ./seogo.toml, if there]");
    SETTINGS
        .iter()
        .filter_map(setting_argument)
        .chain([config])
        .map(|argument| argument.help_heading("Settings").hide_short_help(true))
}

fn setting_argument(setting: &'static Setting) -> Option<Arg> {
    let help = format!(
        "{} [variable: {}] [default: {}]",
        setting.doc,
        setting.variable(),
        setting.default_text()
    );
    Some(
        Arg::new(setting.key)
            .long(setting.flag()?)
            .value_name(setting.value)
            .help(help),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Invocation {
        parse(line.split(' ').map(Into::into)).unwrap()
    }

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn settings_are_taken_before_and_after_the_subcommand() {
        let invocation = parsed("seogo --log debug --listen 1.1.1.1:1 status --listen 2.2.2.2:2");
        assert!(matches!(invocation.task, Task::Status(_)));
        assert_eq!(
            invocation.flags.first().unwrap(),
            &("listen", "1.1.1.1:1".to_owned())
        );
        assert_eq!(
            invocation.flags.last().unwrap(),
            &("listen", "2.2.2.2:2".to_owned())
        );
    }

    #[test]
    fn secrets_are_no_flags() {
        assert!(parse(["seogo", "status", "--admin-password", "x"].map(Into::into)).is_err());
    }
}
