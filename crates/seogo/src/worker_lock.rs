//! Tells dead workers of this machine from living ones, so that a restart takes their work back at once.
//!
//! Each worker holds a lock on a file of its own name. The lock ends with the process, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const ENDING: &str = "lock";

/// The lock of this process; let go when dropped.
#[derive(Debug)]
pub struct WorkerLock {
    _file: File,
    path: PathBuf,
}

impl WorkerLock {
    /// Takes the lock of a worker whose name nobody else has.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn take(folder: &Path, worker: &str) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("{worker}.{ENDING}"));
        // Locked before it has its name, so that nobody ever sees it without its lock.
        let unnamed = folder.join(format!("{worker}.new"));
        let file = File::create(&unnamed)?;
        file.lock()?;
        std::fs::rename(&unnamed, &path)?;
        Ok(Self { _file: file, path })
    }
}

impl Drop for WorkerLock {
    fn drop(&mut self) {
        // What stays is found without its lock at the next start, which is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The workers whose process is gone, with their files. Remove the file once the work is taken back.
///
/// # Errors
/// The folder cannot be read.
pub fn dead_workers(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut dead = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING)
            && is_unlocked(&path)
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
        {
            dead.push((name.to_owned(), path.clone()));
        }
    }
    Ok(dead)
}

fn is_unlocked(path: &Path) -> bool {
    match File::open(path).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock)) => false,
        // Neither proves that it is dead; its leases will run out.
        Ok(Err(TryLockError::Error(_))) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_dead_when_its_lock_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let alive = WorkerLock::take(folder.path(), "alive").unwrap();
        // What a killed process leaves: the file without the lock.
        std::fs::write(folder.path().join("killed.lock"), "").unwrap();
        let names = |dead: Vec<(String, PathBuf)>| {
            dead.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(dead_workers(folder.path()).unwrap()), ["killed"]);
        drop(alive);
        assert_eq!(names(dead_workers(folder.path()).unwrap()), ["killed"]);
    }
}
