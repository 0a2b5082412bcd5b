//! SubRip and WebVTT: blocks with a line of times, then text up to a blank line.

use super::{Cue, plain};

/// The cues of a text; what is no block of that form is passed over.
pub(super) fn read(text: &str) -> Vec<Cue> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut cues: Vec<_> = text.split("\n\n").filter_map(block).collect();
    cues.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    cues
}

fn block(block: &str) -> Option<Cue> {
    let (before, rest) = block.split_once("-->")?;
    let (times, text) = rest.split_once('\n')?;
    let start_s = seconds(before.lines().last()?)?;
    // After the second time WebVTT may tell where on the picture the text stands.
    let end_s = seconds(times.split_whitespace().next()?)?;
    Some(Cue {
        start_s,
        end_s: end_s.max(start_s),
        text: plain(text)?,
    })
}

/// `01:02:03,450`, `02:03.450`.
fn seconds(text: &str) -> Option<f64> {
    let text = text.trim().replace(',', ".");
    let mut seconds = 0.0;
    for part in text.split(':') {
        let number: f64 = part.trim().parse().ok()?;
        seconds = seconds * 60.0 + number;
    }
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_s: f64, end_s: f64, text: &str) -> Cue {
        Cue {
            start_s,
            end_s,
            text: text.into(),
        }
    }

    #[test]
    fn subrip_with_windows_lines() {
        let text = "1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i>\r\nthere\r\n\r\n2\r\n00:01:00,000 --> 00:01:01,000\r\n안녕\r\n";
        assert_eq!(
            read(text),
            [cue(1.0, 2.5, "Hello\nthere"), cue(60.0, 61.0, "안녕")]
        );
    }

    #[test]
    fn web_vtt_with_notes_settings_and_short_times() {
        let text = "WEBVTT - a title\n\nNOTE nothing\n\nid\n00:01.000 --> 00:02.000 align:start line:0\nText\n";
        assert_eq!(read(text), [cue(1.0, 2.0, "Text")]);
    }

    #[test]
    fn nonsense_is_passed_over() {
        for text in [
            "",
            "-->",
            "a --> b\nc",
            "1\n00:00:01,000 --> \nx",
            "00:01 --> 00:02\n \n",
            "-1 --> 2\nx",
        ] {
            assert_eq!(read(text), [], "{text:?}");
        }
        assert_eq!(read("00:02.0 --> 00:01.0\nback"), [cue(2.0, 2.0, "back")]);
    }
}
