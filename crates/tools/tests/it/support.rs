//! What the tests share.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;
use tools::{ToolError, Toolbox, ToolboxSettings};

/// A sample file by its path in `fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// A toolbox with a folder of its own.
pub struct Bench {
    pub tools: Toolbox,
    pub dir: tempfile::TempDir,
    pub cancel: CancellationToken,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut ToolboxSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = PathBuf::from(env!("CARGO_BIN_EXE_parse-child"));
        let mut settings = ToolboxSettings::new(child, dir.path().to_owned());
        change(&mut settings);
        Self {
            tools: Toolbox::new(settings),
            dir,
            cancel: CancellationToken::new(),
        }
    }

    /// A file of the test's own.
    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// The code of an error that must have happened.
pub fn code<T: std::fmt::Debug>(result: Result<T, ToolError>) -> &'static str {
    result.unwrap_err().code()
}
