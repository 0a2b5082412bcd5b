//! Viewers: each connection asks for one range of the film after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Bytes of a range, as players ask for them.
const RANGE_BYTES: u64 = 4 << 20;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub path: String,
    /// A header for the sign-in, with its line end; empty where none is needed.
    pub header: String,
    /// Bytes of the file.
    pub size: u64,
}

/// Megabytes a second that all connections together get.
pub fn speed(target: &Target, connections: usize, seconds: u64) -> Result<f64> {
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let viewers: Vec<_> = (0..connections)
        .map(|n| {
            let target = target.clone();
            thread::spawn(move || watch(&target, n as u64, end))
        })
        .collect();
    let mut bytes = 0;
    for viewer in viewers {
        bytes += viewer
            .join()
            .map_err(|_| anyhow::anyhow!("a viewer panicked"))??;
    }
    Ok(bytes as f64 / 1e6 / begun.elapsed().as_secs_f64())
}

/// Bytes that one viewer got until `end`.
fn watch(target: &Target, n: u64, end: Instant) -> Result<u64> {
    let stream = TcpStream::connect(target.address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut answers = BufReader::with_capacity(256 << 10, stream.try_clone()?);
    let (mut stream, mut bytes, mut block) = (stream, 0, vec![0; 256 << 10]);
    let places = target.size.saturating_sub(RANGE_BYTES).max(1);
    for part in n * 7.. {
        if Instant::now() >= end {
            break;
        }
        let first = part * RANGE_BYTES % places;
        let last = first + RANGE_BYTES.min(target.size) - 1;
        let Target { path, header, .. } = target;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}Range: bytes={first}-{last}\r\n\r\n"
        );
        // In one piece: else it waits until the first piece is confirmed.
        stream.write_all(request.as_bytes())?;
        let mut left = length(&mut answers)?;
        bytes += left;
        while left > 0 {
            let most = usize::try_from(left).map_or(block.len(), |left| left.min(block.len()));
            let n = answers.read(&mut block[..most])?;
            ensure!(n > 0, "the server hung up");
            left -= n as u64;
        }
    }
    Ok(bytes)
}

/// Reads the head of a partial answer; gives its length.
fn length(answers: &mut impl BufRead) -> Result<u64> {
    let (mut line, mut length) = (String::new(), None);
    answers.read_line(&mut line)?;
    ensure!(line.contains(" 206 "), "the answer was {line:?}");
    loop {
        line.clear();
        answers.read_line(&mut line)?;
        if line.trim().is_empty() {
            return length.context("no length");
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
    }
}
