//! SAMI: HTML-like, a `SYNC` for each moment, a paragraph for each language; what says nothing ends what was said.

use std::collections::BTreeMap;

use super::{Cue, SubtitleTrack, plain};

/// Seconds that the last line stands, after which nothing follows.
const LAST_S: f64 = 5.0;

/// One track for each class of paragraphs, in the order of their names.
pub(super) fn read(text: &str) -> Vec<SubtitleTrack> {
    let mut classes: BTreeMap<String, Vec<(f64, Option<String>)>> = BTreeMap::new();
    for sync in pieces(text, "<sync") {
        let Some(start_s) = attribute(sync, "start").and_then(|ms| ms.parse::<f64>().ok()) else {
            continue;
        };
        let body = sync.split_once('>').map_or("", |(_, body)| body);
        for paragraph in paragraphs(body) {
            let class = attribute(paragraph, "class")
                .unwrap_or_default()
                .to_uppercase();
            let spoken = paragraph
                .split_once('>')
                .map_or(paragraph, |(_, spoken)| spoken);
            let moments = classes.entry(class).or_default();
            moments.push((start_s / 1000.0, plain(&spoken.replace(['\r', '\n'], " "))));
        }
    }
    classes
        .into_iter()
        .map(|(class, moments)| SubtitleTrack {
            language: language(&class).map(str::to_owned),
            title: None,
            cues: cues(moments),
        })
        .collect()
}

/// Paragraphs of a moment; some writers leave the tag out where there is one language.
fn paragraphs(body: &str) -> Vec<&str> {
    let found: Vec<_> = pieces(body, "<p").collect();
    if found.is_empty() { vec![body] } else { found }
}

/// What follows each place where `tag` stands, up to the next.
fn pieces<'a>(text: &'a str, tag: &str) -> impl Iterator<Item = &'a str> {
    // ASCII letters alone change, so that places stay what they are.
    let lower = text.to_ascii_lowercase();
    let starts: Vec<_> = lower.match_indices(tag).map(|(at, _)| at).collect();
    let ends: Vec<_> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    let length = tag.len();
    starts
        .into_iter()
        .zip(ends)
        .map(move |(start, end)| &text[start + length..end])
}

/// An attribute of the tag that the piece begins in.
fn attribute<'a>(piece: &'a str, name: &str) -> Option<&'a str> {
    let tag = piece.split_once('>')?.0;
    let at = tag.to_ascii_lowercase().find(name)? + name.len();
    let value = tag[at..].trim_start().strip_prefix('=')?.trim_start();
    let end = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    value.trim_start_matches(['"', '\'']).split(end).next()
}

fn language(class: &str) -> Option<&'static str> {
    match class.get(..2)? {
        "KR" | "KO" => Some("ko"),
        "EN" | "EG" | "US" => Some("en"),
        "JP" | "JA" => Some("ja"),
        "CN" | "ZH" => Some("zh"),
        _ => None,
    }
}

fn cues(mut moments: Vec<(f64, Option<String>)>) -> Vec<Cue> {
    moments.retain(|(start_s, _)| start_s.is_finite() && *start_s >= 0.0);
    moments.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ends: Vec<_> = moments
        .iter()
        .skip(1)
        .map(|(start_s, _)| *start_s)
        .collect();
    let mut ends = ends.into_iter();
    moments
        .into_iter()
        .filter_map(|(start_s, text)| {
            let end_s = ends.next().unwrap_or(start_s + LAST_S);
            Some(Cue {
                start_s,
                end_s,
                text: text?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_is_a_track() {
        let text = "<SAMI><HEAD><STYLE>P {}</STYLE></HEAD><BODY>\n\
            <SYNC Start=1000><P Class=KRCC>안녕<br>하세요\n<P Class=ENCC>Hello\n\
            <sync start=\"2000\"><p class='KRCC'>&nbsp;\n<SYNC Start=3000><P Class=ENCC>Bye</BODY></SAMI>";
        let tracks = read(text);
        let of = |language: &str| {
            let track = tracks
                .iter()
                .find(|track| track.language.as_deref() == Some(language));
            track.unwrap().cues.clone()
        };
        assert_eq!(tracks.len(), 2);
        let korean = of("ko");
        assert_eq!(korean.len(), 1);
        assert_eq!((korean[0].start_s, korean[0].end_s), (1.0, 2.0));
        assert_eq!(korean[0].text, "안녕\n하세요");
        let english = of("en");
        assert_eq!((english[0].start_s, english[0].end_s), (1.0, 3.0));
        assert_eq!((english[1].text.as_str(), english[1].end_s), ("Bye", 8.0));
    }

    #[test]
    fn nonsense_gives_nothing() {
        for text in [
            "",
            "<SYNC",
            "<SYNC Start=x><P>a",
            "<SYNC Start><P Class",
            "<sync start=1e999><p>a",
        ] {
            assert!(
                read(text).iter().all(|track| track.cues.is_empty()),
                "{text:?}"
            );
        }
    }
}
