//! docs/queue.md says what the code does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use model::Status;
use queue::RunnerConfig;

const DOCS: &str = include_str!("../../../../docs/queue.md");
/// Where the transitions are.
const TRANSITIONS: [&str; 4] = ["queue", "queue_ends", "queue_rescue", "queue_steer"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn source(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What is below a heading.
fn part(heading: &str) -> &'static str {
    let part = DOCS.split_once(&format!("\n## {heading}\n"));
    let part = part.unwrap_or_else(|| panic!("there is no {heading:?}")).1;
    part.split("\n## ").next().unwrap()
}

/// The rows of the first table below a heading, without its head.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let lines = part(heading).lines();
    let table = lines.skip_while(|line| !line.starts_with('|'));
    let table = table.take_while(|line| line.starts_with('|')).skip(2);
    let rows: Vec<Vec<_>> = table
        .map(|row| {
            let cells = row.strip_prefix('|').unwrap().strip_suffix('|').unwrap();
            cells.split('|').map(str::trim).collect()
        })
        .collect();
    assert!(!rows.is_empty(), "{heading:?} has no table");
    rows
}

/// What stands between back quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_diagram_shows_every_transition_between_the_states_there_are() {
    let diagram = part("States").split("```").nth(1).unwrap();
    let mut states = BTreeSet::new();
    let mut shown = BTreeSet::new();
    for (arrow, labels) in diagram.lines().filter_map(|line| line.split_once(": ")) {
        let (from, to) = arrow.trim().split_once(" --> ").unwrap();
        states.extend([from, to]);
        shown.extend(labels.split(", "));
    }
    states.remove("[*]");
    assert_eq!(states, Status::ALL.map(Status::as_str).into());
    // These have no arrow of their own: they bring rows in by others, or hold a stage and no row.
    let known: BTreeSet<_> = rows("Transitions")
        .iter()
        .map(|row| row[0])
        .filter(|name| !["pause", "rerun", "backfill"].contains(name))
        .collect();
    assert_eq!(shown, known);
    let listed: BTreeSet<_> = quoted(part("States").rsplit_once("```").unwrap().1).collect();
    assert!(states.iter().all(|state| listed.contains(state)));
}

#[test]
fn every_operation_of_the_store_on_the_queue_is_explained() {
    let explained: BTreeSet<_> = quoted(part("Transitions")).collect();
    let mut real = BTreeSet::new();
    for file in TRANSITIONS {
        let source = source(&format!("crates/store/src/tx/{file}.rs"));
        for (_, rest) in source
            .match_indices("    pub async fn ")
            .map(|(at, text)| (at, &source[at + text.len()..]))
        {
            real.insert(rest.split('(').next().unwrap().to_owned());
        }
    }
    assert!(real.contains("claim") && real.contains("cancel_all"));
    let missing: Vec<_> = real
        .iter()
        .filter(|name| !explained.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in docs/queue.md: {missing:?}");
    let all: String = ["outdated", "prune", "queue_selection"]
        .map(|file| source(&format!("crates/store/src/tx/{file}.rs")))
        .concat();
    for row in rows("Transitions") {
        for name in quoted(row[1]) {
            let there = real.contains(name) || all.contains(&format!("pub async fn {name}("));
            assert!(there, "{}: there is no {name}", row[0]);
        }
    }
}

#[test]
fn every_transition_has_a_case_on_both_databases() {
    let model = source("crates/store/tests/it/statespace_model.rs");
    let ops = model.split_once("pub enum Op {").unwrap().1;
    let ops = ops.split_once("\n}").unwrap().0;
    let tested = rows("What each transition is tested by");
    let names = |rows: &[Vec<&'static str>]| rows.iter().map(|row| row[0]).collect::<Vec<_>>();
    assert_eq!(names(&tested), names(&rows("Transitions")));
    for row in tested {
        assert!(quoted(row[1]).next().is_some(), "{} has no case", row[0]);
        for case in quoted(row[1]) {
            let (file, name) = case.split_once("::").unwrap();
            let source = source(&format!("crates/store/tests/it/{file}.rs"));
            let cases = source.split_once("conformance!(").unwrap().1;
            let mut cases = cases.split_once(");").unwrap().0.split(',');
            assert!(cases.any(|known| known.trim() == name), "{case} is no case");
        }
        for op in quoted(row[2]) {
            let name = op.strip_prefix("Op::").unwrap();
            let known = ops
                .lines()
                .map(|line| line.trim().trim_end_matches([',', '{', ' ']));
            let mut known = known.map(|line| line.split('(').next().unwrap());
            assert!(known.any(|known| known == name), "the search has no {op}");
        }
    }
}

#[test]
fn every_test_that_shows_a_promise_is_there() {
    for row in rows("What each promise is tested by") {
        assert!(quoted(row[1]).next().is_some(), "{} is not shown", row[0]);
        for test in quoted(row[1]) {
            let (place, name) = test.split_once("::").unwrap();
            let (krate, file) = place.split_once('/').unwrap();
            let folder = if file.starts_with("src/") {
                ""
            } else {
                "tests/it/"
            };
            let source = source(&format!("crates/{krate}/{folder}{file}.rs"));
            let there = [format!("fn {name}("), format!("        {name}: ")];
            assert!(
                there.iter().any(|text| source.contains(text)),
                "there is no {test}"
            );
        }
    }
}

#[test]
fn every_call_is_one_of_the_api() {
    let routes = fs::read_dir(root().join("crates/api/src/routes")).unwrap();
    let routes: String = routes
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let table = rows("Operations");
    assert!(table.len() > 10);
    for row in table {
        for call in quoted(row[2]) {
            let (method, path) = call.split_once(' ').unwrap();
            let route = format!("{}, path = \"{path}\"", method.to_lowercase());
            assert!(routes.contains(&route), "there is no {call}");
        }
    }
}

#[test]
fn every_priority_is_in_the_docs_as_it_is() {
    let written: Vec<_> = rows("Whose turn it is")
        .iter()
        .map(|row| row[..2].join(" "))
        .collect();
    let real = model::Priority::ALL.map(|priority| format!("{} `{priority:?}`", priority.as_i64()));
    assert_eq!(written, real);
}

/// Numbers in milliseconds, or as they are where they have no unit; `None` where it is neither.
fn written(text: &str) -> Option<Vec<i64>> {
    let text = text
        .trim_start_matches("every ")
        .trim_start_matches("after ");
    text.split(" to ")
        .map(|one| {
            let (number, unit) = one.split_once(' ').unwrap_or((one, ""));
            let number: i64 = number.replace(',', "").parse().ok()?;
            Some(number * unit_ms(unit)?)
        })
        .collect()
}

fn unit_ms(unit: &str) -> Option<i64> {
    Some(match unit {
        "" | "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "days" => 86_400_000,
        _ => return None,
    })
}

/// The value of a constant, in the same way.
fn constant(file: &str, name: &str) -> Option<Vec<i64>> {
    let source = source(file);
    let (_, rest) = source.split_once(&format!("const {name}: "))?;
    let value = rest.split_once(" = ")?.1.split(';').next()?;
    let (value, factor) = match value.strip_prefix("Duration::from_") {
        Some(rest) => {
            let (unit, value) = rest.split_once('(')?;
            let factor = unit_ms(if unit == "secs" { "s" } else { "ms" })?;
            (value, factor)
        }
        None => (value, 1),
    };
    let value = value.replace(['(', ')', '_'], "");
    let numbers = value.split(',').map(|product| {
        let factors = product
            .split('*')
            .map(|number| number.trim().parse::<i64>());
        factors.product::<Result<i64, _>>().ok()
    });
    numbers.map(|number| Some(number? * factor)).collect()
}

fn setting(name: &str) -> i64 {
    let config = RunnerConfig::new("any");
    let value = match name {
        "poll" => config.poll,
        "heartbeat" => config.heartbeat,
        "rescue" => config.rescue,
        "grace" => config.grace,
        "history" => config.history,
        _ => panic!("{name} is no length of time in RunnerConfig"),
    };
    i64::try_from(value.as_millis()).unwrap()
}

#[test]
fn every_number_is_in_the_docs_as_it_is() {
    let table = rows("Numbers");
    assert!(table.len() > 20);
    for row in table {
        let place: Vec<_> = quoted(row[2]).collect();
        let real = match place[..] {
            ["RunnerConfig", name] => Some(vec![setting(name)]),
            [file, name] => constant(file, name),
            _ => panic!("{row:?} does not say where"),
        };
        let real = real.unwrap_or_else(|| panic!("{row:?} is nowhere"));
        assert_eq!(written(row[1]), Some(real), "{row:?}");
    }
}

#[test]
fn claims_outlive_several_missed_heartbeats() {
    let lease = constant("crates/stages/src/context.rs", "LEASE_MS").unwrap()[0];
    assert!(lease >= 3 * setting("heartbeat"));
}
