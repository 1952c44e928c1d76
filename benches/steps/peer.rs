//! The same verification by libxmlsec1 and by Apache Santuario, in rounds that take turns with ours.
//!
//! So all meet the same machine. libxmlsec1 works in one thread and is timed by the clock, as we are beside it.
//! Java has threads of its own that collect and compile: beside it both sides are told by their CPU.

use super::axis::{Axis, Bound};
use super::figures::own_us;
use super::messages::Fallible;
use super::santuario::Santuario;
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

/// Prints how both peers compare on one message, and gives each as an axis; a peer that is not here is named so.
pub(super) fn compare(
    name: &str,
    signed: &[u8],
    certificate: &Path,
    ours: impl Fn() -> Fallible<()>,
) -> Fallible<[Axis; 2]> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), signed)?;
    // A Java machine reads large messages faster, beside its own small ones, than libxml2 does.
    let (of_libxmlsec, of_santuario) = if signed.len() < 10_000 { (3.0, 3.5) } else { (4.0, 2.5) };
    let axis = |peer, floor| {
        let name = format!("signed envelope verified, {name}");
        Axis::of(name, "a core-second", peer, (Bound::RatioAtLeast, floor), Vec::new())
    };
    let (mut libxmlsec, mut santuario) =
        (axis("libxmlsec", of_libxmlsec), axis("Apache Santuario", of_santuario));
    let mut java = Santuario::start(file.path(), certificate)?;
    santuario.missing = java.as_ref().err().cloned();
    for _ in 0..ROUNDS {
        let (began, ran_us) = (Instant::now(), own_us()?);
        for _ in 0..REPEAT {
            ours()?;
        }
        let (took_us, ran_us) = (began.elapsed().as_secs_f64() * 1e6, own_us()? - ran_us);
        let a_second = |us: f64| 1e6 * f64::from(REPEAT) / us;
        match theirs_us(file.path(), certificate)? {
            Some(theirs_us) => libxmlsec.rounds.push((a_second(took_us), 1e6 / theirs_us)),
            None => libxmlsec.missing = Some("no xmlsec1 here".to_owned()),
        }
        if let Ok(java) = &mut java {
            santuario.rounds.push((a_second(ran_us), java.round()?));
        }
    }
    tell(&libxmlsec);
    tell(&santuario);
    Ok([libxmlsec, santuario])
}

fn tell(axis: &Axis) {
    let (name, peer) = (&axis.name, &axis.peer_name);
    if let Some(why) = &axis.missing {
        println!("{name}: {peer} is missing: {why}");
    }
    let of_round = |(ours, theirs): &(f64, f64)| (ours / theirs, 1e6 / ours, 1e6 / theirs);
    let mut rounds: Vec<_> = axis.rounds.iter().map(of_round).collect();
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(low), Some(middle), Some(high)) =
        (rounds.first(), rounds.get(ROUNDS / 2), rounds.last())
    {
        println!(
            "{name}: ours {:.1} µs, {peer} {:.1} µs, {:.2} times as fast ({:.2} … {:.2} over {ROUNDS} rounds)",
            middle.1, middle.2, middle.0, low.0, high.0
        );
    }
}
