//! A part of a file as a stream of blocks.
//!
//! What the system holds in memory is taken at once; only what the disk has to bring goes through a thread that may wait. For a
//! video that many watch that spares a change of threads for every block.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use futures::stream::{self, Stream};
use rustix::io::ReadWriteFlags;

/// Read at once, in bytes.
const BLOCK_BYTES: usize = 128 * 1024;

/// `length` bytes of the file from `first` on. A file that ends before is an error, which breaks the answer off.
pub(super) fn blocks(
    file: File,
    first: u64,
    length: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let rest = Rest {
        file: Arc::new(file),
        at: first,
        left: length,
        sent: Arc::default(),
    };
    stream::try_unfold(rest, Rest::next)
}

/// Memory of blocks that were sent, to be filled again: it is cleared once, and still in the processor's cache.
type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

/// What is still to be read.
struct Rest {
    file: Arc<File>,
    at: u64,
    left: u64,
    sent: Sent,
}

impl Rest {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut memory = take(&self.sent);
        let wanted = usize::try_from(self.left).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
        let mut filled = read_from_memory(&self.file, self.at, &mut memory[..wanted]);
        if filled == 0 {
            (memory, filled) = self.read_from_disk(memory, wanted).await?;
        }
        self.at += filled as u64;
        self.left -= filled as u64;
        let block = Block {
            memory,
            filled,
            sent: Arc::clone(&self.sent),
        };
        Ok(Some((Bytes::from_owner(block), self)))
    }

    async fn read_from_disk(
        &self,
        mut memory: Vec<u8>,
        wanted: usize,
    ) -> io::Result<(Vec<u8>, usize)> {
        let (file, at) = (Arc::clone(&self.file), self.at);
        let read = move || match file.read_at(&mut memory[..wanted], at)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            filled => Ok((memory, filled)),
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(io::Error::other)?
    }
}

/// How much could be had without waiting; 0 where nothing could, or where the system cannot tell.
fn read_from_memory(file: &File, at: u64, block: &mut [u8]) -> usize {
    let mut slices = [IoSliceMut::new(block)];
    rustix::io::preadv2(file, &mut slices, at, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

fn take(sent: &Sent) -> Vec<u8> {
    let memory = sent.lock().unwrap_or_else(PoisonError::into_inner).pop();
    memory.unwrap_or_else(|| vec![0; BLOCK_BYTES])
}

/// Bytes on their way; their memory goes back when they are sent.
struct Block {
    memory: Vec<u8>,
    filled: usize,
    sent: Sent,
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.memory[..self.filled]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(memory);
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    async fn read(length: usize, first: u64, wanted: u64) -> io::Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        std::fs::write(&path, content(length))?;
        let blocks = blocks(File::open(path)?, first, wanted);
        let blocks: Vec<_> = blocks.try_collect().await?;
        assert!(blocks.iter().all(|block| block.len() <= BLOCK_BYTES));
        Ok(blocks.concat())
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n % 251) as u8).collect()
    }

    #[tokio::test]
    async fn every_byte_comes_once_and_in_order() {
        let length = 3 * BLOCK_BYTES + 17;
        for (first, wanted) in [
            (0, length),
            (1, length - 1),
            (BLOCK_BYTES, 5),
            (7, 2 * BLOCK_BYTES),
            (0, 0),
        ] {
            let bytes = read(length, first as u64, wanted as u64).await.unwrap();
            assert!(
                bytes == content(length)[first..first + wanted],
                "{first} {wanted}"
            );
        }
    }

    #[tokio::test]
    async fn a_film_beyond_four_gigabytes_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film");
        let end = 5 << 30;
        let file = File::create(&path).unwrap();
        // A hole takes no space.
        file.write_all_at(b"end", end).unwrap();
        let blocks = blocks(File::open(path).unwrap(), end - 1, 4);
        let blocks: Vec<_> = blocks.try_collect().await.unwrap();
        assert_eq!(blocks.concat(), b"\0end");
    }

    #[tokio::test]
    async fn a_file_cut_off_meanwhile_breaks_the_answer_off() {
        let error = read(10, 0, 11).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn the_disk_gives_the_same_as_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, content(1000)).unwrap();
        let rest = Rest {
            file: Arc::new(File::open(path).unwrap()),
            at: 10,
            left: 990,
            sent: Arc::default(),
        };
        let (memory, filled) = rest.read_from_disk(vec![0; 990], 990).await.unwrap();
        assert_eq!((&memory[..], filled), (&content(1000)[10..], 990));
    }

    #[tokio::test]
    async fn memory_is_used_again_once_its_bytes_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, content(4 * BLOCK_BYTES)).unwrap();
        let mut rest = Rest {
            file: Arc::new(File::open(path).unwrap()),
            at: 0,
            left: 4 * BLOCK_BYTES as u64,
            sent: Arc::default(),
        };
        let mut places = std::collections::BTreeSet::new();
        while let Some((block, after)) = rest.next().await.unwrap() {
            places.insert(block.as_ptr());
            rest = after;
        }
        assert_eq!(places.len(), 1);
    }
}
