//! UTF-16 without a byte order mark, known by what it decodes to.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::Decoded;

/// Share of characters that must be of a script in use, in percent.
const PLAUSIBLE_PERCENT: usize = 95;

/// The text when the bytes look like UTF-16 of either byte order.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let candidates = [UTF_16LE, UTF_16BE].map(|encoding| candidate(encoding, bytes));
    let best = candidates
        .into_iter()
        .flatten()
        .max_by_key(|(ascii, _)| *ascii)?;
    Some(best.1)
}

/// How many ASCII characters the text has (read in the wrong order they are rare symbols), and the text if it is plausible.
fn candidate(encoding: &'static Encoding, bytes: &[u8]) -> Option<(usize, Decoded)> {
    let (text, failed) = encoding.decode_without_bom_handling(bytes);
    if failed || text.contains('\0') {
        return None;
    }
    let plausible = text.chars().filter(|&c| is_plausible(c)).count();
    if plausible * 100 < text.chars().count() * PLAUSIBLE_PERCENT {
        return None;
    }
    let ascii = text.chars().filter(char::is_ascii).count();
    let decoded = Decoded {
        text: text.into_owned(),
        encoding: encoding.name(),
    };
    Some((ascii, decoded))
}

/// Characters of the scripts that files are written in: Latin to Arabic, Thai, punctuation, kana, Han, Hangul, full-width forms.
fn is_plausible(c: char) -> bool {
    matches!(c,
        '\t' | '\n' | '\r' | '\u{c}' | '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{6ff}' | '\u{e00}'..='\u{e7f}'
        | '\u{1e00}'..='\u{206f}' | '\u{20a0}'..='\u{22ff}' | '\u{2500}'..='\u{26ff}' | '\u{3000}'..='\u{33ff}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff00}'..='\u{ffef}' | '\u{1f300}'..='\u{1faff}')
}
