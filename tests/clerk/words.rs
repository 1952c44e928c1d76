//! `qaqpa payments`: what waits for a person is listed, and a person's word is done once and remembered.

use crate::house::{House, OFFICE, open, start, until, wanted};
use qaqpa::payments::Payments;
use qaqpa::payments::command::{Act, Command, Reply, Telling};
use qaqpa::payments::order::{Action, State};
use serde_json::Value;
use std::process;
use std::time::{Duration, Instant};

/// Runs `qaqpa payments … --json`; whether it succeeded, and its lines or its words.
fn said(house: &House, words: &[&str]) -> (bool, Vec<Value>, String) {
    let out = process::Command::new(env!("CARGO_BIN_EXE_qaqpa"))
        .args(["payments", "--json", "--config"])
        .arg(&house.config)
        .args(words)
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (out.status.success(), lines, String::from_utf8(out.stderr).unwrap())
}

const WHO: [&str; 4] = ["--operator", "a.operator", "--reason", "the bank's letter 17"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contradiction_is_listed_until_a_person_with_a_reason_ends_it_once() {
    let house = House::on_sqlite("contradict=100", 61).await;
    let (running, payments) = start(house.settings()).await;
    let order = open(&payments, "W-1").await;
    until("the order is in conflict", async || {
        payments.order(&order.id).await.unwrap().unwrap().state == State::Conflict
    })
    .await;
    until("everybody was told", async || {
        house.sql("SELECT id FROM notice WHERE told_at_us IS NULL").is_empty()
    })
    .await;
    drop(payments);
    running.drain().await;
    let id = order.id.text();
    for list in ["open", "suspense"] {
        let (is_done, lines, words) = said(&house, &[list]);
        assert!(is_done, "{words}");
        assert_eq!(
            (lines.len(), &lines[0]["payment"], &lines[0]["state"]),
            (1, &id.into(), &"conflict".into())
        );
        assert_eq!(lines[0]["payer"], "9001****0017", "no list tells whose it is");
    }
    assert_eq!(said(&house, &["dead"]).1, [Value::Null; 0]);

    let rule = |who: &[&str]| said(&house, &[&["rule", id, "--as", "posted"], who].concat());
    let (is_done, _, words) = rule(&["--operator", "a.operator", "--reason", " "]);
    assert!(!is_done && words.contains("say why"), "nobody rules without a reason: {words}");
    let (is_done, lines, words) = rule(&WHO);
    assert!(is_done, "{words}");
    assert_eq!(lines[0]["done"]["state"], "posted");
    let (is_done, _, words) = rule(&WHO);
    assert!(!is_done && words.contains("refused"), "what is ended is not ended again: {words}");

    let (_, lines, _) = said(&house, &["show", id]);
    let shown = lines[0].to_string();
    assert!(shown.contains("the bank's letter 17") && !shown.contains("900101300017"), "{shown}");
    for list in ["open", "suspense"] {
        assert!(said(&house, &[list]).1.is_empty(), "{list}");
    }
    let unknown = said(&house, &["show", "018f0000-0000-7000-8000-000000000000"]);
    assert!(!unknown.0 && unknown.2.contains("no such payment"), "{}", unknown.2);
    let resend = said(&house, &[&["resend", "nothing"], &WHO[..]].concat());
    assert!(!resend.0 && resend.2.contains("no such dead letter"), "{}", resend.2);
}

/// Tries a notice in vain until it is given up; its name.
async fn given_up(house: &House) -> String {
    let settings = house.settings();
    let payments = Payments::start(&settings.payments, "demo").await.unwrap();
    let mut at_us = jiff::Timestamp::now().as_microsecond();
    let mut notice = payments.notices_due(OFFICE, at_us, 1).await.unwrap().remove(0);
    while notice.dead_at_us.is_none() {
        at_us = at_us.max(notice.next_try_at_us);
        for telling in [Telling::Begin { until_us: at_us + 1 }, Telling::Failed] {
            let (name, version) = (notice.id.clone(), notice.version);
            let tell = Command::Tell { notice: name, version, telling, at_us };
            let Reply::Notice(next) = payments.run(tell).await.unwrap() else { panic!("{at_us}") };
            notice = *next;
        }
    }
    payments.drain(Instant::now() + Duration::from_secs(10)).await.unwrap();
    notice.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_is_sent_again_by_a_person_once_and_its_office_is_told() {
    let house = House::on_sqlite("", 63).await;
    let payments = Payments::start(&house.settings().payments, "demo").await.unwrap();
    let order = open(&payments, "W-3").await;
    payments.drain(Instant::now() + Duration::from_secs(10)).await.unwrap();
    let note = [&["note", order.id.text(), "--said", "posted"], &WHO[..]].concat();
    assert!(said(&house, &note).0);
    let notice = given_up(&house).await;
    let (_, dead, words) = said(&house, &["dead"]);
    assert_eq!((dead.len(), &dead[0]["id"]), (1, &notice.as_str().into()), "{words}");
    let resend = || said(&house, &[&["resend", &notice], &WHO[..]].concat());
    let (is_done, lines, words) = resend();
    assert!(is_done && lines[0]["by"] == "a.operator", "{words}");
    assert_eq!(said(&house, &["dead"]).1, [Value::Null; 0]);
    let (is_done, _, words) = resend();
    assert!(!is_done && words.contains("no such dead letter"), "{words}");
    let (running, _) = start(house.settings()).await;
    until("the office was told", async || {
        house.office.told().iter().any(|(id, _, state)| id == order.id.text() && state == "posted")
    })
    .await;
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_money_is_led_to_an_open_charge_by_a_person_once() {
    let house = House::on_sqlite("", 64).await;
    let payments = Payments::start(&house.settings().payments, "demo").await.unwrap();
    let order = open(&payments, "W-4").await;
    let (mut dearer, _) = wanted("W-5");
    dearer.amount_tiyn += 1;
    let registered = payments.run(Command::Register(vec![dearer.clone()])).await.unwrap();
    assert_eq!(registered, Reply::Done);
    let at_us = jiff::Timestamp::now().as_microsecond();
    let (node, action) = ("demo".to_owned(), Action::Cancel);
    let id = order.id.clone();
    let cancel = Act { order: id, action, attempt: 0, node, at_us, check_at_us: at_us };
    assert!(payments.run(Command::Act(cancel)).await.unwrap().order().is_some());
    payments.drain(Instant::now() + Duration::from_secs(10)).await.unwrap();
    let (id, charge) = (order.id.text(), order.charge.as_ref().unwrap().text());
    let apply = |to: &str| said(&house, &[&["apply", id, "--to", to], &WHO[..]].concat());
    let (is_done, _, words) = apply(charge);
    assert!(!is_done && words.contains("no money in suspense"), "it has not come: {words}");
    assert!(said(&house, &[&["note", id, "--said", "posted"], &WHO[..]].concat()).0);
    assert_eq!(said(&house, &["suspense"]).1[0]["payment"], id);
    let (is_done, _, words) = apply(dearer.id.text());
    assert!(!is_done && words.contains("The amount of the charge is not that"), "{words}");
    let (is_done, lines, words) = apply(charge);
    assert!(is_done, "{words}");
    assert_eq!((&lines[0]["done"]["state"], &lines[0]["by"]), (&"posted".into(), &WHO[1].into()));
    assert!(said(&house, &["suspense"]).1.is_empty(), "it is there no more");
    let (is_done, _, words) = apply(charge);
    assert!(!is_done && words.contains("payment_returned"), "all of it, once: {words}");
    let paying = lines[0]["done"]["payment"].as_str().unwrap();
    let shown = said(&house, &["show", paying]).1[0].to_string();
    assert!(shown.contains("the bank's letter 17") && shown.contains("suspense:"), "{shown}");
    let told = house.sql("SELECT order_id FROM notice WHERE cause = 'applied'");
    assert!(told.iter().any(|one| one == paying), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_notes_what_a_bank_said_and_closes_its_day_beside_a_running_gateway() {
    let house = House::on_postgres("lose_request=100", 62).await;
    let (running, payments) = start(house.settings()).await;
    let order = open(&payments, "W-2").await;
    until("nobody knows", async || {
        payments.order(&order.id).await.unwrap().unwrap().state == State::Unknown
    })
    .await;
    let id = order.id.text();
    let note = [&["note", id, "--said", "posted"], &WHO[..]].concat();
    let (is_done, lines, words) = said(&house, &note);
    assert!(is_done, "{words}");
    assert_eq!(lines[0]["done"]["state"], "posted");
    let close =
        |day: &str| said(&house, &[&["close", "--bank", "chaos", "--day", day], &WHO[..]].concat());
    let day = payments.order(&order.id).await.unwrap().unwrap().operating_day.unwrap().to_string();
    let (is_done, _, words) = close(&day);
    assert!(!is_done && words.contains("not_due"), "no day is closed that is not over: {words}");
    let (is_done, lines, words) = close("2026-11-20");
    assert!(is_done, "{words}");
    assert_eq!(lines[0]["done"]["orders"], 0);
    running.drain().await;
}
