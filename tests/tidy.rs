//! The house law as tests: what CONTRIBUTING.md asks and a machine can check.
//!
//! Every law is a pure function over a file's path and text, kept in `tidy/` with a bad snippet
//! that it must catch; here each is held against the whole tree.

#![allow(clippy::expect_used, reason = "a law that cannot read the tree must not pass")]

mod tidy {
    pub(crate) mod shape;
    pub(crate) mod source;
}

use tidy::shape;
use tidy::source::{Source, committed};

/// Holds every committed file against one law.
fn hold(law: fn(&Source) -> Vec<String>) {
    let offences: Vec<String> = committed().iter().flat_map(law).collect();
    assert!(offences.is_empty(), "{} offences:\n{}", offences.len(), offences.join("\n"));
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
