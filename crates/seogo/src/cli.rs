//! The command line: subcommands here, the flags of settings from the list of settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use model::{Category, Status};

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
    /// Run everything: web app, API, watching the library, and all stages
    Serve,
    /// Work on stages only, for an archive that another machine serves
    Worker(WorkerArgs),
    /// Run the speech service
    Speech(SpeechArgs),
    /// Take files or folders into the library
    Ingest(IngestArgs),
    /// Write a note
    Note(NoteArgs),
    /// Find a passage
    Search(SearchArgs),
    /// Show what is in the archive and what is being worked on
    Status(JsonArgs),
    /// Show the queue, and hold, stop or explain what is in it
    Queue(QueueArgs),
    /// Try failed work again
    Retry(RetryArgs),
    /// Run a stage again
    Rerun(RerunArgs),
    /// Delete the search index and build it again
    Reindex,
    /// Speech models on this machine
    #[command(subcommand)]
    Models(ModelsTask),
    /// API tokens
    #[command(subcommand)]
    Token(TokenTask),
    /// People who may sign in
    #[command(subcommand)]
    User(UserTask),
    /// Tell what is missing, and the command that mends it
    Doctor(JsonArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Read one file in a process of its own (used by Seogo itself)
    #[command(hide = true)]
    Parse {
        /// What kind of file it is
        kind: String,
        /// The file
        path: PathBuf,
    },
}

/// See [`Task::Worker`].
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// The stages to work on, like stt,embed; all of them when not given
    #[arg(long, value_delimiter = ',', value_name = "STAGE,…")]
    pub stages: Vec<String>,
}

/// See [`Task::Speech`].
#[derive(Debug, Args)]
pub struct SpeechArgs {
    /// Address and port to answer on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3300")]
    pub listen: SocketAddr,
    /// Model file of whisper.cpp; without it the setting stt_model decides
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Folders whose recordings may be asked for; the library when not given
    #[arg(long = "root", value_name = "DIR")]
    pub roots: Vec<PathBuf>,
}

/// See [`Task::Ingest`].
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Files, or folders with everything below them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub output: JsonArgs,
}

/// See [`Task::Note`].
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// Title; the first line when not given
    #[arg(long, value_name = "TITLE")]
    pub title: Option<String>,
    /// File with the text; standard input when not given or -
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// See [`Task::Search`].
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// What to look for
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,
    /// Only this category: document, note, audio, video or image
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<Category>,
    /// At most so many hits
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub limit: u16,
    #[command(flatten)]
    pub output: JsonArgs,
}

/// See [`Task::Queue`].
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct QueueArgs {
    /// Something else than showing it
    #[command(subcommand)]
    pub task: Option<QueueTask>,
    #[command(flatten)]
    pub list: QueueListArgs,
}

/// Which rows to show.
#[derive(Debug, Args)]
pub struct QueueListArgs {
    /// Only these: pending, processing, completed, failed or cancelled
    #[arg(long, value_name = "STATUS")]
    pub status: Option<Status>,
    /// Only this stage
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// At most so many rows, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub limit: u16,
    #[command(flatten)]
    pub output: JsonArgs,
}

/// See [`Task::Queue`].
#[derive(Debug, Subcommand)]
pub enum QueueTask {
    /// Hold a stage: what runs goes on, nothing new of it begins
    Pause {
        /// The stage
        stage: String,
    },
    /// Let a stage go on
    Resume {
        /// The stage
        stage: String,
    },
    /// Stop work that is pending or running
    Cancel(CancelArgs),
    /// Tell what happened to a document
    Timeline {
        /// The document's id
        document: String,
        #[command(flatten)]
        output: JsonArgs,
    },
}

/// Which rows are meant.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// This row of the queue
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Only this stage
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Only what ended with this code, like timed_out
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only documents of this category: document, note, audio, video or image
    #[arg(long, value_name = "CATEGORY")]
    pub category: Option<Category>,
    /// Only documents with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Only this document
    #[arg(long, value_name = "ID")]
    pub document: Option<String>,
}

/// See [`QueueTask::Cancel`].
#[derive(Debug, Args)]
pub struct CancelArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Everything that is pending or running
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub output: JsonArgs,
}

/// See [`Task::Retry`].
#[derive(Debug, Args)]
pub struct RetryArgs {
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub output: JsonArgs,
}

/// See [`Task::Rerun`].
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub struct RerunArgs {
    /// The stage
    pub stage: String,
    /// Only this document, first of all
    #[arg(long, value_name = "ID", group = "which")]
    pub document: Option<String>,
    /// Only documents of this category: document, note, audio, video or image
    #[arg(long, value_name = "CATEGORY", group = "which")]
    pub category: Option<Category>,
    /// Only documents with this tag
    #[arg(long, value_name = "TAG", group = "which")]
    pub tag: Option<String>,
    /// Only documents that passed the stage in an older version
    #[arg(long, group = "which")]
    pub outdated: bool,
    /// Every document that the stage is for
    #[arg(long, group = "which")]
    pub all: bool,
    #[command(flatten)]
    pub output: JsonArgs,
}

/// How to print.
#[derive(Clone, Copy, Debug, Args)]
pub struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// See [`Task::Models`].
#[derive(Debug, Subcommand)]
pub enum ModelsTask {
    /// Show the models that are here and those that can be got
    List(JsonArgs),
    /// Download a model
    Pull {
        /// Its name; the recommended one when not given
        name: Option<String>,
    },
    /// Add a model file that is already on this machine
    Add {
        /// The file
        file: PathBuf,
    },
}

/// See [`Task::Token`].
#[derive(Debug, Subcommand)]
pub enum TokenTask {
    /// Make a token and print it; it cannot be shown again
    Create {
        /// What it is for
        name: String,
        /// Whose it is; the installation's own when not given
        #[arg(long, value_name = "USER")]
        user: Option<String>,
    },
}

/// See [`Task::User`].
#[derive(Debug, Subcommand)]
pub enum UserTask {
    /// Add a person; asks for the password
    Add {
        /// The name to sign in with
        name: String,
        /// Read the password from standard input instead of asking
        #[arg(long)]
        password_stdin: bool,
    },
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
        let invocation = parsed("seogo --log debug --listen 1.1.1.1:1 serve --listen 2.2.2.2:2");
        assert!(matches!(invocation.task, Task::Serve));
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
    fn settings_are_taken_below_nested_subcommands() {
        let invocation = parsed("seogo token create laptop --data-dir /srv/d");
        assert_eq!(invocation.flags, [("data_dir", "/srv/d".to_owned())]);
    }

    #[test]
    fn speech_listens_on_its_own_address() {
        let invocation =
            parsed("seogo speech --listen 0.0.0.0:3300 --model a.bin --root /x --root /y");
        assert!(invocation.flags.is_empty());
        let Task::Speech(speech) = invocation.task else {
            panic!("{:?}", invocation.task)
        };
        assert_eq!(speech.listen.port(), 3300);
        assert_eq!(speech.roots.len(), 2);
    }

    #[test]
    fn stages_come_with_commas() {
        let Task::Worker(worker) = parsed("seogo worker --stages stt,embed").task else {
            panic!()
        };
        assert_eq!(worker.stages, ["stt", "embed"]);
    }

    #[test]
    fn a_rerun_must_say_of_what() {
        let told = |line: &str| parse(line.split(' ').map(Into::into));
        assert!(told("seogo rerun stt").is_err());
        let Task::Rerun(rerun) = parsed("seogo rerun stt --category audio --outdated").task else {
            panic!()
        };
        assert!(rerun.outdated && !rerun.all);
        assert_eq!(rerun.category, Some(Category::Audio));
    }

    #[test]
    fn the_queue_is_shown_unless_something_else_is_asked() {
        let Task::Queue(queue) = parsed("seogo queue --status failed --stage stt").task else {
            panic!()
        };
        assert!(queue.task.is_none());
        assert_eq!(queue.list.status, Some(Status::Failed));
        let Task::Queue(queue) = parsed("seogo queue cancel --stage stt").task else {
            panic!()
        };
        assert!(matches!(queue.task, Some(QueueTask::Cancel(_))));
    }

    #[test]
    fn secrets_are_no_flags() {
        assert!(parse(["seogo", "serve", "--admin-password", "x"].map(Into::into)).is_err());
    }
}
