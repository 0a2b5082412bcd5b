//! The queue steered from the command line, with no server running.

use std::path::Path;

use serde_json::Value;

use crate::{run, stderr, stdout};

/// What the command prints as JSON.
fn told(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    serde_json::from_str(&stdout(&output)).unwrap()
}

/// Why the command refuses.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    stderr(&output)
}

/// An archive with so many texts.
fn archive(texts: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let texts_folder = folder.path().join("texts");
    std::fs::create_dir(&texts_folder).unwrap();
    for n in 0..texts {
        let name = format!("글 {n}.txt");
        std::fs::write(texts_folder.join(name), format!("text {n}")).unwrap();
    }
    let output = run(folder.path(), &["ingest", "texts"]);
    assert!(output.status.success(), "{}", stderr(&output));
    folder
}

#[test]
fn rows_are_listed_stopped_and_tried_again() {
    let folder = archive(3);
    let folder = folder.path();
    let rows = told(folder, &["queue", "--status", "pending", "--json"]);
    assert_eq!(rows.as_array().unwrap().len(), 3);
    let id = rows[0]["id"].as_str().unwrap();
    assert_eq!(told(folder, &["queue", "cancel", id, "--json"])["count"], 1);
    let again = refused(folder, &["queue", "cancel", id]);
    assert!(again.contains("cancelled already"), "{again}");
    let vague = refused(folder, &["queue", "cancel"]);
    assert!(vague.contains("--all"), "{vague}");
    let cancel = ["queue", "cancel", "--stage", "extract", "--json"];
    assert_eq!(told(folder, &cancel)["count"], 2);
    assert_eq!(told(folder, &cancel)["count"], 0);
    assert_eq!(told(folder, &["retry", id, "--json"])["count"], 1);
    assert_eq!(
        told(folder, &["retry", "--json"])["count"],
        0,
        "none has failed"
    );
    let document = rows[0]["document_id"].as_str().unwrap();
    let timeline = told(folder, &["queue", "timeline", document, "--json"]);
    let kinds: Vec<_> = timeline
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["kind"])
        .collect();
    assert_eq!(kinds, ["enqueued", "cancelled", "revived"]);
    let text = stdout(&run(folder, &["queue", "timeline", document]));
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn a_stage_is_held_until_it_is_let_go() {
    let folder = archive(1);
    let folder = folder.path();
    assert!(run(folder, &["queue", "pause", "extract"]).status.success());
    let status = told(folder, &["status", "--json"]);
    assert_eq!(status["paused"], serde_json::json!(["extract"]));
    let extract = &status["stages"]["extract"];
    assert_eq!(
        (&extract["pending"], &extract["eta_s"]),
        (&1.into(), &Value::Null)
    );
    let table = stdout(&run(folder, &["status"]));
    assert!(
        table.contains("a minute") && table.contains("paused"),
        "{table}"
    );
    assert!(
        run(folder, &["queue", "resume", "extract"])
            .status
            .success()
    );
    let status = told(folder, &["status", "--json"]);
    assert_eq!(status["paused"], serde_json::json!([]));
    let odd = refused(folder, &["queue", "pause", "odd"]);
    assert!(odd.contains("the stages are extract"), "{odd}");
}

#[test]
fn a_stage_is_run_again_where_somebody_says_of_what() {
    let folder = archive(3);
    let folder = folder.path();
    let all = ["rerun", "classify", "--all", "--json"];
    assert_eq!(told(folder, &all)["count"], 3);
    assert_eq!(told(folder, &all)["count"], 0, "they are pending");
    let none = ["rerun", "extract", "--outdated", "--json"];
    assert_eq!(told(folder, &none)["count"], 0);
    let vague = refused(folder, &["rerun", "classify"]);
    assert!(vague.contains("--outdated"), "{vague}");
    let absent = refused(folder, &["rerun", "classify", "--document", "x"]);
    assert!(absent.contains("no document x"), "{absent}");
    let odd = refused(folder, &["rerun", "odd", "--all"]);
    assert!(odd.contains("there is no stage odd"), "{odd}");
}
