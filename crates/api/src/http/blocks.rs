//! A part of a file as a stream of blocks.
//!
//! What the system holds in memory is taken at once; only what the disk has to bring goes through a thread that may wait. For a
//! video that many watch that spares a change of threads for every block.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::Bytes;
use futures::stream::{self, Stream};
use rustix::io::ReadWriteFlags;

/// Read at once, in bytes: each reader holds one or two of them.
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
    };
    stream::try_unfold(rest, Rest::next)
}

/// What is still to be read.
struct Rest {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Rest {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(self.left).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
        let block = match in_memory(&self.file, self.at, wanted) {
            Some(block) => block,
            None => self.read_from_disk(wanted).await?,
        };
        self.at += block.len() as u64;
        self.left -= block.len() as u64;
        Ok(Some((block, self)))
    }

    async fn read_from_disk(&self, wanted: usize) -> io::Result<Bytes> {
        let (file, at) = (Arc::clone(&self.file), self.at);
        let read = move || {
            let mut block = vec![0; wanted];
            match file.read_at(&mut block, at)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                n => {
                    block.truncate(n);
                    Ok(block.into())
                }
            }
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(io::Error::other)?
    }
}

/// What of the block needs no waiting; `None` where nothing does, or where the system cannot tell.
fn in_memory(file: &File, at: u64, wanted: usize) -> Option<Bytes> {
    let mut block = vec![0; wanted];
    let mut slices = [IoSliceMut::new(&mut block)];
    let read = rustix::io::preadv2(file, &mut slices, at, ReadWriteFlags::NOWAIT);
    match read.unwrap_or(0) {
        0 => None,
        n => {
            block.truncate(n);
            Some(block.into())
        }
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
        };
        assert_eq!(rest.read_from_disk(990).await.unwrap(), content(1000)[10..]);
    }
}
