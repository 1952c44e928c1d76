//! A wall clock that jumps an hour and a day, ahead and back, under a running gateway: only dates notice.

use crate::books::{Books, Entry};
use crate::callers::{Asked, Caller, FOUND};
use crate::house::{House, PAYMENT, READ, until};
use crate::judge::Verdict;
use qaqpa::command::client::Posted;
use qaqpa::command::now_unix_us;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;

const HOUR_S: i64 = 3_600;
const JUMPS_S: [i64; 6] = [HOUR_S, 0, -HOUR_S, 24 * HOUR_S, -24 * HOUR_S, 0];
/// The node looks for what may be forgotten every ten seconds.
const FORGETTING: Duration = Duration::from_secs(11);

/// The clock of the gateway, by libfaketime: a file that says how far off it is.
struct Clock {
    file: PathBuf,
    ahead_s: i64,
}

impl Clock {
    /// A clock that is right, and the words before the gateway's program that put it there.
    fn before(folder: &Path, program: &'static str) -> (Self, Vec<String>) {
        let library = ["x86_64", "aarch64"]
            .map(|of| format!("/usr/lib/{of}-linux-gnu/faketime/libfaketimeMT.so.1"))
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("libfaketime is missing: run `make tools`");
        let clock = Self { file: folder.join("clock"), ahead_s: 0 };
        clock.write();
        let words = [
            "env".to_owned(),
            format!("LD_PRELOAD={library}"),
            format!("FAKETIME_TIMESTAMP_FILE={}", clock.file.display()),
            "FAKETIME_CACHE_DURATION=1".to_owned(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            program.to_owned(),
        ];
        (clock, words.to_vec())
    }

    fn write(&self) {
        // Written beside and renamed, so that nobody reads half of it.
        let fresh = self.file.with_extension("new");
        std::fs::write(&fresh, format!("{:+}\n", self.ahead_s)).unwrap();
        std::fs::rename(fresh, &self.file).unwrap();
    }

    /// Jumps, and waits until entries bear the new time.
    async fn jump(&mut self, ahead_s: i64, caller: &Caller) {
        self.ahead_s = ahead_s;
        self.write();
        until("the gateway's clock has jumped", async || {
            let (posted, _) = caller.ask(READ).await.answered.unwrap();
            let off_us = entry_us(&posted) - now_unix_us() - ahead_s * 1_000_000;
            off_us.abs() < 60_000_000
        })
        .await;
    }

    fn now_us(&self) -> i64 {
        now_unix_us() + self.ahead_s * 1_000_000
    }
}

/// When the gateway believes that an entry was opened.
fn entry_us(posted: &Posted) -> i64 {
    let id: Uuid = posted.entry.as_ref().unwrap().parse().unwrap();
    let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
    i64::try_from(seconds).unwrap() * 1_000_000 + i64::from(nanoseconds / 1_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_forgets_no_call_frees_no_quota_and_breaks_nothing() {
    let house = House::on_sqlite().await;
    change(&house.scratch.config.join("services.toml"), "window_s = 86400", "window_s = 3600");
    let greedy = house.scratch.config.join("participants/greedy.toml");
    change(&greedy, "per_second = 1, burst = 1,", "per_second = 1, burst = 60,");
    let (mut clock, words) = Clock::before(house.folder.path(), env!("CARGO_BIN_EXE_qaqpa"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let gate = house.open_with(&words).await;
    let caller = Caller::new(&house, &gate);
    let greedy = Caller::of(&house, &gate, "greedy");

    let mut payments = vec![pay(&caller, &clock).await];
    let (spent_at, mut let_in) = (spend(&greedy).await, 0);
    for ahead_s in JUMPS_S {
        clock.jump(ahead_s, &caller).await;
        // As many as real time gave, whatever the wall says.
        let_in += let_in_now(&greedy).await;
        let most = spent_at.elapsed().as_secs() + 2;
        assert!(let_in <= most, "{ahead_s} s: {let_in} let in where {most} might be");
        if ahead_s == 24 * HOUR_S {
            let begun = Instant::now();
            until("what may be forgotten is", async || begun.elapsed() > FORGETTING).await;
        }
        for paid in &payments {
            assert_repeated(&caller, paid, ahead_s).await;
        }
        payments.push(pay(&caller, &clock).await);
    }
    until("a token comes by real time", async || let_in_now(&greedy).await > 0).await;

    // The clock is right again, so what was paid at the right time is answered as it was then.
    let (again, first) = (caller.post(&payments[0]).await.unwrap(), &payments[0]);
    let told = &first.answered.as_ref().unwrap().0;
    assert_eq!((again.fault.as_deref(), &again.entry), (None, &told.entry));
    assert_eq!(again.body, told.body, "byte for byte");
    settle(&house, &payments).await;
}

/// Each payment reached its agency once, each entry has an id of its own, and nothing panicked.
async fn settle(house: &House, payments: &[Asked]) {
    until("all is written", async || !Books::read(house).all().any(Entry::is_open)).await;
    let books = Books::read(house);
    let ids: HashSet<&str> = books.all().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids.len(), books.all().count());
    let received = house.received(PAYMENT);
    for paid in payments {
        assert_eq!(received.iter().filter(|id| **id == paid.message_id).count(), 1);
        assert_eq!(books.of(&paid.message_id)[0].outcome, "Done");
    }
    let mut verdict = Verdict::default();
    verdict.judge_agencies(house, &books);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    let log = house.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// A payment at the gateway's time.
async fn pay(caller: &Caller, clock: &Clock) -> Asked {
    let mut paid = caller.sign_at(PAYMENT, FOUND, clock.now_us());
    let posted = caller.post(&paid).await.unwrap();
    let told = String::from_utf8_lossy(&posted.body);
    assert_eq!(posted.fault, None, "{} s ahead: {told}", clock.ahead_s);
    paid.answered = Some((posted, Instant::now()));
    paid
}

/// Posted again, a payment is answered as before or refused for its date, and never made anew.
async fn assert_repeated(caller: &Caller, paid: &Asked, ahead_s: i64) {
    let again = caller.post(paid).await.unwrap();
    let told = &paid.answered.as_ref().unwrap().0;
    match again.fault.as_deref() {
        None => assert_eq!((&again.entry, &again.body), (&told.entry, &told.body), "{ahead_s} s"),
        fault => assert_eq!(fault, Some("caller.stale"), "{ahead_s} s"),
    }
}

/// Takes every token there is; when that was done.
async fn spend(greedy: &Caller) -> Instant {
    while is_let_in(greedy).await {}
    Instant::now()
}

/// How many calls of a few are let in.
async fn let_in_now(greedy: &Caller) -> u64 {
    let mut let_in = 0;
    for _ in 0..10 {
        let_in += u64::from(is_let_in(greedy).await);
    }
    let_in
}

async fn is_let_in(greedy: &Caller) -> bool {
    let (posted, _) = greedy.ask(READ).await.answered.unwrap();
    match posted.fault.as_deref() {
        None => true,
        fault => {
            assert_eq!(fault, Some("caller.too_fast"));
            false
        }
    }
}

fn change(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}: {text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}
