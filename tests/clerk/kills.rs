//! `kill -9` at every step of a payment, before and after each commit: nothing lost, nothing paid twice.

use crate::house::{House, Own, open, start};
use crate::judge::{judge, settle};
use qaqpa::config;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const CONFIG: &str = "QAQPA_TEST_CLERK_CONFIG";
const LIFE: &str = "QAQPA_TEST_CLERK_LIFE";
const KILL: &str = "QAQPA_TRIAL_KILL";
/// Orders that each life opens.
const ORDERS: usize = 6;
/// A life that does not come to its end by then is broken.
const LIFE_MAX: Duration = Duration::from_secs(60);

/// Every step of a payment, in the order of time. Each commit has a point before it and one after it.
const POINTS: [&str; 15] = [
    "payments.commit.before",
    "payments.commit.after",
    "submit.opened",
    "submit.committed",
    "submit.answered",
    "submit.heard",
    "submit.lost",
    "inquiry.claimed",
    "inquiry.answered",
    "inquiry.heard",
    "notice.begun",
    "notice.acknowledged",
    "notice.told",
    "journal.commit.before",
    "journal.commit.after",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_or_made_twice_when_the_gateway_is_killed_at_any_step_on_sqlite() {
    kill_at_every_step("sqlite", House::on_sqlite("rough", 21).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_or_made_twice_when_the_gateway_is_killed_at_any_step_on_postgres() {
    kill_at_every_step("postgres", House::on_postgres("rough", 22).await).await;
}

/// Kills `QAQPA_KILLS` times, or once at every point.
async fn kill_at_every_step(store: &str, house: House) {
    let kills = std::env::var("QAQPA_KILLS").ok().map_or(POINTS.len(), |n| n.parse().unwrap());
    let (mut promised, mut killed, mut unreached) = (Vec::new(), 0, Vec::new());
    for number in 0..kills {
        let point = POINTS[number % POINTS.len()];
        // Each time round a later one, so that every transaction of a life is met.
        let times = 1 + (number / POINTS.len()) % 7;
        let (told, was_killed) = life(&house, number, Some(format!("{point}:{times}")));
        promised.extend(told);
        if was_killed { killed += 1 } else { unreached.push(format!("{point}:{times}")) }
    }
    let begun = Instant::now();
    let (told, _) = life(&house, kills, None);
    promised.extend(told);
    let took = begun.elapsed();
    settle(&house).await;
    let verdict = judge(&house, &promised);
    println!(
        "{store}: {killed} kills, {} promised, {took:?} to the end, {verdict:#?}",
        promised.len()
    );
    println!("{store}: not reached: {unreached:?}");
    assert!(verdict.violations.is_empty(), "{store}: {:#?}", verdict.violations);
    assert!(killed * 10 >= kills * 9, "{store}: too few kills met their point: {unreached:?}");
    assert!(took < LIFE_MAX, "{store}: all is resolved after {took:?}");
}

/// One life of the gateway; what it promised, and whether it was killed.
fn life(house: &House, number: usize, kill: Option<String>) -> (Vec<String>, bool) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["kills::life_that_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(CONFIG, &house.config)
        .env(LIFE, number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    match &kill {
        Some(kill) => command.env(KILL, kill),
        None => command.env_remove(KILL),
    };
    let mut child = Own(command.spawn().unwrap());
    let out = BufReader::new(child.0.stdout.take().unwrap());
    let lines: Vec<String> = out.lines().map_while(Result::ok).collect();
    let status = child.0.wait().unwrap();
    let was_killed = status.signal() == Some(9);
    assert!(was_killed || status.success(), "life {number}, {kill:?}: {status}");
    let promised = lines.iter().filter_map(|line| line.strip_prefix("opened ")).map(str::to_owned);
    (promised.collect(), was_killed)
}

/// The child: opens orders and says so, then works until all have ended, or until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by life"]
async fn life_that_is_killed() {
    let Ok(path) = std::env::var(CONFIG) else { return };
    let life = std::env::var(LIFE).unwrap();
    let (running, payments) = start(config::load(path.as_ref()).unwrap()).await;
    let mut opened = JoinSet::new();
    for number in 0..ORDERS {
        let (payments, life) = (payments.clone(), life.clone());
        opened.spawn(async move {
            let order = open(&payments, &format!("{life}-{number}")).await;
            let mut out = std::io::stdout().lock();
            writeln!(out, "\nopened {}", order.id).and_then(|()| out.flush()).unwrap();
        });
    }
    opened.join_all().await;
    let begun = Instant::now();
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        let due = payments.due("chaos", i64::MAX, 1).await.unwrap();
        let counts = payments.notice_counts().await.unwrap();
        if due.is_empty() && counts.iter().all(|count| count.waiting == 0) {
            break;
        }
        assert!(begun.elapsed() < LIFE_MAX, "open after a minute: {due:?} {counts:?}");
    }
    running.drain().await;
}
