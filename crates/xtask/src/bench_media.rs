//! `cargo xtask bench-media`: what a video costs, beside the usual ways.
//!
//! A thumbnail beside "ffprobe, then ffmpeg -ss" as two processes, in processor time; ranges of an original beside nginx on the same
//! file, in bytes a second and memory. The two take turns, and the ratio of the medians counts.

mod client;
mod servers;
mod thumbnail;
mod video;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use servers::Server;

const OUTPUT: &str = "target/bench";
/// Connections at once.
const CONNECTIONS: [usize; 3] = [1, 16, 256];

/// What the command line asks for.
struct Options {
    rounds: usize,
    /// Seconds of one figure of the ranges.
    seconds: u64,
    thumbnails: bool,
    ranges: bool,
    /// The binary to be measured, instead of one that is built.
    seogo: Option<PathBuf>,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            rounds: 3,
            seconds: 5,
            thumbnails: true,
            ranges: true,
            seogo: None,
        };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} needs a value"))
            };
            match word {
                "--quick" => (options.rounds, options.seconds) = (1, 2),
                "--seogo" => options.seogo = Some(std::path::absolute(value()?)?),
                "--rounds" => options.rounds = value()?.parse()?,
                "--only" => match *value()? {
                    "thumbnails" => options.ranges = false,
                    "ranges" => options.thumbnails = false,
                    other => bail!("{other} is neither thumbnails nor ranges"),
                },
                _ => bail!("unknown option {word}; see cargo xtask"),
            }
        }
        ensure!(options.rounds > 0, "--rounds must be at least 1");
        Ok(options)
    }
}

/// Builds everything, measures, and leaves `media.md` in `target/bench`.
pub fn run(words: &[&str]) -> Result<ExitCode> {
    let options = Options::parse(words)?;
    let folder = tempfile::Builder::new().prefix("seogo-bench-").tempdir()?;
    let film = video::make(folder.path())?;
    let mut text = String::new();
    if options.thumbnails {
        text += &thumbnails(&options, folder.path(), &film)?;
    }
    if options.ranges {
        text += &ranges(&options, folder.path(), &film)?;
    }
    std::fs::create_dir_all(OUTPUT)?;
    std::fs::write(Path::new(OUTPUT).join("media.md"), &text)?;
    println!("{text}");
    Ok(ExitCode::SUCCESS)
}

fn thumbnails(options: &Options, folder: &Path, film: &Path) -> Result<String> {
    let program = thumbnail::build()?;
    let (mut ours, mut usual) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        eprintln!("thumbnails, round {round} of {}", options.rounds);
        ours.push(thumbnail::ours(&program, film)?);
        usual.push(thumbnail::usual(film, folder)?);
    }
    let (ours, usual) = (median(ours), median(usual));
    Ok(format!(
        "| a thumbnail | CPU s |\n|---|---:|\n| Seogo | {ours:.3} |\n| ffprobe, then ffmpeg -ss | {usual:.3} |\n| ratio | {:.2} |\n\n",
        ours / usual
    ))
}

fn ranges(options: &Options, folder: &Path, film: &Path) -> Result<String> {
    let binary = match &options.seogo {
        Some(binary) => binary.clone(),
        None => servers::build()?,
    };
    let servers = [
        servers::seogo(&binary, folder, film)?,
        servers::nginx(folder, film)?,
    ];
    let mut text = "| connections | Seogo MB/s | nginx MB/s | ratio | Seogo MiB | nginx MiB |\n|---:|---:|---:|---:|---:|---:|\n".to_owned();
    for connections in CONNECTIONS {
        let mut speeds = [Vec::new(), Vec::new()];
        for round in 1..=options.rounds {
            eprintln!(
                "ranges on {connections} connections, round {round} of {}",
                options.rounds
            );
            for (server, speeds) in servers.iter().zip(&mut speeds) {
                speeds.push(client::speed(&server.target, connections, options.seconds)?);
            }
        }
        let [ours, theirs] = speeds.map(median);
        let [our_memory, their_memory] = [servers[0].memory_mib()?, servers[1].memory_mib()?];
        writeln!(
            text,
            "| {connections} | {ours:.0} | {theirs:.0} | {:.2} | {our_memory} | {their_memory} |",
            ours / theirs
        )?;
    }
    servers.into_iter().for_each(Server::stop);
    Ok(text)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read() {
        let quick = Options::parse(&["--quick", "--only", "ranges"]).unwrap();
        assert!(quick.rounds == 1 && quick.ranges && !quick.thumbnails);
        assert!(Options::parse(&["--only", "x"]).is_err());
        assert!(Options::parse(&["--rounds", "0"]).is_err());
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
