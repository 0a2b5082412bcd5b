//! A better title than a file name that says nothing.

use model::{Category, Document};

/// Longest line that is taken for a title, in characters.
const LONGEST: usize = 100;
/// Lines at the top among which the title is looked for.
const LINES: usize = 12;

/// Words of names that machines give.
const MACHINE_WORDS: &[&str] = &[
    "scan",
    "scanned",
    "img",
    "image",
    "doc",
    "document",
    "file",
    "untitled",
    "new",
    "voice",
    "recording",
    "rec",
    "audio",
    "memo",
    "download",
    "copy",
    "vid",
    "video",
    "dsc",
    "screenshot",
    "스캔",
    "문서",
    "이미지",
    "녹음",
    "음성",
    "새",
];

/// The title the text gives, where the present one is only a machine's file name; `None` leaves it.
pub(super) fn better(document: &Document, text: &str) -> Option<String> {
    if document.category == Category::Note || !says_nothing(&document.title) {
        return None;
    }
    let line = text
        .split(['\n', '\u{c}'])
        .map(clean)
        .filter(|line| !line.is_empty())
        .take(LINES)
        .find(|line| is_title(line))?;
    Some(shortened(&line))
}

/// A name of digits, marks and machine words only.
fn says_nothing(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric())
        .flat_map(|part| part.split(|c: char| c.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .all(|word| {
            let word = word.to_lowercase();
            MACHINE_WORDS.contains(&word.as_str()) || is_id(&word)
        })
}

/// Single letters and hexadecimal scraps.
fn is_id(word: &str) -> bool {
    word.len() == 1 || (word.len() >= 4 && word.chars().all(|c| c.is_ascii_hexdigit()))
}

/// The line without Markdown's marks and runs of blanks.
fn clean(line: &str) -> String {
    let line = line.trim().trim_start_matches(['#', '*', '-', '>', ' ']);
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_title(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 3 && letters * 2 >= line.chars().count()
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(LONGEST).collect();
    if let Some(end) = short.rfind(' ') {
        short.truncate(end);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::super::tests::document;
    use super::*;

    #[test]
    fn machine_names_say_nothing_and_given_names_do() {
        for name in [
            "scan0001",
            "IMG_20250314_101112",
            "20250314",
            "스캔 12",
            "a1b2c3d4e5f6",
            "Voice 003",
        ] {
            assert!(says_nothing(name), "{name}");
        }
        for name in ["Budget 2025", "회의록 3월", "scan of passport"] {
            assert!(!says_nothing(name), "{name}");
        }
    }

    #[test]
    fn the_first_line_that_reads_like_a_title_is_it() {
        let scan = document("Inbox/scan0001.pdf");
        let text = "\n - 1 -\n2025.03.14\n# 임대차 계약서\n본문";
        assert_eq!(better(&scan, text).as_deref(), Some("임대차 계약서"));
        assert_eq!(better(&document("Inbox/임대차.pdf"), text), None);
        assert_eq!(better(&scan, ""), None);
    }

    #[test]
    fn a_long_line_is_cut_at_a_word() {
        let scan = document("Inbox/scan0001.pdf");
        let title = better(&scan, &"word ".repeat(60)).unwrap();
        assert!(title.ends_with("word…") && title.chars().count() <= LONGEST + 1);
    }
}
