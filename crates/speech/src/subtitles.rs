//! Transcripts as subtitle files: SubRip and WebVTT.

use std::fmt::Write;

use crate::engine::Segment;

/// A SubRip file (`.srt`).
pub fn srt(segments: &[Segment]) -> String {
    let mut out = String::new();
    for (number, segment) in segments.iter().enumerate() {
        let (start, end) = (clock(segment.start, ','), clock(segment.end, ','));
        let _ = write!(
            out,
            "{}\n{start} --> {end}\n{}\n\n",
            number + 1,
            cue(&segment.text)
        );
    }
    out
}

/// A WebVTT file (`.vtt`).
pub fn vtt(segments: &[Segment]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for segment in segments {
        let (start, end) = (clock(segment.start, '.'), clock(segment.end, '.'));
        let text = cue(&segment.text)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = write!(out, "{start} --> {end}\n{text}\n\n");
    }
    out
}

/// A cue ends at an empty line and `-->` begins the next: neither may be in its text.
fn cue(text: &str) -> String {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n").replace("-->", "→")
}

/// `01:02:03,456`.
fn clock(seconds: f64, point: char) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    let (s, ms) = (ms / 1000, ms % 1000);
    format!(
        "{:02}:{:02}:{:02}{point}{ms:03}",
        s / 3600,
        s / 60 % 60,
        s % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: f64, end: f64, text: &str) -> Segment {
        Segment {
            start,
            end,
            text: text.to_owned(),
            words: Vec::new(),
            confidence: 1.0,
            no_speech: 0.0,
        }
    }

    #[test]
    fn subrip_numbers_its_lines() {
        let lines = [
            segment(0.0, 1.5, "안녕하세요"),
            segment(3723.4567, 3725.0, "a\n\nb --> c"),
        ];
        assert_eq!(
            srt(&lines),
            "1\n00:00:00,000 --> 00:00:01,500\n안녕하세요\n\n2\n01:02:03,457 --> 01:02:05,000\na\nb → c\n\n"
        );
    }

    #[test]
    fn webvtt_has_a_head_and_escapes_markup() {
        assert_eq!(
            vtt(&[segment(59.9996, 61.0, "<b>R&D</b>")]),
            "WEBVTT\n\n00:01:00.000 --> 00:01:01.000\n&lt;b&gt;R&amp;D&lt;/b&gt;\n\n"
        );
        assert_eq!(vtt(&[]), "WEBVTT\n\n");
    }
}
