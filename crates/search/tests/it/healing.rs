//! The index is derived data: broken or gone, it begins anew and says so by its sequence number.

use std::fs;
use std::path::{Path, PathBuf};

use search::{IndexChange, SearchIndex};

use crate::bed::{Bed, entry};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("keyword")).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}

fn filled() -> Bed {
    let bed = Bed::new();
    let apple = IndexChange::Upsert(Box::new(entry("0", "apple")));
    bed.index.apply(vec![apple], 42).unwrap();
    bed
}

/// Whether the index is empty and works.
fn assert_begun_anew(bed: &Bed) {
    assert_eq!(bed.index.seq().unwrap(), 0);
    assert_eq!(bed.search("apple").total, 0);
    bed.put(vec![entry("1", "apple")]);
    assert_eq!(bed.ids("apple"), ["1"]);
}

#[test]
fn the_sequence_number_survives() {
    assert_eq!(Bed::new().index.seq().unwrap(), 0);
    let bed = filled().reopened(|_| {});
    assert_eq!(bed.index.seq().unwrap(), 42);
    assert_eq!(bed.ids("apple"), ["0"]);
    bed.index.clear().unwrap();
    assert_begun_anew(&bed);
}

#[test]
fn a_deleted_index_begins_anew() {
    let bed = filled().reopened(|folder| {
        files(folder)
            .iter()
            .for_each(|file| fs::remove_file(file).unwrap())
    });
    assert_begun_anew(&bed);
}

#[test]
fn each_broken_or_missing_file_is_healed() {
    type Damage = fn(&Path);
    let damages: [Damage; 3] = [
        |file| fs::remove_file(file).unwrap(),
        |file| fs::write(file, b"").unwrap(),
        |file| fs::write(file, b"{\"not\": \"an index\"").unwrap(),
    ];
    for damage in damages {
        let count = files(filled().folder()).len();
        assert!(count > 5);
        for at in 0..count {
            let mut damaged = PathBuf::new();
            let bed = filled().reopened(|folder| {
                let mut all = files(folder);
                all.sort_by_key(|path| path.extension().map(ToOwned::to_owned));
                damaged = all.swap_remove(at);
                damage(&damaged);
            });
            let shown = damaged.display();
            // Files that only the writer uses do no harm; every other brings the index back to its beginning.
            if bed.index.seq().unwrap() == 42 {
                assert_eq!(bed.search("apple").total, 1, "{shown}");
            } else {
                assert_begun_anew(&bed);
            }
        }
    }
}

#[test]
fn an_index_of_another_version_is_replaced_and_nothing_else() {
    let bed = filled().reopened(|folder| {
        let folder = folder.join("keyword");
        let meta = fs::read_to_string(folder.join("meta.json")).unwrap();
        assert!(meta.contains("seogo-"));
        fs::write(folder.join("meta.json"), meta.replace("seogo-", "older-")).unwrap();
        fs::write(folder.join("thesis.txt"), "mine").unwrap();
    });
    assert_begun_anew(&bed);
    assert_eq!(
        fs::read_to_string(bed.folder().join("keyword/thesis.txt")).unwrap(),
        "mine"
    );
}

#[test]
fn one_writes_and_others_may_search() {
    let bed = filled();
    let other = SearchIndex::open(bed.folder()).unwrap();
    assert_eq!(other.seq().unwrap(), 42);
    let error = other.apply(vec![], 43).unwrap_err();
    assert_eq!(error.code(), "index_locked");
    assert_eq!(bed.index.seq().unwrap(), 42);
}

#[test]
fn a_folder_that_cannot_be_made_is_said() {
    let bed = Bed::new();
    let file = bed.folder().join("file");
    fs::write(&file, "").unwrap();
    let error = SearchIndex::open(&file).unwrap_err();
    assert_eq!(error.code(), "index_unavailable");
    assert!(error.to_string().contains("file"), "{error}");
}
