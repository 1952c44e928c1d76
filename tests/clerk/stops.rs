//! A store that stops, hangs, or loses the answer to COMMIT under the clerk: no payment is lost or made twice.

use crate::disk::Disk;
use crate::house::{House, now_us, offer, start, until};
use crate::judge::{judge, settle};
use crate::postgres::Cluster;
use qaqpa::payments::Payments;
use qaqpa::payments::order::State;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const ORDERS: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_or_made_twice_when_the_database_stops_or_hangs() {
    let house = House::on_postgres("rough", 31).await;
    let (running, payments) = start(house.settings()).await;
    let opened = offers(&payments);
    let (cluster, _) = house.database.as_ref().unwrap();
    for round in 0..4 {
        let now = Instant::now();
        until("some of the orders are under way", async || {
            now.elapsed() > Duration::from_millis(400)
        })
        .await;
        let frozen = (round % 2 == 0).then(|| cluster.freeze());
        if frozen.is_none() {
            cluster.stop_immediately();
        }
        let now = Instant::now();
        until("it was down a while", async || now.elapsed() > Duration::from_millis(700)).await;
        match frozen {
            Some(frozen) => drop(frozen),
            None => cluster.start_again(),
        }
    }
    let promised = opened.join_all().await;
    settle(&house).await;
    let verdict = judge(&house, &promised);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert_eq!(verdict.posted + verdict.rejected, ORDERS, "{verdict:?}");
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_journal_takes_nothing_an_order_waits_and_is_sent_once_after_it() {
    let house = House::on_sqlite("", 44).await;
    let (running, payments) = start(house.settings()).await;
    let lock = Connection::open(&house.scratch.journal).unwrap();
    lock.busy_timeout(Duration::from_secs(5)).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let order = offer(payments.clone(), "J-1".to_owned()).await;
    let id = order.parse().unwrap();
    // It is not due at once again, or the clerk would do nothing but try.
    until("it was tried in vain, and waits", async || {
        let order = payments.order(&id).await.unwrap().unwrap();
        assert_eq!((order.state, order.attempt), (State::Reserved, 0));
        order.inquiries > 0 && order.next_check_at_us > Some(now_us())
    })
    .await;
    drop(lock);
    settle(&house).await;
    let verdict = judge(&house, &[order]);
    assert!(verdict.violations.is_empty() && verdict.posted == 1, "{verdict:?}");
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_neither_done_twice_nor_forgotten() {
    let house = House::on_postgres("", 32).await;
    let line = Line::before(&house).await;
    let (running, payments) = start(house.settings()).await;
    line.cuts.store(12, Ordering::SeqCst);
    let promised = offers(&payments).join_all().await;
    settle(&house).await;
    assert_eq!(line.cuts.load(Ordering::SeqCst), 0, "too few answers were lost to prove anything");
    let verdict = judge(&house, &promised);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert_eq!(verdict.posted, ORDERS, "{verdict:?}");
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_or_made_twice_when_another_server_takes_over() {
    let mut house = House::on_postgres("rough", 33).await;
    let (cluster, database) = house.database.take().unwrap();
    let standby = cluster.standby();
    let url = cluster.url_with(&standby, "qaqpa_app", &database);
    std::fs::write(house.config.join("secrets/store.url"), url).unwrap();
    let (running, payments) = start(house.settings()).await;
    let opened = offers(&payments);
    let attempted = "SELECT id FROM payment_order WHERE attempt > 0";
    until("some of the orders are under way", async || {
        !cluster.sql("qaqpa_app", &database, attempted).unwrap().is_empty()
    })
    .await;
    cluster.stop_immediately();
    let down = Instant::now();
    standby.promote();
    house.database = Some((standby, database));
    let promised = opened.join_all().await;
    println!("all were promised {:?} after the first server had gone", down.elapsed());
    settle(&house).await;
    let verdict = judge(&house, &promised);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert_eq!(verdict.posted + verdict.rejected, ORDERS, "{verdict:?}");
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_or_made_twice_when_the_disk_of_the_database_is_full() {
    let disk = Disk::mount(160);
    let house = House::on_cluster(Cluster::start_in(&disk.0), "rough", 34).await;
    let (running, payments) = start(house.settings()).await;
    let filler = disk.fill();
    let (cluster, database) = house.database.as_ref().unwrap();
    let more = "CREATE TABLE more AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)";
    let full = cluster.sql("qaqpa_migrate", database, more).unwrap_err();
    assert!(full.contains("No space left") || full.contains("connection"), "{full}");
    let opened = offers(&payments);
    let began = Instant::now();
    until("it was full a while", async || began.elapsed() > Duration::from_secs(2)).await;
    std::fs::remove_file(filler).unwrap();
    // A server without room for its log gives up; its operator starts it again.
    cluster.stop_immediately();
    cluster.start_again();
    let promised = opened.join_all().await;
    settle(&house).await;
    let verdict = judge(&house, &promised);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert_eq!(verdict.posted + verdict.rejected, ORDERS, "{verdict:?}");
    running.drain().await;
    drop(house);
    drop(disk);
}

/// Many orders, each opened for certain: what failed is asked for by its id, and offered again.
fn offers(payments: &Payments) -> JoinSet<String> {
    let mut opened = JoinSet::new();
    for number in 0..ORDERS {
        opened.spawn(offer(payments.clone(), format!("S-{number}")));
    }
    opened
}

/// A line to the database that swallows the answers to some commits, and breaks.
struct Line {
    cuts: Arc<AtomicU32>,
}

impl Line {
    /// Puts itself between a gateway that is not started yet and its database.
    async fn before(house: &House) -> Self {
        let (cluster, database) = house.database.as_ref().unwrap();
        let url = cluster.url("qaqpa_app", database);
        let server = url.split([':', '/']).find_map(|part| part.parse::<u16>().ok()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let secret = house.config.join("secrets/store.url");
        std::fs::write(secret, url.replace(&server.to_string(), &own.to_string())).unwrap();
        let cuts = Arc::new(AtomicU32::new(0));
        let left = Arc::clone(&cuts);
        tokio::spawn(async move {
            while let Ok((gateway, _)) = listener.accept().await {
                let database = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(carry(gateway, database, Arc::clone(&left)));
            }
        });
        Self { cuts }
    }
}

/// Passes bytes both ways, until a commit's answer is to be lost.
async fn carry(gateway: TcpStream, database: TcpStream, cuts: Arc<AtomicU32>) {
    let (mut from_gateway, mut to_gateway) = gateway.into_split();
    let (mut from_database, mut to_database) = database.into_split();
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = from_gateway.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let bytes = &asked[..count];
                if to_database.write_all(bytes).await.is_err() {
                    return;
                }
                // The journal's groups are a statement each, by which calls are answered.
                let ends = bytes.first() == Some(&b'B')
                    && bytes.windows(8).any(|word| word == b"answered");
                let commits = ends || bytes.windows(7).any(|word| word == b"COMMIT\0");
                let left = |left: u32| left.checked_sub(1);
                if commits && cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
                    // The server has done it once it answers; nobody hears of it.
                    let answer = from_database.read(&mut answered);
                    let _lost = timeout(Duration::from_secs(5), answer).await;
                    return;
                }
            }
            read = from_database.read(&mut answered) => {
                let Ok(count @ 1..) = read else { return };
                if to_gateway.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
