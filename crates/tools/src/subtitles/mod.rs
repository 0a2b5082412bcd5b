//! Subtitles, in a video or beside it: SubRip, WebVTT, SAMI, and whatever ffmpeg turns into WebVTT.

mod sami;
mod timed;

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::media::{damaged, guarded, megabytes};
use crate::{SubtitleStream, ToolError, Toolbox, text};

/// Largest file of subtitles that is read, in megabytes; those of a whole day are smaller.
const MOST_MEGABYTES: f64 = 16.0;

/// One line of subtitles.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// Seconds from the start of the video.
    pub start_s: f64,
    /// Seconds from the start of the video; not before `start_s`.
    pub end_s: f64,
    /// Plain text; may have several lines.
    pub text: String,
}

/// All lines in one language.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SubtitleTrack {
    /// Two or three letters, as the file tells it.
    pub language: Option<String>,
    /// What a person calls it, where the file tells.
    pub title: Option<String>,
    /// In the order of time.
    #[serde(skip)]
    pub cues: Vec<Cue>,
}

/// Formats of files beside a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubtitleFormat {
    /// SubRip or WebVTT: blocks of times and text.
    Timed,
    /// SAMI, with one or more languages.
    Sami,
}

impl SubtitleFormat {
    /// The format of a file with this extension; `None` where it has no subtitles.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "srt" | "vtt" => Some(Self::Timed),
            "smi" | "sami" => Some(Self::Sami),
            _ => None,
        }
    }

    /// The tracks of a file in any encoding; those without a line are left out.
    ///
    /// # Errors
    /// `binary` where it is no text.
    pub fn read(self, bytes: &[u8]) -> Result<Vec<SubtitleTrack>, ToolError> {
        let text = text::decode(bytes)?.text;
        let tracks = match self {
            Self::Timed => vec![SubtitleTrack {
                cues: timed::read(&text),
                ..SubtitleTrack::default()
            }],
            Self::Sami => sami::read(&text),
        };
        Ok(tracks
            .into_iter()
            .filter(|track| !track.cues.is_empty())
            .collect())
    }
}

impl Toolbox {
    /// The tracks of a file beside a video.
    ///
    /// # Errors
    /// `empty`, `too_large`, `binary`.
    pub async fn subtitle_file(
        &self,
        path: &Path,
        format: SubtitleFormat,
    ) -> Result<Vec<SubtitleTrack>, ToolError> {
        if megabytes(path).await? > MOST_MEGABYTES {
            let message = format!("Subtitles of more than {MOST_MEGABYTES} MB are not read.");
            return Err(ToolError::bad_input("too_large", message));
        }
        let bytes = tokio::fs::read(path).await;
        format.read(&bytes.map_err(ToolError::io("cannot read", path))?)
    }

    /// The lines of a stream of subtitles in a video.
    ///
    /// # Errors
    /// `damaged`.
    pub async fn subtitle_stream(
        &self,
        path: &Path,
        stream: &SubtitleStream,
        cancel: &CancellationToken,
    ) -> Result<SubtitleTrack, ToolError> {
        let fence = self.fence("ffmpeg", self.limits().subtitles, megabytes(path).await?);
        let map = format!("0:{}", stream.index);
        let output = guarded(fence.args(["-nostdin", "-v", "error"]))
            .arg("-i")
            .path(path)
            .args(["-map", &map, "-f", "webvtt", "pipe:1"])
            .run(cancel)
            .await
            .map_err(damaged)?;
        Ok(SubtitleTrack {
            language: stream.language.clone(),
            title: stream.title.clone(),
            cues: timed::read(&output.text()),
        })
    }
}

/// Lines as WebVTT.
pub fn web_vtt(cues: &[Cue]) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for cue in cues {
        let (start, end) = (timestamp(cue.start_s), timestamp(cue.end_s));
        let line = cue
            .text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace("-->", "--&gt;");
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{start} --> {end}\n{line}\n");
    }
    text
}

/// `01:02:03.450`.
pub(crate) fn timestamp(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

/// Without markup and without blank lines; `None` where nothing is left.
fn plain(marked: &str) -> Option<String> {
    let (mut text, mut rest) = (String::with_capacity(marked.len()), marked);
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        match after.split_once('>') {
            Some((tag, after)) => {
                if tag
                    .trim()
                    .get(..2)
                    .is_some_and(|name| name.eq_ignore_ascii_case("br"))
                {
                    text.push('\n');
                }
                rest = after;
            }
            None => rest = "",
        }
    }
    text.push_str(rest);
    let text = unescaped(&text);
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 6] = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&lrm;", ""),
        ("&amp;", "&"),
    ];
    let mut text = text.to_owned();
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    text.replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let cues = vec![
            Cue {
                start_s: 1.5,
                end_s: 3.25,
                text: "a < b & c\n둘째 줄".into(),
            },
            Cue {
                start_s: 3661.0,
                end_s: 3662.0,
                text: "--> here".into(),
            },
        ];
        let text = web_vtt(&cues);
        assert!(text.starts_with("WEBVTT\n\n00:00:01.500 --> 00:00:03.250\na &lt; b &amp; c\n"));
        assert_eq!(timed::read(&text), cues);
    }

    #[test]
    fn only_the_text_is_left() {
        assert_eq!(plain("<i>Hi</i><br>there ").as_deref(), Some("Hi\nthere"));
        assert_eq!(plain("&nbsp; "), None);
        assert_eq!(plain("a <b").as_deref(), Some("a"));
        assert_eq!(
            plain("<font color=\"#fff\">가</font>").as_deref(),
            Some("가")
        );
    }

    #[test]
    fn sami_in_cp949_is_read() {
        let text = "<SAMI><BODY><SYNC Start=1000><P Class=KRCC>안녕하세요 여러분, 오늘은 도서관 회의를 시작하겠습니다<SYNC Start=2500><P Class=KRCC>&nbsp;</BODY></SAMI>";
        let (bytes, _, _) = encoding_rs::EUC_KR.encode(text);
        let tracks = SubtitleFormat::Sami.read(&bytes).unwrap();
        assert_eq!(tracks.len(), 1);
        assert_eq!(tracks[0].language.as_deref(), Some("ko"));
        assert_eq!(
            tracks[0].cues[0].text,
            "안녕하세요 여러분, 오늘은 도서관 회의를 시작하겠습니다"
        );
        assert_eq!(
            (tracks[0].cues[0].start_s, tracks[0].cues[0].end_s),
            (1.0, 2.5)
        );
    }
}
