//! The ways a run ends: errors that pass and stay, panics, waiting, and documents that go away meanwhile.

use model::{Clock, DocumentPatch, Segment, StageSpec, Status, Write};
use queue::StageError;

use crate::bed::{Bed, NOW, eager};
use crate::conformance;
use crate::control::{UNWANTABLE, controlled, spec, text_of};

conformance!(
    what_passes_is_tried_again_later,
    what_stays_fails_at_once,
    used_up_tries_fail_with_the_reason,
    a_panic_is_tried_again_then_failed_and_others_go_on,
    a_stage_that_cannot_say_whether_it_wants_a_document_fails_it,
    waiting_uses_up_no_try_and_goes_on_when_woken,
    a_draft_is_committed_while_the_row_waits,
    a_result_the_database_refuses_fails_the_row_alone,
    a_document_removed_meanwhile_is_skipped,
    a_document_trashed_meanwhile_keeps_its_result,
);

const STAGES: &[StageSpec] = &[spec("extract", &[]), spec("chunk", &["extract"])];
/// Longer than any backoff.
const LONG_MS: i64 = 3_600_000;

async fn what_passes_is_tried_again_later(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("a", "extract").await;
    let call = calls.next_of("extract").await;
    call.end(Err(StageError::retry("busy", "the disk is busy")));
    let row = bed.until_status(&id, Status::Pending).await;
    assert_eq!(row.error_code.as_deref(), Some("busy"));
    assert_eq!(row.error_message.as_deref(), Some("the disk is busy"));
    assert!(row.run_at > NOW, "not at once");

    bed.clock.advance_ms(row.run_at.ms_since(NOW) - 1);
    bed.submit("other", "extract").await;
    let other = calls.next_of("extract").await;
    assert_eq!(other.document.title, "other", "it is not yet time");
    bed.clock.advance_ms(1);
    other.succeed();
    let mut seen = vec![];
    for _ in 0..2 {
        let call = calls.next().await;
        seen.push((call.stage().to_owned(), call.item.attempts));
        call.succeed();
    }
    seen.sort();
    assert_eq!(seen, [("chunk".to_owned(), 1), ("extract".to_owned(), 2)]);
    calls.next_of("chunk").await.succeed();
    let row = bed.until_status(&id, Status::Completed).await;
    assert_eq!((row.error_code, row.error_message), (None, None));
    working.end().await;
    bed.assert_settled().await;
}

async fn what_stays_fails_at_once(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("a", "extract").await;
    let call = calls.next_of("extract").await;
    call.end(Err(StageError::fail("encrypted", "열쇠가 필요합니다")));
    let row = bed.until_status(&id, Status::Failed).await;
    assert_eq!(row.error_code.as_deref(), Some("encrypted"));
    assert_eq!(row.error_message.as_deref(), Some("열쇠가 필요합니다"));
    assert_eq!((row.attempts, row.completed_at), (1, Some(NOW)));
    working.end().await;
    assert!(calls.none(), "nothing follows");
    assert_eq!(bed.rows("chunk").await, []);
    bed.assert_settled().await;
}

async fn used_up_tries_fail_with_the_reason(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("a", "extract").await;
    for attempt in 1..=3 {
        let call = calls.next_of("extract").await;
        assert_eq!(call.item.attempts, attempt);
        call.end(Err(StageError::retry("busy", format!("try {attempt}"))));
        bed.until(&id, |row| row.status != Status::Processing).await;
        bed.clock.advance_ms(LONG_MS);
    }
    let row = bed.until_status(&id, Status::Failed).await;
    assert_eq!(row.error_message.as_deref(), Some("try 3"));
    working.end().await;
    assert!(calls.none());
    bed.assert_settled().await;
}

async fn a_panic_is_tried_again_then_failed_and_others_go_on(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("bad", "extract").await;
    for _ in 0..3 {
        calls.next_of("extract").await.panic("index out of bounds");
        bed.until(&id, |row| row.status != Status::Processing).await;
        bed.submit(&format!("good{}", bed.clock.now()), "extract")
            .await;
        for stage in ["extract", "chunk"] {
            let good = calls.next_of(stage).await;
            assert_ne!(good.document.title, "bad");
            good.succeed();
        }
        bed.clock.advance_ms(LONG_MS);
    }
    let row = bed.until_status(&id, Status::Failed).await;
    assert_eq!(row.error_code.as_deref(), Some("panic"));
    let message = row.error_message.unwrap();
    assert!(message.contains("index out of bounds"), "{message}");
    working.end().await;
    bed.assert_settled().await;
}

async fn a_stage_that_cannot_say_whether_it_wants_a_document_fails_it(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit(UNWANTABLE, "extract").await;
    for attempt in 1..=3 {
        bed.until(&id, |row| {
            row.attempts == attempt && row.status != Status::Processing
        })
        .await;
        bed.clock.advance_ms(LONG_MS);
    }
    let row = bed.until_status(&id, Status::Failed).await;
    assert_eq!(row.error_code.as_deref(), Some("panic"));
    bed.submit("good", "extract").await;
    calls.next_of("extract").await.succeed();
    calls.next_of("chunk").await.succeed();
    working.end().await;
    bed.assert_settled().await;
}

fn waits(meanwhile: Option<Vec<Write>>) -> StageError {
    StageError::Wait {
        waiting_for: "speech_model".into(),
        message: "Get a model: seogo models pull".into(),
        meanwhile,
    }
}

async fn waiting_uses_up_no_try_and_goes_on_when_woken(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("a", "extract").await;
    // More often than it has tries.
    for _ in 0..5 {
        let call = calls.next_of("extract").await;
        assert_eq!(call.item.attempts, 1);
        call.end(Err(waits(None)));
        let row = bed.until_status(&id, Status::Pending).await;
        assert_eq!(row.waiting_for.as_deref(), Some("speech_model"));
        assert_eq!(row.attempts, 0);
        assert!(row.error_message.unwrap().contains("models pull"));
        assert!(row.run_at > bed.clock.now());
        let mut tx = bed.write().await.unwrap();
        let woken = tx.wake_waiting("speech_model", bed.clock.now()).await;
        assert_eq!(woken.unwrap(), 1);
        tx.commit().await.unwrap();
    }
    calls.next_of("extract").await.succeed();
    calls.next_of("chunk").await.succeed();
    let row = bed.until_status(&id, Status::Completed).await;
    assert_eq!((row.attempts, row.waiting_for), (1, None));
    assert_eq!(row.error_message, None);
    working.end().await;
    bed.assert_settled().await;
}

async fn a_draft_is_committed_while_the_row_waits(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let document = bed.add("a").await;
    let id = bed.enqueue(&document, "extract", 0).await;
    let call = calls.next_of("extract").await;
    call.end(Err(waits(Some(text_of("draft")))));
    calls.next_of("chunk").await.succeed();
    let row = bed.until_status(&id, Status::Pending).await;
    assert_eq!((row.attempts, row.waiting_for.is_some()), (0, true));
    assert_eq!(bed.text(&document.id).await.as_deref(), Some("draft"));

    // It is looked at again by itself, too.
    bed.clock.advance_ms(LONG_MS);
    calls.next_of("extract").await.succeed_with("final");
    calls.next_of("chunk").await.succeed();
    let row = bed.until_status(&id, Status::Completed).await;
    assert_eq!((row.attempts, row.waiting_for), (1, None));
    assert_eq!(bed.text(&document.id).await.as_deref(), Some("final"));
    working.end().await;
    bed.assert_settled().await;
}

/// What neither database keeps: no number where there must be one, and (for PostgreSQL) a NUL in a text.
fn unkeepable() -> Vec<Write> {
    let segment = Segment {
        start_s: f64::NAN,
        end_s: 1.0,
        text: "words".into(),
        words: None,
        confidence: None,
    };
    let patch = DocumentPatch {
        language: Some("\0".into()),
        ..DocumentPatch::default()
    };
    vec![
        Write::Segments(vec![segment]),
        Write::Patch(Box::new(patch)),
    ]
}

async fn a_result_the_database_refuses_fails_the_row_alone(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let id = bed.submit("a", "extract").await;
    let call = calls.next_of("extract").await;
    call.end(Ok(unkeepable().into()));
    let row = bed.until_status(&id, Status::Failed).await;
    assert_eq!(row.error_code.as_deref(), Some("result_refused"));
    bed.submit("good", "extract").await;
    calls.next_of("extract").await.succeed();
    assert_eq!(calls.next_of("chunk").await.document.title, "good");
    working.stop.cancel();
    drop(calls);
    working.ended().await;
}

async fn a_document_removed_meanwhile_is_skipped(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    for (title, ends) in [
        ("done", Ok(text_of("late").into())),
        ("failed", Err(waits(Some(text_of("late"))))),
    ] {
        let document = bed.add(title).await;
        bed.enqueue(&document, "extract", 0).await;
        let call = calls.next_of("extract").await;
        let mut tx = bed.write().await.unwrap();
        assert!(tx.remove_document(&document.id).await.unwrap());
        tx.commit().await.unwrap();
        call.end(ends);
    }
    bed.submit("good", "extract").await;
    for stage in ["extract", "chunk"] {
        let call = calls.next_of(stage).await;
        assert_eq!(call.document.title, "good");
        call.succeed();
    }
    working.end().await;
    assert_eq!(bed.rows("extract").await.len(), 1);
    bed.assert_settled().await;
}

async fn a_document_trashed_meanwhile_keeps_its_result(bed: Bed) {
    let (graph, mut calls) = controlled(STAGES);
    let working = bed.start(&graph, eager("w"));
    let document = bed.add("a").await;
    bed.enqueue(&document, "extract", 0).await;
    let call = calls.next_of("extract").await;
    let mut tx = bed.write().await.unwrap();
    let trashed = tx.set_trashed(&document.id, Some(NOW), NOW).await;
    assert!(trashed.unwrap());
    tx.commit().await.unwrap();
    call.succeed_with("kept");
    calls.next_of("chunk").await.succeed();
    working.end().await;
    assert_eq!(bed.text(&document.id).await.as_deref(), Some("kept"));
    bed.assert_settled().await;
}
