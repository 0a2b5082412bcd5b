//! Which crate may depend on which, and which libraries belong to one crate alone.

use super::{Dependency, Package};

/// Every crate of the workspace with the crates it may use. ARCHITECTURE.md shows the same as a map.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("store", &["model"]),
    ("queue", &["model", "store"]),
    ("tools", &["model"]),
    ("search", &["model", "store"]),
    ("ingest", &["model", "store"]),
    ("speech", &["model", "tools"]),
    ("stages", &["model", "store", "queue", "tools", "search"]),
    (
        "api",
        &[
            "model", "store", "queue", "tools", "search", "ingest", "stages",
        ],
    ),
    (
        "seogo",
        &[
            "model", "store", "queue", "tools", "search", "ingest", "speech", "stages", "api",
        ],
    ),
    ("pgserver", &[]),
    ("testkit", &["model", "store", "pgserver"]),
    ("xtask", &["pgserver"]),
];

/// A crate that anyone may use in tests, and nobody in what is shipped.
const DEV_ONLY: &str = "testkit";

/// Libraries with a home: (library, crates that may use it, why).
const HOMES: &[(&str, &[&str], &str)] = &[
    (
        "sqlx",
        &["store"],
        "only store knows SQL; add a method to its transaction",
    ),
    (
        "axum",
        &["api", "speech"],
        "only api and speech speak HTTP as servers; add a route there",
    ),
];

/// What the package's dependencies break.
pub(super) fn breaches(package: &Package) -> Vec<String> {
    let Some(allowed) = allowed_for(&package.name) else {
        return vec![format!(
            "{} is not in ARROWS (crates/xtask/src/tidy/arrows.rs): add it there and to the map in ARCHITECTURE.md",
            package.name
        )];
    };
    package
        .dependencies
        .iter()
        .filter_map(|dependency| breach(&package.name, allowed, dependency))
        .collect()
}

fn allowed_for(name: &str) -> Option<&'static [&'static str]> {
    ARROWS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, allowed)| *allowed)
}

fn breach(package: &str, allowed: &[&str], dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if name == DEV_ONLY {
        return (!dependency.dev).then(|| {
            format!("{package} ships {DEV_ONLY}: move it to [dev-dependencies] in crates/{package}/Cargo.toml")
        });
    }
    if name == package && dependency.dev {
        // A crate's own tests may switch on one of its features this way.
        return None;
    }
    if let Some((_, homes, why)) = HOMES.iter().find(|(library, ..)| *library == name) {
        return (!homes.contains(&package)).then(|| format!("{package} uses {name}: {why}"));
    }
    let ours = allowed_for(name).is_some();
    (ours && !allowed.contains(&name)).then(|| {
        format!(
            "{package} depends on {name}: it may use [{}]. Hand in what it needs from a crate above both, or move the code",
            allowed.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, dev)| Dependency {
                name: (*name).to_owned(),
                dev: *dev,
            })
            .collect();
        Package {
            name: name.to_owned(),
            root: "/".into(),
            dependencies,
        }
    }

    #[test]
    fn the_arrows_of_the_map_are_allowed() {
        assert!(
            breaches(&package(
                "queue",
                &[("model", false), ("store", false), ("tokio", false)]
            ))
            .is_empty()
        );
        assert!(breaches(&package("store", &[("sqlx", false), ("testkit", true)])).is_empty());
    }

    #[test]
    fn an_arrow_upwards_is_named_with_what_is_allowed() {
        let found = breaches(&package("queue", &[("stages", false)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("queue depends on stages"), "{found:?}");
        assert!(found[0].contains("[model, store]"), "{found:?}");
    }

    #[test]
    fn tests_are_bound_by_the_arrows_too() {
        assert_eq!(breaches(&package("model", &[("store", true)])).len(), 1);
    }

    #[test]
    fn a_crate_may_switch_on_its_own_features_for_its_tests() {
        assert!(breaches(&package("speech", &[("speech", true)])).is_empty());
    }

    #[test]
    fn testkit_is_never_shipped() {
        let found = breaches(&package("api", &[("testkit", false)]));
        assert!(found[0].contains("[dev-dependencies]"), "{found:?}");
    }

    #[test]
    fn sql_and_http_have_their_homes() {
        assert!(breaches(&package("api", &[("sqlx", false)]))[0].contains("only store knows SQL"));
        assert!(breaches(&package("queue", &[("axum", true)]))[0].contains("only api and speech"));
        assert!(breaches(&package("speech", &[("axum", false)])).is_empty());
    }

    #[test]
    fn a_new_crate_must_be_placed_first() {
        assert!(breaches(&package("novel", &[]))[0].contains("is not in ARROWS"));
    }

    #[test]
    fn no_crate_may_use_one_that_may_use_it() {
        for (name, allowed) in ARROWS {
            for below in *allowed {
                let back = allowed_for(below).expect("every crate in the table has its own row");
                assert!(
                    !back.contains(name),
                    "{name} and {below} may use each other"
                );
            }
        }
    }
}
