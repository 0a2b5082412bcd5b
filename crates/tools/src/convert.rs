//! A copy of a video that every browser plays: MP4 with H.264 and AAC, its index at the front.
//!
//! Where the codecs are right already only the container is changed, which takes seconds; else the streams are encoded anew.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::fence::Limits;
use crate::media::{damaged, guarded};
use crate::thumbnail::{Temporary, no_video};
use crate::{AudioStream, Fence, MediaInfo, ToolError, Toolbox, VideoStream};

/// How much longer than the video itself its encoding may take, on a slow machine and in large pictures.
const TIMES_ITS_LENGTH: f64 = 20.0;

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
        let copy = Temporary::beside(out, ".converted-", ".mp4")?;
        let fence = self.fence("ffmpeg", self.convert_limits(info));
        let fence = guarded(fence.args(["-nostdin", "-v", "error", "-y"]))
            .arg("-i")
            .path(path);
        let fence = output(fence, video, info.audio.as_ref()).path(copy.path());
        encode(fence, info.duration_s, progress, cancel).await?;
        self.check(copy.path(), info, cancel).await?;
        copy.become_file(out).await
    }

    fn convert_limits(&self, info: &MediaInfo) -> Limits {
        let limits = self.limits().convert;
        let scaled = info.duration_s.unwrap_or(0.0).max(0.0) * TIMES_ITS_LENGTH;
        let more = Duration::try_from_secs_f64(scaled).unwrap_or_default();
        let wall = limits.wall.saturating_add(more);
        Limits {
            wall,
            // All processors may work at it.
            cpu_s: wall.as_secs().saturating_mul(64),
            ..limits
        }
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
    let mut block = [0; 4096];
    loop {
        let n = running.read(&mut block).await?;
        if n == 0 {
            break;
        }
        let report = String::from_utf8_lossy(&block[..n]);
        if let (Some(done), Some(whole)) = (seconds_done(&report), duration_s) {
            progress((done / whole.max(0.001)).min(1.0));
        }
    }
    match running.finish().await? {
        (0, _) => Ok(()),
        (code, stderr) => Err(damaged(ToolError::Failed {
            program: "ffmpeg".into(),
            status: format!("exit code {code}"),
            stderr,
        })),
    }
}

/// The latest `out_time_us=…` of ffmpeg's report; one that is cut by the end of the block is left for the next report.
fn seconds_done(report: &str) -> Option<f64> {
    let line = report
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("out_time_us="))?;
    let micros: f64 = line.trim().parse().ok()?;
    Some(micros / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_tells_the_seconds() {
        let report = "frame=1\nout_time_us=500000\nprogress=continue\nout_time_us=2500000\nprogress=continue\n";
        assert_eq!(seconds_done(report), Some(2.5));
        assert_eq!(seconds_done("out_time_us=N/A\n"), None);
        assert_eq!(seconds_done(""), None);
    }
}
