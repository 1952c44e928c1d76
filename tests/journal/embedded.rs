//! What only the SQLite file can go through: other processes, a full disk, strange contents.

use crate::bench::*;
use qaqpa::config::settings::Store;
use qaqpa::journal::entry::{Closed, Opened, Opening, SameCall};
use qaqpa::journal::{Journal, JournalError, Why};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

fn path(bench: &Bench) -> PathBuf {
    match &bench.settings.store {
        Store::Embedded { path } => path.clone(),
        Store::Postgres { .. } => panic!("a test of the embedded store"),
    }
}

#[tokio::test]
async fn a_file_that_another_gateway_holds_is_refused_by_name() {
    let bench = Bench::embedded();
    let journal = bench.start().await;
    match Journal::start(&bench.settings, "node-2").await.err() {
        Some(error @ JournalError::Held(_)) => {
            assert!(error.to_string().contains("journal.sqlite"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    journal.drain(soon()).await.unwrap();
    bench.start_node("node-2").await;
}

#[tokio::test]
async fn a_file_that_is_no_journal_is_refused_by_name_and_left_as_it_is() {
    let bench = Bench::embedded();
    std::fs::write(path(&bench), b"a letter, not a journal; ".repeat(100)).unwrap();
    let error = Journal::start(&bench.settings, "node-1").await.err().unwrap().to_string();
    assert!(error.contains("journal.sqlite") && error.contains("not a database"), "{error}");
    assert!(std::fs::read(path(&bench)).unwrap().starts_with(b"a letter"));
}

#[tokio::test]
async fn a_journal_of_a_newer_gateway_is_not_touched() {
    let bench = Bench::embedded();
    bench.start().await.drain(soon()).await.unwrap();
    bench.sql("INSERT INTO schema_version VALUES (99, 0)").unwrap();
    let error = Journal::start(&bench.settings, "node-1").await.err().unwrap();
    assert!(matches!(error, JournalError::TooNew { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn each_call_that_is_opened_forgets_what_has_expired() {
    let bench = Bench::embedded();
    let journal = bench.start().await;
    let past = SameCall { expires_at_us: now_us() - 1, ..payment() };
    for number in 1..=10 {
        let opened = open(&journal, call(number), past, "fresh").await;
        journal.close(answered(&opened, b"done")).await.unwrap();
    }
    assert_eq!((bench.count("entry_opened"), bench.count("call_key")), (10, 1));
}

#[tokio::test]
async fn a_locked_file_is_down_within_a_second_and_works_again_when_it_is_free() {
    let bench = Bench::embedded();
    let journal = bench.start().await;
    let paid = open(&journal, call(1), payment(), "fresh").await;
    let other = rusqlite::Connection::open(path(&bench)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 2..6 {
        let begun = Instant::now();
        let down = journal.open(call(number), payment()).await.unwrap_err();
        assert_eq!(down.why, Why::Busy, "{down}");
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    assert!(!journal.is_ready());
    let late = journal.close(answered(&paid, b"done")).await.unwrap_err();
    assert_eq!(late.why, Why::Slow);
    other.execute_batch("ROLLBACK").unwrap();
    eventually(async || journal.is_ready()).await;
    open(&journal, call(1), payment(), "stored").await;
    open(&journal, call(2), payment(), "fresh").await;
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_down_until_it_is_back_and_never_made_anew() {
    let bench = Bench::embedded();
    let journal = bench.start().await;
    open(&journal, call(1), payment(), "fresh").await;
    let (path, away) = (path(&bench), bench.folder.path().join("away"));
    std::fs::rename(&path, &away).unwrap();
    let down = journal.open(call(2), payment()).await.unwrap_err();
    assert!(down.why == Why::Broken && down.cause.contains("moved or removed"), "{down}");
    assert!(!path.exists());
    std::fs::rename(&away, &path).unwrap();
    eventually(async || journal.is_ready()).await;
    open(&journal, call(1), payment(), "in flight").await;
    open(&journal, call(2), payment(), "fresh").await;
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let mut bench = Bench::embedded();
    bench.settings.store = Store::Embedded { path: bench.folder.path().join("no/such/folder") };
    let error = Journal::start(&bench.settings, "node-1").await.err().unwrap().to_string();
    assert!(error.contains("no/such/folder"), "{error}");
}

/// A disk of its own, so small that it fills at once.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
            .arg(folder)
            .status();
        mount.is_ok_and(|status| status.success()).then(|| Self(folder.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().expect("umount");
    }
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_opened_all_that_was_is_closed_and_space_heals_it() {
    let mut bench = Bench::embedded();
    let Some(_disk) = Disk::mount(bench.folder.path()) else {
        eprintln!("not run: only root can mount a small disk");
        return;
    };
    let filler = bench.folder.path().join("filler");
    std::fs::write(&filler, vec![1; 16 << 20]).unwrap();
    bench.settings.reserve_bytes = 8 << 20;
    let journal = bench.start().await;
    let request = bytes::Bytes::from(noise(32_000));
    let mut opened = Vec::new();
    let down = loop {
        let call = Opened { request: request.clone(), ..own_call() };
        match journal.open(call.clone(), payment()).await {
            Ok(Opening::Fresh) => opened.push(call),
            Ok(other) => panic!("{other:?}"),
            Err(down) => break down,
        }
    };
    assert_eq!(down.why, Why::Full, "{down}");
    assert!(opened.len() > 20);
    for call in &opened {
        journal.close(answered(call, b"done")).await.unwrap();
    }
    let down = journal.open(own_call(), payment()).await.unwrap_err();
    assert_eq!(down.why, Why::Full);
    assert!(!journal.is_ready());
    std::fs::remove_file(&filler).unwrap();
    eventually(async || journal.is_ready()).await;
    let again = open(&journal, own_call(), payment(), "fresh").await;
    journal.close(Closed { ..answered(&again, b"done") }).await.unwrap();
    assert_eq!(bench.count("entry_closed WHERE outcome = 'Done'"), opened.len() + 1);
    assert_eq!(bench.count("entry_opened"), bench.count("entry_closed"));
    journal.drain(soon()).await.unwrap();
}
