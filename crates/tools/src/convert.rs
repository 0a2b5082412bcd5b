//! A copy of a video that every browser plays: MP4 with H.264 and AAC, its index at the front.
//!
//! Where the codecs are right already only the container is changed, which takes seconds; else the streams are encoded anew.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::fence::Running;
use crate::media::{damaged, guarded, megabytes};
use crate::thumbnail::{Temporary, no_video};
use crate::{AudioStream, Fence, MediaInfo, ToolError, Toolbox, VideoStream};

/// The copy is taken for whole when it is at most so much shorter, in seconds or as a share, whichever is more.
const MISSING_S: f64 = 1.0;
const MISSING_SHARE: f64 = 0.02;

impl Toolbox {
    /// Writes a playable copy of the video to `out`; it appears there whole and checked, or not at all. `progress` is told the share
    /// that is done, 0 to 1, where the video tells its length.
    ///
    /// # Errors
    /// `no_video`, `damaged`, `conversion_incomplete`.
    pub async fn convert_video(
        &self,
        path: &Path,
        info: &MediaInfo,
        out: &Path,
        progress: impl Fn(f64) + Send,
        cancel: &CancellationToken,
    ) -> Result<(), ToolError> {
        let video = info.video.as_ref().filter(|video| !video.is_cover_art);
        let video = video.ok_or_else(no_video)?;
        let size = megabytes(path).await?;
        let copy = Temporary::beside(out, ".converted-", ".mp4")?;
        let fence = self.fence("ffmpeg", self.limits().convert, size);
        let fence = guarded(fence.args(["-nostdin", "-v", "error", "-y"]))
            .arg("-i")
            .path(path);
        let fence = output(fence, video, info.audio.as_ref()).path(copy.path());
        encode(fence, info.duration_s, progress, cancel).await?;
        self.check(copy.path(), info, cancel).await?;
        copy.become_file(out).await
    }

    /// The copy counts only if it is a video of the same length.
    async fn check(
        &self,
        copy: &Path,
        original: &MediaInfo,
        cancel: &CancellationToken,
    ) -> Result<(), ToolError> {
        let made = self.probe(copy, cancel).await?;
        let wanted = original.duration_s.unwrap_or(0.0);
        let got = made.duration_s.unwrap_or(0.0);
        let missing = wanted - got;
        if made.video.is_none() || missing > MISSING_S.max(wanted * MISSING_SHARE) {
            return Err(ToolError::bad_input(
                "conversion_incomplete",
                format!(
                    "Only {got:.0} s of {wanted:.0} s of this video could be converted; it may be damaged. The original is kept."
                ),
            ));
        }
        Ok(())
    }
}

/// The options of the copy.
fn output(fence: Fence, video: &VideoStream, audio: Option<&AudioStream>) -> Fence {
    let map = format!("0:{}", video.index);
    let fence = fence.args(["-map", &map, "-map", "0:a:0?", "-sn", "-dn"]);
    let fence = if video.codec == "h264" && !video.hdr {
        fence.args(["-c:v", "copy"])
    } else {
        // Even sizes and 4:2:0 are what decoders of browsers and phones take.
        let fence = fence.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "22"]);
        fence.args(["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p"])
    };
    let fence = match audio.map(|audio| audio.codec.as_str()) {
        Some("aac" | "mp3") => fence.args(["-c:a", "copy"]),
        _ => fence.args(["-c:a", "aac", "-b:a", "160k"]),
    };
    fence
        .args(["-movflags", "+faststart", "-f", "mp4"])
        .args(["-progress", "pipe:1"])
}

/// Runs it and tells how far it is.
async fn encode(
    fence: Fence,
    duration_s: Option<f64>,
    progress: impl Fn(f64) + Send,
    cancel: &CancellationToken,
) -> Result<(), ToolError> {
    let mut running = fence.start(cancel).await?;
    follow(&mut running, duration_s, progress).await?;
    match running.finish().await? {
        (0, _) => Ok(()),
        (code, stderr) => Err(damaged(ToolError::Failed {
            program: "ffmpeg".into(),
            status: format!("exit code {code}"),
            stderr,
        })),
    }
}

/// Reads the reports until there are no more. ffmpeg reports twice a second whether it gets on or not.
async fn follow(
    running: &mut Running,
    duration_s: Option<f64>,
    progress: impl Fn(f64) + Send,
) -> Result<(), ToolError> {
    let (mut block, mut before) = ([0; 4096], Reached::default());
    loop {
        let n = running.read(&mut block).await?;
        if n == 0 {
            return Ok(());
        }
        let reached = before.after(&String::from_utf8_lossy(&block[..n]));
        if reached.is_beyond(before) {
            running.moved();
        }
        before = reached;
        if let Some(whole) = duration_s.filter(|_| reached.micros > 0) {
            let done = reached.micros as f64 / 1_000_000.0;
            progress((done / whole.max(0.001)).min(1.0));
        }
    }
}

/// How far ffmpeg has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Reached {
    /// Of the video, in microseconds.
    micros: u64,
    /// Pictures written.
    frames: u64,
    /// Bytes written.
    bytes: u64,
}

impl Reached {
    /// With what a report says; a line that is cut by the end of the block is left for the next report.
    fn after(mut self, report: &str) -> Self {
        for (name, value) in report.lines().filter_map(|line| line.split_once('=')) {
            let Ok(value) = value.trim().parse() else {
                continue;
            };
            match name {
                "out_time_us" => self.micros = value,
                "frame" => self.frames = value,
                "total_size" => self.bytes = value,
                _ => {}
            }
        }
        self
    }

    fn is_beyond(self, before: Self) -> bool {
        self.micros > before.micros || self.frames > before.frames || self.bytes > before.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_tells_how_far_it_is() {
        let report = "frame=1\nout_time_us=500000\nprogress=continue\nframe=9\nout_time_us=2500000\nprogress=continue\n";
        let reached = Reached::default().after(report);
        assert_eq!((reached.micros, reached.frames), (2_500_000, 9));
        assert!(reached.is_beyond(Reached::default()));
        assert_eq!(reached.after("out_time_us=N/A\n\nspeed=0x\n"), reached);
        assert!(
            !reached.after(report).is_beyond(reached),
            "the same again is no progress"
        );
        assert!(reached.after("total_size=48\n").is_beyond(reached));
    }
}
