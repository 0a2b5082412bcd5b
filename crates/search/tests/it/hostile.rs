//! Whatever is typed, and whatever is indexed, search answers.

use model::{Random, SeededRandom};
use search::{MAX_QUERY_CHARS, Query};

use crate::bed::{Bed, entry, query};

const PIECES: &[&str] = &[
    "\"",
    "-",
    "+",
    "*",
    "?",
    "~",
    ":",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "^",
    "\\",
    "/",
    "AND",
    "OR",
    "NOT",
    "TO",
    " ",
    "\t",
    "\n",
    "\0",
    "“",
    "「",
    "회의",
    "회",
    "의를",
    "foo",
    "a",
    "title:",
    "kind:head",
    "\u{301}",
    "\u{200d}",
    "\u{feff}",
    "ﷺ",
    "ß",
    "İ",
    "ㅎ",
    "\u{1112}",
    "\u{116c}",
    "😀",
    "é",
    "e\u{301}",
    "ｶﾞ",
    "हिन्दी",
    "ไทย",
    "\u{10ffff}",
    "1,000",
    "3.14",
    "<b>",
    "&",
    "'",
];

fn random_text(random: &SeededRandom, pieces: usize) -> String {
    (0..pieces)
        .map(|_| PIECES[(random.unit() * PIECES.len() as f64) as usize])
        .collect()
}

#[test]
fn known_traps_are_no_error() {
    let bed = Bed::with(&["foo-bar what's up AND 회의"]);
    for text in [
        "",
        " ",
        "*",
        "\"",
        "\"\"",
        "-",
        "--",
        "-\"",
        "AND",
        "foo AND",
        "what's \"up",
        "foo-bar",
        "a:b",
        "(",
        "\\",
        "[1 TO 2]",
    ] {
        let hits = bed.search(text);
        assert_eq!(hits.total, hits.hits.len(), "{text}");
    }
    assert_eq!(bed.ids("what's \"up"), ["0"]);
    assert_eq!(bed.ids("AND"), ["0"], "a word like any other");
}

#[test]
fn anything_typed_on_anything_indexed_is_answered() {
    let random = SeededRandom::new(20_240_601);
    let bed = Bed::new();
    bed.put(
        (0..40)
            .map(|at| entry(&at.to_string(), &random_text(&random, 60)))
            .collect(),
    );
    let mut found = 0;
    for _ in 0..600 {
        let text = random_text(&random, 1 + (random.unit() * 8.0) as usize);
        let hits = bed
            .index
            .search(&query(&text))
            .unwrap_or_else(|error| panic!("{text:?}: {error}"));
        found += hits.total;
        for hit in &hits.hits {
            let bare = hit.snippet.replace("<mark>", "").replace("</mark>", "");
            assert!(
                !bare.contains(['<', '>', '"', '\'', '\0']),
                "{text:?} → {}",
                hit.snippet
            );
            assert_eq!(
                hit.snippet.matches("<mark>").count(),
                hit.snippet.matches("</mark>").count()
            );
        }
    }
    assert!(
        found > 1000,
        "the texts and what is typed share their pieces: {found}"
    );
}

#[test]
fn a_very_long_text_is_searched_by_its_beginning() {
    let bed = Bed::with(&["apple 회의"]);
    let long = format!("apple {}", "회의를 기록한다 ".repeat(MAX_QUERY_CHARS));
    assert_eq!(bed.ids(&long), ["0"]);
    assert_eq!(bed.search(&"가".repeat(100_000)).total, 0);
    assert_eq!(bed.search(&"x".repeat(100_000)).total, 0);
}

#[test]
fn texts_without_end_are_taken_in() {
    let bed = Bed::with(&[
        &"a".repeat(300_000),
        &"가나다라".repeat(50_000),
        &"\u{301}".repeat(50_000),
        &"\u{c}".repeat(5_000),
    ]);
    let query = Query {
        limit: 1,
        ..query("라가나")
    };
    assert_eq!(bed.index.search(&query).unwrap().total, 1);
}
