//! Money that a bank gave back by itself: told by camt.054 or by a card's callback, it is a linked payment once.

use crate::caller::Caller;
use crate::dialects::{call_back, signature, with_banks};
use crate::house::{TIYN, charge, payment, read, state, text};
use crate::support::{Installation, Plan, postgres_url};
use qaqpa::payments::order::State;
use qaqpa::payments::record::Order;
use qaqpa_kit::bank::{About, Ask, Notice, Said, Word};
use qaqpa_kit::money::Amount;
use serde_json::json;
use tokio::task::JoinSet;

const AT: &str = "2026-11-20T14:30:06+05:00";

async fn both_stores() -> [Plan; 2] {
    [Plan::default(), Plan { store: Some(postgres_url().await), ..Plan::default() }]
}

/// The bank's camt.054 of one booking; `number` is the bank's own of it.
fn booking(order: &str, said: Said, tiyn: i64, number: &str) -> Vec<u8> {
    let word = Word {
        amount: Some(Amount::new(tiyn).unwrap()),
        document_number: Some(number.to_owned()),
        posted_at: Some(AT.to_owned()),
        ..Word::of(said)
    };
    let (event_id, about) = (format!("M{number}"), About::EndToEnd(order.to_owned()));
    let adapter = qaqpa_adapters::find("iso20022").unwrap();
    let asker = adapter.provider().unwrap().asker().unwrap();
    asker.ask(&Ask::Notice(vec![Notice { event_id, about, word }]), AT).unwrap().body
}

async fn tell(bank: &Caller, booking: Vec<u8>) {
    let headers = [("content-type", "application/xml")];
    // "Again" is no answer: the bank sends it again.
    loop {
        let told = bank.client.post_to("/bank/iso/iso20022", &headers, booking.clone()).await;
        let told = told.unwrap();
        if told.http_status != 503 {
            assert!(text(&told).contains("<StsCd>ACCP</StsCd>"), "{}", text(&told));
            return;
        }
    }
}

/// Everything that gives this payment back, oldest first.
async fn given_back(installation: &Installation, bank: &str, order: &str) -> Vec<Order> {
    let desk = installation.inner.running.gate.desk.clone().unwrap();
    let paid = desk.payments.order_by_end_to_end(order).await.unwrap().unwrap();
    let day = paid.operating_day.unwrap();
    let mut all = desk.payments.orders_of((bank, day), "", 100).await.unwrap();
    all.retain(|one| one.reverses.as_ref() == Some(&paid.id));
    all
}

/// State of the charge, and what went back of its one payment.
async fn seen(portal: &Caller, charge: &str) -> (String, i64) {
    let found = state(portal, charge).await;
    let returned = found["payments"][0]["returned_tiyn"].as_i64().unwrap_or_default();
    (found["state"].as_str().unwrap().to_owned(), returned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_the_bank_takes_back_is_a_linked_payment_whatever_is_heard_first() {
    for plan in both_stores().await {
        let installation = Installation::changed(plan, with_banks).await;
        let portal = installation.caller("portal");
        for words in [[Said::Posted, Said::Returned], [Said::Returned, Said::Posted]] {
            let id = charge(&portal).await;
            let order = payment(&portal, &id, "iso").await;
            for said in [words[0], words[1], words[0], words[1]] {
                let tiyn = if said == Said::Posted { TIYN } else { 4_000 };
                tell(&portal, booking(&order, said, tiyn, &format!("{said:?}{order}")[..30])).await;
            }
            assert_eq!(seen(&portal, &id).await, ("paid".to_owned(), 4_000), "{words:?}");
            let back = given_back(&installation, "iso", &order).await;
            assert_eq!(back.len(), 1, "{words:?}: {back:?}");
            let path = format!("/api/v1/payments/{}", back[0].id);
            let shown = read(&portal.client.get(&path).await.unwrap());
            assert_eq!((&shown["state"], &shown["amount_tiyn"]), (&json!("posted"), &json!(4_000)));
            assert!(shown["reverses"].is_string(), "{shown}");
            // The rest, then more than there is: that is for an operator.
            tell(&portal, booking(&order, Said::Credited, TIYN - 4_000, "rest")).await;
            assert_eq!(seen(&portal, &id).await, ("refunded".to_owned(), TIYN));
            tell(&portal, booking(&order, Said::Returned, 1, "more")).await;
            assert_eq!(seen(&portal, &id).await, ("refunded".to_owned(), TIYN));
            let states: Vec<State> = given_back(&installation, "iso", &order)
                .await
                .iter()
                .map(|one| one.state)
                .collect();
            assert_eq!(states, [State::Posted, State::Posted, State::Conflict]);
        }
        installation.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_and_refunds_at_once_never_exceed_the_payment() {
    for plan in both_stores().await {
        let installation = Installation::changed(plan, with_banks).await;
        let portal = installation.caller("portal");
        let id = charge(&portal).await;
        let order = payment(&portal, &id, "iso").await;
        tell(&portal, booking(&order, Said::Posted, TIYN, "paid")).await;
        let payment = uuid::Uuid::parse_str(order.trim_start_matches("GW")).unwrap();
        let mut calls = JoinSet::new();
        for number in 0..12 {
            let (caller, order) = (installation.caller("portal"), order.clone());
            calls.spawn(async move {
                if number % 2 == 0 {
                    let back = booking(&order, Said::Returned, TIYN / 3, &format!("B{number}"));
                    return tell(&caller, back).await;
                }
                let (path, key) =
                    (format!("/api/v1/payments/{payment}/refunds"), format!("r{number}"));
                let headers = [("content-type", "application/json"), ("idempotency-key", &*key)];
                let body = json!({ "amount_tiyn": TIYN / 3, "reason": "asked" }).to_string();
                let told = caller.client.post_to(&path, &headers, body.into()).await.unwrap();
                assert!([201, 409].contains(&told.http_status), "{}", text(&told));
            });
        }
        calls.join_all().await;
        assert_eq!(seen(&portal, &id).await.1, TIYN / 3 * 3, "three shares, whoever has them");
        let returns = given_back(&installation, "iso", &order).await;
        assert_eq!(returns.len(), 6, "nothing that the bank said is lost");
        for back in returns {
            let expected = if back.holds { State::Posted } else { State::Conflict };
            assert_eq!(back.state, expected);
        }
        installation.stop().await;
    }
}

fn refunded(order: &str, tiyn: i64) -> Vec<u8> {
    let amount = Amount::new(tiyn).unwrap();
    let body = json!({
        "id": format!("A{order}"), "invoiceID": order, "amount": amount.to_string(),
        "currency": "KZT", "statusName": "REFUND", "dateTime": AT,
    });
    body.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cards_refund_is_the_one_that_we_asked_for_or_one_of_the_banks_own() {
    for plan in both_stores().await {
        let installation = Installation::changed(plan, with_banks).await;
        let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
        let id = charge(&portal).await;
        let order = payment(&portal, &id, "card").await;
        let say = async |body: Vec<u8>| {
            let signed = signature(&bank, &body);
            let told = call_back(&bank, body, Some(&signed)).await;
            assert!(text(&told).contains(r#""result":"ok""#), "{}", text(&told));
        };
        // Heard before the payment itself: what went back had come.
        say(refunded(&order, 1_000)).await;
        say(crate::dialects::callback(&order, "CHARGE")).await;
        say(refunded(&order, 1_000)).await;
        assert_eq!(seen(&portal, &id).await, ("paid".to_owned(), 1_000));

        let payment = uuid::Uuid::parse_str(order.trim_start_matches("GW")).unwrap();
        let headers = [("content-type", "application/json"), ("idempotency-key", "r1")];
        let asked = json!({ "amount_tiyn": 2_000, "reason": "asked" }).to_string();
        let path = format!("/api/v1/payments/{payment}/refunds");
        let refund = portal.client.post_to(&path, &headers, asked.into()).await.unwrap();
        assert_eq!(refund.http_status, 201, "{}", text(&refund));
        let refund = read(&refund)["payment_id"].as_str().unwrap().to_owned();
        say(refunded(&order, 2_000)).await;
        say(refunded(&order, 2_000)).await;
        assert_eq!(seen(&portal, &id).await.1, 3_000, "it is ours, and counts once");
        let path = format!("/api/v1/payments/{refund}");
        let shown = read(&portal.client.get(&path).await.unwrap());
        assert_eq!(shown["state"], "posted", "{shown}");
        assert_eq!(given_back(&installation, "card", &order).await.len(), 2);
        installation.stop().await;
    }
}
