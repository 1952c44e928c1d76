//! What the journal promised before a `kill -9` is there after it.

use crate::bench::*;
use bytes::Bytes;
use qaqpa::config::settings::Store;
use qaqpa::journal::entry::EntryId;
use qaqpa::journal::{Journal, Listing};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const STORE: &str = "QAQPA_TEST_CRASH_STORE";
const MASTER: &str = "QAQPA_TEST_CRASH_MASTER";
/// Promises after which the child is killed.
const PROMISES: usize = 400;

pub(crate) async fn what_was_fresh_survives_a_kill(bench: &Bench) {
    let store = match &bench.settings.store {
        Store::Embedded { path } => path.display().to_string(),
        Store::Postgres { url, .. } => url.to_string(),
    };
    let master = bench.folder.path().join("crash-master");
    std::fs::write(&master, [7; 32]).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::life_that_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(STORE, store)
        .env(MASTER, &master)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut promised: Vec<String> = lines.by_ref().take(PROMISES).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    promised.extend(lines);

    let mut settings = bench.settings.clone();
    settings.master_key_file = Some(master);
    let journal = Journal::start(&settings, "node-1").await.unwrap();
    let (mut fresh, mut closed) = (0, 0);
    for line in &promised {
        let mut words = line.split(' ');
        let (kind, id) = (words.next(), words.next().and_then(|id| id.parse::<EntryId>().ok()));
        let Some(id) = id else { continue };
        let record = journal.entry(id).await.unwrap().expect("a promised entry");
        let end = record.closed.expect("every entry has an end after a start");
        match kind {
            Some("fresh") => fresh += 1,
            Some("closed") => {
                closed += 1;
                assert_eq!(end.outcome, "Done");
            }
            _ => panic!("{line}"),
        }
    }
    assert!(fresh > 100 && closed > 50, "{fresh} fresh, {closed} closed");
    let reader = qaqpa::journal::Reader::new(&settings.store).unwrap();
    assert!(reader.list(Listing::Open, 10).await.unwrap().is_empty());
}

/// The child: opens and closes calls and says so, until it is killed.
#[tokio::test]
#[ignore = "run by what_was_fresh_survives_a_kill"]
async fn life_that_is_killed() {
    let Ok(store) = std::env::var(STORE) else { return };
    let mut settings = Bench::embedded().settings;
    settings.master_key_file = Some(PathBuf::from(std::env::var(MASTER).unwrap()));
    settings.store = match store.starts_with("postgres://") {
        true => postgres_store(&store),
        false => Store::Embedded { path: store.into() },
    };
    let journal = Journal::start(&settings, "node-1").await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..16 {
        let journal = journal.clone();
        callers.spawn(async move {
            loop {
                let opened = own_call();
                journal.open(opened.clone(), payment()).await.unwrap();
                say("fresh", opened.id);
                // Some stay open: those are the calls under way when the end comes.
                if caller % 4 > 0 {
                    let answer = Bytes::from(opened.id.to_string());
                    journal.close(answered(&opened, &answer)).await.unwrap();
                    say("closed", opened.id);
                }
            }
        });
    }
    callers.join_all().await;
}

fn say(what: &str, id: EntryId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {id}").and_then(|()| out.flush()).unwrap();
}
