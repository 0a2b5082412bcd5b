//! EBCDIC (code page 500), as mainframes write it.

/// The name of the encoding.
pub(super) const NAME: &str = "IBM500";

/// The characters of the bytes 0x40 to 0xFF.
const UPPER: [&str; 12] = [
    " \u{a0}âäàáãåçñ[.<(+!",
    "&éêëèíîïìß]$*);^",
    "-/ÂÄÀÁÃÅÇÑ¦,%_>?",
    "øÉÊËÈÍÎÏÌ`:#@'=\"",
    "Øabcdefghi«»ðýþ±",
    "°jklmnopqrªºæ¸Æ¤",
    "µ~stuvwxyz¡¿ÐÝÞ®",
    "¢£¥·©§¶¼½¾¬|¯¨´×",
    "{ABCDEFGHI\u{ad}ôöòóõ",
    "}JKLMNOPQR¹ûüùúÿ",
    "\\÷STUVWXYZ²ÔÖÒÓÕ",
    "0123456789³ÛÜÙÚ\u{9f}",
];

/// Bytes that are letters, digits or spaces in EBCDIC, in percent of all, at least.
const LETTERS_PERCENT: usize = 80;

/// One space in so many bytes at least; in ASCII-like encodings 0x40 is the rare `@`.
const BYTES_PER_SPACE: usize = 20;

/// The text when the bytes look like EBCDIC.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let spaces = bytes.iter().filter(|&&b| b == 0x40).count();
    let letters = bytes.iter().filter(|&&b| is_letter(b)).count();
    let looks_like_it =
        spaces * BYTES_PER_SPACE >= bytes.len() && letters * 100 >= bytes.len() * LETTERS_PERCENT;
    looks_like_it.then(|| bytes.iter().map(|&b| character(b)).collect())
}

fn is_letter(byte: u8) -> bool {
    matches!(byte, 0x40 | 0x81..=0x89 | 0x91..=0x99 | 0xA2..=0xA9 | 0xC1..=0xC9 | 0xD1..=0xD9 | 0xE2..=0xE9 | 0xF0..=0xF9)
}

fn character(byte: u8) -> char {
    match byte {
        0x05 => '\t',
        0x0D => '\r',
        0x15 | 0x25 => '\n',
        0x40.. => {
            let row = UPPER[usize::from(byte >> 4) - 4];
            row.chars()
                .nth(usize::from(byte & 0x0F))
                .unwrap_or('\u{fffd}')
        }
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_sixteen_characters() {
        assert!(UPPER.iter().all(|row| row.chars().count() == 16));
    }

    #[test]
    fn hello_in_ebcdic() {
        let bytes = [
            0xC8, 0x85, 0x93, 0x93, 0x96, 0x40, 0xA6, 0x96, 0x99, 0x93, 0x84,
        ];
        assert_eq!(decode(&bytes).as_deref(), Some("Hello world"));
        assert_eq!(decode(b"Hello world, plain as can be"), None);
    }
}
