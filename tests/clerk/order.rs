//! An order is durable before its bank sees a byte, as the kernel saw it.

use crate::house::{BANK, House, Own, until};
use crate::strace::{self, Event, READS, WRITES, before};
use qaqpa::command::client::{Client, Posted};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_synced_to_disk_before_the_bank_sees_a_byte() {
    let house = House::on_sqlite("", 51).await;
    let is_written = |event: &Event| event.is(&["pwrite64"], "payments.sqlite-wal>");
    let syncs = |event: &Event, _: &Event| {
        event.is(&["fdatasync", "fsync"], "payments.sqlite-wal>") && event.is_good()
    };
    hold_order(house, is_written, syncs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orders_commit_is_acknowledged_before_the_bank_sees_a_byte() {
    let house = House::on_postgres("", 52).await;
    let (cluster, database) = house.database.as_ref().unwrap();
    let url = cluster.url("qaqpa_app", database);
    let port = url.split([':', '/']).find_map(|part| part.parse::<u16>().ok()).unwrap();
    let server = format!("->127.0.0.1:{port}]");
    let is_written = move |event: &Event| event.is(&WRITES, &server);
    // On the very connection that carried the rows.
    let acknowledges = |event: &Event, written: &Event| {
        let socket = written.text.split_once('>').map(|(socket, _)| socket).unwrap_or_default();
        event.is(&READS, "COMMIT\\0") && event.text.starts_with(socket)
    };
    hold_order(house, is_written, acknowledges).await;
}

/// Pays two charges one after the other, the second on a connection that is kept, and looks for the order
/// of each: the attempt written, durable, sent.
async fn hold_order(
    house: House,
    is_written: impl Fn(&Event) -> bool,
    makes_durable: impl Fn(&Event, &Event) -> bool,
) {
    let trace = house.folder.path().join("trace");
    let (url, gate) = serve(&house, &trace).await;
    let pair = &house.scratch.member("portal").unwrap().pair;
    let own = Some((&*pair.cert_pem, &*pair.key_pem));
    let portal = Client::new(&url, &house.scratch.trust_pem, own).unwrap();
    let mut orders = Vec::new();
    for number in 0..2 {
        let order = pay(&portal, number).await;
        until("the bank has posted it", async || {
            let path = format!("/api/v1/payments/{order}");
            read(&portal.get(&path).await.unwrap())["state"] == "posted"
        })
        .await;
        orders.push(order);
    }
    let id = gate.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let mut events = Vec::new();
    until("strace has written it all", async || {
        strace::events(&trace).map(|all| events = all).is_some()
    })
    .await;
    for order in orders {
        let names = |event: &&Event| event.text.contains(&order);
        let attempt = events
            .iter()
            .filter(names)
            .find(|event| is_written(event) && event.text.contains("submitting"));
        let attempt = attempt.expect("the attempt is written");
        let end_to_end_id = format!("GW{}", order.replace('-', ""));
        let to_bank = format!("->{}]", house.bank_address);
        let sent = events
            .iter()
            .find(|event| event.is(&WRITES, &to_bank) && event.text.contains(&end_to_end_id));
        let sent = sent.expect("the order is sent to the bank");
        let durable = events
            .iter()
            .find(|event| event.begun > attempt.begun && makes_durable(event, attempt));
        let durable = durable.expect("the attempt is made durable");
        assert!(attempt.ended < durable.ended && durable.ended < sent.begun, "{order} came early");
    }
}

/// `qaqpa serve` under strace, ready; the address of its door, and its process.
async fn serve(house: &House, trace: &Path) -> (String, Own) {
    let ready = house.folder.path().join("gate.ready");
    let words = before(trace, env!("CARGO_BIN_EXE_qaqpa"));
    let process = Command::new(words[0])
        .args(&words[1..])
        .args(["serve", "--config"])
        .arg(&house.config)
        .arg("--ready-file")
        .arg(&ready)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let gate = Own(process);
    until("the gateway is ready", async || ready.exists()).await;
    let told: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    (told["callers"][0].as_str().unwrap().to_owned(), gate)
}

fn read(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body).unwrap()
}

/// A new charge, and a payment of it through the bank: its id.
async fn pay(portal: &Client, number: usize) -> String {
    let post = async |path: &str, body: Value| {
        let key = format!("{path}/{number}");
        let headers = [("content-type", "application/json"), ("idempotency-key", &*key)];
        let posted = portal.post_to(path, &headers, body.to_string().into()).await.unwrap();
        assert_eq!(posted.http_status, 201, "{}", read(&posted));
        read(&posted)
    };
    let charge = json!({
        "payer_iin": "850312300121", "payee_bin": "190540007715", "kbk": "108125", "knp": "911",
        "amount_tiyn": 534_707, "purpose": { "kk": "a", "ru": "b", "en": "c" },
    });
    let charge = post("/api/v1/charges", charge).await;
    let payment =
        post("/api/v1/payments", json!({ "charge_id": charge["charge_id"], "bank": BANK })).await;
    payment["payment_id"].as_str().unwrap().to_owned()
}
