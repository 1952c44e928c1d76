//! Charges and payments as resources: made once for a key, looked up, refused with a reason.

use crate::caller::Caller;
use crate::support::{Installation, Plan, postgres_url};
use qaqpa::command::client::Posted;
use serde_json::{Value, json};
use std::sync::Arc;

const JSON: (&str, &str) = ("content-type", "application/json");
pub const PAYER: &str = "850312300121";

pub fn read(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&posted.body)))
}

/// The body of the contract, and nothing else.
pub fn charge() -> Value {
    json!({
        "payer_iin": PAYER,
        "payee_bin": "190540007715",
        "kbk": "108125",
        "knp": "911",
        "amount_tiyn": 534_700,
        "due_date": "2026-12-31",
        "purpose": { "kk": "Баж", "ru": "Пошлина", "en": "Duty" },
    })
}

pub async fn post(caller: &Caller, path: &str, key: Option<&str>, body: &str) -> Posted {
    let key = key.map(|key| ("idempotency-key", key));
    let headers: Vec<_> = [JSON].into_iter().chain(key).collect();
    caller.client.post_to(&format!("/api/v1/{path}"), &headers, body.into()).await.unwrap()
}

pub async fn register(caller: &Caller) -> String {
    let posted = post(caller, "charges", None, &charge().to_string()).await;
    assert_eq!(posted.http_status, 201, "{}", read(&posted));
    read(&posted)["charge_id"].as_str().unwrap().to_owned()
}

pub async fn stores() -> [Plan; 2] {
    [Plan::default(), Plan { store: Some(postgres_url().await), ..Plan::default() }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_registered_once_for_its_key_and_looked_up_on_both_stores() {
    for plan in stores().await {
        let installation = Installation::with(plan).await;
        let portal = installation.caller("portal");
        let body = charge().to_string();
        let posted = post(&portal, "charges", Some("k-1"), &body).await;
        let made = read(&posted);
        assert_eq!((posted.http_status, &posted.fault), (201, &None), "{made}");
        let id = made["charge_id"].as_str().unwrap();
        assert_eq!(posted.location.as_deref(), Some(&*format!("/api/v1/charges/{id}")));

        let again = post(&portal, "charges", Some("k-1"), &body).await;
        assert_eq!((again.http_status, &again.body), (201, &posted.body));
        let other = charge_with("amount_tiyn", json!(1)).to_string();
        let conflict = post(&portal, "charges", Some("k-1"), &other).await;
        assert_eq!(
            (conflict.http_status, conflict.fault.as_deref()),
            (409, Some("caller.conflict"))
        );
        // The key is its owner's alone.
        let bank = installation.caller("bank");
        let foreign = post(&bank, "charges", Some("k-1"), &body).await;
        assert_eq!(foreign.http_status, 201);
        assert_ne!(read(&foreign)["charge_id"], made["charge_id"]);

        let found = portal.client.get(&format!("/api/v1/charges/{id}")).await.unwrap();
        let found = read(&found);
        assert_eq!(found["state"], "open");
        assert_eq!(found["amount_tiyn"], 534_700);
        assert_eq!((&found["paid_tiyn"], &found["suspense_tiyn"]), (&json!(0), &json!(0)));
        assert_eq!(found["payments"], json!([]));
        assert_eq!(found["purpose"]["kk"], "Баж");
        installation.stop().await;
    }
}

pub fn charge_with(field: &str, value: Value) -> Value {
    let mut charge = charge();
    charge[field] = value;
    charge
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_equal_registrations_at_once_make_one_charge_and_get_the_same_bytes() {
    for plan in stores().await {
        let installation = Installation::with(plan).await;
        let portal = Arc::new(installation.caller("portal"));
        let body = charge().to_string();
        let asked = (0..100).map(|_| {
            let (portal, body) = (Arc::clone(&portal), body.clone());
            tokio::spawn(async move { post(&portal, "charges", Some("same"), &body).await })
        });
        let mut answers = Vec::new();
        for one in asked.collect::<Vec<_>>() {
            answers.push(one.await.unwrap());
        }
        assert!(answers.iter().all(|one| one.http_status == 201 && one.body == answers[0].body));
        let open = portal.client.get(&format!("/api/v1/charges?payer={PAYER}")).await.unwrap();
        assert_eq!(read(&open)["charges"].as_array().unwrap().len(), 1);
        drop(portal);
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_taken_is_refused_with_its_reason_and_its_field() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    for (field, value, reason) in [
        ("payer_iin", json!("850312300122"), "id_wrong_check_digit"),
        ("payer_iin", json!("85031230012"), "id_not_twelve_digits"),
        ("payer_iin", json!("859912300121"), "id_wrong_kind"),
        ("payee_bin", json!("190540007716"), "id_wrong_check_digit"),
        ("kbk", json!("108999"), "code_unknown"),
        ("kbk", json!("10812"), "id_wrong_shape"),
        ("knp", json!("999"), "code_unknown"),
        ("kbe", json!("29"), "code_unknown"),
        ("iban", json!("KZ25070105KSN0000000"), "id_wrong_check_digit"),
        ("amount_tiyn", json!(0), "amount_not_positive"),
        ("amount_tiyn", json!(-1), "amount_not_positive"),
        ("amount_tiyn", json!(i64::MAX), "amount_too_large"),
        ("due_date", json!("2026-02-30"), "date_malformed"),
        ("due_date", json!("31.12.2026"), "date_malformed"),
        ("number", json!(""), "text_malformed"),
    ] {
        let posted = post(&portal, "charges", None, &charge_with(field, value).to_string()).await;
        let told = read(&posted);
        assert_eq!((posted.http_status, &posted.fault), (422, &None), "{field}: {told}");
        assert_eq!((&told["reason"], &told["field"]), (&json!(reason), &json!(field)), "{told}");
        assert_eq!(told["type"], format!("urn:qaqpa:refusal:{reason}"));
        assert_eq!(told["status"], 422);
    }
    for path in ["charges/none", "charges/019aca00-0000-7000-8000-000000000001"] {
        let posted = portal.client.get(&format!("/api/v1/{path}")).await.unwrap();
        assert_eq!((posted.http_status, &read(&posted)["reason"]), (404, &json!("no_such_charge")));
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_checks_and_pays_and_the_charge_shows_it() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = register(&portal).await;
    let ask = json!({ "bank": "demo", "txn_id": "t-1", "account": id });
    let checked = read(&post(&bank, "services/PAY_BankCheck", None, &ask.to_string()).await);
    assert_eq!((&checked["outcome"], &checked["data"]["verdict"]), (&json!("Done"), &json!("ok")));
    assert_eq!(checked["data"]["amount_tiyn"], 534_700);
    let pay = |txn: &str, amount: i64| {
        json!({ "bank": "demo", "txn_id": txn, "account": id, "amount_tiyn": amount }).to_string()
    };
    for (txn, amount) in [("t-1", 534_700), ("t-1", 534_700), ("t-2", 534_700), ("t-3", 7)] {
        let paid = read(&post(&bank, "services/PAY_BankPay", None, &pay(txn, amount)).await);
        assert_eq!(paid["data"]["verdict"], "ok", "{txn}: {paid}");
    }
    let other = read(&post(&bank, "services/PAY_BankPay", None, &pay("t-1", 8)).await);
    assert_eq!(other["data"]["verdict"], "other_terms", "{other}");
    let found = read(&portal.client.get(&format!("/api/v1/charges/{id}")).await.unwrap());
    assert_eq!((&found["state"], &found["paid_tiyn"]), (&json!("paid"), &json!(534_700)));
    assert_eq!(found["suspense_tiyn"], 534_707, "{found}");
    assert_eq!(found["payments"].as_array().unwrap().len(), 1);
    assert_eq!(found["payments"][0]["txn_id"], "t-1");
    let checked = read(&post(&bank, "services/PAY_BankCheck", None, &ask.to_string()).await);
    assert_eq!(checked["data"]["verdict"], "already_paid");
    // Nobody else speaks for the bank.
    let forged = post(&portal, "services/PAY_BankPay", None, &pay("t-9", 1)).await;
    assert_eq!(forged.fault.as_deref(), Some("caller.forbidden"));
    installation.stop().await;
}
