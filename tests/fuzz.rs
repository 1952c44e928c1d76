//! Mutated inputs for everything that reads strangers' bytes: no panic, no slowness, nothing accepted that libxml2 refuses.
//!
//! `make test` tries some thousand inputs a target; `make fuzz` as many as one likes, in a release build.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on must fail"
)]

#[path = "signatures/documents.rs"]
mod documents;

mod fuzz {
    pub(crate) mod mutate;
    pub(crate) mod seeds;
    pub(crate) mod targets;
}

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use documents::Dice;
use fuzz::mutate::mutated;
use fuzz::seeds::Seeds;
use fuzz::targets::{TARGETS, Target};
use qaqpa_kit::xml::{Document, Limits};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Inputs a target in one run of `make test`; `make fuzz` sets more.
fn inputs_count() -> u64 {
    let set = std::env::var("QAQPA_FUZZ_INPUTS").ok();
    set.map_or(1500, |count| count.parse().expect("a number"))
}

/// Longest that one input may take; a build for tests is ten times slower than a release.
const PATIENCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2000 } else { 100 });

/// How long this thread has run so far (proc_pid_schedstat(5): nanoseconds on a processor come first).
fn on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let nanos = told.split(' ').next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.expect("a number"))
}

/// Where an input that did harm is kept.
fn kept(target: &str, input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    std::fs::create_dir_all(&folder).expect("folder");
    let path = folder.join(format!("{target}.input"));
    std::fs::write(&path, input).expect("file");
    path
}

/// What a target made of its inputs: the shortest input of each word, and how many were taken.
fn run(target: &Target, seeds: &[Vec<u8>], count: u64) -> (u64, BTreeMap<String, Vec<u8>>) {
    let (mut accepted, mut shortest) = (0, BTreeMap::<String, Vec<u8>>::new());
    for seed in 0..count {
        let mut dice =
            Dice::new(seed.wrapping_mul(31).wrapping_add(u64::from(target.name.as_bytes()[0])));
        let input = mutated(seeds, &mut dice);
        let began = Instant::now();
        let found = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        let took = began.elapsed();
        match found {
            Ok(word) => {
                accepted += u64::from(word.is_empty());
                if shortest.get(&word).is_none_or(|known| known.len() > input.len()) {
                    shortest.insert(word, input.clone());
                }
            }
            Err(_) => panic!(
                "{}: input {seed} panics: {}",
                target.name,
                kept(target.name, &input).display()
            ),
        }
        // A machine that is busy elsewhere may have stopped us: only our own time counts.
        if took > PATIENCE {
            let before = on_processor();
            (target.run)(&input);
            let took = on_processor() - before;
            let kept = kept(target.name, &input);
            assert!(took <= PATIENCE, "{}: {took:?}: {}", target.name, kept.display());
        }
    }
    (accepted, shortest)
}

/// The corpus: for each target and each word that it says, the shortest input that made it say so.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

/// Adds what was found to the corpus, as `make fuzz-corpus` asks.
fn keep(target: &Target, shortest: &BTreeMap<String, Vec<u8>>) {
    let folder = corpus().join(target.name);
    std::fs::create_dir_all(&folder).expect("folder");
    for (word, input) in shortest {
        let path = folder.join(if word.is_empty() { "taken" } else { word });
        if std::fs::read(&path).map_or(true, |known| known.len() > input.len()) {
            std::fs::write(path, input).expect("file");
        }
    }
}

#[test]
fn every_input_of_the_corpus_is_judged_as_it_was() {
    let mut bytes = 0;
    for target in &TARGETS {
        let files = std::fs::read_dir(corpus().join(target.name)).expect("the corpus");
        let mut paths: Vec<_> = files.map(|file| file.expect("file").path()).collect();
        paths.sort();
        assert!(paths.len() >= 3, "{}: {} inputs are left", target.name, paths.len());
        for path in paths {
            let input = std::fs::read(&path).expect("input");
            bytes += input.len();
            let name = path.file_name().expect("a word").to_string_lossy().into_owned();
            let expected = if name == "taken" { "" } else { &*name };
            assert_eq!((target.run)(&input), expected, "{}", path.display());
        }
    }
    assert!(bytes <= 300_000, "the corpus has {bytes} bytes");
}

#[test]
fn no_input_makes_a_reader_panic_or_dawdle() {
    let seeds = Seeds::make();
    let count = inputs_count();
    for target in &TARGETS {
        let (accepted, shortest) = run(target, seeds.of(target.name), count);
        if std::env::var_os("QAQPA_FUZZ_KEEP").is_some() {
            keep(target, &shortest);
        }
        println!("{}: {count} inputs, {accepted} accepted", target.name);
        assert!(accepted < count, "{} refuses nothing", target.name);
    }
}

/// A document that we take and libxml2 does not is the beginning of two readings.
#[test]
fn what_we_accept_as_xml_libxml2_accepts_too() {
    let seeds = Seeds::make();
    let seeds = seeds.of("xml");
    let count = inputs_count();
    let (mut accepted, mut batch) = (0, Vec::new());
    for seed in 0..count {
        let mut dice = Dice::new(seed.wrapping_add(77));
        let input = mutated(seeds, &mut dice);
        if Document::scan(&input, &Limits::default()).is_ok() {
            accepted += 1;
            batch.push(input);
        }
        if batch.len() == 20_000 {
            judge(&std::mem::take(&mut batch));
        }
    }
    judge(&batch);
    println!("{count} inputs, {accepted} accepted by both");
    assert!(accepted > count / 100, "{accepted} of {count} were documents at all");
}

fn judge(batch: &[Vec<u8>]) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target");
    let python = target.join("tools/venv/bin/python");
    assert!(python.exists(), "{} is missing; run `make tools`", python.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/accepts.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    let mut stdin = child.stdin.take().expect("stdin");
    let lines: String = batch.iter().map(|one| STANDARD.encode(one) + "\n").collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("output");
    drop(writer.join());
    let said = String::from_utf8(output.stdout).expect("words");
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said.len(), batch.len());
    for (input, verdict) in batch.iter().zip(said) {
        let kept = || kept("xml", input).display().to_string();
        assert_eq!(verdict, "yes", "libxml2 refuses what we accept: {}", kept());
    }
}
