//! From the `filePath` of a request to a file below one of the roots, and never to one outside.
//!
//! Names are compared as people read them: macOS and SMB hand out decomposed names (NFD), the caller may hold the other form.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::error::SpeechError;

/// Finds the file that `file_path` names: relative to one of `roots`, or absolute below one.
///
/// Blocking. Fails with `OutsideRoots` for `..`, for an absolute path below no root, and for a link that leads out;
/// with `NotFound` where nothing is there.
pub fn resolve(roots: &[PathBuf], file_path: &str) -> Result<PathBuf, SpeechError> {
    let path = Path::new(file_path);
    if file_path.is_empty() || file_path.contains('\0') {
        return Err(SpeechError::BadRequest(
            "filePath must name a file.".to_owned(),
        ));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(SpeechError::OutsideRoots);
    }
    let real: Vec<PathBuf> = roots.iter().filter_map(|r| r.canonicalize().ok()).collect();
    let places = if path.is_absolute() {
        below_roots(roots, &real, path)?
    } else {
        real.iter()
            .map(|root| (root.clone(), parts(path)))
            .collect()
    };
    first_found(&places, &real).unwrap_or_else(|| Err(SpeechError::NotFound(file_path.to_owned())))
}

/// A folder and the names to follow from there.
type Place = (PathBuf, Vec<String>);

/// Every root that an absolute path lies below, by its words, with the rest of the path.
fn below_roots(
    roots: &[PathBuf],
    real: &[PathBuf],
    path: &Path,
) -> Result<Vec<Place>, SpeechError> {
    let names = parts(path);
    let mut places = Vec::new();
    for root in roots.iter().chain(real) {
        let above = parts(root);
        if names.len() >= above.len()
            && names
                .iter()
                .zip(&above)
                .all(|(a, b)| model::name::same(a, b))
        {
            places.push((root.clone(), names[above.len()..].to_vec()));
        }
    }
    if places.is_empty() {
        return Err(SpeechError::OutsideRoots);
    }
    Ok(places)
}

fn parts(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect()
}

/// The first place that leads to something; what lies outside the roots ends the search.
fn first_found(places: &[Place], real: &[PathBuf]) -> Option<Result<PathBuf, SpeechError>> {
    places
        .iter()
        .find_map(|(folder, names)| descend(folder, names, real))
}

/// Follows `names` down from `folder`, trying each spelling that exists.
fn descend(
    folder: &Path,
    names: &[String],
    real: &[PathBuf],
) -> Option<Result<PathBuf, SpeechError>> {
    let Some((name, rest)) = names.split_first() else {
        return Some(Ok(folder.to_owned()));
    };
    for spelling in spellings(folder, name) {
        // A folder or file that is not there, or that this process may not see, is simply not found.
        let Ok(target) = folder.join(spelling).canonicalize() else {
            continue;
        };
        if !real.iter().any(|root| target.starts_with(root)) {
            return Some(Err(SpeechError::OutsideRoots));
        }
        if let Some(found) = descend(&target, rest, real) {
            return Some(found);
        }
    }
    None
}

/// The name as given, in NFC, in NFD, then every entry of the folder that reads the same.
fn spellings(folder: &Path, name: &str) -> Vec<OsString> {
    let mut found: Vec<OsString> = vec![name.into()];
    let forms = [model::name::nfc(name), model::name::nfd(name)];
    // An ASCII name has one spelling; no folder need be read for it.
    if forms[0] == forms[1] {
        return found;
    }
    found.extend(forms.map(OsString::from));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    found.extend(
        entries
            .map(|entry| entry.file_name())
            .filter(|entry| entry.to_str().is_some_and(|e| model::name::same(e, name))),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::name::{nfc, nfd};

    fn file(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"sound").unwrap();
        path.canonicalize().unwrap()
    }

    #[test]
    fn a_korean_name_opens_in_every_combination() {
        let (folder, name) = ("녹음 폴더", "회의 갤럭시.m4a");
        // On disk × asked for × relative or absolute, the folder's form apart from the file's.
        for disk in [
            [nfc(folder), nfc(name)],
            [nfc(folder), nfd(name)],
            [nfd(folder), nfc(name)],
            [nfd(folder), nfd(name)],
        ] {
            let root = tempfile::tempdir().unwrap();
            let there = file(root.path(), &disk.join("/"));
            for asked in [
                [nfc(folder), nfc(name)],
                [nfc(folder), nfd(name)],
                [nfd(folder), nfc(name)],
                [nfd(folder), nfd(name)],
            ] {
                let roots = [root.path().to_owned()];
                let relative = asked.join("/");
                assert_eq!(resolve(&roots, &relative).unwrap(), there);
                let absolute = root.path().join(&relative);
                assert_eq!(resolve(&roots, absolute.to_str().unwrap()).unwrap(), there);
            }
        }
    }

    #[test]
    fn a_mixed_form_on_disk_is_found_by_reading_the_folder() {
        let root = tempfile::tempdir().unwrap();
        // The first syllable composed, the second not: neither NFC nor NFD.
        let there = file(root.path(), &format!("{}{}.mp3", nfc("회"), nfd("의")));
        assert_eq!(
            resolve(&[root.path().to_owned()], "회의.mp3").unwrap(),
            there
        );
    }

    #[test]
    fn two_folders_that_read_alike_are_both_searched() {
        let root = tempfile::tempdir().unwrap();
        file(root.path(), &format!("{}/a.mp3", nfc("회의")));
        let there = file(root.path(), &format!("{}/b.mp3", nfd("회의")));
        assert_eq!(
            resolve(&[root.path().to_owned()], "회의/b.mp3").unwrap(),
            there
        );
    }

    #[test]
    fn a_root_given_in_the_other_form_matches() {
        let base = tempfile::tempdir().unwrap();
        let there = file(base.path(), &format!("{}/a.mp3", nfd("서고")));
        let root = base.path().join(nfd("서고"));
        let asked = base.path().join(nfc("서고")).join("a.mp3");
        assert_eq!(resolve(&[root], asked.to_str().unwrap()).unwrap(), there);
    }

    #[test]
    fn the_second_root_is_searched_too() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let there = file(two.path(), "a.mp3");
        let roots = [one.path().to_owned(), two.path().to_owned()];
        assert_eq!(resolve(&roots, "a.mp3").unwrap(), there);
    }

    #[test]
    fn what_leads_outside_is_refused_whether_it_exists_or_not() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("library");
        file(&root, "in.mp3");
        let outside = file(base.path(), "secret.mp3");
        let roots = [root.clone()];
        for path in [
            "../secret.mp3",
            "x/../../secret.mp3",
            "..",
            "/etc/passwd",
            "/nowhere/at/all",
            outside.to_str().unwrap(),
        ] {
            assert!(
                matches!(resolve(&roots, path), Err(SpeechError::OutsideRoots)),
                "{path}"
            );
        }
        // A name that merely begins like the root.
        let neighbour = format!("{}-2/a.mp3", root.display());
        assert!(matches!(
            resolve(&roots, &neighbour),
            Err(SpeechError::OutsideRoots)
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leaves_the_root_is_refused_and_one_that_stays_is_followed() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("library");
        let there = file(&root, "real/in.mp3");
        file(base.path(), "outside/secret.mp3");
        std::os::unix::fs::symlink(base.path().join("outside"), root.join("out")).unwrap();
        std::os::unix::fs::symlink(root.join("real"), root.join("alias")).unwrap();
        let roots = [root];
        assert!(matches!(
            resolve(&roots, "out/secret.mp3"),
            Err(SpeechError::OutsideRoots)
        ));
        assert!(matches!(
            resolve(&roots, "out/nothing.mp3"),
            Err(SpeechError::OutsideRoots)
        ));
        assert_eq!(resolve(&roots, "alias/in.mp3").unwrap(), there);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let root = tempfile::tempdir().unwrap();
        file(root.path(), "a.mp3");
        let roots = [root.path().to_owned()];
        for path in ["b.mp3", "없음.mp3", "a.mp3/b", "sub/a.mp3"] {
            assert!(
                matches!(resolve(&roots, path), Err(SpeechError::NotFound(_))),
                "{path}"
            );
        }
        let gone = [root.path().join("unmounted")];
        assert!(matches!(
            resolve(&gone, "a.mp3"),
            Err(SpeechError::NotFound(_))
        ));
        assert!(matches!(
            resolve(&roots, ""),
            Err(SpeechError::BadRequest(_))
        ));
    }
}
