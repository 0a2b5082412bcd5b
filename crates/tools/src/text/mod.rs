//! Bytes of unknown encoding to text.
//!
//! Order of belief: a byte order mark, valid UTF-8, UTF-16 by the look of it, EBCDIC by the look of it, a statistical guess among
//! the legacy encodings. What is not text at all is refused rather than stored as noise.

mod ebcdic;
mod utf16;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_KR, Encoding, UTF_8, WINDOWS_1252, X_MAC_CYRILLIC};

use crate::ToolError;

/// Of so many characters one may be a control character or undecodable; more means that this is no text.
const CHARS_PER_BAD_ONE: usize = 50;

/// Share of a guess's non-ASCII characters that must be Hangul for a text to count as Korean, in percent.
const HANGUL_PERCENT: usize = 80;

/// Share of a text's Hangul that are syllables in daily use, in percent, at least.
const DAILY_PERCENT: usize = 60;

/// Fewer words do not show which encoding they are in.
const FEWEST_WORDS: usize = 5;

/// Text with the name of the encoding it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, cleaned as by [`clean`].
    pub text: String,
    /// `UTF-8`, `EUC-KR`, …
    pub encoding: &'static str,
}

/// Text of any common encoding. Errors: `empty`, `binary`.
pub fn decode(bytes: &[u8]) -> Result<Decoded, ToolError> {
    if bytes.is_empty() {
        return Err(empty());
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decoded(encoding, &bytes[mark..]);
    }
    if bytes.contains(&0) {
        let text = utf16::decode(bytes).ok_or_else(binary)?;
        return checked(text.text, text.encoding);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && !bytes.contains(&0x1B)
    {
        return checked(text.to_owned(), UTF_8.name());
    }
    if let Some(text) = ebcdic::decode(bytes) {
        return checked(text, ebcdic::NAME);
    }
    decoded(guess(bytes), bytes)
}

/// Text of an encoding that the file itself names; where what it names does not fit, the encoding is guessed.
pub fn decode_as(label: &str, bytes: &[u8]) -> Result<Decoded, ToolError> {
    match Encoding::for_label(label.as_bytes()) {
        Some(encoding) if fits(encoding, bytes) => decoded(encoding, bytes),
        _ => decode(bytes),
    }
}

/// Line ends as `\n`; control characters but tab, line end and form feed gone. PostgreSQL stores no NUL, and nobody reads the others.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' | '\u{85}' | '\u{2028}' => cleaned.push('\n'),
            '\u{feff}' => {}
            c if is_unwanted(c) => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

fn fits(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    // A label that can be read as ASCII does not stand in UTF-16, whatever it says.
    let readable = encoding.is_ascii_compatible() && !bytes.contains(&0);
    // Pages often name a single-byte encoding, which never fails; what is valid UTF-8 is UTF-8 all the same.
    let is_utf8 = std::str::from_utf8(bytes).is_ok();
    let has_mark = Encoding::for_bom(bytes).is_some();
    readable && !has_mark && !is_utf8 && !encoding.decode_without_bom_handling(bytes).1
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Result<Decoded, ToolError> {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    checked(text.into_owned(), encoding.name())
}

fn checked(text: String, encoding: &'static str) -> Result<Decoded, ToolError> {
    let bad = text.chars().filter(|&c| is_bad(c)).count();
    if bad * CHARS_PER_BAD_ONE > text.chars().count() {
        return Err(binary());
    }
    let text = clean(&text);
    if text.trim().is_empty() {
        return Err(empty());
    }
    Ok(Decoded { text, encoding })
}

/// The legacy encoding that fits best.
fn guess(bytes: &[u8]) -> &'static Encoding {
    if is_korean(bytes) {
        return EUC_KR;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    match detector.guess(None, Utf8Detection::Allow) {
        fallback if fallback == WINDOWS_1252 && is_mac_cyrillic(bytes) => X_MAC_CYRILLIC,
        guessed => guessed,
    }
}

/// The detector does not know this one and takes it for Western European. Right is what makes whole words Cyrillic: Western words
/// read as Cyrillic mix both scripts.
fn is_mac_cyrillic(bytes: &[u8]) -> bool {
    let (text, _) = X_MAC_CYRILLIC.decode_without_bom_handling(bytes);
    let foreign = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_ascii());
    let (whole, mixed): (Vec<_>, Vec<_>) =
        foreign.partition(|word| word.chars().all(|c| ('\u{400}'..='\u{4ff}').contains(&c)));
    whole.len() >= FEWEST_WORDS && whole.len() > mixed.len() * 20
}

/// Short Korean texts are close to Chinese and Japanese ones by their bytes. What decodes without an error, is nearly all Hangul and
/// mostly of the syllables in daily use (rows 16 to 40 of KS X 1001) is Korean.
fn is_korean(bytes: &[u8]) -> bool {
    let (text, failed) = EUC_KR.decode_without_bom_handling(bytes);
    let foreign = text.chars().filter(|c| !c.is_ascii()).count();
    let hangul = text.chars().filter(|c| ('가'..='힣').contains(c)).count();
    let daily = daily_syllables(bytes);
    !failed
        && hangul > 0
        && hangul * 100 >= foreign * HANGUL_PERCENT
        && daily * 100 >= hangul * DAILY_PERCENT
}

fn daily_syllables(bytes: &[u8]) -> usize {
    let (mut count, mut bytes) = (0, bytes.iter());
    while let Some(&lead) = bytes.next() {
        if lead >= 0x81 {
            let trail = bytes.next().copied().unwrap_or(0);
            count += usize::from(matches!(lead, 0xB0..=0xC8) && trail >= 0xA1);
        }
    }
    count
}

fn is_unwanted(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\u{c}')
}

/// Characters that text does not have. A few old programs end their files with U+001A, terminals colour theirs with U+001B.
fn is_bad(c: char) -> bool {
    c == '\u{fffd}' || is_unwanted(c) && !matches!(c, '\r' | '\u{85}' | '\u{1a}' | '\u{1b}')
}

pub(crate) fn empty() -> ToolError {
    ToolError::bad_input("empty", "There is no text in this file.")
}

fn binary() -> ToolError {
    ToolError::bad_input(
        "binary",
        "This is no text file, although its name says so. Give it the ending of what it really is.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding_of(bytes: &[u8]) -> &'static str {
        decode(bytes).unwrap().encoding
    }

    #[test]
    fn a_byte_order_mark_is_believed() {
        for (bytes, encoding) in [
            (&b"\xEF\xBB\xBFabc"[..], "UTF-8"),
            (b"\xFF\xFEa\0", "UTF-16LE"),
            (b"\xFE\xFF\0a", "UTF-16BE"),
        ] {
            assert_eq!(encoding_of(bytes), encoding);
            assert!(decode(bytes).unwrap().text.starts_with('a'));
        }
    }

    #[test]
    fn short_korean_is_korean() {
        for text in [
            "회의록",
            "안녕하세요. 반갑습니다.",
            "1. 예산 2. 일정",
            "똠방각하 펲시콜라",
        ] {
            let bytes = EUC_KR.encode(text).0.into_owned();
            assert_eq!(decode(&bytes).unwrap().text, text);
        }
    }

    #[test]
    fn chinese_and_japanese_are_not_taken_for_korean() {
        let chinese = encoding_rs::GB18030
            .encode("会议记录：今天讨论了新图书馆的预算，下周一继续。")
            .0;
        assert_eq!(encoding_of(&chinese), "GBK");
        let japanese = encoding_rs::SHIFT_JIS
            .encode("来月から開館時間が変わります。")
            .0;
        assert_eq!(encoding_of(&japanese), "Shift_JIS");
        let japanese = encoding_rs::EUC_JP
            .encode("来月から開館時間が変わります。")
            .0;
        assert_eq!(encoding_of(&japanese), "EUC-JP");
    }

    #[test]
    fn utf16_without_a_mark_is_seen() {
        let text = "회의록\n오늘 회의에서는 예산을 논의했다.\n";
        let little = text
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>();
        let big = text
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect::<Vec<_>>();
        assert_eq!(decode(&little).unwrap().text, text);
        assert_eq!(decode(&big).unwrap().text, text);
    }

    #[test]
    fn a_page_that_names_the_wrong_encoding_is_read_all_the_same() {
        let korean = "시골 장터에 갔다";
        assert_eq!(
            decode_as("iso-8859-1", korean.as_bytes()).unwrap().text,
            korean
        );
        let bytes = EUC_KR.encode(korean).0.into_owned();
        assert_eq!(decode_as("utf-8", &bytes).unwrap().text, korean);
        assert_eq!(decode_as("no-such-name", &bytes).unwrap().text, korean);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let bytes = (0..=255).collect::<Vec<u8>>();
        assert_eq!(decode(&bytes).unwrap_err().code(), "binary");
        assert_eq!(
            decode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap_err().code(),
            "binary"
        );
        assert_eq!(decode(b"").unwrap_err().code(), "empty");
        assert_eq!(decode(b" \r\n").unwrap_err().code(), "empty");
    }

    #[test]
    fn cleaning_keeps_what_people_see() {
        assert_eq!(
            clean("a\r\nb\rc\0\u{7}\td\u{c}e\u{feff}"),
            "a\nb\nc\td\u{c}e"
        );
    }
}
