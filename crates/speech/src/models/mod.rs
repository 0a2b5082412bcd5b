//! The models folder: what can be there, what is, and how a model gets there.

mod catalogue;
mod pull;

use serde::Serialize;
use std::path::{Path, PathBuf};

pub use catalogue::{CATALOGUE, HUB, ModelInfo, RECOMMENDED, find};
pub use pull::{Progress, pull, pull_from};

use crate::engine::model_name;
use crate::model_file::{self, ModelFileError};

/// Why a model could not be fetched or added.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// No such model in the catalogue.
    #[error("There is no model {name:?}. Known are: {known}.")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The hub does not answer, or not with the model.
    #[error(
        "The model could not be fetched from {url}: {reason}. What has arrived is kept; run the command again to go on. \
         Without a way to the hub, get that file on another machine, copy it here, and run: seogo models add {file}"
    )]
    Unreachable {
        /// Asked for.
        url: String,
        /// What came instead.
        reason: String,
        /// The name of the file.
        file: String,
    },
    /// What arrived is not what the publisher lists.
    #[error(
        "The fetched file is damaged (its checksum is {found}, not {expected}) and was thrown away. Run the command again."
    )]
    Checksum {
        /// SHA-1 as published.
        expected: String,
        /// SHA-1 of what arrived.
        found: String,
    },
    /// Another process fetches the same model.
    #[error("The model is being fetched already. Wait until that is done.")]
    Busy,
    /// The file is no model.
    #[error("{path:?} cannot be used: {reason}")]
    NotAModel {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: ModelFileError,
    },
    /// The models folder cannot be written.
    #[error("The models folder cannot be used: {0}. Check its free space and its owner.")]
    Io(#[from] std::io::Error),
}

/// A line of the list of models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What one types.
    pub name: String,
    /// The file, where the model is installed.
    pub path: Option<PathBuf>,
    /// Bytes: of the file where it is installed, else about what will be fetched.
    pub bytes: u64,
    /// The catalogue's entry; a model added by hand has none.
    pub info: Option<&'static ModelInfo>,
}

/// Every model of the catalogue, then those that were added by hand; the best first. Blocking.
pub fn list(dir: &Path) -> Vec<Listed> {
    let installed = installed(dir);
    let known = CATALOGUE.iter().map(|info| {
        let path = installed.iter().find(|path| model_name(path) == info.name);
        listed(info.name.to_owned(), path, Some(info))
    });
    let added = installed
        .iter()
        .filter(|path| find(&model_name(path)).is_none())
        .map(|path| listed(model_name(path), Some(path), None));
    known.chain(added).collect()
}

fn listed(name: String, path: Option<&PathBuf>, info: Option<&'static ModelInfo>) -> Listed {
    let size = path
        .and_then(|path| std::fs::metadata(path).ok())
        .map(|m| m.len());
    Listed {
        name,
        path: path.cloned(),
        bytes: size.or(info.map(|info| info.bytes)).unwrap_or(0),
        info,
    }
}

/// The model to use where none is named: the best that is installed. Blocking.
pub fn default_model(dir: &Path) -> Option<PathBuf> {
    list(dir).into_iter().find_map(|model| model.path)
}

/// The model files of the folder, by name.
fn installed(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "bin") && path.is_file())
        .collect();
    files.sort();
    files
}

/// Copies the model `file` into the folder; it appears there whole or not at all. Blocking.
pub fn add(file: &Path, dir: &Path) -> Result<PathBuf, ModelsError> {
    model_file::check(file).map_err(|reason| ModelsError::NotAModel {
        path: file.to_owned(),
        reason,
    })?;
    std::fs::create_dir_all(dir)?;
    let target = dir.join(name_in_folder(file));
    if target
        .canonicalize()
        .is_ok_and(|there| file.canonicalize().is_ok_and(|given| given == there))
    {
        return Ok(target);
    }
    let mut copy = tempfile::Builder::new()
        .prefix(".adding-")
        .tempfile_in(dir)?;
    std::io::copy(&mut std::fs::File::open(file)?, &mut copy)?;
    copy.as_file().sync_all()?;
    copy.persist(&target).map_err(|error| error.error)?;
    sync_folder(dir)?;
    Ok(target)
}

/// The name under which a model is found again: with `.bin` at its end.
fn name_in_folder(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    if file.extension().is_none_or(|extension| extension != "bin") {
        name.push(".bin");
    }
    name.into()
}

/// Makes a rename in the folder last.
fn sync_folder(dir: &Path) -> std::io::Result<()> {
    std::fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny_model::TinyModel;

    fn model_at(path: &Path) {
        std::fs::write(path, TinyModel::saying(&[" hello"]).to_bytes()).unwrap();
    }

    #[test]
    fn a_model_is_added_whole_and_listed() {
        let (from, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let models = dir.path().join("models");
        let file = from.path().join("내 모델.ggml");
        model_at(&file);
        let there = add(&file, &models).unwrap();
        assert_eq!(there, models.join("내 모델.ggml.bin"));
        assert_eq!(
            std::fs::read(&there).unwrap(),
            std::fs::read(&file).unwrap()
        );
        assert_eq!(
            add(&there, &models).unwrap(),
            there,
            "adding what is there changes nothing"
        );
        let last = list(&models).pop().unwrap();
        assert_eq!(
            (last.name.as_str(), last.path, last.info),
            ("내 모델.ggml", Some(there.clone()), None)
        );
        assert_eq!(default_model(&models), Some(there));
        assert_eq!(
            std::fs::read_dir(&models).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn what_is_no_model_is_refused_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("song.bin");
        std::fs::write(&file, b"RIFF....WAVE").unwrap();
        let models = dir.path().join("models");
        let error = add(&file, &models).unwrap_err();
        assert!(matches!(error, ModelsError::NotAModel { .. }), "{error}");
        assert!(!models.exists());
    }

    #[test]
    fn the_best_installed_model_is_the_default() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(default_model(dir.path()), None);
        assert_eq!(default_model(&dir.path().join("absent")), None);
        for name in [
            "ggml-tiny.bin",
            "ggml-small-q5_1.bin",
            "ggml-large-v3.bin.part",
            "own.bin",
        ] {
            std::fs::write(dir.path().join(name), b"").unwrap();
        }
        assert_eq!(
            default_model(dir.path()),
            Some(dir.path().join("ggml-small-q5_1.bin"))
        );
        let installed = list(dir.path())
            .into_iter()
            .filter(|model| model.path.is_some())
            .count();
        assert_eq!(installed, 3);
    }
}
