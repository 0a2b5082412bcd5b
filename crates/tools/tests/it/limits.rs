//! docs/limits.md says what the code does.

use tools::{Again, Patience, ToolError, ToolLimits};

const DOCS: &str = include_str!("../../../../docs/limits.md");

/// The rows of the table below a heading, without its head.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let part = DOCS.split_once(heading).unwrap().1;
    let part = part.split("\n## ").next().unwrap();
    let rows = part.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

#[test]
fn every_kind_of_work_is_in_the_docs_as_it_is() {
    let limits = ToolLimits::default();
    let written = rows("\n## Programs\n");
    let written = written.iter().map(|row| row[..4].join(" | "));
    let real = limits.all().map(|(name, work)| {
        format!(
            "`{name}` | {} | {} MiB | {} MiB",
            work.time, work.memory_mib, work.output_mib
        )
    });
    assert_eq!(written.collect::<Vec<_>>(), real);
    assert!(DOCS.contains(&format!("at most {} pages without text", limits.ocr_pages)));
    assert!(DOCS.contains(&format!("one part of at most {} s", limits.draft_part_s)));
}

#[test]
fn the_patience_with_the_speech_service_is_in_the_docs_as_it_is() {
    let patience = Patience::default();
    let written = rows("\n## The speech service\n");
    let written = written.iter().map(|row| row[..2].join(" | "));
    let real = [
        format!("silence | {} s", patience.silence.as_secs()),
        format!("still | {}", patience.still),
    ];
    assert_eq!(written.collect::<Vec<_>>(), real);
}

#[test]
fn no_limit_is_the_same_for_work_of_any_size() {
    let limits = ToolLimits::default();
    for (name, work) in limits.all() {
        let times = [work.limits(1.0), work.limits(1e4)].map(|limits| limits.time.time());
        assert!(times[1] >= 10 * times[0], "{name}: {times:?}");
    }
}

#[test]
fn what_is_tried_again_is_in_the_docs_as_it_is() {
    let (program, limit_mib) = (String::new(), 1);
    let (after, allowed) = (String::new(), String::new());
    let errors = [
        ToolError::Stalled {
            program: program.clone(),
            after: after.clone(),
            allowed: allowed.clone(),
        },
        ToolError::TimedOut {
            program: program.clone(),
            after,
            allowed,
        },
        ToolError::Killed {
            program: program.clone(),
            limit_mib,
        },
        ToolError::Crashed {
            program: program.clone(),
            signal: 11,
            limit_mib,
            stderr: String::new(),
        },
        ToolError::OutOfMemory {
            program: program.clone(),
            limit_mib,
        },
        ToolError::OutputTooLarge { program, limit_mib },
    ];
    let written = rows("\n## What a person sees");
    for error in errors {
        let name = format!("`{}`", error.code());
        let row = written.iter().find(|row| row[0] == name);
        let again = row.unwrap_or_else(|| panic!("{name} is not in the docs"))[2];
        let expected = if error.again() == Again::Once {
            "once"
        } else {
            "no"
        };
        assert_eq!(again.split(':').next(), Some(expected), "{name}");
    }
}
