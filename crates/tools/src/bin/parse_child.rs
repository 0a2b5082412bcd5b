//! The parse child alone, for the tests of this crate: `parse-child parse KIND PATH`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = std::env::args().collect::<Vec<_>>();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "parse", kind, path] => {
            tools::parse_main(kind, Path::new(path), std::io::stdout().lock())
        }
        _ => ExitCode::from(2),
    }
}
