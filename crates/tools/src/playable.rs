//! Whether a browser plays a file as it is. Its codecs decide, not its name.

use crate::{AudioStream, MediaInfo, VideoStream};

/// What every current browser decodes out of one kind of container.
struct Decoded {
    /// Part of ffprobe's name of the container.
    container: &'static str,
    video: &'static [&'static str],
    audio: &'static [&'static str],
}

const MP4: Decoded = Decoded {
    container: "mp4",
    video: &["h264", "vp9", "av1"],
    audio: &["aac", "mp3", "opus", "flac"],
};

const WEBM: Decoded = Decoded {
    container: "webm",
    video: &["vp8", "vp9", "av1"],
    audio: &["opus", "vorbis"],
};

/// What H.264 is decoded from everywhere: 8 bits, 4:2:0. An empty word is a file that does not tell.
const H264_FORMATS: &[&str] = &["yuv420p", "yuvj420p", ""];

impl MediaInfo {
    /// Whether every current browser plays it: container, picture and sound. HEVC is not among them, although some do.
    pub fn plays_in_browser(&self) -> bool {
        let decoded = [MP4, WEBM].into_iter().find(|decoded| {
            self.container
                .split(',')
                .any(|name| name == decoded.container)
        });
        let Some(decoded) = decoded else {
            return false;
        };
        let moving = self.moving_picture();
        moving.is_none_or(|video| is_decoded(video, decoded.video))
            && self
                .audio
                .as_ref()
                .is_none_or(|audio| decoded.audio.contains(&audio.codec.as_str()))
    }

    /// The video stream, unless it is but the cover of a recording.
    pub fn moving_picture(&self) -> Option<&VideoStream> {
        self.video.as_ref().filter(|video| !video.is_cover_art)
    }
}

/// Whether the picture may go into an MP4 as it is.
pub(crate) fn picture_fits_mp4(video: &VideoStream) -> bool {
    is_decoded(video, MP4.video)
}

/// Whether the sound may go into an MP4 as it is. FLAC in MP4 is too young to be written by every ffmpeg.
pub(crate) fn sound_fits_mp4(audio: &AudioStream) -> bool {
    audio.codec != "flac" && MP4.audio.contains(&audio.codec.as_str())
}

fn is_decoded(video: &VideoStream, codecs: &[&str]) -> bool {
    let known = codecs.contains(&video.codec.as_str());
    known && (video.codec != "h264" || H264_FORMATS.contains(&video.pixel_format.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(container: &str, video: &str, audio: &str) -> MediaInfo {
        MediaInfo {
            container: container.into(),
            video: (!video.is_empty()).then(|| VideoStream {
                codec: video.into(),
                pixel_format: "yuv420p".into(),
                ..VideoStream::default()
            }),
            audio: (!audio.is_empty()).then(|| AudioStream {
                codec: audio.into(),
                ..AudioStream::default()
            }),
            ..MediaInfo::default()
        }
    }

    #[test]
    fn the_codecs_decide() {
        const ISO: &str = "mov,mp4,m4a,3gp,3g2,mj2";
        for (container, video, audio, plays) in [
            (ISO, "h264", "aac", true),
            (ISO, "av1", "opus", true),
            (ISO, "", "aac", true),
            (ISO, "h264", "", true),
            (ISO, "hevc", "aac", false),
            (ISO, "mpeg4", "aac", false),
            (ISO, "h264", "ac3", false),
            (ISO, "", "alac", false),
            ("matroska,webm", "vp8", "vorbis", true),
            ("matroska,webm", "h264", "opus", false),
            ("avi", "h264", "mp3", false),
        ] {
            let info = media(container, video, audio);
            assert_eq!(
                info.plays_in_browser(),
                plays,
                "{container} {video} {audio}"
            );
        }
    }

    #[test]
    fn ten_bits_of_h264_do_not_play_and_a_cover_is_no_video() {
        let mut info = media("mp4", "h264", "aac");
        info.video.as_mut().unwrap().pixel_format = "yuv420p10le".into();
        assert!(!info.plays_in_browser());
        info.video.as_mut().unwrap().is_cover_art = true;
        assert!(info.plays_in_browser());
    }
}
