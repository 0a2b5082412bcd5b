//! `cargo xtask bench-queue`: Seogo's queue and its peers, measured in the same run on the same machine.
//!
//! Every program gets a fresh database for every figure, and the systems take turns: whatever else the machine does meets all of
//! them alike. What counts is the ratio of the medians, not the figures themselves.

mod database;
mod disk;
mod plan;
mod programs;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use pgserver::Server;
use plan::{Point, System};
use report::Figures;

/// A program that takes longer than this for one figure is stopped, and its figure is missing.
const PATIENCE: Duration = Duration::from_secs(300);
const OUTPUT: &str = "target/bench";

/// What the command line asks for.
struct Options {
    rounds: usize,
    quick: bool,
    only: Option<String>,
    systems: Vec<System>,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            rounds: 3,
            quick: false,
            only: None,
            systems: System::ALL.to_vec(),
        };
        let mut rounds = None;
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word {
                "--quick" => options.quick = true,
                "--rounds" => rounds = Some(value()?.parse()?),
                "--only" => options.only = Some((*value()?).to_owned()),
                "--systems" => options.systems = System::parse(value()?)?,
                _ => bail!("unknown option {word}; see cargo xtask"),
            }
        }
        options.rounds = rounds.unwrap_or(if options.quick { 1 } else { options.rounds });
        ensure!(options.rounds > 0, "--rounds must be at least 1");
        Ok(options)
    }
}

/// Builds everything, measures, and leaves `queue.json` and `queue.md` in `target/bench`.
pub async fn run(words: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(words)?;
    let points = plan::points(options.quick, options.only.as_deref())?;
    let programs = programs::build(&options.systems)?;
    let folder = tempfile::Builder::new().prefix("seogo-bench-").tempdir()?;
    let disk = disk::measure(folder.path())?;
    let server = database::start()?;
    let bench = Bench {
        programs,
        server,
        folder: folder.path().to_owned(),
        quick: options.quick,
    };
    let mut figures = Figures::default();
    for round in 1..=options.rounds {
        for point in &points {
            eprintln!("round {round} of {}: {}", options.rounds, point.title());
            bench.measure(point, &options.systems, &mut figures).await?;
        }
        let setting = report::Setting::read(&disk, &bench.server, round, options.quick)?;
        report::write(Path::new(OUTPUT), &setting, &points, &figures)?;
    }
    println!(
        "{}",
        std::fs::read_to_string(Path::new(OUTPUT).join("queue.md"))?
    );
    Ok(ExitCode::SUCCESS)
}

struct Bench {
    programs: programs::Programs,
    server: Server,
    /// Where the SQLite files go; beside the server's cluster, on the same disk.
    folder: PathBuf,
    quick: bool,
}

impl Bench {
    /// One figure of every system, each on every database it knows.
    async fn measure(
        &self,
        point: &Point,
        systems: &[System],
        figures: &mut Figures,
    ) -> Result<()> {
        for &system in systems {
            for &database in system.databases() {
                if !point.fits(system) {
                    continue;
                }
                let url = database::fresh(database, &self.server, &self.folder)?;
                let arguments = point.arguments(system, &url, self.quick);
                match self.programs.run(system, &arguments, PATIENCE).await {
                    Ok(lines) => self.note(point, system, database, &lines, figures),
                    Err(error) => eprintln!("  {system} on {database}: {error:#}"),
                }
            }
        }
        Ok(())
    }

    fn note(
        &self,
        point: &Point,
        system: System,
        database: &'static str,
        lines: &[Value],
        figures: &mut Figures,
    ) {
        for line in lines {
            let value = line["value"].as_f64().unwrap_or(f64::NAN);
            eprintln!(
                "  {system} on {database}: {value:.2} {}",
                line["unit"].as_str().unwrap_or_default()
            );
            figures.add(point, system, database, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_is_one_round_unless_rounds_are_named() {
        let rounds = |words: &[&str]| Options::parse(words).unwrap().rounds;
        assert_eq!(rounds(&[]), 3);
        assert_eq!(rounds(&["--quick"]), 1);
        assert_eq!(rounds(&["--rounds", "2", "--quick"]), 2);
        assert!(Options::parse(&["--rounds", "0"]).is_err());
    }
}
