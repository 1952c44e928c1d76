//! The same verification by libxmlsec1, in rounds that take turns with ours, so that both meet the same machine.

use super::axis::{Axis, Bound};
use super::messages::Fallible;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Rounds of either side; the middle ratio counts.
const ROUNDS: usize = 7;
/// Verifications a round.
const REPEAT: u32 = 1500;

/// Microseconds a verification by `xmlsec1 --verify --repeat`; `None` where there is no xmlsec1.
fn theirs_us(file: &Path, certificate: &Path) -> Fallible<Option<f64>> {
    let run = |repeat: u32| {
        Command::new("xmlsec1")
            .args(["--verify", "--repeat", &repeat.to_string(), "--enabled-key-data", "key-name"])
            .arg("--pubkey-cert-pem")
            .arg(certificate)
            .args(["--id-attr:Id", "Body"])
            .arg(file)
            .output()
    };
    if run(1).is_err() {
        return Ok(None);
    }
    // What starting costs is taken off: it is no part of a verification.
    let timed = |repeat| -> Fallible<f64> {
        let began = Instant::now();
        let output = run(repeat)?;
        let took = began.elapsed().as_secs_f64() * 1e6;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if said.contains("OK") && output.status.success() { Ok(took) } else { Err(said.into()) }
    };
    Ok(Some((timed(REPEAT)? - timed(1)?) / f64::from(REPEAT - 1)))
}

/// Prints how both compare on one message, and gives it as an axis where both were measured.
pub(super) fn compare(
    name: &str,
    signed: &[u8],
    certificate: &Path,
    ours: impl Fn() -> Fallible<()>,
) -> Fallible<Option<Axis>> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), signed)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..REPEAT {
            ours()?;
        }
        let ours_us = began.elapsed().as_secs_f64() * 1e6 / f64::from(REPEAT);
        let Some(theirs_us) = theirs_us(file.path(), certificate)? else {
            println!("{name}: no xmlsec1 here to compare with");
            return Ok(None);
        };
        rounds.push((theirs_us / ours_us, ours_us, theirs_us));
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(low), Some(middle), Some(high)) =
        (rounds.first(), rounds.get(ROUNDS / 2), rounds.last())
    {
        println!(
            "{name}: ours {:.1} µs, libxmlsec1 {:.1} µs, {:.2} times as fast ({:.2} … {:.2} over {ROUNDS} rounds)",
            middle.1, middle.2, middle.0, low.0, high.0
        );
    }
    let pairs = rounds.iter().map(|(_, ours_us, theirs_us)| (1e6 / ours_us, 1e6 / theirs_us));
    let floor = if signed.len() < 10_000 { 3.0 } else { 4.0 };
    Ok(Some(Axis::of(
        format!("signed envelope verified, {name}"),
        "a core-second",
        "libxmlsec",
        (Bound::RatioAtLeast, floor),
        pairs.collect(),
    )))
}
