//! The queue as people see and steer it.

use axum::http::Method;
use model::{Clock, QueueItem};
use serde_json::{Value, json};
use store::{Claim, Failure, MinuteCount};

use crate::conformance;
use crate::harness::Site;

conformance!(
    rows_are_listed_with_their_documents,
    a_failed_row_is_tried_again,
    what_waits_at_the_end_of_the_graph_does_not_keep_a_document_waiting,
    a_row_is_cancelled_once,
    many_rows_are_cancelled_by_what_they_are,
    a_stage_is_run_again_for_many,
    a_pending_row_is_put_first,
    a_timeline_is_told,
    what_a_stage_waits_for_is_told,
    stats_tell_what_is_outdated,
    a_held_stage_is_shown_as_held,
    stats_count_age_and_rate,
    a_stage_is_run_when_asked_for,
    a_video_is_converted_where_that_is_needed,
    the_graph_is_told,
);

/// Claims the one row that is due of a stage.
async fn claim(site: &Site, stage: &str) -> QueueItem {
    let now = site.clock.now();
    let mut tx = site.app.store.write().await.unwrap();
    let claim = Claim {
        stage,
        worker: "w",
        lease_id: "l",
        lease_until: now.plus_ms(60_000),
        limit: 1,
        pick: store::Pick::Any,
    };
    let item = tx.claim(&claim, now).await.unwrap().pop().unwrap();
    tx.commit().await.unwrap();
    item
}

async fn fail(site: &Site, item: &QueueItem) {
    let mut tx = site.app.store.write().await.unwrap();
    let failure = Failure {
        code: "broken".into(),
        message: "The file is cut off.".into(),
    };
    assert!(tx.fail(item, &failure, site.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
}

async fn wait(site: &Site, item: &QueueItem) {
    let mut tx = site.app.store.write().await.unwrap();
    let reason = Failure {
        code: "model".into(),
        message: "There is no model yet.".into(),
    };
    let now = site.clock.now();
    assert!(tx.wait_for(item, "model", &reason, now, now).await.unwrap());
    tx.commit().await.unwrap();
}

async fn complete(site: &Site, item: &QueueItem) {
    let mut tx = site.app.store.write().await.unwrap();
    assert!(tx.complete(item, 1, site.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
}

async fn rows_are_listed_with_their_documents(site: Site) {
    let first = site.document("가.txt", b"1").await;
    site.clock.advance_ms(1000);
    site.document("나.mp3", b"\x002").await;
    let page = site.get("/api/queue?limit=1").await.ok(200);
    let row = &page["items"][0];
    assert_eq!(
        (row["document_title"].as_str(), row["stage"].as_str()),
        (Some("나"), Some("stt"))
    );
    assert_eq!(
        (row["status"].as_str(), row["priority"].as_i64()),
        (Some("pending"), Some(10))
    );
    assert_eq!(
        row.get("lease_id"),
        None,
        "what fences a run is told to nobody"
    );
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = site
        .get(&format!("/api/queue?limit=1&cursor={cursor}"))
        .await
        .ok(200);
    assert_eq!(
        (&next["items"][0]["document_title"], &next["next_cursor"]),
        (&json!("가"), &Value::Null)
    );

    let count = async |query: &str| {
        let page = site.get(&format!("/api/queue?{query}")).await.ok(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("stage=stt").await, 1);
    assert_eq!(count("status=failed").await, 0);
    assert_eq!(count("status=pending").await, 2);
    assert_eq!(count("status=waiting").await, 0);
    assert_eq!(count(&format!("document_id={first}")).await, 1);
    let refusal = site.get("/api/queue?status=odd").await;
    let refusal = refusal.refused(400, "invalid_status");
    assert!(refusal["message"].as_str().unwrap().ends_with("waiting."));
    site.get("/api/queue?limit=1000")
        .await
        .refused(400, "invalid_limit");
    site.get("/api/queue?stage=odd")
        .await
        .refused(404, "unknown_stage");
}

async fn a_failed_row_is_tried_again(site: Site) {
    let id = site.document("a.txt", b"1").await;
    let item = claim(&site, "extract").await;
    let retry = format!("/api/queue/{}/retry", item.id);
    site.post(&retry, Value::Null)
        .await
        .refused(409, "not_retryable");
    fail(&site, &item).await;
    let document = site.get(&format!("/api/documents/{id}")).await.ok(200);
    assert_eq!(
        document["pipeline"],
        json!({"state": "failed", "open": 0, "failed": 1})
    );
    assert_eq!(
        document["stages"][0]["error_message"],
        "The file is cut off."
    );
    let failed = site.get("/api/documents?state=failed").await.ok(200);
    assert_eq!(failed["items"][0]["id"], id.as_str());

    let row = site.post(&retry, Value::Null).await.ok(200);
    assert_eq!(
        (row["status"].as_str(), row["attempts"].as_i64()),
        (Some("pending"), Some(0))
    );
    site.post("/api/queue/x/retry", Value::Null)
        .await
        .refused(404, "queue_item_not_found");

    let item = claim(&site, "extract").await;
    fail(&site, &item).await;
    let retry = async |selection: Value| site.post("/api/queue/retry-failed", selection).await;
    for other in [
        json!({"stage": "stt"}),
        json!({"error_code": "timed_out"}),
        json!({"category": "audio"}),
        json!({"tag": "x"}),
        json!({"document_id": "x"}),
        json!({"status": "cancelled"}),
    ] {
        assert_eq!(retry(other.clone()).await.ok(200)["count"], 0, "{other}");
    }
    let this = json!({"status": "failed", "error_code": "broken", "category": "document", "document_id": id});
    assert_eq!(retry(this).await.ok(200)["count"], 1);
    fail(&site, &claim(&site, "extract").await).await;
    assert_eq!(retry(Value::Null).await.ok(200)["count"], 1);
    retry(json!({"stage": "odd"}))
        .await
        .refused(404, "unknown_stage");
    retry(json!({"stages": "stt"}))
        .await
        .refused(400, "invalid_body");
    retry(json!({"status": "completed"}))
        .await
        .refused(400, "invalid_status");
}

async fn many_rows_are_cancelled_by_what_they_are(site: Site) {
    site.document("a.txt", b"1").await;
    site.document("b.txt", b"2").await;
    site.document("c.mp3", b"\x003").await;
    claim(&site, "extract").await;
    let cancel = async |selection: Value| site.post("/api/queue/cancel", selection).await;
    for nothing in [json!({}), json!({"all": false})] {
        cancel(nothing).await.refused(400, "empty_selection");
    }
    cancel(json!({"status": "failed"}))
        .await
        .refused(400, "invalid_status");
    cancel(json!({"stage": "odd"}))
        .await
        .refused(404, "unknown_stage");
    let running = json!({"stage": "extract", "status": "processing"});
    assert_eq!(cancel(running.clone()).await.ok(200)["count"], 1);
    assert_eq!(cancel(running).await.ok(200)["count"], 0);
    assert_eq!(cancel(json!({"all": true})).await.ok(200)["count"], 2);
    let rows = site.get("/api/queue?status=cancelled").await.ok(200);
    assert_eq!(rows["items"].as_array().unwrap().len(), 3);
    let revived = json!({"status": "cancelled"});
    let revived = site.post("/api/queue/retry-failed", revived).await.ok(200);
    assert_eq!(revived["count"], 3);
}

async fn a_stage_is_run_again_for_many(site: Site) {
    let page = site.document("a.txt", b"1").await;
    let song = site.document("b.mp3", b"\x002").await;
    let rerun = async |wish: Value| site.post("/api/queue/rerun", wish).await;
    rerun(json!({"stage": "classify"}))
        .await
        .refused(400, "empty_selection");
    rerun(json!({"stage": "odd", "all": true}))
        .await
        .refused(404, "unknown_stage");
    rerun(json!({"stage": "classify", "document_id": "x"}))
        .await
        .refused(404, "document_not_found");
    rerun(json!({"stage": "classify", "everything": true}))
        .await
        .refused(400, "invalid_body");
    let count = async |wish: Value| rerun(wish).await.ok(202)["count"].clone();
    assert_eq!(
        count(json!({"stage": "classify", "outdated": true})).await,
        0
    );
    assert_eq!(count(json!({"stage": "classify", "tag": "x"})).await, 0);
    assert_eq!(
        count(json!({"stage": "convert", "all": true})).await,
        0,
        "it is for none of them"
    );
    let audio = json!({"stage": "classify", "category": "audio"});
    assert_eq!(count(audio.clone()).await, 1);
    assert_eq!(count(audio).await, 0, "it is pending");
    assert_eq!(count(json!({"stage": "classify", "all": true})).await, 1);
    let priority = async |document: &str| {
        let path = format!("/api/queue?stage=classify&document_id={document}");
        site.get(&path).await.ok(200)["items"][0]["priority"].clone()
    };
    assert_eq!(priority(&song).await, -10);
    let one = json!({"stage": "classify", "document_id": song});
    assert_eq!(count(one).await, 0);
    assert_eq!(
        (priority(&song).await, priority(&page).await),
        (json!(10), json!(-10))
    );
}

async fn a_pending_row_is_put_first(site: Site) {
    site.document("a.txt", b"1").await;
    let row = site.get("/api/queue").await.ok(200)["items"][0]["id"].clone();
    let path = format!("/api/queue/{}/priority", row.as_str().unwrap());
    let set = async |priority: i64| site.post(&path, json!({"priority": priority})).await;
    assert_eq!(set(-10).await.ok(200)["priority"], -10);
    set(5).await.refused(400, "invalid_priority");
    claim(&site, "extract").await;
    set(10).await.refused(409, "not_pending");
    site.post("/api/queue/x/priority", json!({"priority": 10}))
        .await
        .refused(404, "queue_item_not_found");
}

async fn a_timeline_is_told(site: Site) {
    let id = site.document("가.txt", b"1").await;
    site.clock.advance_ms(1000);
    let item = claim(&site, "extract").await;
    site.clock.advance_ms(500);
    fail(&site, &item).await;
    let path = format!("/api/documents/{id}/timeline");
    let timeline = site.get(&path).await.ok(200);
    let kinds: Vec<_> = timeline["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["kind"].clone())
        .collect();
    assert_eq!(kinds, ["enqueued", "started", "failed"]);
    assert_eq!(
        timeline["items"][2],
        json!({
            "at": "2026-01-01T00:00:01.5Z", "stage": "extract", "kind": "failed", "attempt": 1, "code": "broken",
            "message": "The file is cut off.", "worker": "w", "duration_s": 0.5
        })
    );
    site.get("/api/documents/x/timeline")
        .await
        .refused(404, "document_not_found");
}

async fn what_waits_at_the_end_of_the_graph_does_not_keep_a_document_waiting(site: Site) {
    let id = site.document("a.mp3", b"\0").await;
    let pipeline = async || {
        let one = site.get(&format!("/api/documents/{id}")).await.ok(200);
        let list = site.get("/api/documents").await.ok(200);
        assert_eq!(one["pipeline"], list["items"][0]["pipeline"]);
        one["pipeline"].clone()
    };
    wait(&site, &claim(&site, "stt").await).await;
    assert_eq!(
        pipeline().await,
        json!({"state": "waiting", "open": 1, "failed": 0})
    );
    let rows = async |status: &str| {
        let path = format!("/api/queue?status={status}");
        site.get(&path).await.ok(200)["items"].clone()
    };
    assert_eq!(rows("waiting").await[0]["waiting_for"], "model");
    assert_eq!(rows("pending").await, rows("waiting").await);

    // The recording was heard after all; nothing follows what comes next.
    site.post(&format!("/api/documents/{id}/stages/classify"), Value::Null)
        .await
        .ok(202);
    wait(&site, &claim(&site, "classify").await).await;
    complete(&site, &claim(&site, "stt").await).await;
    assert_eq!(
        pipeline().await,
        json!({"state": "done", "open": 0, "failed": 0})
    );
}

async fn a_row_is_cancelled_once(site: Site) {
    site.document("a.txt", b"1").await;
    let item = claim(&site, "extract").await;
    let cancel = format!("/api/queue/{}/cancel", item.id);
    assert_eq!(
        site.post(&cancel, Value::Null).await.ok(200)["status"],
        "cancelled"
    );
    site.post(&cancel, Value::Null)
        .await
        .refused(409, "not_cancellable");
    site.post("/api/queue/x/cancel", Value::Null)
        .await
        .refused(404, "queue_item_not_found");
}

async fn a_held_stage_is_shown_as_held(site: Site) {
    let held = async |change: &str| {
        site.post(&format!("/api/queue/stages/stt/{change}"), Value::Null)
            .await
            .ok(200);
        site.get("/api/queue/stats").await.ok(200)["stages"][1]["paused"].clone()
    };
    assert_eq!(held("pause").await, true);
    assert_eq!(held("pause").await, true, "again");
    assert_eq!(held("resume").await, false);
    site.post("/api/queue/stages/odd/pause", Value::Null)
        .await
        .refused(404, "unknown_stage");
}

async fn stats_count_age_and_rate(site: Site) {
    let empty = site.get("/api/queue/stats").await.ok(200);
    assert_eq!(
        (&empty["oldest_pending_age_s"], &empty["eta_s"]),
        (&Value::Null, &Value::Null)
    );
    let order: Vec<_> = empty["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["stage"].clone())
        .collect();
    assert_eq!(order, ["extract", "stt", "classify", "convert"]);
    for n in 0..4 {
        site.document(&format!("{n}.txt"), n.to_string().as_bytes())
            .await;
        site.clock.advance_ms(10_000);
    }
    for _ in 0..2 {
        let item = claim(&site, "extract").await;
        complete(&site, &item).await;
    }
    claim(&site, "extract").await;
    let mut tx = site.app.store.write().await.unwrap();
    let counts = [MinuteCount {
        completed: 2,
        failed: 0,
        busy_us: 3_000_000,
        ..MinuteCount::new("extract")
    }];
    let ago = site.clock.now().plus_ms(-4 * 60_000);
    tx.count_minute(&counts, "w", ago).await.unwrap();
    tx.pause_stage("stt", site.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    site.clock.advance_ms(20_000);
    let stats = site.get("/api/queue/stats").await.ok(200);
    // A minute began when the case did: the four minutes of then, and one of now.
    let extract = json!({
        "stage": "extract", "lane": "cpu", "paused": false, "pending": 1, "waiting": 0, "processing": 1,
        "completed": 2, "failed": 0, "cancelled": 0, "paused_since": null, "concurrency": 2, "version": 1,
        "outdated": 0, "completed_per_minute": 0.4, "mean_s": 1.5, "eta_s": 300.0,
        "oldest_due_at": "2026-01-01T00:00:30Z", "waiting_for": []
    });
    assert_eq!(stats["stages"][0], extract);
    assert_eq!(stats["stages"][1]["paused_since"], "2026-01-01T00:00:40Z");
    assert_eq!(stats["oldest_pending_age_s"], 30.0);
    assert_eq!(stats["eta_s"], 300.0);
}

async fn what_a_stage_waits_for_is_told(site: Site) {
    site.document("a.mp3", b"\0").await;
    wait(&site, &claim(&site, "stt").await).await;
    let stats = site.get("/api/queue/stats").await.ok(200);
    let stt = &stats["stages"][1];
    assert_eq!((&stt["waiting"], &stt["pending"]), (&json!(1), &json!(0)));
    assert_eq!(stt["oldest_due_at"], Value::Null);
    assert_eq!(
        stt["waiting_for"],
        json!([{
            "waiting_for": "model", "message": "There is no model yet.", "count": 1,
            "next_look_at": "2026-01-01T00:00:00Z"
        }])
    );
}

async fn stats_tell_what_is_outdated(site: Site) {
    site.document("a.txt", b"1").await;
    let item = claim(&site, "extract").await;
    let mut tx = site.app.store.write().await.unwrap();
    // The stages of these cases are of version 1: one that was never raised has nothing outdated, whatever the rows say.
    assert!(tx.complete(&item, 0, site.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    let stats = site.get("/api/queue/stats").await.ok(200);
    assert_eq!(stats["stages"][0]["outdated"], 0);
    assert_eq!(stats["stages"][0]["completed"], 1);
}

async fn a_stage_is_run_when_asked_for(site: Site) {
    let id = site.document("a.txt", b"1").await;
    let run = async |stage: &str| {
        site.post(&format!("/api/documents/{id}/stages/{stage}"), Value::Null)
            .await
    };
    assert_eq!(
        run("classify").await.ok(202),
        json!({"stage": "classify", "added": true})
    );
    assert_eq!(
        run("classify").await.ok(202)["added"],
        false,
        "one is pending already"
    );
    let rows = site.get("/api/queue?stage=classify").await.ok(200);
    assert_eq!(
        rows["items"][0]["priority"],
        model::Priority::Person.as_i64()
    );
    run("odd").await.refused(404, "unknown_stage");
    run("stt").await.refused(409, "stage_not_wanted");
    site.post("/api/documents/x/stages/extract", Value::Null)
        .await
        .refused(404, "document_not_found");
}

async fn a_video_is_converted_where_that_is_needed(site: Site) {
    let text = site.document("a.txt", b"1").await;
    site.post(&format!("/api/video/{text}/convert"), Value::Null)
        .await
        .refused(404, "not_a_video");
    let film = site.document("a.mp4", b"\x002").await;
    site.post(&format!("/api/video/{film}/convert"), Value::Null)
        .await
        .refused(409, "stage_not_wanted");
    let patch = model::DocumentPatch {
        needs_conversion: Some(true),
        ..model::DocumentPatch::default()
    };
    site.write(&film, &[model::Write::Patch(Box::new(patch))])
        .await;
    let asked = site
        .post(&format!("/api/video/{film}/convert"), Value::Null)
        .await
        .ok(202);
    assert_eq!(asked, json!({"stage": "convert", "added": true}));
}

async fn the_graph_is_told(site: Site) {
    let stages = site.get("/api/stages").await.ok(200);
    assert_eq!(
        stages[2],
        json!({
            "name": "classify", "after": ["extract", "stt"], "at_ingest": false, "version": 1, "lane": "cpu",
            "concurrency": 2, "max_attempts": 3
        })
    );
    assert_eq!(
        site.send(Method::PUT, "/api/stages", Value::Null)
            .await
            .status,
        405
    );
}
