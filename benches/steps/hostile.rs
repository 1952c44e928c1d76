//! What a hostile message costs beside a good one of its size: an attacker who pays little must not make us pay much.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "the corpus of the tests, of which a part is used here"
)]

#[path = "../../tests/signatures/corpus.rs"]
pub(crate) mod corpus;
#[path = "../../tests/signatures/forge.rs"]
pub(crate) mod forge;
#[path = "../../tests/signatures/hostile_info.rs"]
pub(crate) mod hostile_info;
#[path = "../../tests/signatures/hostile_keys.rs"]
pub(crate) mod hostile_keys;
#[path = "../../tests/signatures/hostile_parsers.rs"]
pub(crate) mod hostile_parsers;
#[path = "../../tests/signatures/hostile_wrapping.rs"]
pub(crate) mod hostile_wrapping;
#[path = "../../tests/signatures/oracles.rs"]
pub(crate) mod oracles;
#[path = "../../tests/signatures/pki.rs"]
pub(crate) mod pki;

use crate::messages::Fallible;
use std::time::{Duration, Instant};

/// So many times a good message of its size may a hostile one cost.
const RATIO_MAX: f64 = 10.0;
/// Each is judged so often, and the fastest time counts: the rest is what else the machine did.
const ROUNDS: usize = 9;

fn cost(document: &[u8]) -> Duration {
    let times = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        drop(forge::judge(document));
        began.elapsed()
    });
    times.min().unwrap_or_default()
}

/// Prints the dearest message of the corpus.
///
/// # Errors
/// It costs more than ten times a good one.
pub(crate) fn compare() -> Fallible<()> {
    let signer = &pki::PKI.rsa;
    let good = forge::sign(&forge::message(), &forge::usual(signer), signer);
    let usual = cost(good.as_bytes());
    let ratio = |case: &corpus::Case| {
        let sizes = (case.document.len() as f64 / good.len() as f64).max(1.0);
        cost(&case.document).as_secs_f64() / usual.as_secs_f64() / sizes
    };
    let dearest = corpus::once().map(|case| (ratio(&case), case));
    let (ratio, case) = dearest.max_by(|(one, _), (other, _)| one.total_cmp(other)).expect("cases");
    let told = format!("the dearest hostile message costs {ratio:.1} good ones: {}", case.name);
    println!("{told} ({usual:?} a good one)");
    if ratio > RATIO_MAX { Err(told.into()) } else { Ok(()) }
}
