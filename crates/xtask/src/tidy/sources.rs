//! Calls that belong to one crate alone, looked for in the sources. Clippy forbids them as well; this also sees the
//! `#[allow]` that would silence it.

use std::path::Path;

use anyhow::{Context, Result};

/// A call with its home.
struct Rule {
    /// Any of these in a line of code.
    patterns: &'static [&'static str],
    /// Crates that may.
    homes: &'static [&'static str],
    /// The rule and the way out.
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        patterns: &["Command::new("],
        homes: &["tools", "xtask", "testkit", "pgserver"],
        why: "only tools starts processes, inside the fence; add a function there (tests: testkit)",
    },
    Rule {
        patterns: &["env::var(", "env::var_os(", "env::vars(", "env::vars_os("],
        homes: &["seogo", "xtask", "testkit", "pgserver"],
        why: "only the seogo binary reads the environment; make it a setting and hand the value in",
    },
];

/// What the `.rs` files below the crate's folder break.
pub(super) fn breaches(package: &str, root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for file in rust_files(root)? {
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let place = file
            .strip_prefix(root)
            .unwrap_or(&file)
            .display()
            .to_string();
        found.extend(breaches_in(package, &place, &text));
    }
    Ok(found)
}

fn breaches_in(package: &str, place: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rule in RULES.iter().filter(|rule| !rule.homes.contains(&package)) {
        for (number, line) in text.lines().enumerate() {
            if is_code(line) && rule.patterns.iter().any(|pattern| line.contains(pattern)) {
                found.push(format!(
                    "crates/{package}/{place}:{}: {}",
                    number + 1,
                    rule.why
                ));
            }
        }
    }
    found
}

fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

fn rust_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_outside_tools_is_found_with_its_line() {
        let found = breaches_in(
            "stages",
            "src/stt.rs",
            "fn run() {\n    Command::new(\"ffmpeg\");\n}\n",
        );
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("crates/stages/src/stt.rs:2: only tools"),
            "{found:?}"
        );
    }

    #[test]
    fn the_home_may_and_comments_do_not_count() {
        assert!(breaches_in("tools", "src/lib.rs", "Command::new(\"ffmpeg\");").is_empty());
        assert!(breaches_in("api", "src/lib.rs", "    // Command::new(\"x\")").is_empty());
    }

    #[test]
    fn the_environment_is_read_by_the_binary_alone() {
        assert_eq!(
            breaches_in("api", "src/lib.rs", "std::env::var(\"HOME\")").len(),
            1
        );
        assert!(breaches_in("seogo", "src/main.rs", "std::env::vars_os()").is_empty());
    }

    #[test]
    fn files_are_found_in_folders_below() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("src/deep")).unwrap();
        std::fs::write(root.path().join("src/deep/a.rs"), "env::var(\"X\");").unwrap();
        std::fs::write(root.path().join("notes.txt"), "env::var(\"X\")").unwrap();
        let found = breaches("model", root.path()).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("src/deep/a.rs:1"), "{found:?}");
    }
}
