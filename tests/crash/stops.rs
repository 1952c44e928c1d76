//! Stores that fill up, lock up, hang or stop under a running gateway: nothing is sent, nothing is lost.

use crate::books::Books;
use crate::callers::{Asked, Caller};
use crate::disk::Disk;
use crate::house::{Gate, House, PAYMENT, READ, is_ready, until};
use crate::judge::Verdict;
use crate::postgres::Cluster;
use qaqpa::command::client::Posted;
use rusqlite::Connection;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};

/// A caller knows within this that its call was not let in.
const REFUSAL_MAX: Duration = Duration::from_secs(1);
/// A store that works again is used again within this.
const RECOVERY_MAX: Duration = Duration::from_secs(3);
const HELD: usize = 4;
const DOWN: Option<&str> = Some("gateway.journal_down");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_process_locks_the_file_nothing_is_sent_and_nothing_lost() {
    let house = House::on_sqlite().await;
    let lock = || {
        let other = Connection::open(&house.scratch.journal).unwrap();
        other.busy_timeout(Duration::from_secs(5)).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        other
    };
    hold_through(&house, lock).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_hangs_or_is_gone_nothing_is_sent_and_nothing_lost() {
    let house = House::on_postgres().await;
    let (cluster, _) = house.database.as_ref().unwrap();
    hold_through(&house, || cluster.freeze()).await;
    hold_through(&house, || Stopped::new(cluster)).await;
}

/// A server that is gone until this is dropped.
struct Stopped<'a>(&'a Cluster);

impl<'a> Stopped<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        cluster.stop_immediately();
        Self(cluster)
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.start_again();
    }
}

/// Holds the gateway to its promises while the store is in `trouble`, until that is dropped.
async fn hold_through<T>(house: &House, trouble: impl Fn() -> T) {
    let gate = house.open().await;
    let caller = Caller::new(house, &gate);
    assert_answered(&caller).await;
    let (paused, held) = hold_payments(house, &caller).await;

    let in_trouble = trouble();
    let refused = ask_in_vain(&caller, &gate).await;
    // What the agency answers now cannot be kept: the caller is not told that all is well.
    drop(paused);
    let held = ended(held).await;
    for (asked, posted) in &held {
        assert_eq!(posted.fault.as_deref(), DOWN, "{}", asked.message_id);
    }
    drop(in_trouble);

    let begun = Instant::now();
    until("the journal works again", async || is_ready(gate.ops)).await;
    assert!(begun.elapsed() < RECOVERY_MAX, "it took {:?}", begun.elapsed());
    assert_answered(&caller).await;
    for (asked, told) in &held {
        let again = caller.post(asked).await.unwrap();
        assert_eq!(
            (again.fault.as_deref(), &again.entry),
            (None, &told.entry),
            "the stored answer"
        );
    }
    settle_accounts(house, &refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_nothing_is_sent_what_was_open_is_closed_and_space_heals_it() {
    let disk = Disk::mount(12);
    let house = House::on_disk(&disk.0).await;
    let gate = house.open().await;
    let caller = Caller::new(&house, &gate);
    assert_answered(&caller).await;
    let (paused, held) = hold_payments(&house, &caller).await;

    let filler = disk.fill();
    // Calls fit as long as the log has room of its own.
    until("the disk is full", async || {
        let asked = caller.ask(READ).await;
        asked.answered.unwrap().0.fault.as_deref() == DOWN
    })
    .await;
    let refused = ask_in_vain(&caller, &gate).await;
    drop(paused);
    for (asked, posted) in ended(held).await {
        assert_eq!(posted.fault, None, "{}: closed on the reserve", asked.message_id);
        let books = Books::read(&house);
        assert_eq!(books.of(&asked.message_id)[0].outcome, "Done");
    }
    ask_in_vain(&caller, &gate).await;

    std::fs::remove_file(filler).unwrap();
    let begun = Instant::now();
    until("there is room again", async || is_ready(gate.ops)).await;
    assert!(begun.elapsed() < RECOVERY_MAX, "it took {:?}", begun.elapsed());
    assert_answered(&caller).await;
    settle_accounts(&house, &refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_killed_as_its_disk_fills_starts_on_the_reserve_and_closes_what_was_open() {
    let disk = Disk::mount(12);
    let house = House::on_disk(&disk.0).await;
    let mut gate = house.open().await;
    let caller = Caller::new(&house, &gate);
    assert_answered(&caller).await;
    let (paused, held) = hold_payments(&house, &caller).await;
    let filler = disk.fill();
    gate.process.kill();
    let mut cut = Vec::new();
    for call in held {
        cut.push(call.await.unwrap());
    }
    drop(paused);

    let gate = house.open_unready().await;
    let caller = Caller::new(&house, &gate);
    let refused = ask_in_vain(&caller, &gate).await;
    let books = Books::read(&house);
    std::fs::remove_file(filler).unwrap();
    until("there is room again", async || is_ready(gate.ops)).await;
    assert_answered(&caller).await;
    for asked in &cut {
        assert!(asked.answered.is_none(), "its gateway was killed");
        let [entry] = books.of(&asked.message_id) else { panic!("one entry: {books:?}") };
        assert!(entry.is_interrupted() && entry.needs_evidence, "{entry:?}");
        let again = caller.post(asked).await.unwrap();
        assert_eq!(again.fault.as_deref(), Some("agency.timeout"));
        assert_eq!(again.entry.unwrap().replace('-', ""), entry.id);
    }
    assert_unsent(&house, &refused);
}

async fn assert_answered(caller: &Caller) {
    for service in [READ, PAYMENT] {
        let (posted, _) = caller.ask(service).await.answered.unwrap();
        assert_eq!(posted.fault, None, "{service}");
    }
}

/// Payments that are open, because their agency answers nobody until the first value is dropped.
async fn hold_payments(house: &House, caller: &Caller) -> (impl Drop, Vec<JoinHandle<Asked>>) {
    let paused = house.pause_agency(PAYMENT);
    let mut held = Vec::new();
    for _ in 0..HELD {
        let caller = caller.clone();
        held.push(tokio::spawn(async move { caller.ask(PAYMENT).await }));
    }
    until("the payments are open", async || {
        Books::read(house).all().filter(|entry| entry.is_open()).count() == HELD
    })
    .await;
    (paused, held)
}

async fn ended(held: Vec<JoinHandle<Asked>>) -> Vec<(Asked, Posted)> {
    let mut all = Vec::new();
    for call in held {
        let mut asked = call.await.unwrap();
        let (posted, _) = asked.answered.take().expect("an answer");
        all.push((asked, posted));
    }
    all
}

/// Calls that must all be refused, soon and for the journal's sake; their messageIds.
async fn ask_in_vain(caller: &Caller, gate: &Gate) -> HashSet<String> {
    let mut refused = HashSet::new();
    for _ in 0..3 {
        let mut calls = JoinSet::new();
        for service in [READ, PAYMENT, READ, PAYMENT] {
            let caller = caller.clone();
            calls.spawn(async move { caller.ask(service).await });
        }
        for asked in calls.join_all().await {
            let (posted, _) = asked.answered.unwrap();
            assert_eq!(posted.fault.as_deref(), DOWN, "{}", asked.service);
            assert!(posted.elapsed < REFUSAL_MAX, "refused after {:?}", posted.elapsed);
            assert!(posted.retry_after_s.is_some(), "when to come back");
            refused.insert(asked.message_id);
        }
    }
    assert!(!is_ready(gate.ops), "/ready must say that the journal is down");
    refused
}

/// No refused call reached an agency; every payment did once, and is Done.
fn settle_accounts(house: &House, refused: &HashSet<String>) {
    assert_unsent(house, refused);
    let books = Books::read(house);
    for entry in books.all().filter(|entry| entry.service == PAYMENT) {
        assert_eq!(entry.outcome, "Done", "{entry:?}");
    }
}

/// No refused call reached an agency, and no payment did twice.
fn assert_unsent(house: &House, refused: &HashSet<String>) {
    for service in [READ, PAYMENT] {
        let sent: Vec<String> = house.received(service);
        let astray: Vec<_> = sent.iter().filter(|sent| refused.contains(*sent)).collect();
        assert!(astray.is_empty(), "sent although refused: {astray:?}");
    }
    let mut verdict = Verdict::default();
    verdict.judge_agencies(house, &Books::read(house));
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
}
