//! One thumbnail, in processor seconds of everything that is started for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Thumbnails of one figure: the kernel counts in hundredths of a second.
const RUNS: u32 = 5;

/// The kernel's ticks a second, as it tells them to programs.
const TICKS: f64 = 100.0;

/// Builds the program that runs one tool.
pub fn build() -> Result<PathBuf> {
    let arguments = [
        "build",
        "--release",
        "--locked",
        "-p",
        "seogo-tools",
        "--example",
        "try_tool",
    ];
    let status = Command::new("cargo").args(arguments).status()?;
    ensure!(status.success(), "cargo build failed: {status}");
    Ok(std::path::absolute("target/release/examples/try_tool")?)
}

/// Seogo's way.
pub fn ours(program: &Path, film: &Path) -> Result<f64> {
    measured(|| run(Command::new(program).arg("thumbnail").arg(film)).map(drop))
}

/// The usual way: ask for the length, then seek to its half.
pub fn usual(film: &Path, folder: &Path) -> Result<f64> {
    measured(|| {
        let mut probe = Command::new("ffprobe");
        probe.args([
            "-v",
            "error",
            "-show_entries",
            "format=duration",
            "-of",
            "csv=p=0",
        ]);
        let length: f64 = run(probe.arg(film))?.trim().parse()?;
        let middle = (length / 2.0).to_string();
        let mut frame = Command::new("ffmpeg");
        frame
            .args(["-v", "error", "-y", "-ss", &middle, "-i"])
            .arg(film);
        run(frame.args(["-frames:v", "1"]).arg(folder.join("usual.jpg"))).map(drop)
    })
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Processor seconds of one run.
fn measured(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let before = children_s()?;
    for _ in 0..RUNS {
        work()?;
    }
    Ok((children_s()? - before) / f64::from(RUNS))
}

/// Processor seconds of all children that were waited for, and theirs.
fn children_s() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, numbers) = stat
        .rsplit_once(')')
        .context("no such line in /proc/self/stat")?;
    // The 16th and 17th of proc(5), of which the first two stand before the bracket.
    let times = numbers.split_whitespace().skip(13).take(2);
    let ticks: f64 = times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}
