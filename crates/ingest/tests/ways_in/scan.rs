//! Folders: new, copied, moved, changed, vanished, unmounted, half-written, quarantined, ignored files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use ingest::{IngestError, Ingested, Priority, SkipReason, Wish};
use model::{Category, Source};

use crate::home::Home;

const MOV: &[u8] = b"\0\0\0\x14ftypqt  \0\0\x02\0qt  moov";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";

#[tokio::test]
async fn a_new_file_becomes_a_document_with_its_first_stage() {
    let home = Home::new().await;
    home.write("Inbox/2024/회의록.txt", "안녕하세요");
    assert_eq!(home.scan().await.added, 1);
    let document = home.only().await;
    assert_eq!(document.path.as_deref(), Some("Inbox/2024/회의록.txt"));
    assert_eq!(document.title, "회의록");
    assert_eq!(
        (document.category, document.file_type.as_str()),
        (Category::Document, "txt")
    );
    assert_eq!(document.source, Source::Watch);
    assert_eq!(document.size, 15);
    assert_eq!(
        document.content_hash,
        blake3::hash("안녕하세요".as_bytes()).to_hex().as_str()
    );
    let queue = home.queue(&document.id).await;
    assert_eq!(queue.len(), 1);
    assert_eq!(
        (queue[0].stage.as_str(), queue[0].priority),
        ("extract", Priority::Bulk)
    );
    assert_eq!((queue[0].max_attempts, queue[0].stage_version), (4, 3));
}

#[tokio::test]
async fn all_three_folders_are_watched_and_nothing_else() {
    let home = Home::new().await;
    home.write("Inbox/a.pdf", "%PDF-1.7 a");
    home.write("Recordings/b.mp3", "ID3\x04 b");
    home.write("Videos/c.mp4", "\0\0\0\x18ftypisom c");
    home.write("Elsewhere/d.txt", "d");
    assert_eq!(home.scan().await.added, 3);
    let stages: Vec<_> = [
        home.at("Inbox/a.pdf").await,
        home.at("Recordings/b.mp3").await,
        home.at("Videos/c.mp4").await,
    ]
    .map(|document| document.id)
    .into();
    for (id, stage) in stages.iter().zip(["extract", "stt", "thumbnail"]) {
        assert_eq!(home.queue(id).await[0].stage, stage);
    }
}

#[tokio::test]
async fn a_second_scan_reads_nothing_again() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "one");
    home.scan().await;
    // Another content behind the same size and time: only reading could tell.
    let time = fs::metadata(home.path("Inbox/a.txt"))
        .unwrap()
        .modified()
        .unwrap();
    home.write("Inbox/a.txt", "two");
    let file = fs::File::options()
        .write(true)
        .open(home.path("Inbox/a.txt"))
        .unwrap();
    file.set_modified(time).unwrap();
    let report = home.scan().await;
    assert_eq!(
        (report.seen, report.added, report.changed, report.vanished),
        (1, 0, 0, 0)
    );
}

#[tokio::test]
async fn the_same_content_again_is_a_copy_and_no_document() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "same");
    home.scan().await;
    home.write("Recordings/deep/b.txt", "same");
    let report = home.scan().await;
    assert_eq!((report.added, report.duplicates), (0, 1));
    assert_eq!(home.only().await.path.as_deref(), Some("Inbox/a.txt"));
    assert_eq!(home.known_files().await.len(), 2);
    assert_eq!(home.scan().await.duplicates, 0, "it is known now");
}

#[tokio::test]
async fn the_copy_takes_over_when_the_original_vanishes() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "same");
    home.write("Inbox/other.txt", "other");
    home.scan().await;
    home.write("Recordings/b.txt", "same");
    home.scan().await;
    let before = home.at("Inbox/a.txt").await;
    home.remove("Inbox/a.txt");
    home.scan().await;
    let after = home.document(&before.id).await;
    assert_eq!(after.path.as_deref(), Some("Recordings/b.txt"));
    assert_eq!(after.missing_since, None);
}

#[tokio::test]
async fn a_moved_file_keeps_its_document() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    let before = home.only().await;
    // The last file of its folder: that it is empty now must not be taken for an unmounted disk.
    home.rename("Inbox/a.txt", "Recordings/2024/새 이름.txt");
    let report = home.ingest.scan().await.unwrap();
    assert_eq!((report.moved, report.added), (1, 0));
    let after = home.only().await;
    assert_eq!(after.id, before.id);
    assert_eq!(after.path.as_deref(), Some("Recordings/2024/새 이름.txt"));
    assert_eq!(home.known_files().await.len(), 1);
    assert_eq!(
        home.queue(&after.id).await.len(),
        1,
        "nothing is done again"
    );
}

#[tokio::test]
async fn a_move_is_seen_although_its_removal_was_seen_first() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.write("Inbox/stays.txt", "stays");
    home.scan().await;
    let before = home.at("Inbox/a.txt").await;
    fs::rename(
        home.path("Inbox/a.txt"),
        home.folder.path().join("away.txt"),
    )
    .unwrap();
    assert_eq!(home.scan().await.vanished, 1);
    assert!(home.document(&before.id).await.missing_since.is_some());
    fs::rename(
        home.folder.path().join("away.txt"),
        home.path("Videos/a.txt"),
    )
    .unwrap();
    assert_eq!(home.scan().await.moved, 1);
    let after = home.document(&before.id).await;
    assert_eq!(
        (after.path.as_deref(), after.missing_since),
        (Some("Videos/a.txt"), None)
    );
}

#[tokio::test]
async fn a_file_changed_in_place_keeps_its_document_and_runs_again() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "one");
    home.scan().await;
    let before = home.only().await;
    home.cancel_all(&before.id).await;
    home.write("Inbox/a.txt", "two, longer");
    assert_eq!(home.scan().await.changed, 1);
    let after = home.only().await;
    assert_eq!(after.id, before.id);
    assert_eq!(
        after.content_hash,
        blake3::hash(b"two, longer").to_hex().as_str()
    );
    assert_eq!(home.queue(&after.id).await.len(), 2);
}

#[tokio::test]
async fn a_video_changed_in_place_loses_the_copy_of_what_it_was() {
    let home = Home::new().await;
    home.write("Videos/a.mov", "\0one");
    home.scan().await;
    let before = home.only().await;
    let copy = model::DocumentPatch {
        preview_path: Some("converted/a.mp4".into()),
        needs_conversion: Some(false),
        ..model::DocumentPatch::default()
    };
    let mut tx = home.store.write().await.unwrap();
    let writes = [model::Write::Patch(Box::new(copy))];
    tx.apply_writes(&before.id, &writes, before.created_at)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    home.write("Videos/a.mov", "\0two, longer");
    assert_eq!(home.scan().await.changed, 1);
    let after = home.only().await;
    assert_eq!((after.preview_path, after.needs_conversion), (None, true));
}

#[tokio::test]
async fn a_file_that_becomes_a_copy_of_another_leaves_its_document_missing() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "first");
    home.write("Inbox/b.txt", "second!");
    home.scan().await;
    let (a, b) = (home.at("Inbox/a.txt").await, home.at("Inbox/b.txt").await);
    home.write("Inbox/b.txt", "first");
    home.scan().await;
    assert_eq!(
        home.document(&a.id).await.path.as_deref(),
        Some("Inbox/a.txt")
    );
    assert!(home.document(&b.id).await.missing_since.is_some());
    // Its content turns up again: the document is back.
    home.write("Inbox/c.txt", "second!");
    assert_eq!(home.scan().await.moved, 1);
    let back = home.document(&b.id).await;
    assert_eq!(
        (back.path.as_deref(), back.missing_since),
        (Some("Inbox/c.txt"), None)
    );
    // And the copy can become the original of the first.
    home.remove("Inbox/a.txt");
    home.scan().await;
    assert_eq!(
        home.document(&a.id).await.path.as_deref(),
        Some("Inbox/b.txt")
    );
}

#[tokio::test]
async fn a_changed_copy_becomes_a_document_of_its_own() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "same");
    home.scan().await;
    home.write("Inbox/b.txt", "same");
    home.scan().await;
    home.write("Inbox/b.txt", "not the same any more");
    assert_eq!(home.scan().await.added, 1);
    assert_eq!(home.documents().await.len(), 2);
}

#[tokio::test]
async fn when_the_original_changes_its_copy_becomes_a_document_of_its_own() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "same");
    home.scan().await;
    home.write("Inbox/b.txt", "same");
    home.scan().await;
    home.write("Inbox/a.txt", "changed, longer");
    home.scan().await;
    home.scan().await;
    assert_eq!(home.documents().await.len(), 2);
    assert_eq!(
        home.at("Inbox/b.txt").await.content_hash,
        blake3::hash(b"same").to_hex().as_str()
    );
}

#[tokio::test]
async fn a_vanished_file_is_missing_and_back_again_when_it_returns() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.write("Inbox/b.txt", "stays");
    home.scan().await;
    let id = home.at("Inbox/a.txt").await.id;
    home.remove("Inbox/a.txt");
    assert_eq!(home.scan().await.vanished, 1);
    assert!(home.document(&id).await.missing_since.is_some());
    assert_eq!(home.scan().await.vanished, 0, "told once");
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    assert_eq!(home.document(&id).await.missing_since, None);
    assert_eq!(home.documents().await.len(), 2);
}

#[tokio::test]
async fn an_emptied_folder_is_taken_for_unmounted() {
    let home = Home::new().await;
    home.write("Recordings/a.mp3", "ID3\x04 a");
    home.scan().await;
    home.rename("Recordings/a.mp3", "../aside.mp3");
    let report = home.ingest.scan().await.unwrap();
    assert_eq!((report.vanished, report.problems.len()), (0, 1));
    assert!(
        report.problems[0].contains("Recordings"),
        "{:?}",
        report.problems
    );
    assert_eq!(home.ingest.status().last_scan.problems, report.problems);
    assert_eq!(home.only().await.missing_since, None);
    home.rename("../aside.mp3", "Recordings/a.mp3");
    assert_eq!(home.scan().await.added, 0);
}

#[tokio::test]
async fn a_library_that_is_away_or_empty_changes_nothing_and_nothing_is_made_there() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    let (library, aside) = (home.path(""), home.folder.path().join("aside"));
    fs::rename(&library, &aside).unwrap();
    let absent = home.ingest.scan().await.unwrap();
    assert_eq!((absent.vanished, absent.problems.len()), (0, 1));
    assert!(!library.exists());
    // The bare mount point.
    fs::create_dir(&library).unwrap();
    let bare = home.ingest.scan().await.unwrap();
    assert_eq!((bare.vanished, bare.problems.len()), (0, 1));
    assert_eq!(fs::read_dir(&library).unwrap().count(), 0);
    assert!(matches!(
        home.upload("b.txt", b"b").await,
        Err(IngestError::NotFound(_))
    ));
    fs::remove_dir(&library).unwrap();
    fs::rename(&aside, &library).unwrap();
    home.scan().await;
    assert_eq!(home.only().await.missing_since, None);
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_loses_nothing() {
    let home = Home::new().await;
    home.write("Inbox/locked/a.txt", "content");
    home.write("Inbox/b.txt", "b");
    home.scan().await;
    let locked = home.path("Inbox/locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let readable_anyway = fs::read_dir(&locked).is_ok();
    let report = home.ingest.scan().await.unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(report.vanished, 0);
    // The superuser reads everything.
    assert_eq!(report.problems.is_empty(), readable_anyway);
    assert_eq!(home.at("Inbox/locked/a.txt").await.missing_since, None);
}

#[tokio::test]
async fn a_file_still_being_written_is_left_until_it_holds_still() {
    let home = Home::with(|config| config.settle = Duration::from_secs(1)).await;
    home.write("Inbox/a.txt", "begin");
    assert_eq!(home.scan().await.settling, 1);
    assert_eq!(home.ingest.status().settling, 1);
    home.write("Inbox/a.txt", "begin, more");
    home.clock.advance_ms(1000);
    assert_eq!(home.scan().await.settling, 1, "it grew");
    home.clock.advance_ms(999);
    assert_eq!(home.scan().await.settling, 1, "not yet");
    home.clock.advance_ms(1);
    let report = home.scan().await;
    assert_eq!((report.settling, report.added), (0, 1));
    assert_eq!(home.only().await.size, 11);
}

#[tokio::test]
async fn a_moved_file_is_not_missing_while_its_new_place_settles() {
    let home = Home::with(|config| config.settle = Duration::from_secs(1)).await;
    home.write("Inbox/a.txt", "content");
    home.write("Inbox/b.txt", "other content");
    home.scan().await;
    home.clock.advance_ms(1000);
    home.scan().await;
    let id = home.at("Inbox/a.txt").await.id;
    home.rename("Inbox/a.txt", "Inbox/z.txt");
    assert_eq!(home.scan().await.vanished, 0);
    assert_eq!(home.document(&id).await.missing_since, None);
    home.clock.advance_ms(1000);
    assert_eq!(home.scan().await.moved, 1);
    assert_eq!(
        home.document(&id).await.path.as_deref(),
        Some("Inbox/z.txt")
    );
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_waits() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "now longer than it was seen");
    let seen = ingest::FoundFile {
        disk: ingest::DiskPath::new("Inbox/a.txt".as_ref()).unwrap(),
        size: 3,
        modified_at: model::Timestamp(0),
    };
    let outcome = home
        .ingest
        .take_in(seen, Source::Watch, &Wish::default())
        .await
        .unwrap();
    assert_eq!(outcome, Ingested::Skipped(SkipReason::StillWritten));
    assert_eq!(home.documents().await, vec![]);
}

#[tokio::test]
async fn videos_no_browser_plays_are_in_quarantine() {
    let home = Home::new().await;
    home.write("Videos/휴가.MOV", MOV);
    home.write(
        "Inbox/really a mkv.mp4",
        b"\x1A\x45\xDF\xA3\x93\x42\x82\x88matroska",
    );
    home.scan().await;
    for path in ["Videos/휴가.MOV", "Inbox/really a mkv.mp4"] {
        let document = home.at(path).await;
        assert!(document.needs_conversion, "{path}");
        assert_eq!(document.category, Category::Video);
        assert_eq!(home.queue(&document.id).await, vec![], "{path}");
    }
}

#[tokio::test]
async fn a_mislabelled_file_is_what_its_content_is() {
    let home = Home::new().await;
    home.write("Inbox/scan.pdf", PNG);
    home.scan().await;
    let document = home.only().await;
    assert_eq!(
        (document.category, document.mime.as_str()),
        (Category::Image, "image/png")
    );
}

#[tokio::test]
async fn empty_files_are_one_document() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "");
    home.write("Inbox/b.pdf", "");
    let report = home.scan().await;
    assert_eq!((report.added, report.duplicates), (1, 1));
    assert_eq!(
        home.queue(&home.only().await.id).await.len(),
        1,
        "its first stage tells what is wrong"
    );
}

#[tokio::test]
async fn what_is_ignored_or_hidden_or_music_is_passed_by() {
    let home = Home::with(|config| {
        config.ignore = vec!["*.iso".to_owned(), "Inbox/비밀/**".to_owned()];
        config.skip_prefixes = vec!["Recordings/Roon".into()];
    })
    .await;
    for path in [
        "Inbox/.hidden.txt",
        "Inbox/a.part",
        "Inbox/x.iso",
        "Inbox/비밀/b.txt",
        "Recordings/Roon/c.mp3",
        "Inbox/@eaDir/d.txt",
    ] {
        home.write(path, path);
    }
    home.write("Inbox/seen.txt", "seen");
    assert_eq!(home.scan().await.seen, 1);
    assert_eq!(home.only().await.path.as_deref(), Some("Inbox/seen.txt"));
}

#[tokio::test]
async fn what_is_ignored_from_now_on_is_not_missing() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "a");
    home.write("Inbox/b.txt", "b");
    home.scan().await;
    let mut config = ingest::IngestConfig::new(home.path(""));
    config.settle = Duration::ZERO;
    config.ignore = vec!["a.*".to_owned()];
    let random = std::sync::Arc::new(model::SystemRandom);
    let other = ingest::Ingest::new(
        config,
        home.store.clone(),
        home.clock.clone(),
        random,
        crate::home::first_stages(),
    )
    .unwrap();
    assert_eq!(other.scan().await.unwrap().vanished, 0);
    assert_eq!(home.at("Inbox/a.txt").await.missing_since, None);
}

#[tokio::test]
async fn links_are_not_followed() {
    let home = Home::new().await;
    let outside = home.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.txt"), "secret").unwrap();
    symlink(&outside, home.path("Inbox/link")).unwrap();
    symlink(outside.join("secret.txt"), home.path("Inbox/secret.txt")).unwrap();
    assert_eq!(home.scan().await.seen, 0);
    // A watched folder that leads out is told.
    fs::remove_dir(home.path("Videos")).unwrap();
    symlink(&outside, home.path("Videos")).unwrap();
    let report = home.ingest.scan().await.unwrap();
    assert_eq!(report.seen, 0);
    assert!(
        report.problems[0].contains("leads out of the library"),
        "{:?}",
        report.problems
    );
}

#[tokio::test]
async fn what_is_in_the_trash_stays_there() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    let id = home.only().await.id;
    home.trash(&id).await;
    home.write("Inbox/b.txt", "content");
    assert_eq!(home.scan().await.duplicates, 1);
    assert_eq!(
        home.documents().await,
        vec![],
        "no second document, and the first is still in the trash"
    );
}

#[tokio::test]
async fn another_file_in_the_place_of_one_thrown_away_is_a_new_document() {
    let home = Home::new().await;
    home.write("Inbox/a.txt", "content");
    home.write("Inbox/b.txt", "other");
    home.scan().await;
    let id = home.at("Inbox/a.txt").await.id;
    home.trash(&id).await;
    home.remove("Inbox/a.txt");
    home.scan().await;
    home.write("Inbox/a.txt", "quite another thing");
    assert_eq!(home.scan().await.added, 1);
    assert_ne!(home.at("Inbox/a.txt").await.id, id);
    assert!(home.document(&id).await.missing_since.is_some());
}

async fn race_of_two_servers(home: &Home) {
    for n in 0..20 {
        home.write(&format!("Inbox/{n}.txt"), format!("content {n}"));
        home.write(&format!("Recordings/{n}.txt"), format!("content {n}"));
    }
    let other = home.another();
    let (a, b) = tokio::join!(home.ingest.scan(), other.scan());
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!((a.failed, b.failed), (vec![], vec![]));
    assert_eq!(a.added + b.added, 20);
    assert_eq!(home.documents().await.len(), 20);
    assert_eq!(home.known_files().await.len(), 40);
}

#[tokio::test]
async fn two_servers_on_one_library_make_one_document_of_a_file() {
    race_of_two_servers(&Home::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_postgres_make_one_document_of_a_file() {
    race_of_two_servers(&Home::on(testkit::postgres_store().await, |_| {}).await).await;
}

#[tokio::test]
async fn moves_and_changes_are_the_same_on_postgres() {
    let home = Home::on(testkit::postgres_store().await, |_| {}).await;
    home.write("Inbox/가.txt", "content");
    home.write("Inbox/나.txt", "other content");
    assert_eq!(home.scan().await.added, 2);
    home.rename("Inbox/가.txt", "Recordings/다.txt");
    home.write("Inbox/나.txt", "changed");
    let report = home.scan().await;
    assert_eq!((report.moved, report.changed, report.added), (1, 1, 0));
    assert_eq!(home.at("Recordings/다.txt").await.title, "가");
}

#[tokio::test]
async fn an_absent_library_that_held_files_is_not_made_anew() {
    let home = Home::with(|config| config.create_library = true).await;
    home.write("Inbox/a.txt", "content");
    home.scan().await;
    fs::rename(home.path(""), home.folder.path().join("unmounted")).unwrap();
    let error = home.ingest.prepare().await.unwrap_err();
    assert!(matches!(error, IngestError::NotFound(_)), "{error}");
    assert!(!home.path("").exists(), "no folder in the mount's place");
    home.ingest.scan().await.unwrap();
    assert_eq!(home.only().await.missing_since, None);
}

#[tokio::test]
async fn new_content_over_a_trashed_original_is_a_new_document() {
    let home = Home::new().await;
    home.write("Inbox/scan.txt", "first");
    home.scan().await;
    let first = home.only().await.id;
    home.trash(&first).await;
    home.write("Inbox/scan.txt", "another page");
    assert_eq!(home.scan().await.added, 1);
    let second = home.only().await;
    assert_ne!(second.id, first);
    assert_eq!(second.path.as_deref(), Some("Inbox/scan.txt"));
    assert!(home.document(&first).await.trashed_at.is_some());
}

#[tokio::test]
async fn a_file_replaced_by_another_kind_takes_its_type() {
    let home = Home::new().await;
    home.write(
        "Inbox/report.pdf",
        "<!doctype html><html><body>Not found</body></html>",
    );
    home.scan().await;
    let before = home.only().await;
    assert_eq!(before.file_type, "html");
    home.write(
        "Inbox/report.pdf",
        "%PDF-1.4\n%\u{e2}\u{e3}\n1 0 obj <<>> endobj",
    );
    assert_eq!(home.scan().await.changed, 1);
    let after = home.only().await;
    assert_eq!(after.id, before.id);
    assert_eq!(
        (after.file_type.as_str(), after.mime.as_str()),
        ("pdf", "application/pdf")
    );
}
