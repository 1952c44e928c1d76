//! The database stopped, frozen, followed by another or full under load: definite answers, and back soon.
//!
//! `make stores` leaves it in trouble for a minute each time and prints what was measured; a run of all
//! tests does the same for two seconds, on a machine that is late itself.

use crate::books::{Books, Entry};
use crate::callers::{Asked, Caller};
use crate::disk::Disk;
use crate::house::{House, PAYMENT, READ, until};
use crate::judge::Verdict;
use crate::postgres::Cluster;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{MissedTickBehavior, interval};

const CALLERS: u64 = 6;
/// Between a caller's calls.
const PAUSE: Duration = Duration::from_millis(25);
/// Connections of a node: as many of the journal as of the payments.
const CONNECTIONS_MAX: u32 = 2 * 8;
const DOWN: Option<&str> = Some("gateway.journal_down");

/// How long the database is in trouble, and how long a caller may wait for a word meanwhile.
fn spans() -> (Duration, Duration) {
    match std::env::var("QAQPA_STORES_SECONDS") {
        Ok(asked) => (Duration::from_secs(asked.parse().unwrap()), Duration::from_secs(1)),
        Err(_) => (Duration::from_secs(2), Duration::from_millis(1_500)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_stopped_and_started_again_costs_definite_answers_and_no_call() {
    let house = House::on_postgres().await;
    let trouble = Trouble::begin("stopped", house, |house| server(house).stop_immediately()).await;
    trouble.end(|house, ()| server(house).start_again()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_costs_definite_answers_and_no_call() {
    let house = House::on_postgres().await;
    let trouble = Trouble::begin("frozen", house, |house| server(house).freeze()).await;
    trouble.end(|_, frozen| drop(frozen)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_second_server_takes_over_from_one_that_died_calls_go_on_there() {
    let (house, standby) = House::on_two_servers().await;
    let trouble = Trouble::begin("dead, then a standby promoted", house, |house| {
        server(house).stop_immediately();
    });
    let trouble = trouble.await;
    trouble.end(|house, ()| drop(take_over(house, standby))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_second_server_takes_over_from_one_that_hangs_calls_go_on_there() {
    let (house, standby) = House::on_two_servers().await;
    let hangs = |house: &House| server(house).freeze();
    let trouble = Trouble::begin("frozen, then a standby promoted", house, hangs).await;
    let mut left = None;
    trouble.end(|house, frozen| left = Some((frozen, take_over(house, standby)))).await;
    // It must run to be stopped.
    let (frozen, former) = left.unwrap();
    drop(frozen);
    drop(former);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_database_costs_definite_answers_and_no_call() {
    let disk = Disk::mount(160);
    let house = House::on_cluster(Cluster::start_in(&disk.0)).await;
    let fill = |house: &House| {
        let filler = disk.fill();
        let (cluster, database) = house.database.as_ref().unwrap();
        let more = "CREATE TABLE more AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)";
        cluster.sql("qaqpa_migrate", database, more).unwrap_err();
        filler
    };
    let trouble = Trouble::begin("disk full", house, fill).await;
    trouble
        .end(|house, filler| {
            std::fs::remove_file(filler).unwrap();
            // A server without room for its log gives up; its operator starts it again.
            if server(house).sql("postgres", "postgres", "CREATE TABLE room ()").is_err() {
                server(house).stop_immediately();
                server(house).start_again();
            }
        })
        .await;
    drop(disk);
}

fn server(house: &House) -> &Cluster {
    &house.database.as_ref().unwrap().0
}

/// Makes the standby the one that the house asks; what was before it is given back.
fn take_over(house: &mut House, standby: Cluster) -> Cluster {
    standby.promote();
    let database = house.database.as_ref().unwrap().1.clone();
    house.database.replace((standby, database)).unwrap().0
}

/// A call, and when it was made.
struct Told {
    asked: Asked,
    begun: Instant,
}

/// Callers that ask without end, on a gateway whose database is in trouble.
struct Trouble<T> {
    name: &'static str,
    house: House,
    what: T,
    down: Instant,
    asking: Asking,
    _gate: crate::house::Gate,
}

struct Asking {
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    callers: JoinSet<Vec<Told>>,
}

impl Asking {
    fn start(caller: &Caller) -> Self {
        let (is_over, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let (caller, is_over, answered) =
                (caller.clone(), Arc::clone(&is_over), Arc::clone(&answered));
            callers.spawn(async move {
                let (mut all, mut pace) = (Vec::new(), interval(PAUSE));
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                for service in
                    [READ, PAYMENT].into_iter().cycle().skip(usize::from(number % 2 == 1))
                {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let begun = Instant::now();
                    let mut asked = caller.ask(service).await;
                    asked.request.clear();
                    if asked.answered.as_ref().is_some_and(|(posted, _)| posted.fault.is_none()) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    all.push(Told { asked, begun });
                    pace.tick().await;
                }
                all
            });
        }
        Self { is_over, answered, callers }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    async fn end(self) -> Vec<Told> {
        self.is_over.store(true, Ordering::Relaxed);
        self.callers.join_all().await.into_iter().flatten().collect()
    }
}

impl<T> Trouble<T> {
    /// Lets callers ask, and then hurts the database for the span.
    async fn begin(name: &'static str, house: House, hurt: impl FnOnce(&House) -> T) -> Self {
        let gate = house.open().await;
        let asking = Asking::start(&Caller::new(&house, &gate));
        until("calls are answered", async || asking.answered() > 3 * CALLERS).await;
        let what = block_in_place(|| hurt(&house));
        let down = Instant::now();
        let mut looks = interval(PAUSE);
        while down.elapsed() < spans().0 {
            looks.tick().await;
        }
        Self { name, house, what, down, asking, _gate: gate }
    }

    /// Heals it, and holds the gateway to its promises.
    async fn end(self, heal: impl FnOnce(&mut House, T)) {
        let Self { name, mut house, what, down, asking, _gate } = self;
        block_in_place(|| heal(&mut house, what));
        let back = Instant::now();
        let before = asking.answered();
        let mut connections = Vec::new();
        until("calls are answered again", async || {
            connections.push(sessions(&house));
            asking.answered() > before + 2 * CALLERS
        })
        .await;
        let normal = Instant::now();
        while normal.elapsed() < Duration::from_secs(1) {
            connections.push(block_in_place(|| sessions(&house)));
        }
        let all = asking.end().await;
        until("all that ended is written", async || !Books::read(&house).all().any(Entry::is_open))
            .await;
        let connections = connections.into_iter().max().unwrap();
        assert!(connections <= CONNECTIONS_MAX, "{name}: {connections} connections");
        judge(name, &house, &all, (down, back)).await;
        println!("   {connections} connections at most");
    }
}

/// Connections of gateways to the database.
fn sessions(house: &House) -> u32 {
    let (cluster, database) = house.database.as_ref().unwrap();
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'qaqpa'";
    cluster.sql("postgres", database, count).map_or(0, |count| count.parse().unwrap())
}

async fn judge(name: &str, house: &House, all: &[Told], (down, back): (Instant, Instant)) {
    let (books, (_, patience)) = (Books::read(house), spans());
    let (mut refused, mut slowest, mut open) = (HashSet::new(), Duration::ZERO, 0);
    let mut normal = back;
    for Told { asked, begun } in all {
        let (posted, at) = asked.answered.as_ref().expect("no connection broke");
        if *begun >= down {
            slowest = slowest.max(posted.elapsed);
        }
        let entries = books.of(&asked.message_id);
        match posted.fault.as_deref() {
            None => {
                assert!(entries.iter().any(|entry| entry.outcome == "Done"), "{name}: {entries:?}");
                continue;
            }
            fault => assert_eq!(fault, DOWN, "{name}: {}", asked.service),
        }
        normal = normal.max(*at);
        if posted.retry_after_s.is_some() && entries.is_empty() {
            refused.insert(asked.message_id.clone());
        } else {
            // Sent before, and its answer could not be kept: it is asked for, never sent again.
            open += 1;
        }
    }
    let recovery = normal - back;
    println!(
        "{name}: {} calls, {} refused, {open} left open, slowest answer {} ms; normal {} ms after it was back",
        all.len(),
        refused.len(),
        slowest.as_millis(),
        recovery.as_millis()
    );
    assert!(!refused.is_empty(), "{name}: nobody noticed, so nothing is proved");
    assert!(slowest <= patience, "{name}: an answer took {slowest:?}");
    assert!(recovery <= Duration::from_secs(3), "{name}: normal only after {recovery:?}");
    for service in [READ, PAYMENT] {
        let astray = house.received(service).into_iter().filter(|id| refused.contains(id));
        assert_eq!(astray.count(), 0, "{name}: {service}: sent although refused");
    }
    let mut verdict = Verdict::default();
    verdict.judge_agencies(house, &books);
    assert!(verdict.violations.is_empty(), "{name}: {:#?}", verdict.violations);
}
