//! Tests: what is left of a run that was stopped from outside, with the real programs.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use queue::{Job, Outcome, Stage, StageError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio_util::sync::CancellationToken;
use tools::{Fence, TimeBudget, Unit};

use crate::convert::Convert;
use crate::extract::Extract;
use crate::testing::{Bench, fixture, job};

#[tokio::test]
async fn a_cancelled_conversion_tells_how_far_it_is_and_leaves_nothing() {
    let bench = Bench::new().await;
    let video = long_video(&bench).await;
    let stage = Convert(Arc::clone(&bench.context));
    let job = job("convert", &video);
    let watch = async {
        let ffmpeg = Process::on(&video).await;
        until(|| job.progress().is_some_and(|done| done > 0.0)).await;
        job.cancel.cancel();
        ffmpeg
    };
    let (result, ffmpeg) = tokio::join!(as_the_runner_does(&stage, &job), watch);
    assert_eq!(result, None, "the run was dropped");
    ffmpeg.ends().await;
    assert!(job.progress().unwrap() < 1.0);
    assert_eq!(bench.files(), [video], "no temporary file stays");
}

#[tokio::test]
async fn a_cancelled_scan_leaves_nothing() {
    let bench = Bench::new().await;
    let stage = Extract(Arc::clone(&bench.context));
    let scan = bench.dir.path().join("scan.pdf");
    std::fs::copy(fixture("documents/scan.pdf"), &scan).unwrap();
    let job = job("extract", &scan);
    let watch = async {
        // The pages' text comes first, then the first of the two readings of its picture.
        until(|| job.progress().is_some_and(|done| done > 0.4)).await;
        let tesseract = Process::on(&bench.dir.path().join("scratch")).await;
        job.cancel.cancel();
        tesseract
    };
    let (result, tesseract) = tokio::join!(as_the_runner_does(&stage, &job), watch);
    assert_eq!(result, None);
    tesseract.ends().await;
    assert_eq!(bench.files(), [scan]);
}

#[tokio::test]
async fn a_child_that_the_machine_kills_costs_one_more_try_and_then_the_row() {
    let bench = Bench::new().await;
    let video = long_video(&bench).await;
    let stage = Convert(Arc::clone(&bench.context));
    let mut job = job("convert", &video);
    let (first, ()) = tokio::join!(stage.run(&job), async {
        Process::on(&video).await.gets(Signal::KILL);
    });
    let Err(StageError::Retry { code, message }) = first else {
        panic!("{first:?}");
    };
    assert_eq!(code, "killed");
    assert!(
        message.contains("4096 MiB") && message.contains("tried once more"),
        "{message}"
    );

    job.item.attempts = 2;
    job.item.error_code = Some(code);
    let (second, ()) = tokio::join!(stage.run(&job), async {
        Process::on(&video).await.gets(Signal::KILL);
    });
    let Err(StageError::Fail { code, .. }) = second else {
        panic!("{second:?}");
    };
    assert_eq!(code, "killed");
    assert_eq!(bench.files(), [video]);
}

#[tokio::test]
async fn a_conversion_that_gets_on_may_take_longer_than_one_that_stands_still() {
    let still = TimeBudget::still(2, 0, Unit::Megabyte);
    let bench = Bench::with(|settings| settings.limits.convert.time = still).await;
    let video = long_video(&bench).await;
    let stage = Convert(Arc::clone(&bench.context));
    let job = job("convert", &video);
    let began = tokio::time::Instant::now();
    let (result, ffmpeg) = tokio::join!(stage.run(&job), async {
        let ffmpeg = Process::on(&video).await;
        until(|| job.progress() > Some(0.0) && began.elapsed() > still.base * 2).await;
        ffmpeg.gets(Signal::STOP);
        ffmpeg
    });
    let Err(StageError::Retry { code, message }) = result else {
        panic!("{result:?}");
    };
    assert_eq!(code, "stalled");
    assert!(message.contains("did not get on for 2 s"), "{message}");
    ffmpeg.ends().await;
    assert_eq!(bench.files(), [video]);
}

/// Runs the stage, and drops the run when it is cancelled.
async fn as_the_runner_does(stage: &dyn Stage, job: &Job) -> Option<Result<Outcome, StageError>> {
    tokio::select! {
        biased;
        () = job.cancel.cancelled() => None,
        result = stage.run(job) => Some(result),
    }
}

/// A video of two hours that no browser plays: minutes of work.
async fn long_video(bench: &Bench) -> PathBuf {
    let video = bench.dir.path().join("long.avi");
    Fence::new("ffmpeg")
        .args(["-v", "error", "-stream_loop", "1800", "-i"])
        .path(&fixture("video/clip.avi"))
        .args(["-c", "copy"])
        .path(&video)
        .limits(tools::ToolLimits::default().convert.limits(0.0))
        .run(&CancellationToken::new())
        .await
        .unwrap();
    video
}

/// A process of the tests' machine, held by what its number cannot be given away under.
struct Process(OwnedFd);

impl Process {
    /// The encoder or reader whose command line names this path.
    async fn on(path: &Path) -> Self {
        let mut found = None;
        until(|| {
            found = find(path).and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK).ok());
            found.is_some()
        })
        .await;
        Self(found.unwrap())
    }

    fn gets(&self, signal: Signal) {
        pidfd_send_signal(&self.0, signal).unwrap();
    }

    /// The kernel makes it readable when the process has ended.
    async fn ends(self) {
        let end = tokio::task::spawn_blocking(move || {
            let mut end = [PollFd::new(&self.0, PollFlags::IN)];
            let patience = Timespec {
                tv_sec: 2,
                tv_nsec: 0,
            };
            poll(&mut end, Some(&patience)).unwrap()
        });
        assert_eq!(end.await.unwrap(), 1, "it is still alive");
    }
}

fn find(path: &Path) -> Option<Pid> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let is_ours = |process: &PathBuf| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let program = line.split('\0').next().unwrap_or_default();
        ["ffmpeg", "tesseract"].contains(&program) && line.contains(path.to_str().unwrap())
    };
    let ours = processes.map(|entry| entry.unwrap().path()).find(is_ours)?;
    Pid::from_raw(ours.file_name()?.to_str()?.parse().ok()?)
}

/// Looks every few milliseconds until it is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let mut beat = tokio::time::interval(Duration::from_millis(5));
    let look = async {
        while !is_so() {
            beat.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look)
        .await
        .expect("it never was so");
}
