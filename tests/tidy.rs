//! The house law as tests: what CONTRIBUTING.md asks and a machine can check.
//!
//! Every law is a pure function over a file's path and text, kept in `tidy/` with a bad snippet
//! that it must catch; here each is held against the whole tree.

#![allow(clippy::expect_used, reason = "a law that cannot read the tree must not pass")]

mod tidy {
    pub(crate) mod doors;
    pub(crate) mod graph;
    pub(crate) mod metrics;
    pub(crate) mod shape;
    pub(crate) mod source;
}

use std::collections::BTreeSet;
use std::process::Command;
use tidy::doors::{Door, Room};
use tidy::source::{Source, committed, root};
use tidy::{doors, graph, metrics, shape};

/// Which room may open which door, and why; everything else is pure and tested without I/O.
const ROOMS: &[Room] = &[
    ("adapters/kit/samples.rs", &[Door::Files], "recorded messages; only tests call it"),
    ("src/command", &[Door::Files, Door::Sockets, Door::Clock], "the operator's hands"),
    ("src/config/load.rs", &[Door::Files], "the configuration"),
    ("src/durable.rs", &[Door::Files], "files that are there whole or as they were before"),
    ("src/journal", &[Door::Clock], "deadlines of a commit, the day of an entry"),
    ("src/journal/embedded", &[Door::Files, Door::Sql], "the store in one file"),
    ("src/journal/postgres", &[Door::Sql], "the store of an installation"),
    ("src/journal/seal.rs", &[Door::Files], "the master key"),
    ("src/ops/log.rs", &[Door::Clock], "the time of a line"),
    ("src/trial.rs", &[Door::Environment], "where a trial kills a build for tests"),
    ("src/payments/mod.rs", &[Door::Clock], "how long anybody waits for a commit"),
    ("src/payments/store", &[Door::Sql], "charges, orders and the ledger on both stores"),
    ("src/payments/store/postgres.rs", &[Door::Clock], "deadlines of a commit"),
    ("src/proxy/clerk", &[Door::Clock], "when orders and notices are due"),
    ("src/proxy/lease.rs", &[Door::Clock], "shares of quotas, every second"),
    (
        "src/proxy/revocation",
        &[Door::Files, Door::Clock],
        "revocation lists and trust files that change, and how long a responder is waited for",
    ),
    ("src/proxy/listener", &[Door::Sockets, Door::Clock], "the door for callers"),
    ("src/proxy/listener/spool.rs", &[Door::Files], "large bodies while they arrive"),
    ("src/proxy/registers.rs", &[Door::Files], "registers of banks while they arrive"),
    ("src/proxy/admit", &[Door::Clock], "turns, deadlines and how late the node is"),
    ("src/proxy/build.rs", &[Door::Files], "certificates and keys, at the start and at changes"),
    ("src/proxy/reload.rs", &[Door::Clock], "how long what was before may take to end"),
    ("src/proxy/start.rs", &[Door::Clock], "housekeeping"),
    ("src/proxy/tls.rs", &[Door::Files], "certificates and keys, at start"),
    ("src/proxy/trace.rs", &[Door::Clock], "the times of a call's phases"),
    ("src/simulate/bank.rs", &[Door::Clock], "how late a simulated bank is"),
    ("src/simulate/bank/caller.rs", &[Door::Clock], "when a simulated bank asks again"),
    ("src/simulate/bank/ledger.rs", &[Door::Files], "the books of a simulated bank"),
    ("src/reconcile/desk", &[Door::Files], "registers that came, and the folders of runs"),
    ("src/reconcile/desk/entry.rs", &[Door::Clock], "when a step was made, and when to look again"),
    ("src/reconcile/ingest", &[Door::Files], "registers, and what of them does not fit in memory"),
    ("src/reconcile/report", &[Door::Files], "the folder of a run, and findings being sorted"),
    ("src/upstream", &[Door::Sockets, Door::Clock], "the door to agencies"),
];

/// What a room may not name, because the arrows run the other way.
const ARROWS: &[(&str, &str)] = &[
    ("adapters", "tokio hyper hyper_util tokio_postgres rusqlite rustls qaqpa"),
    ("src/channel", "command journal ops payments proxy reconcile sign simulate upstream"),
    ("src/config", "channel command journal ops payments proxy reconcile simulate upstream"),
    ("src/journal", "channel command ops payments proxy reconcile sign simulate upstream"),
    ("src/ops", "command reconcile simulate"),
    ("src/payments", "channel command ops proxy reconcile sign simulate upstream"),
    ("src/proxy", "command reconcile simulate"),
    ("src/reconcile", "channel command ops proxy sign simulate upstream"),
    ("src/sign", "channel command journal ops payments proxy reconcile simulate upstream"),
    ("src/simulate", "command"),
    ("src/upstream", "channel command journal payments reconcile simulate"),
];

/// What stands at the top of the repository, and nothing else.
const TOP: &str = ".cargo .ci .dockerignore .editorconfig .gitignore ARCHITECTURE.md CHANGELOG.md \
    CONTRIBUTING.md Cargo.lock Cargo.toml LICENSE Makefile README.md adapters benches clippy.toml \
    config deny.toml deploy rustfmt.toml src tests";

/// Holds every committed file against one law.
fn hold(law: impl Fn(&Source) -> Vec<String>) {
    none(&committed().iter().flat_map(law).collect::<Vec<_>>());
}

fn none<T: std::fmt::Display>(offences: &[T]) {
    let list: Vec<String> = offences.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} offences:\n{}", list.len(), list.join("\n"));
}

/// The text of one committed file; empty where it is missing.
fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The texts of all committed files below a folder, without the tests at their feet.
fn texts(folder: &str) -> String {
    let sources = committed();
    let inside = sources.iter().filter(|source| source.path.starts_with(folder));
    inside.filter_map(|source| source.text.split("#[cfg(test)]\nmod ").next()).collect()
}

/// What cargo would build, one `name version` a line.
fn tree(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}", "--edges"])
        .args(args)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn a_file_fits_in_400_lines() {
    hold(shape::file_too_long);
}

#[test]
fn every_file_opens_with_a_sentence_that_says_why_it_exists() {
    hold(shape::first_line_says_nothing);
}

#[test]
fn a_function_fits_on_a_page() {
    hold(shape::functions_too_long);
}

#[test]
fn a_name_says_what_is_inside() {
    hold(shape::names_that_say_nothing);
}

#[test]
fn nothing_is_left_half_done() {
    hold(shape::leftovers);
}

#[test]
fn no_test_is_ignored_and_none_sleeps() {
    hold(shape::ignored_or_sleeping_tests);
}

#[test]
fn no_committed_file_names_a_place_of_a_machine_or_a_registry() {
    hold(shape::places_of_a_machine);
}

#[test]
fn every_test_is_named_by_its_promise() {
    hold(shape::test_names_that_promise_nothing);
}

#[test]
fn a_door_is_opened_only_in_its_room() {
    hold(|source| doors::doors_out_of_place(source, ROOMS));
}

#[test]
fn a_room_has_no_door_that_it_does_not_need() {
    none(&doors::rooms_without_need(&committed(), ROOMS));
}

#[test]
fn no_arrow_runs_upward() {
    for (room, names) in ARROWS {
        let names: Vec<&str> = names.split_whitespace().collect();
        hold(|source| doors::arrows_upward(source, room, &names));
    }
}

#[test]
fn an_adapter_can_reach_no_runtime_and_no_store() {
    let tree = tree(&["normal", "--package", "qaqpa-adapters"]);
    assert!(graph::crates(&tree).contains("qaqpa-kit"), "{tree}");
    none(&graph::reached(&tree, &graph::NOT_BELOW_ADAPTERS));
}

#[test]
fn nothing_banned_is_built() {
    let tree = tree(&["normal,build,dev", "--workspace"]);
    assert!(graph::crates(&tree).contains("aws-lc-rs"), "{tree}");
    none(&graph::reached(&tree, &graph::BANNED.map(|(name, _)| name)));
}

#[test]
fn no_dependency_fell_below_a_version_without_a_known_hole() {
    none(&graph::versions_fallen(&text("Cargo.lock"), &graph::LEAST));
}

#[test]
fn what_is_banned_here_is_banned_in_deny_toml() {
    let deny = text("deny.toml");
    let banned = graph::BANNED.map(|(name, _)| format!("crate = \"{name}\""));
    let least = graph::LEAST.map(|(name, version)| format!("crate = \"{name}:<{version}\""));
    none(&banned.into_iter().chain(least).filter(|row| !deny.contains(row)).collect::<Vec<_>>());
}

#[test]
fn every_package_is_under_the_same_lints() {
    hold(graph::lints_not_inherited);
}

#[test]
fn every_agency_has_the_same_files_and_one_line_in_the_list() {
    none(&graph::agencies_that_differ(&committed()));
}

#[test]
fn every_metric_has_its_row_in_the_readme() {
    let code = texts("src/ops/");
    let registered = metrics::registered(&code);
    assert!(registered.len() > 10, "too few to be true: {registered:?}");
    none(&metrics::missing(&metrics::table(&text("README.md")), &registered));
}

#[test]
fn every_metric_that_is_watched_exists() {
    let (code, readme) = (texts("src/ops/"), text("README.md"));
    let watched =
        texts("deploy/prometheus/") + &texts("deploy/grafana/") + &metrics::table(&readme);
    assert!(metrics::names(&watched).len() > 10, "too few to be true");
    none(&metrics::unknown(&watched, &metrics::registered(&code)));
}

#[test]
fn a_target_of_the_makefile_names_what_exists() {
    let exists = |path: &str| root().join(path).exists();
    none(&graph::targets_without_file(&text("Makefile"), exists));
}

#[test]
fn the_top_of_the_house_holds_what_the_plan_says() {
    let sources = committed();
    let here: BTreeSet<&str> = sources.iter().filter_map(|s| s.path.split('/').next()).collect();
    let plan: BTreeSet<&str> = TOP.split_whitespace().collect();
    none(&here.symmetric_difference(&plan).collect::<Vec<_>>());
}
