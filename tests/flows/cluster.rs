//! Two nodes on one PostgreSQL, each a process of its own: one quota together, and restarts one after the other.

use crate::caller::{Caller, PERSON, PERSONS, until};
use crate::load::Load;
use crate::served::Served;
use crate::support::{Ground, Plan, lay_over, postgres_url};
use qaqpa::{journal, payments};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;

/// The configuration of a second node beside that of the first.
fn second(ground: &Ground) -> PathBuf {
    let (first, second) = (&ground.scratch.config, ground.state.path().join("config-2"));
    copy(first, &second);
    lay_over(&second.join("gateway.toml"), "[node]\nid = \"gateway-2\"\n");
    second
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

async fn two_nodes(plan: Plan) -> (Ground, PathBuf) {
    let store = Some(postgres_url().await);
    let ground = Ground::lay(&Plan { store, ..plan }).await;
    let settings = ground.settings();
    journal::migrate(&settings.journal.store, 2).await.unwrap();
    payments::migrate(&settings.payments.store).await.unwrap();
    let second = second(&ground);
    (ground, second)
}

/// A node of its own, on this configuration.
async fn at(config: &Path) -> Served {
    Served::on(config, config).await
}

/// A port that stays ours: bound and never listened on, it lets those in who share it, and nobody else.
fn port() -> (TcpSocket, u16) {
    let held = TcpSocket::new_v4().unwrap();
    held.set_reuseport(true).unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = held.local_addr().unwrap().port();
    (held, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_are_restarted_one_after_the_other_and_no_call_fails() {
    let (_held, port) = port();
    let gateway = format!(
        "[limits]\ndrain_notice_ms = 100\n[[listener]]\naddress = \"127.0.0.1:{port}\"\n\
         reuse_port = true\ncertificate_file = \"../pki/gateway-ecdsa.cert.pem\"\n\
         key_file = \"../pki/gateway-ecdsa.key.pem\"\n"
    );
    let free = "[quota]\nper_second = 100000\nburst = 100000\n".to_owned();
    let participants = ["portal", "bank"].map(|id| (id, free.clone())).to_vec();
    let (ground, second) = two_nodes(Plan { gateway, participants, ..Plan::default() }).await;
    let mut nodes = [Served::start(&ground).await, at(&second).await];
    let url = nodes[0].callers[0].clone();
    assert_eq!(url, nodes[1].callers[0], "both listen at one address");
    let load = Load::start(&ground, &url, &["portal", "bank"]);
    let all = || load.answered.load(Ordering::Relaxed) + load.failed.load(Ordering::Relaxed);
    for (number, config) in [&ground.scratch.config, &second].into_iter().enumerate() {
        let before = all();
        until("calls go on", || all() >= before + 10).await;
        nodes[number].signal("TERM");
        let again = at(config);
        let left = std::mem::replace(&mut nodes[number], again.await);
        let ended = left.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    }
    let before = all();
    until("calls go on", || all() >= before + 10).await;
    let (answered, failed) = load.end().await;
    println!("two restarts, {answered} calls answered, {} failed", failed.len());
    assert!(failed.is_empty(), "{failed:?}");
    drop(nodes);
    ground.agencies.stop().await;
}

/// Calls at a rate from one caller; how many were let in.
async fn ask(caller: Caller, span: Duration, pause: Duration) -> usize {
    let (mut ticks, started, mut let_in) = (tokio::time::interval(pause), Instant::now(), 0);
    while started.elapsed() < span {
        ticks.tick().await;
        let posted = caller.ask(PERSONS, PERSON).await;
        match posted.fault.as_deref() {
            None => let_in += 1,
            fault => assert_eq!(fault, Some("caller.too_fast")),
        }
    }
    let_in
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_together_keep_one_quota() {
    // A burst of one would be lost to the callers' clocks: a call a moment too early waits for its next.
    let quota = "[quota]\nper_second = 10\nburst = 10\nin_flight_max = 64\n".to_owned();
    let plan = Plan { participants: vec![("bank", quota)], ..Plan::default() };
    let (ground, second) = two_nodes(plan).await;
    let nodes = [Served::start(&ground).await, at(&second).await];
    let both = async |span: Duration| {
        // The one node is asked twice as often as the other: together three times the quota.
        let calls = [(0, 50), (1, 100)].map(|(at, pause_ms): (usize, u64)| {
            let caller = Caller::new(&ground.scratch, &nodes[at].callers[0], "bank", Some("bank"));
            tokio::spawn(ask(caller, span, Duration::from_millis(pause_ms)))
        });
        let mut let_in = 0;
        for call in calls {
            let_in += call.await.unwrap();
        }
        let_in
    };
    both(Duration::from_secs(5)).await;
    let started = Instant::now();
    let let_in = both(Duration::from_secs(10)).await;
    let expected = started.elapsed().as_secs_f64() * 10.0;
    let part = f64::from(u32::try_from(let_in).unwrap()) / expected;
    println!("{let_in} calls let in of {expected:.0}: {part:.3}");
    assert!((0.95..=1.05).contains(&part), "{let_in} of {expected}");
    drop(nodes);
    ground.agencies.stop().await;
}
