//! The guard alone, without a socket: its verdict does not depend on how the bytes were cut.

use super::{accepted, refused};
use proptest::prelude::*;
use qaqpa::proxy::guard::{Guard, Step};

pub const HEAD_BYTES_MAX: usize = 16 * 1024;
pub const HEADERS_MAX: usize = 64;

/// Where requests end, and why the rest was refused, if it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub ends: Vec<usize>,
    pub reason: Option<&'static str>,
}

/// What the guard says of bytes that arrive in pieces.
pub fn verdict<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Verdict {
    let mut guard = Guard::new(HEAD_BYTES_MAX, HEADERS_MAX);
    let mut verdict = Verdict::default();
    let (mut held, mut passed_before) = (Vec::new(), 0);
    for piece in pieces {
        held.extend_from_slice(piece);
        while !held.is_empty() {
            match guard.feed(&held) {
                Ok(Step::Pass(bytes)) => {
                    held.drain(..bytes);
                    passed_before += bytes;
                }
                Ok(Step::End(bytes)) => {
                    held.drain(..bytes);
                    passed_before += bytes;
                    verdict.ends.push(passed_before);
                }
                Ok(Step::Wait) => break,
                Ok(Step::Over) => return verdict,
                Err(offence) => {
                    verdict.reason = Some(offence.reason.word());
                    return verdict;
                }
            }
        }
    }
    verdict
}

/// The verdict, which must be the same for every cut in two and for single bytes.
fn verdict_of_all_cuts(name: &str, bytes: &[u8]) -> Verdict {
    let whole = verdict([bytes]);
    assert_eq!(verdict(bytes.chunks(1)), whole, "{name}: byte by byte");
    for at in 0..bytes.len() {
        let (first, second) = bytes.split_at(at);
        assert_eq!(verdict([first, second]), whole, "{name}: cut at {at}");
    }
    whole
}

#[test]
fn there_are_as_many_cases_as_were_promised() {
    assert!(refused::cases().len() >= 60, "{}", refused::cases().len());
    assert!(accepted::cases().len() >= 25, "{}", accepted::cases().len());
}

#[test]
fn what_is_ambiguous_is_refused_for_its_reason_however_it_is_cut() {
    for case in refused::cases() {
        let verdict = verdict_of_all_cuts(case.name, &case.bytes);
        let expected = Verdict { ends: Vec::new(), reason: Some(case.reason) };
        assert_eq!(verdict, expected, "{}", case.name);
    }
}

#[test]
fn what_is_plain_passes_whole_however_it_is_cut() {
    for case in accepted::cases() {
        let verdict = verdict_of_all_cuts(case.name, &case.bytes);
        assert_eq!(verdict.reason, None, "{}", case.name);
        let is_over = case.name.starts_with("what follows");
        assert!(verdict.ends.len() == case.requests.len() || is_over, "{}: {verdict:?}", case.name);
        assert!(verdict.ends.last() == Some(&case.bytes.len()) || is_over, "{}", case.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_bytes_make_the_guard_fail_or_change_its_mind(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0_usize..300,
    ) {
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(verdict([bytes.as_slice()]), verdict([first, second]));
    }
}
