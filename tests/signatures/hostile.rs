//! Every way of bending a signature is refused, each for its own reason.

use crate::signatures::corpus::{Case, corpus, once};
use crate::signatures::forge::judge;
use crate::signatures::hostile_wrapping::moved_bodies;
use crate::signatures::oracles::{folder, write, xmlsec1_verifies};
use crate::signatures::pki::PKI;
use std::collections::BTreeMap;
use std::process::Command;

/// Every case is refused for its reason; the corpus is not smaller than it was.
fn hold(cases: Vec<Case>, count_min: usize) {
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        *by_reason.entry(case.reason).or_default() += 1;
        match judge(&case.document) {
            Err(reason) if reason == case.reason => {}
            Err(reason) => wrong.push(format!("{}: {reason}, not {}", case.name, case.reason)),
            Ok(_) => wrong.push(format!("{}: ACCEPTED, not {}", case.name, case.reason)),
        }
    }
    println!("{} cases: {by_reason:?}", cases.len());
    let first: Vec<_> = wrong.iter().take(40).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), first.join("\n"));
    assert!(cases.len() >= count_min, "{} cases are left", cases.len());
}

#[test]
fn every_hostile_message_is_refused_for_its_reason_in_every_setting() {
    hold(corpus(), 5_000);
}

/// Neither a socket nor a file but the message itself is opened, whatever the message says.
#[test]
fn no_hostile_message_opens_a_socket_or_a_file() {
    let folder = folder();
    let mut files = Vec::new();
    for (index, case) in once().enumerate() {
        files.push(write(folder.path(), &format!("{index}.xml"), &case.document));
    }
    let trace = folder.path().join("trace");
    let output = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=open,openat,openat2,creat,socket,connect,execve,clone,fork",
        ])
        .arg("-o")
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_qaqpa"))
        .args(["verify", "--signature-only", "--json"])
        .args(&files)
        .output()
        .expect("strace; run `make tools`");
    let told = String::from_utf8_lossy(&output.stdout).lines().count();
    assert_eq!(told, files.len(), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = std::fs::read_to_string(trace).expect("trace");
    let ours = folder.path().display().to_string();
    let is_expected = |line: &&str| {
        line.contains(&ours)
            || ["ld.so.cache", "/lib/", ".so", "execve(", "/proc/", "/sys/", "+++", "---"]
                .iter()
                .any(|word| line.contains(word))
    };
    let strays: Vec<&str> = trace.lines().filter(|line| !is_expected(line)).collect();
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}

/// The attacks are real: a tool that only asks whether a signature is valid accepts them.
#[test]
fn a_moved_body_is_validly_signed_all_the_same() {
    let moved = moved_bodies().into_iter().filter(|case| case.reason == "ref_target_not_body");
    for case in moved.take(3) {
        let (is_valid, messages) = xmlsec1_verifies(&case.document, &PKI.rsa.cert_pem);
        assert!(is_valid, "{}: {messages}", case.name);
    }
}
