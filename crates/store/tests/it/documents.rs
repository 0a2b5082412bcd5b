//! Documents, their text, tags and passages.

use model::{Category, Chunk, DocumentPatch, Segment, Write};
use store::{DocumentEdit, DocumentFilter, DocumentSort};

use crate::conformance;
use crate::database::{Database, NOW, document};

conformance!(
    a_document_reads_back_as_it_was_written,
    the_same_content_is_refused,
    notes_may_say_the_same,
    nothing_lasts_without_a_commit,
    what_a_person_set_stays,
    a_person_may_change_it_again,
    a_patch_leaves_the_rest,
    nul_characters_are_dropped,
    segments_come_in_the_order_of_their_start,
    chunks_are_replaced_as_a_whole,
    lists_filter_sort_and_page,
    a_search_for_a_percent_sign_finds_percent_signs,
    counts_leave_the_trash_out,
    titles_are_looked_up_together,
);

async fn a_document_reads_back_as_it_was_written(db: Database) {
    let mut written = document("all fields");
    written.path_raw = Some(vec![0xff, 0x00, b'x']);
    written.duration_s = Some(12.0);
    written.tags = vec!["invoice".into(), "회의".into()];
    written.missing_since = Some(NOW.plus_ms(1));
    written.needs_conversion = true;
    let mut tx = db.write().await;
    tx.insert_document(&written, Some("text\u{c}page two"))
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.read().await;
    assert_eq!(
        tx.document(&written.id).await.unwrap(),
        Some(written.clone())
    );
    let at = tx.document_at("Inbox/all fields.pdf").await.unwrap();
    assert_eq!(at.unwrap().id, written.id);
    let text = tx.extracted_text(&written.id).await.unwrap();
    assert_eq!(text.as_deref(), Some("text\u{c}page two"));
    assert_eq!(tx.document(&"none".into()).await.unwrap(), None);
}

async fn the_same_content_is_refused(db: Database) {
    let first = db.add("first").await;
    let mut copy = document("copy");
    copy.content_hash.clone_from(&first.content_hash);
    let error = db
        .write()
        .await
        .insert_document(&copy, None)
        .await
        .unwrap_err();
    assert!(error.is_duplicate() && error.is_conflict(), "{error}");
    let found = db
        .read()
        .await
        .document_with_content(&first.content_hash)
        .await
        .unwrap();
    assert_eq!(found.unwrap().id, first.id);
}

async fn notes_may_say_the_same(db: Database) {
    for title in ["one", "two"] {
        let mut note = document(title);
        note.category = Category::Note;
        note.path = None;
        note.content_hash = "same".into();
        let mut tx = db.write().await;
        tx.insert_document(&note, Some("same")).await.unwrap();
        tx.commit().await.unwrap();
    }
    let found = db.read().await.document_with_content("same").await.unwrap();
    assert_eq!(found, None, "a note's content is nobody's duplicate");
}

async fn nothing_lasts_without_a_commit(db: Database) {
    let lost = document("lost");
    let mut tx = db.write().await;
    tx.insert_document(&lost, None).await.unwrap();
    drop(tx);
    assert_eq!(db.read().await.document(&lost.id).await.unwrap(), None);
}

async fn what_a_person_set_stays(db: Database) {
    let document = db.add("scan0001").await;
    let edit = DocumentEdit {
        patch: DocumentPatch {
            title: Some("My title".into()),
            ..DocumentPatch::default()
        },
        tags: Some(vec!["mine".into()]),
    };
    let mut tx = db.write().await;
    assert!(tx.edit_document(&document.id, &edit, NOW).await.unwrap());
    let writes = [
        Write::Patch(Box::new(DocumentPatch {
            title: Some("A stage's title".into()),
            language: Some("ko".into()),
            ..DocumentPatch::default()
        })),
        Write::Tags(vec!["suggested".into()]),
    ];
    tx.apply_writes(&document.id, &writes, NOW).await.unwrap();
    let after = tx.document(&document.id).await.unwrap().unwrap();
    assert_eq!(after.title, "My title");
    assert_eq!(after.tags, ["mine"]);
    assert_eq!(after.language.as_deref(), Some("ko"));
    assert_eq!(after.user_fields, ["tags", "title"]);
}

async fn a_person_may_change_it_again(db: Database) {
    let document = db.add("scan0002").await;
    let mut tx = db.write().await;
    for title in ["first", "second"] {
        let edit = DocumentEdit {
            patch: DocumentPatch {
                title: Some(title.into()),
                ..DocumentPatch::default()
            },
            tags: None,
        };
        tx.edit_document(&document.id, &edit, NOW).await.unwrap();
    }
    let after = tx.document(&document.id).await.unwrap().unwrap();
    assert_eq!(after.title, "second");
    let nothing = DocumentEdit::default();
    assert!(
        !tx.edit_document(&"none".into(), &nothing, NOW)
            .await
            .unwrap()
    );
}

async fn a_patch_leaves_the_rest(db: Database) {
    let document = db.add("patched").await;
    let mut tx = db.write().await;
    for patch in [
        DocumentPatch {
            extracted_text: Some("kept".into()),
            duration_s: Some(3.5),
            ..DocumentPatch::default()
        },
        DocumentPatch {
            width: Some(640),
            transcript_draft: Some(true),
            ..DocumentPatch::default()
        },
    ] {
        let writes = [Write::Patch(Box::new(patch))];
        tx.apply_writes(&document.id, &writes, NOW).await.unwrap();
    }
    let after = tx.document(&document.id).await.unwrap().unwrap();
    assert_eq!((after.duration_s, after.width), (Some(3.5), Some(640)));
    assert!(after.transcript_draft && !after.needs_conversion);
    let text = tx.extracted_text(&document.id).await.unwrap();
    assert_eq!(text.as_deref(), Some("kept"));
}

async fn nul_characters_are_dropped(db: Database) {
    let document = db.add("nul").await;
    let mut tx = db.write().await;
    let patch = DocumentPatch {
        extracted_text: Some("a\0b".into()),
        ..DocumentPatch::default()
    };
    let writes = [
        Write::Patch(Box::new(patch)),
        Write::Segments(vec![segment(0.0, "c\0d")]),
    ];
    tx.apply_writes(&document.id, &writes, NOW).await.unwrap();
    let text = tx.extracted_text(&document.id).await.unwrap();
    assert_eq!(text.as_deref(), Some("ab"));
    assert_eq!(tx.segments(&document.id).await.unwrap()[0].text, "cd");
}

fn segment(start_s: f64, text: &str) -> Segment {
    Segment {
        start_s,
        end_s: start_s + 1.0,
        text: text.into(),
        words: Some(serde_json::json!([{"word": text}])),
        confidence: None,
    }
}

async fn segments_come_in_the_order_of_their_start(db: Database) {
    let document = db.add("talk").await;
    let mut tx = db.write().await;
    let lines = vec![
        segment(10.0, "third"),
        segment(2.0, "second"),
        segment(0.5, "first"),
    ];
    let writes = [Write::Segments(lines.clone())];
    tx.apply_writes(&document.id, &writes, NOW).await.unwrap();
    let read = tx.segments(&document.id).await.unwrap();
    assert_eq!(read, lines.into_iter().rev().collect::<Vec<_>>());
}

async fn chunks_are_replaced_as_a_whole(db: Database) {
    let document = db.add("chunks").await;
    let chunk = |text: &str| Chunk {
        text: text.into(),
        page: Some(1),
        start_s: None,
        char_start: 0,
        char_end: 3,
    };
    let mut tx = db.write().await;
    for chunks in [vec![chunk("a"), chunk("b")], vec![chunk("c")]] {
        let writes = [Write::Chunks(chunks)];
        tx.apply_writes(&document.id, &writes, NOW).await.unwrap();
    }
    assert_eq!(tx.chunks(&document.id).await.unwrap(), [chunk("c")]);
}

async fn lists_filter_sort_and_page(db: Database) {
    for title in ["Banana", "apple", "cherry", "Date"] {
        db.add(title).await;
    }
    let mut filter = DocumentFilter {
        sort: DocumentSort::Title,
        limit: 3,
        ..DocumentFilter::default()
    };
    let mut tx = db.read().await;
    let first = tx.documents(&filter).await.unwrap();
    let titles: Vec<_> = first.iter().map(|d| d.title.as_str()).collect();
    assert_eq!(titles, ["apple", "Banana", "cherry"]);
    filter.after = Some(first[2].id.clone());
    let second = tx.documents(&filter).await.unwrap();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].title, "Date");

    filter.after = None;
    filter.text = Some("INBOX/ban".into());
    assert_eq!(tx.documents(&filter).await.unwrap().len(), 1);
    filter.text = None;
    filter.categories = vec![Category::Audio, Category::Video];
    assert_eq!(tx.documents(&filter).await.unwrap(), []);
    filter.categories = vec![];
    filter.tag = Some("none".into());
    assert_eq!(tx.documents(&filter).await.unwrap(), []);

    let all = DocumentFilter {
        limit: 2,
        ..DocumentFilter::default()
    };
    let newest = tx.documents(&all).await.unwrap();
    let rest = DocumentFilter {
        after: Some(newest[1].id.clone()),
        limit: 9,
        ..DocumentFilter::default()
    };
    assert_eq!(tx.documents(&rest).await.unwrap().len(), 2);
    let dated = DocumentFilter {
        sort: DocumentSort::Date,
        after: Some(newest[0].id.clone()),
        limit: 9,
        ..DocumentFilter::default()
    };
    assert!(tx.documents(&dated).await.unwrap().len() < 4);
}

async fn a_search_for_a_percent_sign_finds_percent_signs(db: Database) {
    db.add("50% off").await;
    db.add("500 off").await;
    let filter = DocumentFilter {
        text: Some("0% o".into()),
        limit: 9,
        ..DocumentFilter::default()
    };
    assert_eq!(db.read().await.documents(&filter).await.unwrap().len(), 1);
}

async fn counts_leave_the_trash_out(db: Database) {
    let kept = db.add("kept").await;
    let gone = db.add("gone").await;
    let mut tx = db.write().await;
    assert!(tx.set_trashed(&gone.id, Some(NOW), NOW).await.unwrap());
    let counts = tx.category_counts().await.unwrap();
    assert_eq!(counts.len(), Category::ALL.len());
    assert_eq!(counts[0], (Category::Document, 1));
    let trash = DocumentFilter {
        trashed: true,
        limit: 9,
        ..DocumentFilter::default()
    };
    assert_eq!(tx.documents(&trash).await.unwrap()[0].id, gone.id);
    assert!(tx.set_trashed(&gone.id, None, NOW).await.unwrap());
    assert_eq!(tx.category_counts().await.unwrap()[0].1, 2);
    assert_eq!(
        tx.document(&kept.id).await.unwrap().unwrap().trashed_at,
        None
    );
}

async fn titles_are_looked_up_together(db: Database) {
    let (a, b) = (db.add("가").await, db.add("b").await);
    db.add("another").await;
    let mut tx = db.read().await;
    let ids = [a.id.clone(), "gone".into(), b.id.clone()];
    let titles = tx.document_titles(&ids).await.unwrap();
    assert_eq!(titles.len(), 2);
    assert_eq!(
        (titles[&a.id].as_str(), titles[&b.id].as_str()),
        ("가", "b")
    );
    assert!(tx.document_titles(&[]).await.unwrap().is_empty());
}
