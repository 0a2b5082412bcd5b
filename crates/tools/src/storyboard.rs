//! Small pictures from the whole of a video on one sheet, for its seek bar.

use std::fmt::Write as _;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::media::{damaged, guarded, megabytes};
use crate::thumbnail::{TONE_MAP, Temporary, no_video};
use crate::{MediaInfo, ToolError, Toolbox, VideoStream};

/// Pictures side by side, and rows of them.
const COLUMNS: u32 = 10;
/// Pictures on a sheet at most: a seek bar has no place for more.
const MOST: u32 = COLUMNS * COLUMNS;
/// Seconds between two pictures at least.
const LEAST_STEP_S: f64 = 1.0;
/// Longest side of a picture, in pixels.
const LONGEST_SIDE: f64 = 160.0;
/// Up to this many seconds every frame is decoded. In a longer video the key frames are enough, and cost a twentieth.
const EVERY_FRAME_UP_TO_S: f64 = 60.0;

/// A sheet of small pictures: which is where, and from which second on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storyboard {
    /// Seconds of the video that one picture stands for.
    pub step_s: f64,
    /// How many there are.
    pub count: u32,
    /// Width of one, in pixels.
    pub width: u32,
    /// Height of one, in pixels.
    pub height: u32,
    duration_s: f64,
}

impl Storyboard {
    /// The plan for a video; `None` where it does not tell its length.
    fn of(video: &VideoStream, duration_s: Option<f64>) -> Option<Self> {
        let duration_s = duration_s?;
        let step_s = (duration_s / f64::from(MOST)).max(LEAST_STEP_S);
        let (width, height) = video.shown_size();
        let (width, height) = (width.max(1) as f64, height.max(1) as f64);
        let scale = LONGEST_SIDE / width.max(height);
        Some(Self {
            step_s,
            count: (duration_s / step_s).ceil().clamp(1.0, f64::from(MOST)) as u32,
            width: (width * scale).round().max(2.0) as u32,
            height: (height * scale).round().max(2.0) as u32,
            duration_s,
        })
    }

    /// The WebVTT track that tells a player which part of the sheet at `sheet` belongs to which seconds.
    pub fn track(&self, sheet: &str) -> String {
        let mut text = "WEBVTT\n".to_owned();
        for n in 0..self.count {
            let (from, to) = (f64::from(n) * self.step_s, f64::from(n + 1) * self.step_s);
            let (x, y) = (n % COLUMNS * self.width, n / COLUMNS * self.height);
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n{} --> {}\n{sheet}#xywh={x},{y},{},{}\n",
                crate::subtitles::timestamp(from),
                crate::subtitles::timestamp(to.min(self.duration_s)),
                self.width,
                self.height
            );
        }
        text
    }

    fn filters(&self, hdr: bool) -> String {
        let Self {
            step_s,
            width,
            height,
            ..
        } = self;
        let rows = self.count.div_ceil(COLUMNS);
        let tone = if hdr {
            format!(",{TONE_MAP}")
        } else {
            String::new()
        };
        format!(
            "fps=1/{step_s:.6}:start_time=0,scale={width}:{height},setsar=1{tone},tile={COLUMNS}x{rows}"
        )
    }
}

impl Toolbox {
    /// Writes the sheet of a video to `out`, whole or not at all.
    ///
    /// # Errors
    /// `no_video`, `no_length`, `damaged`.
    pub async fn storyboard(
        &self,
        path: &Path,
        info: &MediaInfo,
        out: &Path,
        cancel: &CancellationToken,
    ) -> Result<Storyboard, ToolError> {
        let video = info.moving_picture().ok_or_else(no_video)?;
        let board = Storyboard::of(video, info.duration_s).ok_or_else(no_length)?;
        let sheet = Temporary::beside(out, ".storyboard-", ".jpg")?;
        let fence = self.fence("ffmpeg", self.limits().storyboard, megabytes(path).await?);
        let fence = fence.args(["-nostdin", "-v", "error", "-y"]);
        let fence = if board.duration_s > EVERY_FRAME_UP_TO_S {
            fence.args(["-skip_frame", "nokey"])
        } else {
            fence
        };
        let map = format!("0:{}", video.index);
        guarded(fence)
            .arg("-i")
            .path(path)
            .args(["-map", &map, "-an", "-sn", "-frames:v", "1"])
            .args(["-vf", &board.filters(video.hdr)])
            .args(["-pix_fmt", "yuvj420p", "-q:v", "5", "-f", "mjpeg"])
            .path(sheet.path())
            .run(cancel)
            .await
            .map_err(damaged)?;
        sheet.become_filled_file(out).await?;
        Ok(board)
    }
}

fn no_length() -> ToolError {
    ToolError::bad_input(
        "no_length",
        "This video does not tell how long it is, so there are no pictures for its seek bar.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(width: i64, height: i64, duration_s: f64) -> Storyboard {
        let video = VideoStream {
            width,
            height,
            ..VideoStream::default()
        };
        Storyboard::of(&video, Some(duration_s)).unwrap()
    }

    #[test]
    fn a_long_video_has_a_hundred_pictures_and_a_short_one_one_a_second() {
        let long = board(1920, 1080, 7200.0);
        assert_eq!((long.count, long.step_s), (100, 72.0));
        assert_eq!((long.width, long.height), (160, 90));
        let short = board(1080, 1920, 4.2);
        assert_eq!((short.count, short.step_s), (5, 1.0));
        assert_eq!((short.width, short.height), (90, 160));
        assert_eq!(board(1, 1, 0.1).count, 1);
    }

    #[test]
    fn the_track_tells_place_and_time() {
        let track = board(1920, 1080, 12.0).track("sheet.jpg");
        assert!(
            track.starts_with(
                "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nsheet.jpg#xywh=0,0,160,90\n"
            )
        );
        assert!(track.contains("\n00:00:11.000 --> 00:00:12.000\nsheet.jpg#xywh=160,90,160,90\n"));
        assert_eq!(track.matches("-->").count(), 12);
    }
}
