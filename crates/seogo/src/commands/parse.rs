//! `seogo parse KIND PATH`: reads one file in a process of its own. Started by the tools, inside the fence; reads no settings.

use std::path::Path;
use std::process::ExitCode;

pub fn run(kind: &str, path: &Path) -> ExitCode {
    tools::parse_main(kind, path, &mut std::io::stdout().lock())
}
