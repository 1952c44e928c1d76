//! Bad days at a bank: whatever it loses, delays, breaks or contradicts, its books and ours agree in a minute.

use crate::house::{House, open, start, until};
use crate::judge::{judge, settle};
use qaqpa::payments::order::State;
use tokio::task::JoinSet;

const ORDERS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_of_a_rough_bank_and_ours_agree_on_sqlite() {
    rough_day(House::on_sqlite("rough", 11).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_of_a_rough_bank_and_ours_agree_on_postgres() {
    rough_day(House::on_postgres("rough", 12).await).await;
}

async fn rough_day(house: House) {
    let (running, payments) = start(house.settings()).await;
    house.office.refuse(5);
    let mut opened = JoinSet::new();
    for number in 0..ORDERS {
        let payments = payments.clone();
        opened.spawn(async move { open(&payments, &format!("R-{number}")).await.id.to_string() });
    }
    let promised = opened.join_all().await;
    settle(&house).await;
    let verdict = judge(&house, &promised);
    println!("{verdict:#?}");
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert_eq!(verdict.posted + verdict.rejected, ORDERS);
    assert!(verdict.posted > ORDERS / 2, "{verdict:?}");
    // What was left Unknown in the journal is resolved by what became of its order.
    let gate = running.gate.clone();
    until("no entry waits for evidence", async || {
        gate.journal.unresolved(100).await.unwrap().is_empty()
    })
    .await;
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_that_contradicts_itself_freezes_its_orders_and_their_money_waits_in_suspense() {
    let house = House::on_sqlite("contradict=100", 1).await;
    let (running, payments) = start(house.settings()).await;
    let order = open(&payments, "C-1").await;
    until("the order is in conflict", async || {
        payments.order(&order.id).await.unwrap().unwrap().state == State::Conflict
    })
    .await;
    let balances = payments.balances().await.unwrap();
    let suspense = balances.iter().find(|row| row.account == "suspense:chaos").unwrap();
    assert_eq!(suspense.balance_tiyn, -order.amount_tiyn);
    until("the office is told", async || !house.office.told().is_empty()).await;
    assert_eq!(house.office.told()[0].2, "conflict");
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_the_bank_never_got_is_sent_again_only_after_not_found_and_quiet() {
    let house = House::on_sqlite("lose_request=30", 5).await;
    let (running, payments) = start(house.settings()).await;
    let mut promised = Vec::new();
    for number in 0..24 {
        promised.push(open(&payments, &format!("L-{number}")).await.id.to_string());
    }
    settle(&house).await;
    let verdict = judge(&house, &promised);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    let again = house.sql("SELECT id FROM payment_order WHERE attempt > 1");
    assert!(!again.is_empty(), "nothing was lost");
    for id in &again {
        let heard = house.sql(&format!(
            "SELECT count(*) FROM order_evidence WHERE order_id = '{id}' AND said = 'not_found'"
        ));
        assert!(heard[0].parse::<u32>().unwrap() >= 2, "{id} was sent again after {heard:?}");
    }
    running.drain().await;
}
