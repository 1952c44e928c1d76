//! An order is sent again only after a quiet time that this very process has seen.
//!
//! What a wall clock told an earlier life of it may be any time ago.

use crate::house::{BANK, House, now_us, start, until, wanted};
use crate::judge::{judge, settle};
use qaqpa::payments::Payments;
use qaqpa::payments::command::{About, Act, Command, Opening, Reply, Report};
use qaqpa::payments::order::{Action, Said};
use qaqpa::payments::record::{Order, Source};
use std::time::{Duration, Instant};

const HOUR_US: i64 = 3_600_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_is_sent_again_by_the_word_of_a_clock_that_jumped() {
    let house = House::on_sqlite("", 43).await;
    let denied = denied(&house).await;
    let settings = house.settings();
    let quiet = settings.payments.quiet;
    let begun = Instant::now();
    let (running, payments) = start(settings).await;
    let is_sent_again =
        async || payments.order(&denied.id).await.unwrap().is_some_and(|order| order.attempt == 2);
    until("it is sent again", is_sent_again).await;
    let waited = begun.elapsed();
    assert!(!quiet.is_zero() && waited >= quiet, "after {waited:?}");
    settle(&house).await;
    let verdict = judge(&house, &[denied.id.to_string()]);
    assert!(verdict.violations.is_empty() && verdict.posted == 1, "{verdict:?}");
    running.drain().await;
}

/// An order whose bank has denied it, an hour after its attempt as it seems.
async fn denied(house: &House) -> Order {
    let settings = house.settings();
    let payments = Payments::start(&settings.payments, &settings.node.id).await.unwrap();
    let (charge, opening) = wanted("Q-1");
    let at_us = now_us() - HOUR_US;
    let order = opening.order.clone();
    let act = |action, attempt| {
        let (order, node) = (order.clone(), settings.node.id.clone());
        Command::Act(Act { order, action, attempt, node, at_us, check_at_us: at_us })
    };
    let not_found = |number: u32| Report {
        bank: BANK.to_owned(),
        event_id: format!("denied-{number}"),
        about: About::Order(order.clone()),
        said: Said::NotFound,
        source: Source::Inquiry,
        amount: None,
        document_number: None,
        txn_id: None,
        posted_at_us: None,
        at_us,
        original_digest: "0".repeat(64),
        redirect_url: None,
        note: String::new(),
    };
    let commands = [
        Command::Register(vec![charge]),
        Command::Open(Opening { at_us, ..opening }),
        act(Action::Submit, 0),
        act(Action::Lose, 1),
        Command::Hear(not_found(1)),
        Command::Hear(not_found(2)),
    ];
    for command in commands {
        let reply = payments.run(command).await.unwrap();
        assert!(!matches!(reply, Reply::Refused(_)), "{reply:?}");
    }
    let denied = payments.order(&order).await.unwrap().unwrap();
    assert_eq!((denied.attempt, denied.not_found), (1, 2));
    payments.drain(Instant::now() + Duration::from_secs(10)).await.unwrap();
    denied
}
