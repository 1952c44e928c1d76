//! A bank that cannot be reached: its orders stay to be sent, nobody wonders, and once it is back it gets each once.

use crate::house::{House, offer, start, until};
use crate::judge::{judge, settle};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

const ORDERS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_a_bank_that_refuses_connections_stay_to_be_sent() {
    comes_back(House::on_sqlite("", 41).await, 1_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_of_a_bank_behind_an_open_breaker_stay_to_be_sent() {
    comes_back(House::on_postgres("", 42).await, 1).await;
}

async fn comes_back(house: House, breaker_failures: u32) {
    // Bound, so that nobody else gets the port; at first nobody listens.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = closed.local_addr().unwrap().port();
    let bank = reroute(&house, port, breaker_failures);
    let (running, payments) = start(house.settings()).await;
    let mut opened = JoinSet::new();
    for number in 0..ORDERS {
        opened.spawn(offer(payments.clone(), format!("W-{number}")));
    }
    let promised = opened.join_all().await;
    let withdrawn = "SELECT order_id FROM order_change WHERE cause = 'withdrawn'";
    until("the bank was knocked at in vain", async || house.sql(withdrawn).len() > 2).await;
    let open = "SELECT id FROM payment_order WHERE state NOT IN ('reserved', 'submitting')";
    assert_eq!(house.sql(open), [""; 0], "not a byte left, and nothing is unclear");

    let listener = closed.listen(64).unwrap();
    tokio::spawn(async move {
        while let Ok((mut gateway, _)) = listener.accept().await {
            let mut bank = TcpStream::connect(&bank).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut gateway, &mut bank).await });
        }
    });
    settle(&house).await;
    let verdict = judge(&house, &promised);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert_eq!(verdict.posted, ORDERS, "{verdict:?}");
    let unclear = "SELECT order_id FROM order_change WHERE cause IN ('lost', 'resubmitted')";
    assert_eq!(house.sql(unclear), [""; 0]);
    // What was never sent is no entry that waits for evidence.
    assert!(running.gate.journal.unresolved(100).await.unwrap().is_empty());
    running.drain().await;
}

/// Sends the bank's orders to another port; where the bank really is.
fn reroute(house: &House, port: u16, breaker_failures: u32) -> String {
    let file = house.config.join("services.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("adapter = \"iso20022\"\nendpoint = \"http://").unwrap();
    let (bank, after) = rest.split_once('/').unwrap();
    let rerouted = format!(
        "{before}adapter = \"iso20022\"\nendpoint = \"http://127.0.0.1:{port}/{}",
        after.replacen("failures = 1000", &format!("failures = {breaker_failures}"), 1)
    );
    std::fs::write(file, rerouted).unwrap();
    bank.to_owned()
}
