//! Folds text to the form in which it is compared: compatibility forms composed (NFKC), case and accents gone.
//!
//! Half and full width, NFC and NFD, conjoining jamo and syllables all fold to the same characters; each folded character
//! remembers the bytes it came from, so that a match can be shown in the original text.

use unicode_normalization::char::{compose, decompose_compatible};

/// A folded character and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Folded {
    /// The character to compare.
    pub c: char,
    /// Byte offset of its first byte in the original text.
    pub from: usize,
    /// Byte offset just after its last byte.
    pub to: usize,
}

/// Folds `text`, which begins at byte `base` of the original, into `out`.
pub(crate) fn fold_into(text: &str, base: usize, out: &mut Vec<Folded>) {
    for (at, c) in text.char_indices() {
        let from = base + at;
        let to = from + c.len_utf8();
        if is_plain(c) {
            let c = c.to_ascii_lowercase();
            out.push(Folded { c, from, to });
        } else {
            decompose_compatible(c, |part| {
                for lower in part.to_lowercase() {
                    push(lower, from, to, out);
                }
            });
        }
    }
}

/// Characters that fold to themselves but for ASCII case, so that most text takes the short way.
fn is_plain(c: char) -> bool {
    c.is_ascii() || matches!(c, '가'..='힣' | '\u{4e00}'..='\u{9fff}')
}

fn push(c: char, from: usize, to: usize, out: &mut Vec<Folded>) {
    if is_ignorable(c) {
        return extend_last(from, to, out);
    }
    match c {
        'ß' => {
            out.push(Folded { c: 's', from, to });
            out.push(Folded { c: 's', from, to });
        }
        'ς' => out.push(Folded { c: 'σ', from, to }),
        _ => compose_or_push(Folded { c, from, to }, out),
    }
}

/// Accents, soft hyphens, joiners and variation selectors: seen, but not typed by one who searches.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

fn extend_last(from: usize, to: usize, out: &mut [Folded]) {
    if let Some(last) = out.last_mut()
        && last.to == from
    {
        last.to = to;
    }
}

/// Puts jamo together to syllables and kana with their sound marks.
fn compose_or_push(next: Folded, out: &mut Vec<Folded>) {
    if let Some(last) = out.last_mut()
        && (last.to == next.from || last.from == next.from)
        && let Some(c) = compose(last.c, next.c)
    {
        last.c = c;
        last.to = next.to;
        return;
    }
    out.push(next);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = Vec::new();
        fold_into(text, 0, &mut out);
        out.iter().map(|folded| folded.c).collect()
    }

    #[test]
    fn forms_of_the_same_text_fold_alike() {
        for (text, want) in [
            ("회의록", "회의록"),
            ("\u{1112}\u{116c}\u{110b}\u{1174}", "회의"),
            ("ＡＢＣ１２３", "abc123"),
            ("ｶﾞｲﾄﾞ", "ガイド"),
            ("か\u{3099}", "が"),
            ("Café", "cafe"),
            ("Cafe\u{301}", "cafe"),
            ("Straße ΟΔΟΣ ὁδός", "strasse οδοσ οδοσ"),
            (
                "ㅎㅗㅣ",
                "\u{1112}\u{1169}\u{1175}"
                    .replace("\u{1112}\u{1169}", "호")
                    .as_str(),
            ),
            ("ﬁle㎏①", "filekg1"),
            ("in\u{ad}form", "inform"),
        ] {
            assert_eq!(folded(text), want, "{text}");
        }
    }

    #[test]
    fn a_folded_character_knows_its_bytes() {
        let text = "x\u{1112}\u{116c}e\u{301}";
        let mut out = Vec::new();
        fold_into(text, 0, &mut out);
        let parts: Vec<_> = out.iter().map(|f| &text[f.from..f.to]).collect();
        assert_eq!(parts, ["x", "\u{1112}\u{116c}", "e\u{301}"]);
    }
}
