//! Text and HTML are parsed in a child process of our own: `seogo parse KIND PATH`, which answers with JSON on stdout.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::html::html_to_text;
use crate::media::megabytes;
use crate::{ToolError, Toolbox, text};

/// Largest file that is parsed, in bytes.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// What a file is parsed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseKind {
    /// Plain text, Markdown, CSV, … in any encoding.
    Text,
    /// HTML in any encoding.
    Html,
}

impl ParseKind {
    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "html",
        }
    }
}

/// A word that names no [`ParseKind`].
#[derive(Debug, thiserror::Error)]
#[error("{0:?} cannot be parsed; the kinds are text and html")]
pub struct UnknownParseKind(String);

impl FromStr for ParseKind {
    type Err = UnknownParseKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Text, Self::Html]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownParseKind(name.to_owned()))
    }
}

/// What was read out of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsedText {
    /// The text; never empty.
    pub text: String,
    /// Title, where the format has one.
    pub title: Option<String>,
    /// BCP 47 language as the file names it.
    pub language: Option<String>,
    /// The encoding it was in.
    pub encoding: String,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Parsed(ParsedText),
    Refused { code: String, message: String },
}

/// The errors that parsing itself can give; an error from the child is brought back to one of them.
const CODES: [&str; 4] = ["empty", "binary", "too_large", "io"];

/// The child: parses the file and writes the answer. A file that cannot be parsed is an answer too; only a wrong kind or an output
/// that cannot be written is a failure.
pub fn parse_main(kind: &str, path: &Path, mut out: impl Write) -> ExitCode {
    let Ok(kind) = kind.parse() else {
        return ExitCode::from(2);
    };
    let answer = match parse_file(kind, path) {
        Ok(parsed) => Answer::Parsed(parsed),
        Err(error) => Answer::Refused {
            code: error.code().to_owned(),
            message: error.to_string(),
        },
    };
    let written = serde_json::to_writer(&mut out, &answer).map_err(std::io::Error::from);
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Parses a file in this very process. Servers use [`Toolbox::parse`].
pub fn parse_file(kind: ParseKind, path: &Path) -> Result<ParsedText, ToolError> {
    let bytes = read_bounded(path)?;
    match kind {
        ParseKind::Html => html_to_text(&bytes),
        ParseKind::Text => {
            let decoded = text::decode(&bytes)?;
            Ok(ParsedText {
                text: decoded.text,
                encoding: decoded.encoding.to_owned(),
                ..ParsedText::default()
            })
        }
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, ToolError> {
    let file = File::open(path).map_err(ToolError::io("cannot open", path))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(ToolError::io("cannot read", path))?;
    if bytes.len() as u64 > MOST_BYTES {
        let most = MOST_BYTES / (1024 * 1024);
        return Err(ToolError::bad_input(
            "too_large",
            format!(
                "The file is larger than the {most} MiB of text that are read. Split it into smaller files."
            ),
        ));
    }
    Ok(bytes)
}

impl Toolbox {
    /// Text of a file, parsed in a child process. Errors: `empty`, `binary`, `too_large`, and those of the fence.
    pub async fn parse(
        &self,
        kind: ParseKind,
        path: &Path,
        cancel: &CancellationToken,
    ) -> Result<ParsedText, ToolError> {
        // An empty file, or one that is gone, is for the child to tell.
        let size = megabytes(path).await.unwrap_or(0.0);
        let output = self
            .fence(&self.settings().self_program, self.limits().parse, size)
            .args(["parse", kind.as_str()])
            .path(path)
            .run(cancel)
            .await?;
        let answer = serde_json::from_slice(&output.stdout).map_err(|error| ToolError::Failed {
            program: "the parser".into(),
            status: "no answer".into(),
            stderr: error.to_string(),
        })?;
        match answer {
            Answer::Parsed(parsed) => Ok(parsed),
            Answer::Refused { code, message } => Err(ToolError::BadInput {
                code: CODES
                    .into_iter()
                    .find(|known| *known == code)
                    .unwrap_or("damaged"),
                message,
            }),
        }
    }
}
