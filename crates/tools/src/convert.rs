//! A copy of a video that every browser plays: MP4 with H.264 and AAC, its index at the front.
//!
//! Where the codecs are right already only the container is changed, which takes seconds; else the streams are encoded anew.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::encoder::{Encoder, SOFTWARE};
use crate::fence::Running;
use crate::media::{damaged, guarded, megabytes};
use crate::playable::{picture_fits_mp4, sound_fits_mp4};
use crate::thumbnail::{TONE_MAP, Temporary, no_video};
use crate::{AudioStream, Fence, MediaInfo, ToolError, Toolbox, VideoStream};

/// The copy is taken for whole when it is at most so much shorter, in seconds or as a share, whichever is more.
const MISSING_S: f64 = 1.0;
const MISSING_SHARE: f64 = 0.02;

/// Code of a copy that is not whole.
const INCOMPLETE: &str = "conversion_incomplete";

/// What is done with a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Treatment {
    /// Nothing: it goes into the new container as it is.
    Copy,
    Encode(&'static Encoder),
}

impl Toolbox {
    /// Writes a playable copy of the video to `out`; it appears there whole and checked, or not at all. `progress` is told the share
    /// that is done, 0 to 1, where the video tells its length.
    ///
    /// What need not be encoded anew is not, and hardware encodes where there is some; where that goes wrong the processor does all.
    ///
    /// # Errors
    /// `no_video`, `damaged`, `conversion_incomplete`.
    pub async fn convert_video(
        &self,
        path: &Path,
        info: &MediaInfo,
        out: &Path,
        progress: impl Fn(f64) + Send + Sync,
        cancel: &CancellationToken,
    ) -> Result<(), ToolError> {
        if info.moving_picture().is_none() && info.audio.is_none() {
            return Err(no_video());
        }
        let prefix = format!(
            ".converted-{}-",
            out.file_stem().unwrap_or_default().display()
        );
        Temporary::clear_beside(out, &prefix);
        let copy = Temporary::beside(out, &prefix, ".mp4")?;
        let mut failure = None;
        for picture in self.treatments(info, cancel).await {
            let fence = self
                .conversion(path, info, picture, failure.is_none(), copy.path())
                .await?;
            let made = encode(fence, info.duration_s, &progress, cancel).await;
            let checked = match made {
                Ok(()) => self.check(copy.path(), info, cancel).await,
                failed => failed,
            };
            match checked {
                Ok(()) => return copy.become_file(out).await,
                Err(error) if may_go_another_way(&error) => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(no_video))
    }

    /// The ways to treat the picture, the cheapest first.
    async fn treatments(&self, info: &MediaInfo, cancel: &CancellationToken) -> Vec<Treatment> {
        let software = Treatment::Encode(&SOFTWARE);
        match info.moving_picture() {
            None => vec![software],
            Some(video) if picture_fits_mp4(video) => vec![Treatment::Copy, software],
            Some(_) => {
                let hardware = self.hardware_encoder(cancel).await.map(Treatment::Encode);
                hardware.into_iter().chain([software]).collect()
            }
        }
    }

    /// ffmpeg told to make the copy.
    async fn conversion(
        &self,
        path: &Path,
        info: &MediaInfo,
        picture: Treatment,
        keeps_sound: bool,
        copy: &Path,
    ) -> Result<Fence, ToolError> {
        let size = megabytes(path).await?;
        let work = self.limits().convert;
        let fence = match picture {
            Treatment::Copy => self.fence("ffmpeg", work, size),
            Treatment::Encode(encoder) => {
                encoder.open(self.fence("ffmpeg", encoder.work(work), size))
            }
        };
        let fence = guarded(fence.args(["-nostdin", "-v", "error", "-y"]))
            .arg("-i")
            .path(path);
        let fence = match info.moving_picture() {
            Some(video) => with_picture(fence, video, picture),
            None => fence.arg("-vn"),
        };
        Ok(with_sound(fence, info.audio.as_ref(), keeps_sound)
            .args(["-sn", "-dn", "-movflags", "+faststart", "-f", "mp4"])
            .args(["-progress", "pipe:1"])
            .path(copy))
    }

    /// The copy counts only if a browser plays it and nothing is missing.
    async fn check(
        &self,
        copy: &Path,
        original: &MediaInfo,
        cancel: &CancellationToken,
    ) -> Result<(), ToolError> {
        let made = self.probe(copy, cancel).await?;
        let wanted = original.duration_s.unwrap_or(0.0);
        let got = made.duration_s.unwrap_or(0.0);
        let missing = wanted - got > MISSING_S.max(wanted * MISSING_SHARE);
        let lost = original.moving_picture().is_some() != made.moving_picture().is_some()
            || original.audio.is_some() != made.audio.is_some();
        if missing || lost || !made.plays_in_browser() {
            return Err(ToolError::bad_input(
                INCOMPLETE,
                format!(
                    "Only {got:.0} s of {wanted:.0} s of this video could be converted; it may be damaged. The original is kept."
                ),
            ));
        }
        Ok(())
    }
}

/// Whether encoding everything on the processor may go better.
fn may_go_another_way(error: &ToolError) -> bool {
    match error {
        ToolError::BadInput { code, .. } => ["damaged", INCOMPLETE].contains(code),
        ToolError::Crashed { .. } => true,
        _ => false,
    }
}

fn with_picture(fence: Fence, video: &VideoStream, picture: Treatment) -> Fence {
    let map = format!("0:{}", video.index);
    let fence = fence.args(["-map", &map]);
    let Treatment::Encode(encoder) = picture else {
        return fence.args(["-c:v", "copy"]);
    };
    // Even sizes are what encoders take.
    let tone = if video.hdr {
        format!("{TONE_MAP},")
    } else {
        String::new()
    };
    let filters = format!("{tone}scale=ceil(iw/2)*2:ceil(ih/2)*2,{}", encoder.filter);
    encoder.encode(fence.args(["-vf", &filters]))
}

fn with_sound(fence: Fence, audio: Option<&AudioStream>, keeps: bool) -> Fence {
    let fence = fence.args(["-map", "0:a:0?"]);
    if keeps && audio.is_some_and(sound_fits_mp4) {
        fence.args(["-c:a", "copy"])
    } else {
        // More channels than two are heard by few, and some browsers play nothing then.
        fence.args(["-c:a", "aac", "-b:a", "160k", "-ac", "2"])
    }
}

/// Runs it and tells how far it is.
async fn encode(
    fence: Fence,
    duration_s: Option<f64>,
    progress: &(impl Fn(f64) + Send + Sync),
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
    progress: &(impl Fn(f64) + Send + Sync),
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
