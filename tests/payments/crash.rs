//! What payments promised before a `kill -9` is there after it, and nothing of it twice.

use crate::house::*;
use qaqpa::config::settings::Store;
use qaqpa::payments::Payments;
use qaqpa::payments::command::{Answered, Command, Reply};
use qaqpa::payments::order::{Action, State};
use qaqpa::payments::record::Id;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command as Process, Stdio};

const STORE: &str = "QAQPA_TEST_PAYMENTS_STORE";
const LIFE: &str = "QAQPA_TEST_PAYMENTS_LIFE";
/// Lives in a row on one store, each killed after more promises than the last.
const LIVES: usize = 8;
const CALLERS: usize = 8;

pub(crate) async fn what_was_promised_survives_a_kill_and_nothing_is_there_twice(house: &House) {
    let store = match &house.settings.store {
        Store::Embedded { path } => path.display().to_string(),
        Store::Postgres { url, .. } => url.to_string(),
    };
    let mut promised: Vec<String> = Vec::new();
    for life in 0..LIVES {
        promised.extend(one_life(&store, life, 7 + 41 * life));
    }
    let payments = house.start().await;
    let (mut paid, mut submitted) = (BTreeSet::new(), 0);
    for promise in &promised {
        let words: Vec<&str> = promise.split(' ').collect();
        match words[..] {
            ["submitted", id] => {
                let order = payments.order(&id.parse().unwrap()).await.unwrap().unwrap();
                assert_eq!((order.state, order.attempt), (State::Unknown, 1), "{promise}");
                submitted += 1;
            }
            ["paid", key, id] => {
                assert!(paid.insert(key.to_owned()), "{key} was answered as new twice");
                let order = payments.order(&id.parse().unwrap()).await.unwrap().unwrap();
                assert_eq!(order.state, State::Posted, "{promise}");
                let again = pay(&payments, key, None).await;
                assert_eq!(again, format!("again {id}"), "the answer is kept");
            }
            _ => panic!("{promise}"),
        }
    }
    assert!(paid.len() > 100 && submitted > 100, "{} paid, {submitted} submitted", paid.len());
    // All or nothing: what nobody was promised is whole too.
    assert_eq!(
        house.count("payment_order WHERE state NOT IN ('posted', 'unknown', 'reserved')"),
        0
    );
    let orders = house.count("payment_order");
    assert_eq!(house.count("order_change WHERE version = 1"), orders);
    let posted = house.count("payment_order WHERE state = 'posted'");
    assert_eq!(house.count("request_key"), posted);
    assert_eq!(balance(&payments, "receivable:demo_bank").await, posted * AMOUNT);
    assert_eq!(balance(&payments, "pending:demo_bank").await, (orders - posted) * AMOUNT);
}

/// Starts a child and kills it after so many promises; everything that it has promised.
fn one_life(store: &str, life: usize, promises: usize) -> Vec<String> {
    let mut child = Process::new(std::env::current_exe().unwrap())
        .args(["crash::life_that_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(STORE, store)
        .env(LIFE, life.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let is_promise = |line: &String| line.starts_with("paid ") || line.starts_with("submitted ");
    let mut lines = lines.filter(is_promise);
    let mut promised: Vec<String> = lines.by_ref().take(promises).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    promised.extend(lines);
    promised
}

/// The child: pays and submits and says so, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by what_was_promised_survives_a_kill_and_nothing_is_there_twice"]
async fn life_that_is_killed() {
    let Ok(store) = std::env::var(STORE) else { return };
    let life = std::env::var(LIFE).unwrap();
    let store = match store.starts_with("postgres://") {
        true => postgres_store(&store),
        false => Store::Embedded { path: store.into() },
    };
    let payments = Payments::start(&settings(store), "node-1").await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (payments, life) = (payments.clone(), life.clone());
        callers.spawn(async move {
            for number in 0.. {
                let key = format!("{life}-{caller}-{number}");
                let id = new_id();
                if caller % 2 == 0 {
                    charged(&payments, &key).await;
                    let answer = pay(&payments, &key, Some(&id)).await;
                    say(&format!("paid {key} {}", answer.strip_prefix("paid ").unwrap()));
                } else {
                    let order = opened(&payments, &charged(&payments, &key).await).await;
                    let submit = act(&order.id, Action::Submit, 0, MORNING_US);
                    payments.run(submit).await.unwrap();
                    say(&format!("submitted {}", order.id));
                }
            }
        });
    }
    callers.join_all().await;
}

/// Pays the charge with this number under its key: `paid ID` the first time, then `again ID`.
async fn pay(payments: &Payments, number: &str, id: Option<&Id>) -> String {
    let charge = payments.charge_of("tax_office", number).await.unwrap().unwrap();
    let mut receipt = receipt(&charge, number);
    receipt.order = id.cloned().unwrap_or(receipt.order);
    let render = Box::new(|reply: &Reply| {
        reply.order().map(|order| order.id.text().as_bytes().to_vec()).unwrap_or_default()
    });
    let answered = payments.run_once(key(number, "body"), render, Command::Receive(receipt));
    match answered.await.unwrap() {
        Answered::Now(Reply::Order { .. }, Some(id)) => {
            format!("paid {}", String::from_utf8(id).unwrap())
        }
        Answered::Again(id) => format!("again {}", String::from_utf8(id).unwrap()),
        other => panic!("{other:?}"),
    }
}

fn say(promise: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{promise}").and_then(|()| out.flush()).unwrap();
}
