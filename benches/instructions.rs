//! Instructions of the steps of a call, as callgrind counts them: a gate that no busy machine disturbs.
//!
//! Each step runs in a child of this program under valgrind; what a pass costs is compared with
//! `benches/instructions.toml`. More than 3 % away is an error: find out why, or write the new counts with
//! `--write` and say why in the commit. Public-key operations are not among the steps: valgrind knows no
//! AVX-512, and they are not ours. The last two steps find, identify and admit the same call among a dozen
//! of services, then among 10 000 services and 2 000 participants; the second may cost 3 % more.
//!
//! `make instructions`; needs valgrind.

#[path = "steps/crowd.rs"]
mod crowd;
#[path = "steps/messages.rs"]
mod messages;

use crowd::Crowd;
use messages::{Fallible, message, signers};
use qaqpa::channel::Face;
use qaqpa::channel::sync::{Message, scan};
use qaqpa::proxy::dedupe::call_key;
use qaqpa::proxy::guard::{Guard, Step};
use qaqpa::sign::wsse;
use qaqpa_kit::xml::Limits;
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const PASSES: u32 = 200;
/// How far a count may be from the one that was written, in parts of it.
const TOLERANCE: f64 = 0.03;
const COUNTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");
const STEPS: [&str; 7] = [
    "guard_head",
    "scan_3_kb",
    "scan_20_kb",
    "read_envelope",
    "call_key",
    "find_among_few",
    "find_among_10_000",
];

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--step", step, folder, ..] => pass(step, Path::new(folder)),
        all => gate(all.contains(&"--write")),
    }
}

/// Counts every step and compares.
fn gate(is_written: bool) -> Fallible<()> {
    let folder = tempfile::tempdir()?;
    prepare(folder.path())?;
    let known: BTreeMap<String, u64> = match fs::read_to_string(COUNTS) {
        Ok(text) if !is_written => toml::from_str(&text)?,
        _ => BTreeMap::new(),
    };
    let (mut counted, mut drifted) = (BTreeMap::new(), Vec::new());
    for step in STEPS {
        let count = count(step, folder.path())?;
        let before = known.get(step).copied();
        let change = before.map(|before| of(count) / of(before) - 1.0);
        let said = change.map_or_else(|| "new".to_owned(), |by| format!("{:+.1} %", by * 100.0));
        println!("{step:<20}{count:>12} instructions a pass  {said}");
        if !is_written && change.is_none_or(|by| by.abs() > TOLERANCE) {
            drifted.push(step);
        }
        counted.insert(step, count);
    }
    let found = |step| counted.get(step).copied().map_or(f64::NAN, of);
    let crowd = found("find_among_10_000") / found("find_among_few") - 1.0;
    println!("10 000 services and 2 000 participants: {:+.1} %", crowd * 100.0);
    if crowd.is_nan() || crowd > TOLERANCE {
        return Err("finding a call among many costs too much more".into());
    }
    if is_written {
        let head = "# Instructions of a pass, counted by callgrind; written by `make instructions-write`.\n";
        return Ok(fs::write(COUNTS, [head, &toml::to_string(&counted)?].concat())?);
    }
    if drifted.is_empty() { Ok(()) } else { Err(format!("changed: {}", drifted.join(", ")).into()) }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn of(count: u64) -> f64 {
    count as f64
}

/// What a child's passes cost, each. Callgrind counts from the child's "ready" to its "done".
fn count(step: &str, folder: &Path) -> Fallible<u64> {
    let output = folder.join(format!("{step}.callgrind"));
    let mut child = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind", "--instr-atstart=no"])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(std::env::current_exe()?)
        .args(["--step", step])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| format!("valgrind: {cause}; make instructions installs it"))?;
    let (Some(mut told), Some(said)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no pipes".into());
    };
    let (id, mut said) = (child.id().to_string(), BufReader::new(said).lines());
    for (word, switch) in [("ready", "on"), ("done", "off")] {
        if said.next().transpose()?.as_deref() != Some(word) {
            return Err(format!("{step} ended before it was {word}: {}", child.wait()?).into());
        }
        let switched = Command::new("callgrind_control").args(["-i", switch, &id]).output()?;
        if !switched.status.success() {
            return Err(format!("callgrind_control: {}", switched.status).into());
        }
        told.write_all(b"\n")?;
    }
    child.wait()?;
    let totals = fs::read_to_string(&output)?;
    let totals =
        totals.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("no totals")?;
    Ok(totals.trim().parse::<u64>()? / u64::from(PASSES))
}

/// Makes what the children read, at full speed.
fn prepare(folder: &Path) -> Fallible<()> {
    let [(_, signer), _] = signers(folder)?;
    for (name, bytes) in [("3", 2 << 10), ("20", 20 << 10)] {
        fs::write(folder.join(name), wsse::sign(&message(bytes), &signer)?)?;
    }
    crowd::write(&folder.join("few"), 0, 0)?;
    crowd::write(&folder.join("many"), 10_000, 2_000)
}

/// Runs one step, as a child under valgrind.
fn pass(step: &str, folder: &Path) -> Fallible<()> {
    let read = |name: &str| fs::read(folder.join(name));
    let limits = Limits::default();
    match step {
        "guard_head" => {
            let head = b"POST /bip-sync-wss-gost/ HTTP/1.1\r\nHost: gateway.example.kz\r\n\
                Content-Type: text/xml; charset=utf-8\r\nSOAPAction: \"\"\r\n\
                Connection: keep-alive\r\nContent-Length: 0\r\n\r\n";
            measured(&mut || {
                let step = Guard::new(16 << 10, 64).feed(black_box(head));
                assert!(matches!(step, Ok(Step::Pass(_) | Step::End(_))));
            })
        }
        "scan_3_kb" | "scan_20_kb" => {
            let message = read(if step == "scan_3_kb" { "3" } else { "20" })?;
            measured(&mut || assert!(scan(black_box(&message), &limits).is_ok()))
        }
        "read_envelope" | "call_key" => {
            let message = read("3")?;
            let document = scan(&message, &limits).map_err(|fault| fault.public_line())?;
            if step == "read_envelope" {
                return measured(&mut || assert!(Message::read(black_box(&document)).is_ok()));
            }
            let read = Message::read(&document).map_err(|fault| fault.public_line())?;
            measured(&mut || {
                black_box(call_key(Face::Sync, black_box(&read.request), &message));
            })
        }
        "find_among_few" | "find_among_10_000" => {
            let name = if step == "find_among_few" { "few" } else { "many" };
            let crowd = Crowd::load(&folder.join(name))?;
            measured(&mut || assert!(crowd.find().is_ok()))
        }
        other => Err(format!("unknown step {other}").into()),
    }
}

/// Lets the parent begin the count, runs, and lets it end.
fn measured(step: &mut dyn FnMut()) -> Fallible<()> {
    // Not counted: what is made only once.
    step();
    let mut line = String::new();
    println!("ready");
    std::io::stdin().read_line(&mut line)?;
    for _ in 0..PASSES {
        step();
    }
    println!("done");
    std::io::stdin().read_line(&mut line)?;
    Ok(())
}
