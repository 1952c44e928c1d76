//! Bad days at a bank: whatever it loses, delays, breaks or contradicts, its books and ours agree in a minute.

use crate::gate::{Portal, customer, refundable};
use crate::house::{AMOUNT, FACES, House, open, start, until};
use crate::judge::{judge, settle};
use crate::postgres::Cluster;
use qaqpa::payments::order::State;
use std::sync::Arc;
use tokio::task::JoinSet;

const CHARGES: usize = 60;
/// Some of everything.
const ROUGH: &str = "lose_request=10,lose_answer=10,late=10,delay=10,break=10,queue=10,reject=10,\
    contradict=10,early=10,repeat=10";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_of_rough_banks_and_ours_agree_on_sqlite() {
    rough_day(House::with_callers(None, ROUGH, 11).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_books_of_rough_banks_and_ours_agree_on_postgres() {
    rough_day(House::with_callers(Some(Cluster::start()), ROUGH, 12).await).await;
}

/// Charges are paid by our orders, by customers at their banks, and by both at once; then some of the
/// money goes back.
async fn rough_day(house: House) {
    let (running, _) = start(house.settings()).await;
    house.office.refuse(5);
    let house = Arc::new(house);
    let portal = Arc::new(Portal::new(&house));
    let mut opened = JoinSet::new();
    for number in 0..CHARGES {
        let (house, portal) = (Arc::clone(&house), Arc::clone(&portal));
        opened.spawn(async move {
            let charge = portal.charge(&format!("R-{number}")).await;
            let by_order = async {
                let is_ordered = number % 3 != 0;
                if is_ordered { portal.pay(&charge, FACES[number % 2].id).await } else { None }
            };
            let by_customer = async {
                if number % 3 != 1 {
                    customer(&house, &charge, number).await;
                }
            };
            tokio::join!(by_order, by_customer).0
        });
    }
    let mut promised: Vec<String> = opened.join_all().await.into_iter().flatten().collect();
    settle(&house).await;
    let mut refunds = JoinSet::new();
    for (place, payment) in refundable(&house).into_iter().enumerate() {
        for times in 0..3 {
            let (portal, payment) = (Arc::clone(&portal), payment.clone());
            let key = format!("B-{place}-{times}");
            // Two of the three are as much as was paid.
            refunds.spawn(async move { portal.refund(&payment, &key, AMOUNT / 2).await });
        }
    }
    promised.extend(refunds.join_all().await.into_iter().flatten());
    settle(&house).await;
    assert_eq!(portal.repeat().await, [""; 0]);
    for bank in &house.banks {
        assert!(bank.repeat(&house).await > 0, "{} asked nothing", bank.id);
    }
    settle(&house).await;
    let verdict = judge(&house, &promised);
    println!("{verdict:#?}");
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    let all = verdict.posted.min(verdict.rejected).min(verdict.refunds_posted);
    let all = all
        .min(verdict.conflicts)
        .min(verdict.taken)
        .min(verdict.in_suspense)
        .min(verdict.asked_again);
    assert!(all > 0, "something did not happen: {verdict:?}");
    // What was left Unknown in the journal is resolved by what became of its order; of a contradiction an
    // operator says what became of it.
    let contested = house.sql("SELECT end_to_end_id FROM payment_order WHERE state = 'conflict'");
    let gate = running.gate.clone();
    until("no entry waits for evidence that there is", async || {
        let waiting = gate.journal.unresolved(100).await.unwrap();
        waiting.iter().all(|entry| contested.contains(&entry.message_id))
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
