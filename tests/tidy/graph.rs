//! Laws about what depends on what: banned crates, versions that must not fall, arrows between packages.

use crate::tidy::source::Source;
use std::collections::BTreeSet;

/// Crates that must not be built, with the reason; `deny.toml` says the same to cargo-deny.
pub(crate) const BANNED: [(&str, &str); 5] = [
    ("rsa", "RUSTSEC-2023-0071 has no fix; RSA is aws-lc-rs"),
    ("ring", "one provider of cryptography: aws-lc-rs"),
    ("openssl", "one provider of cryptography, and no engine"),
    ("openssl-sys", "one provider of cryptography, and no engine"),
    ("native-tls", "TLS is rustls"),
];

/// Versions below which a hole is known; `deny.toml` says the same to cargo-deny.
pub(crate) const LEAST: [(&str, &str); 9] = [
    ("quick-xml", "0.42.0"),
    ("tokio-postgres", "0.7.18"),
    ("postgres-protocol", "0.6.12"),
    ("h2", "0.4.16"),
    ("rustls-webpki", "0.103.13"),
    ("aws-lc-sys", "0.39.0"),
    ("tracing-subscriber", "0.3.20"),
    ("anyhow", "1.0.103"),
    ("time", "0.3.47"),
];

/// What an adapter must not be able to reach: that it does no I/O is a fact of the graph.
pub(crate) const NOT_BELOW_ADAPTERS: [&str; 9] = [
    "tokio",
    "hyper",
    "hyper-util",
    "postgres-protocol",
    "tokio-postgres",
    "rusqlite",
    "rustls",
    "mio",
    "socket2",
];

/// Crates of `cargo tree --prefix none --format {p}`.
pub(crate) fn crates(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

pub(crate) fn reached(tree: &str, forbidden: &[&str]) -> Vec<String> {
    let crates = crates(tree);
    forbidden.iter().filter(|name| crates.contains(**name)).map(|name| (*name).to_owned()).collect()
}

/// Locked versions that fell below the least allowed.
pub(crate) fn versions_fallen(lock: &str, least: &[(&str, &str)]) -> Vec<String> {
    let mut fallen = Vec::new();
    for package in lock.split("[[package]]") {
        let field = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.trim_matches(|c| matches!(c, ' ' | '=' | '"')))
        };
        let (Some(name), Some(version)) = (field("name"), field("version")) else { continue };
        for (_, least) in least.iter().filter(|(least_name, _)| *least_name == name) {
            if numbers(version) < numbers(least) {
                fallen.push(format!("{name} {version}: at least {least}"));
            }
        }
    }
    fallen
}

fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}

/// A package that does not take the workspace's lints is under no law.
pub(crate) fn lints_not_inherited(source: &Source) -> Vec<String> {
    let is_package = source.path.ends_with("Cargo.toml") && source.text.contains("[package]");
    let inherits = source.text.replace(' ', "").contains("[lints]\nworkspace=true");
    (is_package && !inherits).then(|| source.path.clone()).into_iter().collect()
}

const AGENCY: [&str; 5] = ["adapter.toml", "mod.rs", "samples", "simulator.rs", "wire.rs"];

/// Every agency's folder has the same names in it, and its one line in `lib.rs`.
pub(crate) fn agencies_that_differ(sources: &[Source]) -> Vec<String> {
    let list = sources.iter().find(|source| source.path == "adapters/lib.rs");
    let list = list.map(|source| source.text.as_str()).unwrap_or_default();
    let inside = |path: &'static str| {
        sources.iter().filter_map(move |source| source.path.strip_prefix(path)?.split_once('/'))
    };
    let agencies: BTreeSet<&str> =
        inside("adapters/").map(|(folder, _)| folder).filter(|folder| *folder != "kit").collect();
    let mut found = Vec::new();
    for agency in agencies {
        let names: BTreeSet<&str> = inside("adapters/")
            .filter(|(folder, _)| *folder == agency)
            .map(|(_, rest)| rest.split('/').next().unwrap_or_default())
            .collect();
        if names != BTreeSet::from(AGENCY) {
            found.push(format!("adapters/{agency}: {names:?}, not {AGENCY:?}"));
        }
        if !list.lines().any(|line| line.ends_with(&format!("mod {agency};"))) {
            found.push(format!("adapters/{agency}: no line in adapters/lib.rs"));
        }
    }
    found
}

/// `--test NAME`, `--bench NAME` and `run … -- NAME` in the Makefile name files that exist.
pub(crate) fn targets_without_file(makefile: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for line in makefile.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            let [flag, name] = pair else { continue };
            let folder = match *flag {
                "--test" => "tests",
                "--bench" => "benches",
                "--" if words.contains(&"run") => "src/command",
                _ => continue,
            };
            if !exists(&format!("{folder}/{name}.rs")) && !exists(&format!("{folder}/{name}")) {
                found.push(format!("Makefile: {flag} {name}: nothing in {folder}/"));
            }
        }
    }
    found
}

mod tests {
    use super::*;

    #[test]
    fn a_banned_crate_in_the_tree_is_found_by_its_whole_name() {
        let tree = "qaqpa v0.1.0 (/x)\nring v0.17.14\nopenssl-probe v0.1.0\n";
        assert_eq!(reached(tree, &["rsa", "ring", "openssl"]), ["ring"]);
    }

    #[test]
    fn a_version_that_fell_is_found_and_numbers_are_not_compared_as_text() {
        let lock = |version: &str| format!("[[package]]\nname = \"h2\"\nversion = \"{version}\"\n");
        for (version, count) in
            [("0.4.9", 1), ("0.4.16", 0), ("0.4.20", 0), ("0.5.0", 0), ("0.3.99", 1)]
        {
            assert_eq!(versions_fallen(&lock(version), &LEAST).len(), count, "{version}");
        }
    }

    #[test]
    fn a_package_without_the_lints_is_found() {
        let bad = Source::new("a/Cargo.toml", "[package]\nname = \"a\"\n");
        let good = Source::new("a/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n");
        assert_eq!(lints_not_inherited(&bad).len(), 1);
        assert_eq!(lints_not_inherited(&good).len(), 0);
    }

    #[test]
    fn an_agency_with_a_missing_or_strange_file_or_no_line_is_found() {
        let tree = |names: &[&str], list: &str| {
            let files =
                names.iter().map(|name| Source::new(&format!("adapters/gbd_fl/{name}"), ""));
            files.chain([Source::new("adapters/lib.rs", list)]).collect::<Vec<_>>()
        };
        let whole = ["adapter.toml", "mod.rs", "wire.rs", "simulator.rs", "samples/found.xml"];
        let (missing, strange) =
            (["mod.rs", "wire.rs"], [whole.as_slice(), &["types.rs"]].concat());
        assert_eq!(agencies_that_differ(&tree(&whole, "pub mod gbd_fl;")).len(), 0);
        assert_eq!(agencies_that_differ(&tree(&missing, "mod gbd_fl;")).len(), 1);
        assert_eq!(agencies_that_differ(&tree(&strange, "mod gbd_fl;")).len(), 1);
        assert_eq!(agencies_that_differ(&tree(&whole, "")).len(), 1);
    }

    #[test]
    fn a_target_that_names_nothing_is_found() {
        let makefile =
            "\tcargo test --test crash -- x\n\tcargo bench --bench steps\n\tcargo run -q -- load\n";
        let found = targets_without_file(makefile, |path| path == "benches/steps.rs");
        let expected = ["--test crash: nothing in tests/", "-- load: nothing in src/command/"];
        assert_eq!(found, expected.map(|offence| format!("Makefile: {offence}")));
    }
}
