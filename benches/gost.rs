//! The country's signatures beside openssl's GOST engine: one digest, alternating, the best of many rounds.

#[path = "peers/axis.rs"]
mod axis;

use axis::{Axis, Bound};
use qaqpa::sign::algorithm::SignatureAlgorithm;
use qaqpa::sign::gost::{PublicKey, SecretKey};
use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

type Fallible<T> = Result<T, Box<dyn Error>>;

const ALL: [SignatureAlgorithm; 3] = [
    SignatureAlgorithm::Gost2004,
    SignatureAlgorithm::Gost2015x256,
    SignatureAlgorithm::Gost2015x512,
];
/// Turns of us and of the engine.
const TURNS: usize = 6;
const ROUNDS: usize = 15;
const COUNT: u32 = 20;

/// Microseconds of one piece of work, the best of the rounds.
fn best(work: &mut dyn FnMut() -> bool) -> Fallible<f64> {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..COUNT {
            if !black_box(work()) {
                return Err("a signature was refused".into());
            }
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(COUNT));
    }
    Ok(best)
}

/// Signing, verifying with tables, and verifying a key that is seen for the first time.
fn ours(algorithm: SignatureAlgorithm) -> Fallible<[f64; 3]> {
    let key = SecretKey::generate(algorithm).ok_or("no key")?;
    let digest = algorithm.digest().digest(b"one digest");
    let digest = digest.as_ref();
    let octets = key.public_octets().ok_or("no public key")?;
    let signature = key.sign_digest(digest).ok_or("no signature")?;
    let parse = || PublicKey::parse(algorithm, &octets);
    let public = parse().ok_or("no public key")?;
    if !public.prepare() {
        return Err("no room for tables".into());
    }
    let mut new = f64::MAX;
    for _ in 0..ROUNDS {
        // A key has no tables at its first use.
        let keys: Vec<_> = (0..COUNT).filter_map(|_| parse()).collect();
        let start = Instant::now();
        if !keys.iter().all(|key| black_box(key.verify_digest(digest, &signature))) {
            return Err("a signature was refused".into());
        }
        new = new.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(COUNT));
    }
    Ok([
        best(&mut || key.sign_digest(digest).is_some())?,
        best(&mut || public.verify_digest(digest, &signature))?,
        new,
    ])
}

fn library(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    entries.into_iter().find_map(|path| match path.is_dir() {
        true => library(&path),
        false => (path.file_name()? == "gost.so").then_some(path),
    })
}

fn main() -> Fallible<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = library(&root.join("target/tools/unpacked/gost-engine"));
    let mut engine = Command::new("python3")
        .arg(root.join("tests/clients/gost_engine.py"))
        .arg(library.ok_or("the GOST engine is missing: make tools")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| format!("python3: {cause}; make tools"))?;
    let mut asked = engine.stdin.take().ok_or("no pipe")?;
    let mut told = BufReader::new(engine.stdout.take().ok_or("no pipe")?);
    println!("microseconds, best of {} rounds; x = times as fast as the engine", TURNS * ROUNDS);
    println!("{:<14}{:>20}{:>20}{:>20}{:>18}", "", "sign", "known key", "new key", "engine s / v");
    let mut axes = Vec::new();
    for algorithm in ALL {
        let kind = algorithm.family().word();
        let (mut own, mut others) = ([f64::MAX; 3], [f64::MAX; 2]);
        let mut turns = Vec::new();
        for _ in 0..TURNS {
            let mine = ours(algorithm)?;
            own.iter_mut().zip(mine).for_each(|(best, one)| *best = best.min(one));
            writeln!(asked, "speed {kind} {ROUNDS}")?;
            let mut line = String::new();
            told.read_line(&mut line)?;
            let found: Vec<f64> =
                line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
            let &[signed, verified] = &*found else {
                return Err("the engine says no two figures".into());
            };
            turns.push((mine, [signed, verified, verified]));
            for (best, one) in others.iter_mut().zip(found) {
                *best = best.min(one);
            }
        }
        axes.extend(axes_of(kind, &turns));
        let ([sign, known, new], [engine_sign, engine_verify]) = (own, others);
        let cell = |own: f64, other: f64| format!("{own:.0} ({:.2} x)", other / own);
        println!(
            "{kind:<14}{:>20}{:>20}{:>20}{:>18}",
            cell(sign, engine_sign),
            cell(known, engine_verify),
            cell(new, engine_verify),
            format!("{engine_sign:.0} / {engine_verify:.0}"),
        );
    }
    drop(asked);
    engine.wait()?;
    axis::write("gost", &axes)
}

/// Signing at least half as fast as the engine, verifying as fast; 512 bits with tables twice.
fn axes_of(kind: &str, turns: &[([f64; 3], [f64; 3])]) -> Vec<Axis> {
    let known = if kind.contains("512") { 2.0 } else { 1.0 };
    let works = [("signed", 0.5), ("verified, known key", known), ("verified, new key", 1.0)];
    let axis = |(place, (work, floor)): (usize, (&str, f64))| {
        let pair = |(own, engine): &([f64; 3], [f64; 3])| {
            Some((1e6 / own.get(place)?, 1e6 / engine.get(place)?))
        };
        let (name, unit) = (format!("{kind} {work}"), "a core-second");
        let rounds = turns.iter().filter_map(pair).collect();
        Axis::of(name, unit, "openssl's GOST engine", (Bound::RatioAtLeast, floor), rounds)
    };
    works.into_iter().enumerate().map(axis).collect()
}
