//! File names and how they compare.
//!
//! macOS and SMB hand out decomposed names (NFD), Linux what was typed (mostly NFC). Names are stored and compared in NFC.

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The NFC form of a name or path.
pub fn nfc(name: &str) -> String {
    if is_nfc(name) {
        name.to_owned()
    } else {
        name.nfc().collect()
    }
}

/// The NFD form of a name or path.
pub fn nfd(name: &str) -> String {
    name.nfd().collect()
}

/// Whether two names are the same to a reader.
pub fn same(a: &str, b: &str) -> bool {
    a == b || nfc(a) == nfc(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_korean_name_is_the_same_in_both_forms() {
        let composed = "회의록.pdf";
        let decomposed = nfd(composed);
        assert_ne!(composed, decomposed);
        assert!(same(composed, &decomposed));
        assert_eq!(nfc(&decomposed), composed);
    }
}
