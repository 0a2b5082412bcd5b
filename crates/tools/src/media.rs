//! Facts about recordings and videos, by ffprobe.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::fence::shortened;
use crate::{Fence, ToolError, Toolbox};

/// Containers that may be opened: those that hold their sound and pictures themselves. Playlists, concat scripts and image
/// patterns are not among them, because they make ffmpeg read other files.
const CONTAINERS: &str = "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,eac3,flac,flv,m4v,matroska,mov,mp3,mpc,mpc8,mpeg,\
mpegts,mpegvideo,ogg,opus,rm,tta,voc,w64,wav,wv";

/// Codecs of subtitles that ffmpeg turns into text.
const TEXT_SUBTITLES: &[&str] = &[
    "subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text", "sami",
];

/// What a recording or video is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MediaInfo {
    /// Seconds; `None` where the container does not tell.
    pub duration_s: Option<f64>,
    /// ffprobe's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// The picture to show: the first real video stream, else the cover.
    pub video: Option<VideoStream>,
    /// The first audio stream.
    pub audio: Option<AudioStream>,
    /// Subtitles that are text, in the file's order.
    pub subtitles: Vec<SubtitleStream>,
    /// What the file says of itself.
    pub tags: MediaTags,
}

/// A video stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VideoStream {
    /// Number of the stream in the file.
    pub index: usize,
    /// `h264`, `vp9`, …
    pub codec: String,
    /// Pixels as stored.
    pub width: i64,
    /// Pixels as stored.
    pub height: i64,
    /// Degrees clockwise that the stored picture must be turned to stand upright: 0, 90, 180 or 270.
    pub rotation: i64,
    /// A picture attached to a recording, not a video.
    pub is_cover_art: bool,
    /// High dynamic range (PQ or HLG).
    pub hdr: bool,
    /// ffmpeg's word for how its points are stored, such as `yuv420p`; empty where it is not known.
    pub pixel_format: String,
}

impl VideoStream {
    /// Width and height as shown, rotation applied.
    pub fn shown_size(&self) -> (i64, i64) {
        if self.rotation % 180 == 0 {
            (self.width, self.height)
        } else {
            (self.height, self.width)
        }
    }
}

/// An audio stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AudioStream {
    /// `aac`, `mp3`, …
    pub codec: String,
    /// Samples a second.
    pub sample_rate: i64,
    /// Channels.
    pub channels: i64,
}

/// A stream of subtitles that are text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SubtitleStream {
    /// Number of the stream in the file.
    pub index: usize,
    /// As the file tells it, such as `kor`.
    pub language: Option<String>,
    /// As the file tells it, such as `Director's commentary`.
    pub title: Option<String>,
}

/// What a recording or video says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MediaTags {
    /// Title.
    pub title: Option<String>,
    /// Artist or author.
    pub artist: Option<String>,
    /// Date as written there.
    pub date: Option<String>,
}

impl Toolbox {
    /// What the file is. A file with neither sound nor picture is no error here: the caller says what it needs.
    pub async fn probe(
        &self,
        path: &Path,
        cancel: &CancellationToken,
    ) -> Result<MediaInfo, ToolError> {
        let size = megabytes(path).await?;
        let fence = self.fence("ffprobe", self.limits().probe, size);
        let output = guarded(fence.args(["-v", "error"]))
            .args(["-show_format", "-show_streams", "-of", "json"])
            .arg("-i")
            .path(path)
            .run(cancel)
            .await
            .map_err(damaged)?;
        let report: Report = serde_json::from_slice(&output.stdout).map_err(|error| {
            ToolError::bad_input(
                "damaged",
                format!("This is no readable recording or video ({error})."),
            )
        })?;
        Ok(report.into())
    }
}

/// The options that every ffmpeg and ffprobe gets before its input: this very file, and containers that hold themselves.
pub(crate) fn guarded(fence: Fence) -> Fence {
    fence.args([
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        CONTAINERS,
    ])
}

/// ffmpeg and ffprobe fail for the file's sake, unless a limit or the system stopped them.
pub(crate) fn damaged(error: ToolError) -> ToolError {
    let ToolError::Failed { stderr, .. } = error else {
        return error;
    };
    ToolError::bad_input(
        "damaged",
        format!(
            "This is no readable recording or video: it is damaged, incomplete or of an unknown kind ({}). Try to play it, or copy it here again.",
            reason(&stderr)
        ),
    )
}

/// The last line of what ffmpeg said, without the file's path.
fn reason(stderr: &str) -> String {
    let last = stderr.lines().rfind(|line| !line.trim().is_empty());
    let text = last.unwrap_or("no reason given");
    shortened(text.rsplit(": ").next().unwrap_or(text))
}

/// The size of a file; an empty one is an error of its own.
pub(crate) async fn megabytes(path: &Path) -> Result<f64, ToolError> {
    let facts = tokio::fs::metadata(path)
        .await
        .map_err(ToolError::io("cannot open", path))?;
    if facts.len() == 0 {
        return Err(ToolError::bad_input(
            "empty",
            "The file is empty (0 bytes). Copy it here again.",
        ));
    }
    Ok(facts.len() as f64 / 1e6)
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    format_name: String,
    duration: Option<String>,
    tags: HashMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: usize,
    codec_type: String,
    codec_name: String,
    width: i64,
    height: i64,
    sample_rate: String,
    channels: i64,
    duration: Option<String>,
    color_transfer: String,
    pix_fmt: String,
    disposition: HashMap<String, i64>,
    side_data_list: Vec<SideData>,
    tags: HashMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
}

impl From<Report> for MediaInfo {
    fn from(report: Report) -> Self {
        let audio = report.streams.iter().find(|s| s.codec_type == "audio");
        let mut pictures = report
            .streams
            .iter()
            .filter(|s| s.codec_type == "video")
            .collect::<Vec<_>>();
        pictures.sort_by_key(|stream| stream.is_cover_art());
        let video = pictures.first().copied();
        let tag = |names: &[&str]| {
            let streams = [audio, video].into_iter().flatten().map(|s| &s.tags);
            std::iter::once(&report.format.tags)
                .chain(streams)
                .find_map(|tags| find_tag(tags, names))
        };
        Self {
            duration_s: duration(&report),
            container: report.format.format_name.clone(),
            video: video.map(Stream::video),
            audio: audio.map(Stream::audio),
            subtitles: subtitles(&report.streams),
            tags: MediaTags {
                title: tag(&["title"]),
                artist: tag(&["artist", "author", "album_artist"]),
                date: tag(&["date", "creation_time", "year"]),
            },
        }
    }
}

impl Stream {
    fn is_cover_art(&self) -> bool {
        self.disposition.get("attached_pic") == Some(&1)
    }

    fn video(&self) -> VideoStream {
        let turned = self.side_data_list.iter().find_map(|data| data.rotation);
        VideoStream {
            index: self.index,
            codec: self.codec_name.clone(),
            width: self.width,
            height: self.height,
            // ffprobe counts counter-clockwise, and display matrices may hold any angle.
            rotation: ((-turned.unwrap_or(0.0) / 90.0).round() as i64 * 90).rem_euclid(360),
            is_cover_art: self.is_cover_art(),
            hdr: matches!(self.color_transfer.as_str(), "smpte2084" | "arib-std-b67"),
            pixel_format: self.pix_fmt.clone(),
        }
    }

    fn subtitle(&self) -> SubtitleStream {
        SubtitleStream {
            index: self.index,
            language: find_tag(&self.tags, &["language"]).filter(|tag| tag != "und"),
            title: find_tag(&self.tags, &["title"]),
        }
    }

    fn audio(&self) -> AudioStream {
        AudioStream {
            codec: self.codec_name.clone(),
            sample_rate: self.sample_rate.parse().unwrap_or(0),
            channels: self.channels,
        }
    }
}

/// Pictures of text (DVD, Blu-ray) are not among them: nobody can search them, and no browser shows them.
fn subtitles(streams: &[Stream]) -> Vec<SubtitleStream> {
    let is_text = |stream: &&Stream| TEXT_SUBTITLES.contains(&stream.codec_name.as_str());
    streams
        .iter()
        .filter(|stream| stream.codec_type == "subtitle")
        .filter(is_text)
        .map(Stream::subtitle)
        .collect()
}

/// The container's duration, else that of its longest stream.
fn duration(report: &Report) -> Option<f64> {
    let seconds = |text: &Option<String>| text.as_deref()?.parse::<f64>().ok();
    let valid = |s: &f64| s.is_finite() && *s > 0.0;
    let of_streams = report.streams.iter().filter_map(|s| seconds(&s.duration));
    seconds(&report.format.duration)
        .filter(valid)
        .or_else(|| of_streams.filter(valid).reduce(f64::max))
}

/// Tag names come in any case.
fn find_tag(tags: &HashMap<String, String>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let (_, value) = tags
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    })
}
