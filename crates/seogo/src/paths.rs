//! What lies where in the data folder.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use model::Random;

/// Length of the secret that signs short-lived links, in bytes.
pub const SECRET_BYTES: usize = 32;

/// The data folder.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The data folder at `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Address of the SQLite database inside.
    pub fn database_url(&self) -> String {
        format!("sqlite:{}", self.0.join("seogo.db").display())
    }

    /// The search index: derived, may be deleted.
    pub fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// Thumbnails, previews, converted videos: derived, may be deleted.
    pub fn derived(&self) -> PathBuf {
        self.0.join("derived")
    }

    /// Speech models.
    pub fn models(&self) -> PathBuf {
        self.0.join("models")
    }

    /// Where the library is, unless a setting says otherwise.
    pub fn library(&self) -> PathBuf {
        self.0.join("library")
    }

    /// Makes the folders that are not there yet. The data folder itself is closed to other users: it holds everyone's text.
    pub fn create(&self) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        for folder in [self.index(), self.derived(), self.models()] {
            fs::create_dir_all(folder)?;
        }
        Ok(())
    }

    /// The secret of this installation; made at first use, readable by its owner alone.
    ///
    /// # Errors
    /// A file of another length is an error, not a reason to make a new secret: it may be half a backup.
    pub fn secret(&self, random: &dyn Random) -> io::Result<[u8; SECRET_BYTES]> {
        let path = self.0.join("secret");
        match fs::File::open(&path) {
            Ok(file) => read_secret(file, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => write_secret(&path, random),
            Err(error) => Err(error),
        }
    }
}

fn read_secret(mut file: fs::File, path: &Path) -> io::Result<[u8; SECRET_BYTES]> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    bytes.try_into().map_err(|found: Vec<u8>| {
        let (path, found) = (path.display(), found.len());
        let message = format!("{path} has {found} bytes instead of {SECRET_BYTES}; restore it from a backup, or delete it to get a new one");
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

/// Written aside and linked into place, so that of two starting processes one wins and both read the same secret.
fn write_secret(path: &Path, random: &dyn Random) -> io::Result<[u8; SECRET_BYTES]> {
    let mut bytes = [0; SECRET_BYTES];
    random.fill(&mut bytes);
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read_secret(fs::File::open(path)?, path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use model::SeededRandom;

    use super::*;

    fn data() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path().join("data"));
        data.create().unwrap();
        (folder, data)
    }

    #[test]
    fn the_secret_is_made_once_and_kept() {
        let (_folder, data) = data();
        let first = data.secret(&SeededRandom::new(1)).unwrap();
        assert_eq!(data.secret(&SeededRandom::new(2)).unwrap(), first);
        let mode = fs::metadata(data.root().join("secret"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(data.root()).unwrap().count(),
            4,
            "no file aside is left"
        );
    }

    #[test]
    fn a_truncated_secret_is_told_and_kept() {
        let (_folder, data) = data();
        fs::write(data.root().join("secret"), b"short").unwrap();
        let error = data.secret(&SeededRandom::new(1)).unwrap_err();
        assert!(
            error.to_string().contains("5 bytes instead of 32"),
            "{error}"
        );
        assert_eq!(fs::read(data.root().join("secret")).unwrap(), b"short");
    }

    #[test]
    fn creating_twice_is_creating_once() {
        let (_folder, data) = data();
        data.create().unwrap();
        assert!(data.models().is_dir());
        let mode = fs::metadata(data.root()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may not look in");
    }
}
