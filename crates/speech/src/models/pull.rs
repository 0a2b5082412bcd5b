//! Fetches a model from the hub: into a `.part` file that a later attempt goes on with, checked, then renamed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use reqwest::{Response, StatusCode, header};
use sha1::{Digest, Sha1};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::catalogue::{CATALOGUE, HUB, ModelInfo, find};
use super::{ModelsError, sync_folder};
use crate::model_file;

/// How long the hub may take to take the call, and how long it may fall silent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How far a fetch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are here.
    pub done: u64,
    /// Bytes in all, where the hub tells.
    pub total: Option<u64>,
}

/// Fetches the model called `name` into `dir`. An earlier attempt is gone on with. Gives the model's file.
pub async fn pull(
    name: &str,
    dir: &Path,
    progress: impl FnMut(Progress) + Send,
) -> Result<PathBuf, ModelsError> {
    let info = find(name).ok_or_else(|| unknown(name))?;
    pull_from(HUB, info, dir, progress).await
}

fn unknown(name: &str) -> ModelsError {
    let known: Vec<_> = CATALOGUE.iter().map(|model| model.name).collect();
    ModelsError::Unknown {
        name: name.to_owned(),
        known: known.join(", "),
    }
}

/// As [`pull`], from a mirror: `base` is a URL that ends with `/`.
pub async fn pull_from(
    base: &str,
    info: &ModelInfo,
    dir: &Path,
    progress: impl FnMut(Progress) + Send,
) -> Result<PathBuf, ModelsError> {
    tokio::fs::create_dir_all(dir).await?;
    let target = dir.join(info.file_name());
    if tokio::fs::try_exists(&target).await? {
        return Ok(target);
    }
    let part = Part::open(dir.join(format!("{}.part", info.file_name()))).await?;
    let path = part.path.clone();
    Fetch {
        url: format!("{base}{}", info.file_name()),
        file: info.file_name(),
        part,
        progress,
    }
    .run()
    .await?;
    let expected = info.sha1;
    let (from, to) = (path, target.clone());
    tokio::task::spawn_blocking(move || finish(&from, &to, expected))
        .await
        .map_err(std::io::Error::other)??;
    Ok(target)
}

/// The file that grows, locked against a second fetch.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Part {
    async fn open(path: PathBuf) -> Result<Self, ModelsError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .await?
            .into_std()
            .await;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(ModelsError::Busy),
            Err(std::fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let length = file.metadata()?.len();
        Ok(Self {
            path,
            file: File::from_std(file),
            length,
        })
    }

    async fn restart(&mut self) -> std::io::Result<()> {
        self.file.set_len(0).await?;
        self.length = 0;
        Ok(())
    }
}

struct Fetch<P> {
    url: String,
    file: String,
    part: Part,
    progress: P,
}

impl<P: FnMut(Progress) + Send> Fetch<P> {
    async fn run(mut self) -> Result<(), ModelsError> {
        let response = self.ask().await?;
        let total = match response.status() {
            StatusCode::RANGE_NOT_SATISFIABLE if self.whole_already(&response) => return Ok(()),
            StatusCode::RANGE_NOT_SATISFIABLE => {
                self.part.restart().await?;
                return Err(self.failed("the earlier attempt does not fit the file any more"));
            }
            StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(self.part.length) => {
                response
                    .content_length()
                    .map(|rest| rest + self.part.length)
            }
            StatusCode::OK => {
                self.part.restart().await?;
                response.content_length()
            }
            status => return Err(self.failed(&format!("it answered {status}"))),
        };
        self.receive(response, total).await
    }

    async fn ask(&self) -> Result<Response, ModelsError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .build()
            .map_err(|error| self.failed(&reason(&error)))?;
        let mut request = client.get(&self.url);
        if self.part.length > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.part.length));
        }
        request
            .send()
            .await
            .map_err(|error| self.failed(&reason(&error)))
    }

    async fn receive(&mut self, response: Response, total: Option<u64>) -> Result<(), ModelsError> {
        let mut body = response.bytes_stream();
        while let Some(bytes) = body.next().await {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.part.file.flush().await?;
                    return Err(self.failed(&reason(&error)));
                }
            };
            self.part.file.write_all(&bytes).await?;
            self.part.length += bytes.len() as u64;
            (self.progress)(Progress {
                done: self.part.length,
                total,
            });
        }
        self.part.file.flush().await?;
        self.part.file.sync_all().await?;
        match total {
            Some(total) if self.part.length != total => {
                Err(self.failed("the connection ended early"))
            }
            _ => Ok(()),
        }
    }

    /// The hub has nothing after what is here: `Content-Range: bytes */LENGTH`.
    fn whole_already(&self, response: &Response) -> bool {
        let range = header_text(response, header::CONTENT_RANGE);
        range.and_then(|range| range.strip_prefix("bytes */")?.parse().ok())
            == Some(self.part.length)
    }

    fn failed(&self, reason: &str) -> ModelsError {
        ModelsError::Unreachable {
            url: self.url.clone(),
            reason: reason.to_owned(),
            file: self.file.clone(),
        }
    }
}

/// The innermost cause says what happened; the outer ones only that something did.
fn reason(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn header_text(response: &Response, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Where the part begins that the hub sends: `Content-Range: bytes 5-…`.
fn range_start(response: &Response) -> Option<u64> {
    let range = header_text(response, header::CONTENT_RANGE)?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// Checks what arrived and gives it its name; what is damaged goes, so that the next attempt begins anew.
fn finish(part: &Path, target: &Path, expected: Option<&str>) -> Result<(), ModelsError> {
    if let Err(error) = verify(part, expected) {
        std::fs::remove_file(part)?;
        return Err(error);
    }
    std::fs::rename(part, target)?;
    sync_folder(target.parent().unwrap_or(Path::new(".")))?;
    Ok(())
}

fn verify(part: &Path, expected: Option<&str>) -> Result<(), ModelsError> {
    if let Some(expected) = expected {
        let found = sha1_of(part)?;
        if found != expected {
            return Err(ModelsError::Checksum {
                expected: expected.to_owned(),
                found,
            });
        }
    }
    model_file::check(part).map_err(|reason| ModelsError::NotAModel {
        path: part.to_owned(),
        reason,
    })
}

fn sha1_of(path: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha1::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match std::io::Read::read(&mut file, &mut block)? {
            0 => break,
            read => hash.update(&block[..read]),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
