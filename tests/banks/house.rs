//! A portal that registers charges, a bank that asks about them, and what became of the money.

use crate::caller::Caller;
use qaqpa::command::client::Posted;
use serde_json::{Value, json};

/// Of every charge here, in tiyn: the last ones are lost by whoever counts in tenge or in floats.
pub const TIYN: i64 = 534_707;

pub fn read(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&posted.body)))
}

pub fn text(posted: &Posted) -> String {
    String::from_utf8(posted.body.clone().into()).unwrap()
}

/// A new charge's id.
pub async fn charge(portal: &Caller) -> String {
    let body = json!({
        "payer_iin": "850312300121",
        "payee_bin": "190540007715",
        "kbk": "108125",
        "knp": "911",
        "amount_tiyn": TIYN,
        "due_date": "2036-12-31",
        "purpose": { "kk": "Баж", "ru": "Пошлина", "en": "Duty" },
    });
    made(portal, "/api/v1/charges", &body, "charge_id").await
}

/// A payment that the portal opens through a bank: its end-to-end id.
pub async fn payment(portal: &Caller, charge: &str, bank: &str) -> String {
    let body = json!({ "charge_id": charge, "bank": bank });
    made(portal, "/api/v1/payments", &body, "end_to_end_id").await
}

async fn made(portal: &Caller, path: &str, body: &Value, field: &str) -> String {
    let key = Caller::fresh_id();
    let headers = [("content-type", "application/json"), ("idempotency-key", &*key)];
    let body = body.to_string().into_bytes();
    let posted = portal.client.post_to(path, &headers, body).await.unwrap();
    assert_eq!(posted.http_status, 201, "{}", read(&posted));
    read(&posted)[field].as_str().unwrap().to_owned()
}

/// The charge as its agency sees it.
pub async fn state(portal: &Caller, charge: &str) -> Value {
    read(&portal.client.get(&format!("/api/v1/charges/{charge}")).await.unwrap())
}

/// State, what counts as paid, what lies in suspense, and how many payments there are.
pub async fn money(portal: &Caller, charge: &str) -> (String, i64, i64, usize) {
    let found = state(portal, charge).await;
    let tiyn = |key: &str| found[key].as_i64().unwrap();
    let count = found["payments"].as_array().unwrap().len();
    let state = found["state"].as_str().unwrap().to_owned();
    (state, tiyn("paid_tiyn"), tiyn("suspense_tiyn"), count)
}

pub async fn ask(bank: &Caller, query: &str) -> Posted {
    bank.client.get(&format!("/bank/demo/provider?{query}")).await.unwrap()
}

pub async fn check(bank: &Caller, charge: &str) -> Posted {
    ask(bank, &format!("command=check&txn_id=1&account={charge}&sum=1.00")).await
}

pub async fn pay(bank: &Caller, txn_id: &str, charge: &str, sum: &str) -> Posted {
    let date = "20261120120000";
    let query = format!("command=pay&txn_id={txn_id}&txn_date={date}&account={charge}&sum={sum}");
    ask(bank, &query).await
}

/// The result code of an answer in JSON.
pub fn result(posted: &Posted) -> i64 {
    read(posted)["result"].as_i64().unwrap_or_else(|| panic!("{}", text(posted)))
}
