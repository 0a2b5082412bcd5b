//! Which documents a text finds.

use model::{Category, Random, SeededRandom};
use search::{Mode, Query, SearchError};

use crate::bed::{Bed, document, entry, query};

#[test]
fn two_syllables_are_found_wherever_they_stand() {
    let bed = Bed::with(&[
        "오늘 회의를 했다",
        "정기회의록을 본다",
        "회 의",
        "아무것도 없다",
    ]);
    let mut found = bed.ids("회의");
    found.sort();
    assert_eq!(found, ["0", "1"]);
    assert_eq!(bed.ids("정기회의록"), ["1"]);
}

#[test]
fn spacing_does_not_matter() {
    let bed = Bed::with(&["정기 회의 안건", "정기회의 안건", "기회가 왔다"]);
    for text in ["정기회의", "정기 회의", "정기회의 안건"] {
        let mut found = bed.ids(text);
        found.sort();
        assert_eq!(found, ["0", "1"], "{text}");
    }
    assert_eq!(bed.ids("정기회의")[0], "1", "as typed comes first");
}

#[test]
fn a_particle_at_the_end_of_what_is_typed_does_not_hide_the_word() {
    let bed = Bed::with(&["회의가 길었다", "산책이 길었다"]);
    assert_eq!(bed.ids("회의를"), ["0"]);
    assert_eq!(bed.ids("회의에서는"), ["0"]);
}

#[test]
fn single_characters_are_found() {
    let bed = Bed::with(&["우리 집에서", "3월 5일", "水道橋", "없음"]);
    assert_eq!(bed.ids("집"), ["0"]);
    assert_eq!(bed.ids("3월"), ["1"]);
    assert_eq!(bed.ids("橋"), ["2"]);
    assert_eq!(bed.ids("水道"), ["2"]);
}

#[test]
fn every_form_of_the_same_letters_is_the_same() {
    let decomposed = model::name::nfd("회의록 café");
    let bed = Bed::with(&[
        "회의록 café",
        &decomposed,
        "ＲＥＰＯＲＴ ｶﾀｶﾅ",
        "Report カタカナ ﬁle",
    ]);
    for text in [
        "회의록",
        &model::name::nfd("회의록"),
        "CAFÉ",
        "cafe",
        &model::name::nfd("café"),
    ] {
        assert_eq!(bed.search(text).total, 2, "{text}");
    }
    for text in ["report", "ｒｅｐｏｒｔ", "カタカナ", "ｶﾀｶﾅ"] {
        assert_eq!(bed.search(text).total, 2, "{text}");
    }
    assert_eq!(bed.ids("file"), ["3"]);
}

#[test]
fn all_words_must_be_there_if_any_document_has_them_all() {
    let bed = Bed::with(&["red apple", "green apple", "green pear"]);
    assert_eq!(bed.ids("green apple"), ["1"]);
    let found = bed.search("purple apple");
    assert_eq!(found.total, 2, "none has both, so either will do");
}

#[test]
fn words_of_different_pages_and_of_the_title_count_together() {
    let bed = Bed::new();
    let mut first = entry(
        "a",
        &format!("계약서\u{c}{}\u{c}김철수", "lorem ipsum ".repeat(200)),
    );
    first.document.title = "Lease 2024".into();
    bed.put(vec![first, entry("b", "계약서 only")]);
    assert_eq!(bed.ids("계약서 김철수"), ["a"]);
    assert_eq!(bed.ids("lease 김철수"), ["a"]);
}

#[test]
fn phrases_are_taken_as_they_are() {
    let bed = Bed::with(&[
        "the annual report of 2023",
        "report on the annual budget",
        "정기 총회 회의",
    ]);
    assert_eq!(bed.ids("\"annual report\""), ["0"]);
    assert_eq!(bed.ids("\"총회 회의\""), ["2"]);
    assert_eq!(
        bed.search("\"회의 총회\"").total,
        0,
        "a phrase is never loosened"
    );
    assert_eq!(bed.ids("\"annual report\" nonsense"), ["0"], "the rest is");
}

#[test]
fn excluded_words_exclude() {
    let bed = Bed::with(&["budget draft", "budget final", "예산 초안"]);
    assert_eq!(bed.ids("budget -draft"), ["1"]);
    assert_eq!(bed.search("예산 -초안").total, 0);
    assert_eq!(bed.search("budget -\"budget draft\"").total, 1);
    assert_eq!(bed.ids("-draft"), ["0"], "alone it is a word");
}

#[test]
fn the_last_word_may_be_its_beginning() {
    let bed = Bed::with(&["invoice from the inventor", "envelope"]);
    for text in ["inv", "from invo", "the-inven"] {
        assert_eq!(bed.ids(text), ["0"], "{text}");
    }
    assert_eq!(bed.search("inv ").total, 0, "a space ends the word");
    assert_eq!(bed.search("\"inv\"").total, 0);
}

#[test]
fn compounds_are_found_in_every_spelling() {
    let bed = Bed::with(&["foo-bar", "foo_bar", "foo bar", "bar foo", "what's up"]);
    assert_eq!(bed.search("foo-bar").total, 3);
    assert_eq!(bed.search("foo.bar").total, 3);
    assert_eq!(bed.ids("what's"), ["4"]);
}

#[test]
fn title_tags_and_name_are_found_and_weigh_more() {
    let bed = Bed::new();
    let body = entry("body", "a minute of the budget meeting");
    let mut title = entry("title", "a minute of the other meeting");
    title.document.title = "Budget".into();
    let mut tagged = entry("tag", "nothing");
    tagged.document.tags = vec!["세금".into()];
    tagged.document.document_type = Some("invoice".into());
    tagged.document.path = Some("Inbox/2024/영수증_스타벅스.pdf".into());
    bed.put(vec![body, title, tagged]);
    assert_eq!(bed.ids("budget"), ["title", "body"]);
    for text in ["세금", "invoice", "영수증", "스타벅스.pdf", "2024"] {
        assert_eq!(bed.ids(text), ["tag"], "{text}");
    }
    assert_eq!(
        bed.search("inbox").total,
        0,
        "the watched folder says nothing"
    );
}

#[test]
fn categories_filter() {
    let bed = Bed::new();
    let mut note = entry("note", "apple");
    note.document.category = Category::Note;
    let mut audio = entry("audio", "apple");
    audio.document.category = Category::Audio;
    bed.put(vec![note, audio, entry("document", "apple")]);
    let found = |categories: &[Category]| {
        let query = Query {
            categories: categories.to_vec(),
            ..query("apple")
        };
        let hits = bed.index.search(&query).unwrap();
        assert_eq!(hits.total, hits.hits.len());
        let mut ids: Vec<_> = hits
            .hits
            .into_iter()
            .map(|hit| (hit.document_id.0, hit.category))
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(
        found(&[Category::Note]),
        [("note".to_owned(), Category::Note)]
    );
    assert_eq!(found(&[Category::Note, Category::Audio]).len(), 2);
    assert_eq!(found(&[Category::Video]).len(), 0);
    assert_eq!(found(&[]).len(), 3);
}

#[test]
fn pages_of_the_answer_do_not_overlap_and_the_total_counts_documents() {
    let bed = Bed::new();
    bed.put(
        (0..30)
            .map(|at| entry(&at.to_string(), &"apple pie\u{c}".repeat(3)))
            .collect(),
    );
    let page = |offset| {
        let query = Query {
            offset,
            limit: 20,
            ..query("apple")
        };
        bed.index.search(&query).unwrap()
    };
    let (first, second) = (page(0), page(20));
    assert_eq!((first.total, first.hits.len()), (30, 20));
    assert_eq!((second.total, second.hits.len()), (30, 10));
    assert!(second.hits.iter().all(|hit| {
        first
            .hits
            .iter()
            .all(|other| other.document_id != hit.document_id)
    }));
    assert_eq!(page(usize::MAX).hits.len(), 0);
    let limit = |limit| {
        bed.index
            .search(&Query {
                limit,
                ..query("apple")
            })
            .unwrap()
            .hits
            .len()
    };
    assert_eq!((limit(0), limit(usize::MAX)), (1, 30));
}

#[test]
fn a_change_replaces_and_trash_and_removal_take_away() {
    let bed = Bed::with(&["apple"]);
    bed.put(vec![entry("0", "pear")]);
    assert_eq!(
        (bed.search("apple").total, bed.search("pear").total),
        (0, 1)
    );
    let mut trashed = entry("0", "pear");
    trashed.document.trashed_at = Some(document("0").created_at);
    bed.put(vec![trashed]);
    assert_eq!(bed.search("pear").total, 0);
    bed.put(vec![entry("0", "pear")]);
    bed.index
        .apply(vec![search::IndexChange::Remove("0".into())], 9)
        .unwrap();
    assert_eq!(bed.search("pear").total, 0);
}

#[test]
fn search_by_meaning_says_what_is_missing() {
    let bed = Bed::with(&["apple"]);
    let asked = |mode| {
        bed.index.search(&Query {
            mode,
            ..query("apple")
        })
    };
    let error = asked(Mode::Semantic).unwrap_err();
    assert!(matches!(error, SearchError::NoEmbeddingModel));
    assert_eq!(error.code(), "no_embedding_model");
    assert_eq!(asked(Mode::Hybrid).unwrap(), asked(Mode::Keyword).unwrap());
}

/// Many documents of few words, against a search done by hand.
#[test]
fn what_is_found_is_exactly_what_is_there() {
    const WORDS: [&str; 6] = ["apple", "pear", "회의", "예산", "plum", "3월"];
    const DOCUMENTS: usize = 6000;
    let random = SeededRandom::new(4);
    let pick = || WORDS[(random.unit() * WORDS.len() as f64) as usize];
    let texts: Vec<String> = (0..DOCUMENTS)
        .map(|_| [pick(), pick(), pick()].join(" "))
        .collect();
    let bed = Bed::new();
    bed.put(
        texts
            .iter()
            .enumerate()
            .map(|(at, text)| entry(&at.to_string(), text))
            .collect(),
    );
    for _ in 0..40 {
        let (a, b, c) = (pick(), pick(), pick());
        let typed = format!("{a} \"{b} {c}\" ");
        let want = texts
            .iter()
            .filter(|text| text.contains(a) && text.contains(&format!("{b} {c}")))
            .count();
        assert_eq!(bed.search(&typed).total, want, "{typed}");
        let typed = format!("{a} -\"{b} {c}\" -{c} ");
        let want = texts
            .iter()
            .filter(|text| text.contains(a) && !text.contains(c))
            .count();
        if a != c {
            assert_eq!(bed.search(&typed).total, want, "{typed}");
        }
        let typed = format!("{a} -\"{b} {c}\"");
        let want = texts
            .iter()
            .filter(|text| text.contains(a) && !text.contains(&format!("{b} {c}")))
            .count();
        assert_eq!(bed.search(&typed).total, want, "{typed}");
    }
}
