//! The languages that whisper knows, by their two- or three-letter codes.

use crate::error::SpeechError;

/// A language of whisper's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(i32);

impl Language {
    /// What models without a choice of languages speak; whisper's first.
    pub const ENGLISH: Self = Self(0);

    /// By code (`ko`, `ko-KR`) or English name (`korean`).
    pub fn parse(text: &str) -> Result<Self, SpeechError> {
        let short = text
            .split(['-', '_'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let unknown = || {
            SpeechError::BadRequest(format!(
                "The language {text:?} is unknown. Give a code such as \"ko\" or \"en\"."
            ))
        };
        if short.is_empty() || short.contains('\0') {
            return Err(unknown());
        }
        whisper_rs::get_lang_id(&short)
            .and_then(Self::from_id)
            .ok_or_else(unknown)
    }

    /// By whisper's number.
    pub fn from_id(id: i32) -> Option<Self> {
        (0..=whisper_rs::get_lang_max_id())
            .contains(&id)
            .then_some(Self(id))
    }

    /// Whisper's number.
    pub fn id(self) -> i32 {
        self.0
    }

    /// The code: `ko`.
    pub fn code(self) -> &'static str {
        whisper_rs::get_lang_str(self.0).unwrap_or("en")
    }

    /// The English name: `korean`.
    pub fn name(self) -> &'static str {
        whisper_rs::get_lang_str_full(self.0).unwrap_or("english")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_names_and_regions_are_understood() {
        for text in ["ko", "KO", "ko-KR", "ko_KR", "korean"] {
            assert_eq!(Language::parse(text).unwrap().code(), "ko", "{text}");
        }
        assert_eq!(Language::parse("en").unwrap(), Language::ENGLISH);
        assert_eq!(Language::parse("ko").unwrap().name(), "korean");
        for text in ["", "xx", "k\0o", "-"] {
            assert!(
                matches!(Language::parse(text), Err(SpeechError::BadRequest(_))),
                "{text:?}"
            );
        }
    }
}
