//! Races at the doors: what may happen once happens once, whoever is first, on two nodes too.

use crate::caller::Caller;
use crate::house::{TIYN, charge, money, pay, payment, read, result, text};
use crate::served::Served;
use crate::support::{Ground, Installation, Plan, lay_over, postgres_url};
use qaqpa::payments::command::Command;
use qaqpa::{journal, payments};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const SUM: &str = "5347.07";
const AT_ONCE: usize = 100;

async fn on_postgres() -> Plan {
    Plan { store: Some(postgres_url().await), ..Plan::default() }
}

/// Two gateways in processes of their own over one database.
async fn two_nodes(ground: &Ground) -> [Served; 2] {
    let settings = ground.settings();
    journal::migrate(&settings.journal.store, 2).await.unwrap();
    payments::migrate(&settings.payments.store).await.unwrap();
    let state = ground.state.path().join("second");
    let config = state.join("config");
    copy(&ground.scratch.config, &config);
    lay_over(&config.join("gateway.toml"), "[node]\nid = \"demo-2\"\n");
    [Served::start(ground).await, Served::on(&config, &state).await]
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            copy(&file.path(), &to);
        } else {
            std::fs::copy(file.path(), to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_equal_payments_at_two_processes_one_is_posted_and_all_hear_the_same() {
    let ground = Ground::lay(&on_postgres().await).await;
    let nodes = two_nodes(&ground).await;
    let caller =
        |node: usize, id: &str| Caller::new(&ground.scratch, &nodes[node].callers[0], id, Some(id));
    let portal = caller(1, "portal");
    let id = charge(&portal).await;
    let ready = Arc::new(Barrier::new(AT_ONCE));
    let mut calls = JoinSet::new();
    for number in 0..AT_ONCE {
        let (bank, id, ready) = (caller(number % 2, "bank"), id.clone(), Arc::clone(&ready));
        calls.spawn(async move {
            ready.wait().await;
            // "Not finished" is no answer: the bank asks again, as banks do.
            loop {
                let posted = pay(&bank, "100", &id, SUM).await;
                assert_eq!(posted.http_status, 200, "{}", text(&posted));
                if result(&posted) != 4 {
                    return posted.body;
                }
            }
        });
    }
    let bodies: HashSet<_> = calls.join_all().await.into_iter().collect();
    assert_eq!(bodies.len(), 1, "a hundred identical answers: {bodies:?}");
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1), "one posting");
    for node in nodes {
        node.signal("TERM");
        assert!(node.ended().await.status.success());
    }
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_at_once_never_give_back_more_than_was_paid() {
    for plan in [Plan::default(), on_postgres().await] {
        let installation = Installation::with(plan).await;
        let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
        let id = charge(&portal).await;
        assert_eq!(result(&pay(&bank, "1", &id, SUM).await), 0);
        let paid = portal.client.get(&format!("/api/v1/charges/{id}")).await.unwrap();
        let payment = read(&paid)["payments"][0]["payment_id"].as_str().unwrap().to_owned();
        let mut refunds = JoinSet::new();
        for number in 0..12 {
            let (portal, payment) = (installation.caller("portal"), payment.clone());
            refunds.spawn(async move {
                let (path, key) =
                    (format!("/api/v1/payments/{payment}/refunds"), format!("r{number}"));
                let headers = [("content-type", "application/json"), ("idempotency-key", &*key)];
                let body = json!({ "amount_tiyn": TIYN / 3, "reason": "asked" }).to_string();
                portal.client.post_to(&path, &headers, body.into()).await.unwrap().http_status
            });
        }
        let told = refunds.join_all().await;
        let given = told.iter().filter(|status| **status == 201).count();
        let refused = told.iter().filter(|status| **status == 409).count();
        assert_eq!((given, refused), (3, 9), "{told:?}");
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_payment_is_cancelled_or_paid_first_the_money_counts_once() {
    let installation = Installation::with(on_postgres().await).await;
    let portal = installation.caller("portal");
    for round in 0..8 {
        let id = charge(&portal).await;
        let order = payment(&portal, &id, "demo").await;
        let hex = order.trim_start_matches("GW").to_owned();
        let path =
            format!("/api/v1/payments/{}/cancellation", uuid::Uuid::parse_str(&hex).unwrap());
        let (payer, bank) = (installation.caller("portal"), installation.caller("bank"));
        let headers = [("content-type", "application/json")];
        let cancel = payer.client.post_to(&path, &headers, Vec::new());
        let txn_id = format!("c{round}");
        let (cancelled, paid) = tokio::join!(cancel, pay(&bank, &txn_id, &id, SUM));
        assert_eq!(result(&paid), 0, "money that is there is taken: {}", text(&paid));
        let status = cancelled.unwrap().http_status;
        assert!([200, 409].contains(&status), "{status}");
        let (state, counts, suspense, _) = money(&portal, &id).await;
        assert_eq!((&*state, counts, suspense), ("paid", TIYN, 0), "round {round}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_closes_while_payments_come_holds_exactly_what_it_tells() {
    for plan in [Plan::default(), on_postgres().await] {
        let installation = Installation::with(plan).await;
        let portal = installation.caller("portal");
        let desk = installation.inner.running.gate.desk.clone().unwrap();
        let mut charges = Vec::new();
        for _ in 0..17 {
            charges.push(charge(&portal).await);
        }
        let day_of = async |charge: &str| {
            let orders =
                desk.payments.orders_of_charge(&charge.parse().unwrap(), 10).await.unwrap();
            (orders[0].operating_day.unwrap(), orders[0].amount_tiyn)
        };
        let bank = installation.caller("bank");
        assert_eq!(result(&pay(&bank, "0", &charges[0], SUM).await), 0);
        let (day, _) = day_of(&charges[0]).await;
        let mut calls = JoinSet::new();
        for (number, id) in charges.iter().cloned().enumerate().skip(1) {
            let bank = installation.caller("bank");
            calls.spawn(async move {
                assert_eq!(result(&pay(&bank, &number.to_string(), &id, SUM).await), 0);
            });
        }
        let at_us = jiff::Timestamp::now().as_microsecond();
        desk.payments.run(Command::Close { bank: "demo".to_owned(), day, at_us }).await.unwrap();
        calls.join_all().await;
        let (mut counted, mut paid_tiyn) = (0, 0);
        for id in &charges {
            let (its, tiyn) = day_of(id).await;
            assert!(its >= day, "no payment is counted in an earlier day");
            if its == day {
                (counted, paid_tiyn) = (counted + 1, paid_tiyn + tiyn);
            }
        }
        let closing = desk.payments.closing("demo", day).await.unwrap().expect("a closed day");
        assert_eq!((closing.orders, closing.paid_tiyn), (counted, paid_tiyn));
        installation.stop().await;
    }
}
