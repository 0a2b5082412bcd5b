//! The date a document speaks of, in the ways Korean and English texts and file names write it.

use jiff::civil::Date;
use model::Timestamp;

/// Years before this are taken for something else.
const FIRST_YEAR: i16 = 1950;
/// How far ahead of now a date may lie, in years: deadlines, not typing errors.
const YEARS_AHEAD: i16 = 2;

/// The first date in the text, as `YYYY-MM-DD`.
pub(super) fn of_text(text: &str, now: Timestamp) -> Option<String> {
    let tokens = tokens(text);
    (0..tokens.len())
        .find_map(|at| written(&tokens[at..], now))
        .map(|date| date.to_string())
}

/// A date in a file's name, where eight digits in a row are one as well.
pub(super) fn of_name(name: &str, now: Timestamp) -> Option<String> {
    let base = name.rsplit('/').next().unwrap_or(name);
    let tokens = tokens(base);
    let compact = tokens.iter().find_map(|token| match token {
        Token::Number(digits) if digits.len() == 8 => {
            date(&digits[..4], &digits[4..6], &digits[6..], now)
        }
        _ => None,
    });
    compact
        .map(|date| date.to_string())
        .or_else(|| of_text(base, now))
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Number(String),
    Word(String),
    /// What stands between numbers and words, without blanks.
    Mark(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for c in text.chars() {
        let class = |token: &mut Token| match token {
            Token::Number(s) if c.is_ascii_digit() => Some(std::mem::take(s)),
            Token::Word(s) if c.is_alphabetic() => Some(std::mem::take(s)),
            Token::Mark(s) if !c.is_alphanumeric() => Some(std::mem::take(s)),
            _ => None,
        };
        let mut run = match tokens.last_mut().and_then(class) {
            Some(run) => {
                tokens.pop();
                run
            }
            None => String::new(),
        };
        if !c.is_whitespace() {
            run.push(c);
        }
        tokens.push(if c.is_ascii_digit() {
            Token::Number(run)
        } else if c.is_alphabetic() {
            Token::Word(run)
        } else {
            Token::Mark(run)
        });
    }
    tokens
}

/// The date that begins at the first token.
fn written(tokens: &[Token], now: Timestamp) -> Option<Date> {
    use Token::{Mark, Number, Word};
    match tokens {
        // 2025년 3월 14일
        [Number(y), Word(a), rest @ ..] if a == "년" => match skip_blank(rest) {
            [Number(m), Word(b), rest @ ..] if b == "월" => match skip_blank(rest) {
                [Number(d), Word(c), ..] if c.starts_with('일') => date(y, m, d, now),
                _ => None,
            },
            _ => None,
        },
        // 2025-03-14, 2025.3.14., 2025/03/14, 2025_03_14; 14.03.2025, 14/03/2025
        [Number(a), Mark(p), Number(b), Mark(q), Number(c), ..] if p == q && is_joint(p) => {
            if a.len() == 4 {
                date(a, b, c, now)
            } else if c.len() == 4 {
                // 03/14/2025 is read the American way only where the other way is no date.
                date(c, b, a, now).or_else(|| date(c, a, b, now))
            } else {
                None
            }
        }
        // March 14, 2025
        [Word(m), Mark(_), Number(d), Mark(_), Number(y), ..] => date(y, month(m)?, d, now),
        // 14 March 2025
        [Number(d), Mark(_), Word(m), Mark(_), Number(y), ..] => date(y, month(m)?, d, now),
        _ => None,
    }
}

fn skip_blank(tokens: &[Token]) -> &[Token] {
    match tokens {
        [Token::Mark(mark), rest @ ..] if mark.is_empty() => rest,
        _ => tokens,
    }
}

fn is_joint(mark: &str) -> bool {
    matches!(mark, "-" | "." | "/" | "_")
}

fn month(word: &str) -> Option<&'static str> {
    const MONTHS: [(&str, &str); 12] = [
        ("january", "1"),
        ("february", "2"),
        ("march", "3"),
        ("april", "4"),
        ("may", "5"),
        ("june", "6"),
        ("july", "7"),
        ("august", "8"),
        ("september", "9"),
        ("october", "10"),
        ("november", "11"),
        ("december", "12"),
    ];
    let word = word.to_lowercase();
    (word.len() >= 3)
        .then(|| MONTHS.iter().find(|(name, _)| name.starts_with(&word)))
        .flatten()
        .map(|(_, number)| *number)
}

fn date(year: &str, month: &str, day: &str, now: Timestamp) -> Option<Date> {
    if year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return None;
    }
    let year = year.parse().ok()?;
    let date = Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()?;
    let this_year = jiff::Timestamp::from_millisecond(now.0)
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year();
    (FIRST_YEAR..=this_year + YEARS_AHEAD)
        .contains(&year)
        .then_some(date)
}

#[cfg(test)]
mod tests {
    use super::super::tests::NOW;
    use super::*;

    #[test]
    fn dates_are_found_however_they_are_written() {
        for text in [
            "작성일: 2025년 3월 14일",
            "2025년3월14일자",
            "as of 2025-03-14.",
            "2025. 3. 14. 회의",
            "2025.3.14",
            "Date: March 14, 2025",
            "14 Mar 2025",
            "14.03.2025",
            "03/14/2025",
        ] {
            assert_eq!(of_text(text, NOW).as_deref(), Some("2025-03-14"), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2025-13-40",
            "1.2.3",
            "192.168.0.1",
            "9999-01-01",
            "may be 3, 2025x",
            "call 2025 1234",
        ] {
            assert_eq!(of_text(text, NOW), None, "{text}");
        }
    }

    #[test]
    fn a_name_may_write_it_without_marks() {
        assert_eq!(
            of_name("Recordings/20250314_회의.m4a", NOW).as_deref(),
            Some("2025-03-14")
        );
        assert_eq!(
            of_name("IMG_2025-03-14.jpg", NOW).as_deref(),
            Some("2025-03-14")
        );
        assert_eq!(of_name("order 12345678.pdf", NOW), None);
    }
}
