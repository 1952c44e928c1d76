//! Large bodies through a gateway that is a process of its own: memory, digests, kill -9, and Python.

use crate::caller::until;
use crate::line::{Line, answer, ask, dial};
use crate::office::Office;
use crate::served::Served;
use crate::support::{Entry, Ground, Plan, entry_in, pair_in};
use crate::wire::{Digest, header, sha256};
use qaqpa::journal::Journal;
use serde_json::Value;
use std::path::PathBuf;

const LARGE_BYTES: u64 = 100 << 20;
const EXTRA_KIB_MAX: u64 = 8 << 10;

/// Answers a write with the digest of its body, and a read with as many bytes as its name says.
async fn office() -> Office {
    Office::open(|mut visitor| async move {
        while let Some(head) = visitor.head().await {
            let read = visitor.wire.body(&head, false).await;
            if !read.is_whole {
                return;
            }
            let name = head.split([' ', '/']).nth(4).unwrap().to_owned();
            let Ok(bytes) = name.parse::<u64>() else {
                visitor.answer(&read.sha256).await;
                continue;
            };
            visitor.wire.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let mut left = bytes;
            while left > 0 {
                let piece = pattern(left.min(50_000));
                visitor.wire.say(format!("{:x}\r\n", piece.len())).await;
                visitor.wire.say(&piece).await;
                visitor.wire.say("\r\n").await;
                left -= piece.len() as u64;
            }
            visitor.wire.say("0\r\n\r\n").await;
        }
    })
    .await
}

fn pattern(bytes: u64) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

/// What the pieces of so many bytes amount to.
fn sha256_of(bytes: u64) -> String {
    let (mut digest, mut left) = (Digest::default(), bytes);
    while left > 0 {
        let piece = pattern(left.min(50_000));
        digest.take(&piece);
        left -= piece.len() as u64;
    }
    digest.end(true).sha256
}

struct House {
    ground: Ground,
    served: Served,
}

impl House {
    async fn start(office: &Office) -> Self {
        let ground = Ground::lay(&Plan { services: office.services(""), ..Plan::default() }).await;
        let served = Served::start(&ground).await;
        Self { ground, served }
    }

    async fn line(&self) -> Line {
        dial(&self.ground.state.path().join("pki"), &self.served.callers[0], "portal").await
    }

    /// The largest resident memory so far, KiB.
    fn peak_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.served.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Ends the gateway and reads its journal.
    async fn entries(self, ids: &[&str]) -> Vec<Entry> {
        self.served.signal("TERM");
        assert!(self.served.ended().await.status.success());
        let settings = self.ground.settings();
        let journal = Journal::start(&settings.journal, &settings.node.id).await.unwrap();
        let mut entries = Vec::new();
        for id in ids {
            entries.push(entry_in(&journal, id).await);
        }
        entries
    }
}

async fn upload(line: &mut Line, bytes: u64) -> crate::line::Answer {
    let head =
        format!("POST /office/files/a HTTP/1.1\r\nhost: g\r\ncontent-length: {bytes}\r\n\r\n");
    line.say(head).await;
    let mut left = bytes;
    while left > 0 {
        let piece = pattern(left.min(50_000));
        assert!(line.say(&piece).await);
        left -= piece.len() as u64;
    }
    answer(line, false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_mebibytes_pass_each_way_in_eight_mebibytes_and_the_journal_has_their_digests() {
    let office = office().await;
    let house = House::start(&office).await;
    let mut line = house.line().await;
    // Everything that is made at the first call is there.
    upload(&mut line, 200_000).await;
    ask(&mut line, "GET /office/files/200000", "", b"").await;
    let before_kib = house.peak_kib();
    let expected = sha256_of(LARGE_BYTES);
    let up = upload(&mut line, LARGE_BYTES).await;
    assert_eq!(up.body.first, expected.as_bytes(), "what the agency got");
    let down = ask(&mut line, &format!("GET /office/files/{LARGE_BYTES}"), "", b"").await;
    assert_eq!(
        (down.body.bytes, &down.body.sha256, down.body.is_whole),
        (LARGE_BYTES, &expected, true)
    );
    let extra_kib = house.peak_kib().saturating_sub(before_kib);
    assert!(extra_kib <= EXTRA_KIB_MAX, "{extra_kib} KiB more than the {before_kib} before");
    let entries = house.entries(&[up.entry(), down.entry()]).await;
    assert_eq!(entries[0].line(), "Done");
    assert_eq!(entries[0].closed.body_bytes, Some(100 << 20));
    assert_eq!(entries[0].closed.body_digest, Some(expected.clone()));
    assert_eq!(entries[0].closed.agency_digest, Some(sha256(expected.as_bytes())));
    assert_eq!(entries[1].closed.answer_bytes, 100 << 20);
    assert_eq!(entries[1].closed.answer_digest, Some(expected.clone()));
    assert_eq!(entries[1].closed.agency_digest, Some(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_mid_stream_leaves_an_entry_that_says_unknown() {
    let office = office().await;
    let mut house = House::start(&office).await;
    let mut line = house.line().await;
    let head = "POST /office/files/a HTTP/1.1\r\nhost: g\r\ncontent-length: 9000000\r\n\r\n";
    line.say([head.as_bytes(), &[b'x'; 500_000]].concat()).await;
    until("the agency was asked", || !office.heads().is_empty()).await;
    let id = header(&office.heads()[0], "qaqpa-entry").unwrap().to_owned();
    house.served.child.kill().unwrap();
    house.served.child.wait().unwrap();
    house.served = Served::start(&house.ground).await;
    let entries = house.entries(&[&id]).await;
    let closed = &entries[0].closed;
    assert_eq!(
        (&*closed.outcome, &*closed.evidence, closed.needs_evidence),
        ("Unknown", "interrupted", true)
    );
    assert_eq!(closed.body_digest, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn python_streams_through_it() {
    let office = office().await;
    let house = House::start(&office).await;
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/tools/venv/bin/python3");
    assert!(python.is_file(), "{} is missing: run `make tools`", python.display());
    let pki = house.ground.state.path().join("pki");
    let pair = pair_in(&pki, "portal");
    let mut command = std::process::Command::new(python);
    command.arg(root.join("tests/clients/requests_stream.py")).arg(&house.served.callers[0]);
    command.args([&pki.join("root.pem"), &pair.cert_pem, &pair.key_pem]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["sent_sha256"], told["answered_sha256"], "{told}");
    assert_eq!(told["read_bytes"], 8_000_000, "{told}");
    assert_eq!(told["read_sha256"], sha256_of(8_000_000), "{told}");
    assert_eq!(told["forbidden"], 404, "{told}");
    let entries = house.entries(&[told["entry"].as_str().unwrap()]).await;
    assert_eq!(entries[0].closed.body_digest.as_deref(), told["sent_sha256"].as_str());
}
