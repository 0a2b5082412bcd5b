//! One picture of a video: the frame in the middle, upright, as a JPEG.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::media::{damaged, guarded, megabytes};
use crate::{Fence, MediaInfo, ToolError, Toolbox, VideoStream};

/// Largest width and height of a thumbnail, in pixels.
const MOST_WIDTH: u32 = 640;
const MOST_HEIGHT: u32 = 1280;

/// Up to this many seconds the exact frame is taken. In a longer video the nearest key frame before is as good a picture and
/// costs a thirtieth of the processor time, because nothing in between is decoded.
const EXACT_UP_TO_S: f64 = 60.0;

/// From high dynamic range (PQ, HLG) to what every screen shows; else such pictures look grey and flat.
pub(crate) const TONE_MAP: &str = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=mobius:desat=0,\
zscale=t=bt709:m=bt709:r=tv";

/// Where in the video a frame is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seek {
    Exact(f64),
    KeyFrame(f64),
    First,
}

impl Toolbox {
    /// Writes a JPEG of at most 640 pixels in width to `out`: the frame at half the duration; the first that decodes where that
    /// gives none; the cover where there is no video. It appears at once and whole, under a temporary name before.
    pub async fn thumbnail(
        &self,
        path: &Path,
        info: &MediaInfo,
        out: &Path,
        cancel: &CancellationToken,
    ) -> Result<(), ToolError> {
        let size = megabytes(path).await?;
        let video = info.video.as_ref().ok_or_else(no_video)?;
        let temporary = Temporary::beside(out, ".thumbnail-", ".jpg")?;
        let mut failure = None;
        for (seek, filters) in attempts(video, info.duration_s) {
            let fence = self.fence("ffmpeg", self.limits().thumbnail, size);
            let fence = frame(fence, path, video, seek, &filters, &temporary.0);
            match fence.run(cancel).await.map(drop) {
                Ok(()) if is_filled(&temporary.0).await => return temporary.become_file(out).await,
                Ok(()) => {}
                Err(error) if is_for_this_frame(&error) => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.map_or_else(no_frame, damaged))
    }
}

/// Whether another frame may go better.
fn is_for_this_frame(error: &ToolError) -> bool {
    matches!(
        error,
        ToolError::Failed { .. } | ToolError::TimedOut { .. } | ToolError::Crashed { .. }
    )
}

fn frame(
    fence: Fence,
    path: &Path,
    video: &VideoStream,
    seek: Seek,
    filters: &str,
    out: &Path,
) -> Fence {
    // More threads than one would decode ahead what nobody looks at.
    let fence = fence.args(["-nostdin", "-v", "error", "-y", "-threads", "1"]);
    let fence = match seek {
        Seek::Exact(second) => fence.args(["-ss", &format!("{second:.3}")]),
        Seek::KeyFrame(second) => {
            let second = format!("{second:.3}");
            // What the probe found out need not be found out again.
            let fence = fence.args(["-analyzeduration", "0", "-fpsprobesize", "0"]);
            fence.args(["-skip_frame", "nokey", "-noaccurate_seek", "-ss", &second])
        }
        Seek::First => fence,
    };
    let map = format!("0:{}", video.index);
    guarded(fence)
        .arg("-i")
        .path(path)
        .args(["-map", &map, "-frames:v", "1", "-an", "-sn"])
        .args(["-vf", filters, "-pix_fmt", "yuvj420p", "-q:v", "4"])
        .args(["-f", "mjpeg"])
        .path(out)
}

/// The attempts in their order: each place in the video, with the colours of high range brought down where that goes.
fn attempts(video: &VideoStream, duration_s: Option<f64>) -> Vec<(Seek, String)> {
    let mut filters = vec![scale()];
    if video.hdr {
        filters.insert(0, format!("{},{TONE_MAP}", scale()));
    }
    let seeks = seeks(video, duration_s).into_iter();
    seeks
        .flat_map(|seek| filters.iter().map(move |filters| (seek, filters.clone())))
        .collect()
}

/// The places in their order.
fn seeks(video: &VideoStream, duration_s: Option<f64>) -> Vec<Seek> {
    match duration_s {
        Some(duration) if !video.is_cover_art => {
            let middle = duration / 2.0;
            let seek = if duration <= EXACT_UP_TO_S {
                Seek::Exact(middle)
            } else {
                Seek::KeyFrame(middle)
            };
            vec![seek, Seek::First]
        }
        _ => vec![Seek::First],
    }
}

/// The frame's time is of no account: one before the middle would be dropped as too early, and another taken.
///
/// Square pixels, at most [`MOST_WIDTH`] wide and [`MOST_HEIGHT`] high, never enlarged, never less than one pixel.
fn scale() -> String {
    let width = format!("min({MOST_WIDTH},min(iw*sar,{MOST_HEIGHT}*dar))");
    format!("setpts=0,scale=w='max(1,{width})':h='max(1,{width}/dar)',setsar=1")
}

pub(crate) fn no_video() -> ToolError {
    ToolError::bad_input("no_video", "There is no picture in this file.")
}

fn no_frame() -> ToolError {
    ToolError::bad_input(
        "no_video",
        "No picture of this video can be decoded: it is damaged, incomplete or encrypted.",
    )
}

async fn is_filled(path: &Path) -> bool {
    tokio::fs::metadata(path)
        .await
        .is_ok_and(|facts| facts.len() > 0)
}

/// A file under a temporary name beside its place; removed when dropped.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn beside(out: &Path, prefix: &str, suffix: &str) -> Result<Self, ToolError> {
        let folder = out.parent().unwrap_or_else(|| Path::new("/"));
        let file = tempfile::Builder::new()
            .prefix(prefix)
            .suffix(suffix)
            .tempfile_in(folder)
            .map_err(ToolError::io("cannot write to", folder))?;
        let path = file.into_temp_path().keep();
        let path = path.map_err(|error| ToolError::io("cannot write to", folder)(error.error))?;
        Ok(Self(path))
    }

    /// Removes what a run left beside `out` that was killed before it could.
    pub(crate) fn clear_beside(out: &Path, prefix: &str) {
        let entries = out.parent().map(std::fs::read_dir);
        for entry in entries.into_iter().flatten().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                // What cannot be removed is tried again next time.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// As [`Temporary::become_file`] where a picture was written at all.
    pub(crate) async fn become_filled_file(self, out: &Path) -> Result<(), ToolError> {
        if !is_filled(&self.0).await {
            return Err(no_frame());
        }
        self.become_file(out).await
    }

    pub(crate) async fn become_file(self, out: &Path) -> Result<(), ToolError> {
        tokio::fs::rename(&self.0, out)
            .await
            .map_err(ToolError::io("cannot write", out))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing under this name any more.
        let _ = std::fs::remove_file(&self.0);
    }
}
