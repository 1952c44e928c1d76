//! What real handlers of `check` and `pay` got wrong, each as a promise.

use crate::caller::Caller;
use crate::house::{TIYN, ask, charge, check, money, pay, read, result, state, text};
use crate::support::{Ground, Installation, Plan, postgres_url};
use qaqpa::config::settings::Settings;
use qaqpa::payments::command::Command;
use qaqpa::proxy::start::Running;
use qaqpa::{journal, payments};
use std::collections::HashSet;
use std::sync::Arc;

const SUM: &str = "5347.07";

async fn stores() -> [Plan; 2] {
    [Plan::default(), Plan { store: Some(postgres_url().await), ..Plan::default() }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_comes_again_is_told_the_same_bytes_and_counts_once() {
    for plan in stores().await {
        let installation = Installation::with(plan).await;
        let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
        let id = charge(&portal).await;
        let checked = read(&check(&bank, &id).await);
        assert_eq!(checked["result"], 0, "{checked}");
        assert_eq!(checked["sum"], SUM);
        assert_eq!(checked["bin"], "190540007715");

        let first = pay(&bank, "17", &id, SUM).await;
        let told = read(&first);
        assert_eq!(
            (&told["result"], &told["sum"], &told["txn_id"]),
            (&0.into(), &SUM.into(), &"17".into())
        );
        assert_eq!(told["prv_txn_id"].as_str().unwrap().len(), 34, "{told}");
        let paid = ("paid".to_owned(), TIYN, 0, 1);
        assert_eq!(money(&portal, &id).await, paid);
        for again in [
            format!("command=pay&txn_id=17&txn_date=20261120120000&account={id}&sum={SUM}"),
            format!("sum=5347.07&account={id}&txn_id=17&command=pay&trm_id=4151200"),
            format!("command=pay&txn_id=17&txn_date=20261121090000&account={id}&sum=005347.07"),
        ] {
            let again = ask(&bank, &again).await;
            assert_eq!((again.http_status, &again.body), (200, &first.body), "{}", text(&again));
        }
        assert_eq!(money(&portal, &id).await, paid, "once, however often it is told");
        let checked = read(&check(&bank, &id).await);
        assert_eq!(checked["result"], 3, "paid already, and that is its code: {checked}");
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_payments_at_once_are_one_and_all_hear_the_same() {
    for plan in stores().await {
        let installation = Installation::with(plan).await;
        let portal = installation.caller("portal");
        let id = Arc::new(charge(&portal).await);
        let callers: Vec<_> = (0..16).map(|_| installation.caller("bank")).collect();
        let asked: Vec<_> = callers
            .into_iter()
            .map(|bank| {
                let id = Arc::clone(&id);
                tokio::spawn(async move { pay(&bank, "18", &id, SUM).await })
            })
            .collect();
        let mut bodies = HashSet::new();
        for asked in asked {
            let posted = asked.await.unwrap();
            assert_eq!((posted.http_status, result(&posted)), (200, 0), "{}", text(&posted));
            bodies.insert(posted.body);
        }
        assert_eq!(bodies.len(), 1);
        assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_cannot_pay_the_charge_is_taken_into_suspense_and_never_refused() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    assert_eq!(result(&pay(&bank, "21", &id, "1.00").await), 0, "another amount");
    assert_eq!(money(&portal, &id).await.0, "open", "it does not pay the charge");
    assert_eq!(result(&pay(&bank, "22", &id, SUM).await), 0);
    assert_eq!(result(&pay(&bank, "23", &id, SUM).await), 0, "paid twice by its payer");
    let (state, paid, suspense, _) = money(&portal, &id).await;
    assert_eq!((&*state, paid, suspense), ("paid", TIYN, TIYN + 100));

    let annulled = charge(&portal).await;
    let path = format!("/api/v1/charges/{annulled}/annulment");
    let headers = [("content-type", "application/json"), ("idempotency-key", "annul-1")];
    let posted = portal.client.post_to(&path, &headers, b"{}".to_vec()).await.unwrap();
    assert!(posted.http_status < 300, "{}", read(&posted));
    assert_eq!(result(&check(&bank, &annulled).await), 2, "annulled");
    assert_eq!(result(&pay(&bank, "24", &annulled, SUM).await), 0, "but the money is there");
    assert_eq!(money(&portal, &annulled).await.2, TIYN);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_a_payment_that_comes_with_other_terms_changes_nothing() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let (id, other) = (charge(&portal).await, charge(&portal).await);
    let first = pay(&bank, "31", &id, SUM).await;
    assert_eq!(result(&first), 0);
    assert_eq!(result(&pay(&bank, "31", &id, "5347.08").await), 5, "another sum");
    assert_eq!(result(&pay(&bank, "31", &other, SUM).await), 5, "another charge");
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
    assert_eq!(money(&portal, &other).await, ("open".to_owned(), 0, 0, 0));
    assert_eq!(pay(&bank, "31", &id, SUM).await.body, first.body, "the first is told as before");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_changes_nothing_however_often_it_comes() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    let before = state(&portal, &id).await;
    let first = check(&bank, &id).await;
    for _ in 0..50 {
        assert_eq!(check(&bank, &id).await.body, first.body);
    }
    assert_eq!(state(&portal, &id).await, before);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_the_bank_is_refused_in_its_dialect_and_moves_nothing() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    for stranger in ["portal", "agency"] {
        let stranger = installation.caller(stranger);
        for posted in [pay(&stranger, "41", &id, SUM).await, check(&stranger, &id).await] {
            assert_eq!((posted.http_status, result(&posted)), (403, 5), "{}", text(&posted));
            assert_eq!(posted.fault.as_deref(), Some("caller.forbidden"));
            let entry = installation.entry(&posted).await;
            assert!(entry.line().starts_with("Refused caller.forbidden"), "{}", entry.line());
        }
    }
    assert_eq!(money(&portal, &id).await, ("open".to_owned(), 0, 0, 0));
    let nowhere = bank.client.get("/bank/nobody/provider?command=check").await.unwrap();
    assert_eq!(nowhere.http_status, 404);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_bank_should_write_is_told_in_its_dialect_and_moves_nothing() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    for (query, code) in [
        (format!("command=pay&txn_id=51&account={id}&sum=5347.075"), 5),
        (format!("command=pay&txn_id=51&account={id}&sum=-5347.07"), 5),
        (format!("command=pay&txn_id=51&account={id}&sum=5.34707E3"), 5),
        (format!("command=pay&txn_id=51&account={id}"), 5),
        (format!("command=pay&account={id}&sum={SUM}"), 5),
        (format!("command=pay&txn_id=51&txn_id=52&account={id}&sum={SUM}"), 5),
        (format!("command=pay&txn_id=51&txn_date=20260231000000&account={id}&sum={SUM}"), 5),
        (format!("command=refund&txn_id=51&account={id}&sum={SUM}"), 5),
        (format!("command=pay&txn_id=51&account=1%27%20OR%20%271%27=%271&sum={SUM}"), 1),
        (
            format!("command=pay&txn_id=51&account=0199c3d2-a9a7-7b55-8a0e-1c2d3e4f5a6b&sum={SUM}"),
            1,
        ),
        ("command=check&txn_id=51&account=%3B%20DROP%20TABLE%20charge".to_owned(), 1),
    ] {
        let posted = ask(&bank, &query).await;
        assert_eq!(
            (posted.http_status, result(&posted)),
            (200, code),
            "{query}: {}",
            text(&posted)
        );
        assert!(posted.entry.is_some(), "{query}: nothing is refused without an entry");
    }
    assert_eq!(money(&portal, &id).await, ("open".to_owned(), 0, 0, 0));
    let xml = text(&ask(&bank, &format!("command=check&txn_id=7&account={id}&format=xml")).await);
    assert!(xml.contains("<result>0</result><sum>5347.07</sum>"), "{xml}");
    installation.stop().await;
}

/// What a participant pays at one of several lives or nodes of a gateway.
async fn pay_at(ground: &Ground, running: &Running, txn_id: &str, charge: &str) -> Vec<u8> {
    let bank = Caller::new(&ground.scratch, &running.callers[0], "bank", Some("bank"));
    let posted = pay(&bank, txn_id, charge, SUM).await;
    assert_eq!((posted.http_status, result(&posted)), (200, 0), "{}", text(&posted));
    posted.body.into()
}

fn portal_at(ground: &Ground, running: &Running) -> Caller {
    Caller::new(&ground.scratch, &running.callers[0], "portal", Some("portal"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_told_the_same_after_a_restart_even_if_the_journal_forgot_it() {
    let ground = Ground::lay(&Plan::default()).await;
    let first_life = Running::start(ground.settings()).await.unwrap();
    let id = charge(&portal_at(&ground, &first_life)).await;
    let first = pay_at(&ground, &first_life, "61", &id).await;
    first_life.drain().await;

    let second_life = Running::start(ground.settings()).await.unwrap();
    assert_eq!(pay_at(&ground, &second_life, "61", &id).await, first, "from the journal");
    second_life.drain().await;

    let journal = ground.scratch.journal.file_name().unwrap().to_str().unwrap().to_owned();
    for file in std::fs::read_dir(ground.scratch.journal.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().starts_with(&journal) {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    let third_life = Running::start(ground.settings()).await.unwrap();
    assert_eq!(pay_at(&ground, &third_life, "61", &id).await, first, "from the payments");
    let portal = portal_at(&ground, &third_life);
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
    third_life.drain().await;
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_take_a_payment_once_and_tell_the_same() {
    let ground = Ground::lay(&Plan { store: Some(postgres_url().await), ..Plan::default() }).await;
    let settings = ground.settings();
    journal::migrate(&settings.journal.store, 2).await.unwrap();
    payments::migrate(&settings.payments.store).await.unwrap();
    let other = |mut settings: Settings| {
        settings.node.id = "demo-2".to_owned();
        settings
    };
    let nodes = [
        Running::start(settings).await.unwrap(),
        Running::start(other(ground.settings())).await.unwrap(),
    ];
    let id = charge(&portal_at(&ground, &nodes[0])).await;
    let mut bodies = HashSet::new();
    for round in 0..8 {
        let both = [&nodes[round % 2], &nodes[(round + 1) % 2]];
        let [one, two] = both.map(|node| pay_at(&ground, node, "71", &id));
        let (one, two) = tokio::join!(one, two);
        bodies.extend([one, two]);
    }
    assert_eq!(bodies.len(), 1);
    let portal = portal_at(&ground, &nodes[1]);
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
    for node in nodes {
        node.drain().await;
    }
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_a_closed_day_is_counted_in_the_next_one_and_keeps_its_own_time() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let (id, late) = (charge(&portal).await, charge(&portal).await);
    assert_eq!(result(&pay(&bank, "81", &id, SUM).await), 0);
    let desk = installation.inner.running.gate.desk.clone().unwrap();
    let charge_id = id.parse().unwrap();
    let order = desk.payments.orders_of_charge(&charge_id, 10).await.unwrap().remove(0);
    let day = order.operating_day.unwrap();
    let at_us = jiff::Timestamp::now().as_microsecond();
    let closed = Command::Close { bank: "demo".to_owned(), day, at_us };
    desk.payments.run(closed).await.unwrap();

    assert_eq!(result(&pay(&bank, "82", &late, SUM).await), 0, "the money is taken all the same");
    let charge_id = late.parse().unwrap();
    let counted = desk.payments.orders_of_charge(&charge_id, 10).await.unwrap().remove(0);
    assert!(counted.operating_day.unwrap() > day, "in an open day");
    assert_eq!(counted.posted_at_us, order.posted_at_us, "at the bank's own time");
    assert_eq!(money(&portal, &late).await, ("paid".to_owned(), TIYN, 0, 1));
    installation.stop().await;
}
