//! The language of a text.

use whatlang::{Lang, detect};

/// Letters below which a guess is worth nothing.
const LETTERS_MIN: usize = 20;

/// BCP 47 language; `None` where the text is too short or too mixed to tell.
pub(super) fn of(text: &str) -> Option<String> {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let hangul = text.chars().filter(|c| is_hangul(*c)).count();
    // Korean texts carry many Latin words; a third of Hangul is a Korean text.
    if hangul >= 4 && hangul * 3 >= letters {
        return Some("ko".into());
    }
    if letters < LETTERS_MIN {
        return None;
    }
    let info = detect(text)?;
    info.is_reliable().then(|| code(info.lang()))
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}')
}

/// ISO 639-1 where there is a code, else ISO 639-3, as BCP 47 wants it.
fn code(lang: Lang) -> String {
    match lang {
        Lang::Eng => "en",
        Lang::Kor => "ko",
        Lang::Jpn => "ja",
        Lang::Cmn => "zh",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Tur => "tr",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Tha => "th",
        Lang::Vie => "vi",
        Lang::Ind => "id",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Fin => "fi",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        other => other.code(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_with_english_words_is_korean() {
        let text = "이번 분기 매출은 GPU server 교체 비용 때문에 줄었습니다.";
        assert_eq!(of(text).as_deref(), Some("ko"));
    }

    #[test]
    fn english_is_english_and_a_few_letters_are_nothing() {
        let text =
            "The quarterly report describes the results of the research department in detail.";
        assert_eq!(of(text).as_deref(), Some("en"));
        assert_eq!(of("ok 12"), None);
    }
}
