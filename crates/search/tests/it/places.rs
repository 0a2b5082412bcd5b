//! Where in a document a match is shown.

use model::{Category, Chunk};

use crate::bed::{Bed, entry, line};

#[test]
fn a_hit_carries_its_page() {
    let bed = Bed::with(&["first page\u{c}second\u{c}여기에 회의록이 있다\u{c}"]);
    let hit = bed.search("회의록").hits.remove(0);
    assert_eq!((hit.page, hit.start_s), (Some(3), None));
    assert_eq!(hit.snippet, "여기에 <mark>회의록</mark>이 있다");
}

#[test]
fn the_passage_with_most_of_the_words_is_shown() {
    let bed = Bed::with(&["apple\u{c}apple and pear\u{c}pear pear pear"]);
    assert_eq!(bed.search("apple pear").hits[0].page, Some(2));
}

#[test]
fn a_text_of_one_page_is_on_page_one() {
    let bed = Bed::new();
    let mut single = entry("0", "apple");
    single.document.page_count = Some(1);
    bed.put(vec![single]);
    assert_eq!(bed.search("apple").hits[0].page, Some(1));
}

#[test]
fn a_hit_in_a_recording_carries_the_second_of_its_line() {
    let bed = Bed::new();
    let segments = vec![
        line(0.0, "안녕하세요"),
        line(4.5, "다음 안건은 예산입니다"),
        line(9.25, "budget 이야기"),
        line(61.0, "끝"),
    ];
    let text = segments
        .iter()
        .map(|line| line.text.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let mut recording = entry("0", &text);
    recording.document.category = Category::Audio;
    recording.segments = segments;
    bed.put(vec![recording]);
    let second = |text: &str| bed.search(text).hits[0].start_s;
    assert_eq!(second("안녕"), Some(0.0));
    assert_eq!(second("예산"), Some(4.5));
    assert_eq!(second("budget"), Some(9.25));
    assert_eq!(second("끝"), Some(61.0));
    assert_eq!(
        second("예산입니다 budget"),
        Some(4.5),
        "words of two lines are found, the first is opened"
    );
}

#[test]
fn stored_passages_are_used() {
    let bed = Bed::new();
    let mut recording = entry("0", "ignored");
    recording.text = None;
    recording.chunks = vec![
        Chunk {
            text: "apple".into(),
            page: None,
            start_s: Some(7.0),
            char_start: 0,
            char_end: 5,
        },
        Chunk {
            text: "pear".into(),
            page: Some(4),
            start_s: None,
            char_start: 6,
            char_end: 10,
        },
    ];
    bed.put(vec![recording]);
    assert_eq!(bed.search("apple").hits[0].start_s, Some(7.0));
    assert_eq!(bed.search("pear").hits[0].page, Some(4));
    assert_eq!(bed.search("ignored").total, 0);
}

#[test]
fn found_by_its_title_a_document_shows_its_beginning() {
    let bed = Bed::new();
    let mut titled = entry("0", "one\u{c}two");
    titled.document.title = "<b>Apple</b>".into();
    let mut silent = entry("1", "");
    silent.document.title = "Apple video".into();
    bed.put(vec![titled, silent]);
    let hits = bed.search("apple").hits;
    let of = |id: &str| {
        hits.iter()
            .find(|hit| hit.document_id.as_str() == id)
            .unwrap()
    };
    assert_eq!((of("0").snippet.as_str(), of("0").page), ("one", None));
    assert_eq!(
        of("0").title,
        "<b>Apple</b>",
        "plain text, for the reader to escape"
    );
    assert_eq!(of("1").snippet, "");
}

#[test]
fn snippets_carry_no_markup_but_marks() {
    let bed = Bed::with(&["<script>alert(1)</script> 회의 <img src=x onerror=y>"]);
    assert_eq!(
        bed.snippet("회의 script"),
        "&lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt; <mark>회의</mark> &lt;img src=x onerror=y&gt;"
    );
    assert_eq!(bed.snippet("<script>"), bed.snippet("script"));
}

#[test]
fn the_prefix_marks_the_whole_word() {
    let bed = Bed::with(&["an invoice"]);
    assert_eq!(bed.snippet("inv"), "an <mark>invoice</mark>");
}
