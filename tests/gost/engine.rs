//! openssl's GOST engine as the second implementation: what one signs the other verifies, corrupted or not.
//!
//! The engine names Russian OIDs and writes s‖r, most significant byte first: its bytes turned around as
//! one block are the НУЦ's.

use crate::gost::pki::{ALL, Dice};
use qaqpa::sign::algorithm::SignatureAlgorithm;
use qaqpa::sign::gost::{PublicKey, SecretKey};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Signatures each way; `make gost` asks for 10 000.
fn signature_count() -> usize {
    std::env::var("QAQPA_GOST_SIGNATURES").map_or(300, |count| count.parse().expect("a number"))
}

/// Signatures by one key.
const SIGNATURES_PER_KEY: usize = 10;

pub(crate) struct Engine {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Engine {
    pub(crate) fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let library = library(&root.join("target/tools/unpacked/gost-engine"));
        let mut child = Command::new("python3")
            .arg(root.join("tests/clients/gost_engine.py"))
            .arg(library.expect("the GOST engine: `make tools`"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let stdin = child.stdin.take().expect("stdin");
        let stdout = BufReader::new(child.stdout.take().expect("stdout"));
        Self { child, stdin, stdout }
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        writeln!(self.stdin, "{line}").expect("the engine reads");
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).expect("the engine answers");
        assert!(!answer.is_empty(), "the engine died at {line}");
        answer.trim_end().to_owned()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `gost.so` somewhere below a folder.
fn library(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    entries.into_iter().find_map(|path| match path.is_dir() {
        true => library(&path),
        false => (path.file_name()? == "gost.so").then_some(path),
    })
}

pub(crate) use qaqpa_kit::hex::lower as hex;

pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    qaqpa_kit::hex::bytes(digits).expect("hexadecimal")
}

/// The engine's order from ours, and ours from the engine's.
pub(crate) fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

fn flipped(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let bit = dice.roll(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// The engine refuses digests of the wrong curve's length by itself; these are of the right one.
fn digest(algorithm: SignatureAlgorithm, dice: &mut Dice) -> Vec<u8> {
    let length = if algorithm == SignatureAlgorithm::Gost2015x512 { 64 } else { 32 };
    (0..length).map(|_| u8::try_from(dice.roll(256)).unwrap_or(0)).collect()
}

#[test]
fn we_verify_what_the_engine_signs_and_refuse_what_was_changed() {
    let (mut engine, mut dice) = (Engine::start(), Dice::new(1));
    for number in 0..signature_count().div_ceil(SIGNATURES_PER_KEY) {
        let algorithm = ALL[number % ALL.len()];
        let kind = algorithm.family().word();
        let key = engine.ask(&format!("new {kind}"));
        let public = PublicKey::parse(algorithm, &bytes(&key)).expect("the engine's key");
        // Its first verifications do without tables, the others have them.
        for _ in 0..SIGNATURES_PER_KEY {
            let digest = digest(algorithm, &mut dice);
            let signature = turned(&bytes(&engine.ask(&format!("sign {kind} {}", hex(&digest)))));
            assert!(public.verify_digest(&digest, &signature), "{kind} {key} {}", hex(&signature));
            assert!(!public.verify_digest(&digest, &flipped(&signature, &mut dice)));
            assert!(!public.verify_digest(&flipped(&digest, &mut dice), &signature));
        }
    }
}

#[test]
fn the_engine_verifies_what_we_sign_and_refuses_what_was_changed() {
    let (mut engine, mut dice) = (Engine::start(), Dice::new(2));
    for number in 0..signature_count() {
        let algorithm = ALL[number / SIGNATURES_PER_KEY % ALL.len()];
        let kind = algorithm.family().word();
        let key = SecretKey::generate(algorithm).expect("a key");
        let public = key.public_octets().expect("a public key");
        assert_eq!(engine.ask(&format!("key {kind} {}", hex(&public))), "ok");
        let digest = digest(algorithm, &mut dice);
        let signature = key.sign_digest(&digest).expect("a signature");
        let mut says = |digest: &[u8], signature: &[u8]| {
            engine.ask(&format!("verify {kind} {} {}", hex(digest), hex(&turned(signature))))
        };
        assert_eq!(says(&digest, &signature), "1", "{kind} {}", hex(&signature));
        assert_eq!(says(&digest, &flipped(&signature, &mut dice)), "0");
        assert_eq!(says(&flipped(&digest, &mut dice), &signature), "0");
    }
}

/// All bits are for `make gost`; the units change some of each.
#[test]
fn no_bit_of_anything_that_is_verified_can_change() {
    let step = if signature_count() >= 10_000 { 1 } else { 97 };
    for algorithm in ALL {
        let key = SecretKey::generate(algorithm).expect("a key");
        let octets = key.public_octets().expect("a public key");
        let public = key.public().expect("a public key");
        assert!(public.prepare());
        let mut dice = Dice::new(3);
        let digest = digest(algorithm, &mut dice);
        let signature = key.sign_digest(&digest).expect("a signature");
        let changed = |bytes: &[u8], bit: usize| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        for bit in (0..signature.len() * 8).step_by(step) {
            assert!(
                !public.verify_digest(&digest, &changed(&signature, bit)),
                "{algorithm:?} {bit}"
            );
        }
        for bit in (0..digest.len() * 8).step_by(step) {
            assert!(
                !public.verify_digest(&changed(&digest, bit), &signature),
                "{algorithm:?} {bit}"
            );
        }
        for bit in (0..octets.len() * 8).step_by(step) {
            let other = PublicKey::parse(algorithm, &changed(&octets, bit));
            let is_refused = other.is_none_or(|key| !key.verify_digest(&digest, &signature));
            assert!(is_refused, "{algorithm:?} {bit}");
        }
    }
}
