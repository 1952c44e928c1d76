//! Banks of other dialects at the same door: OSMP, ISO 20022, and card acquiring with a signed callback.

use crate::caller::Caller;
use crate::house::{TIYN, charge, check, money, payment, result, text};
use crate::iso20022::judged;
use crate::support::{Ground, Installation, Plan};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use qaqpa::command::client::Posted;
use qaqpa::config::settings::{Bank, BankSignature, Dialect, Settings};
use qaqpa::proxy::start::Running;
use qaqpa::sign::document;
use qaqpa_kit::bank::{Ask, Covered, Destination, Pay, Placement};
use qaqpa_kit::money::Amount;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const AT: &str = "2026-11-20T14:30:06+05:00";
const SIGNATURE: &str = "signature-jws";

/// The demo's bank three times more: under another name, in another dialect, with another participant.
pub fn with_banks(settings: &mut Settings) {
    let demo = Arc::clone(&settings.payments.banks["demo"]);
    for (id, participant, adapter, signature) in [
        ("osmp", "agency", "osmp", None),
        ("iso", "portal", "iso20022", None),
        ("card", "bank", "acquiring", Some(Covered::Body)),
        ("signed", "agency", "osmp", Some(Covered::Request)),
    ] {
        let adapter = qaqpa_adapters::find(adapter).unwrap();
        let header = SIGNATURE.to_owned();
        let signature = signature.map(|covers| BankSignature { header, covers });
        let bank = Bank {
            id: id.to_owned(),
            participant: Some(participant.to_owned()),
            dialect: Some(Dialect { adapter, signature }),
            placement: Placement::default(),
            ..Bank::clone(&demo)
        };
        settings.payments.banks.insert(id.to_owned(), Arc::new(bank));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_network_checks_and_pays_in_xml() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, network) = (installation.caller("portal"), installation.caller("agency"));
    let id = charge(&portal).await;
    let ask = async |query: String| {
        network.client.get(&format!("/bank/osmp/osmp?{query}")).await.unwrap()
    };
    let checked = ask(format!("command=check&txn_id=1&account={id}&sum=0.00")).await;
    assert!(text(&checked).contains("<sum>5347.07</sum><result>0</result>"), "{}", text(&checked));
    let pay = format!("command=pay&txn_id=2&txn_date=20261120120005&account={id}&sum=5347.07");
    let paid = ask(pay.clone()).await;
    assert!(text(&paid).contains("<osmp_txn_id>2</osmp_txn_id><prv_txn>GW"), "{}", text(&paid));
    assert_eq!(ask(pay).await.body, paid.body);
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
    let again = ask(format!("command=check&txn_id=3&account={id}&sum=1")).await;
    assert!(text(&again).contains("<result>7</result>"), "{}", text(&again));
    installation.stop().await;
}

/// A transfer (pacs.008) that names a charge.
pub fn transfer(id: &str) -> Vec<u8> {
    let adapter = qaqpa_adapters::find("iso20022").unwrap();
    let asker = adapter.provider().unwrap().asker().unwrap();
    let pay = Ask::Pay(Pay {
        txn_id: "T17".to_owned(),
        account: id.to_owned(),
        amount: Amount::new(TIYN).unwrap(),
        paid_at: Some(AT.to_owned()),
        document_number: None,
        payer: Some("850312300121".to_owned()),
        to: Destination::default(),
    });
    asker.ask(&pay, AT).unwrap().body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_between_banks_pays_the_charge_that_it_names_once() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let portal = installation.caller("portal");
    let id = charge(&portal).await;
    let transfer = transfer(&id);
    let send = async |body: Vec<u8>| {
        let headers = [("content-type", "application/xml")];
        portal.client.post_to("/bank/iso/iso20022", &headers, body).await.unwrap()
    };
    let first = send(transfer.clone()).await;
    assert!(text(&first).contains("<TxSts>ACCP</TxSts>"), "{}", text(&first));
    assert_eq!(send(transfer.clone()).await.body, first.body);
    let folder = tempfile::tempdir().unwrap();
    let judged = judged(folder.path(), &[first.body.to_vec()]).remove(0);
    assert!(judged["schema"].is_string() && judged["wrong"] == json!([]), "{judged}");
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
    let entry = installation.entry(&first).await;
    assert_eq!(entry.line(), "Done");

    let broken = send(b"<Document/>".to_vec()).await;
    assert!(text(&broken).contains("<StsCd>RJCT</StsCd>"), "{}", text(&broken));
    installation.stop().await;
}

/// Hands a message of the bank in at one life of a gateway.
async fn hand_in(ground: &Ground, life: &Running, message: Vec<u8>) -> Posted {
    let portal = Caller::new(&ground.scratch, &life.callers[0], "portal", Some("portal"));
    let headers = [("content-type", "application/xml")];
    portal.client.post_to("/bank/iso/iso20022", &headers, message).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_cannot_be_taken_now_is_told_no_status_and_is_taken_when_it_comes_again() {
    let ground = Ground::lay(&Plan::default()).await;
    let settings = || {
        let mut settings = ground.settings();
        with_banks(&mut settings);
        settings
    };
    let first_life = Running::start(settings()).await.unwrap();
    let portal = Caller::new(&ground.scratch, &first_life.callers[0], "portal", Some("portal"));
    let id = charge(&portal).await;
    let desk = first_life.gate.desk.clone().unwrap();
    desk.payments.drain(Instant::now() + Duration::from_secs(30)).await.unwrap();
    let busy = hand_in(&ground, &first_life, transfer(&id)).await;
    assert_eq!((busy.http_status, busy.fault.as_deref()), (503, Some("gateway.journal_down")));
    assert!(busy.retry_after_s.is_some(), "it is told when to come again");
    assert!(!text(&busy).contains("Document"), "no message says that it waits: {}", text(&busy));
    first_life.drain().await;

    let second_life = Running::start(settings()).await.unwrap();
    let taken = hand_in(&ground, &second_life, transfer(&id)).await;
    assert!(text(&taken).contains("<TxSts>ACCP</TxSts>"), "{}", text(&taken));
    let portal = Caller::new(&ground.scratch, &second_life.callers[0], "portal", Some("portal"));
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
    second_life.drain().await;
    ground.agencies.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_a_question_in_the_address_signs_its_every_byte() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, network) = (installation.caller("portal"), installation.caller("agency"));
    let id = charge(&portal).await;
    let target = |sum: &str| {
        format!(
            "/bank/signed/osmp?command=pay&txn_id=9&txn_date=20261120120005&account={id}&sum={sum}"
        )
    };
    let signed = |kind: &str, bytes: &str| {
        let document = document::sign(kind, bytes.as_bytes(), &network.signer).unwrap();
        document.replace(&URL_SAFE_NO_PAD.encode(bytes), "")
    };
    let right = |kind: &str, sum: &str| signed(kind, &format!("GET {}\n", target(sum)));
    let ask = async |target: &str, signature: Option<String>| {
        let headers = signature.iter().map(|text| (SIGNATURE, &**text)).collect::<Vec<_>>();
        network.client.query_with(target, &headers).await.unwrap()
    };
    for (target, forged, expected) in [
        (target("5347.07"), None, "caller.unsigned"),
        (target("5347.07"), Some(right("bank-request+jws", "1.00")), "caller.bad_signature"),
        (target("5347.07"), Some(signed("bank-request+jws", "")), "caller.bad_signature"),
        (target("5347.07"), Some(right("bank-callback+jws", "5347.07")), "caller.bad_signature"),
        (
            target("5347.07") + "&format=xml",
            Some(right("bank-request+jws", "5347.07")),
            "caller.bad_signature",
        ),
    ] {
        let posted = ask(&target, forged).await;
        assert_eq!(posted.fault.as_deref(), Some(expected), "{}", text(&posted));
        assert_eq!(posted.http_status, 403);
    }
    assert_eq!(money(&portal, &id).await.3, 0, "nothing was taken");
    for _ in 0..2 {
        let paid = ask(&target("5347.07"), Some(right("bank-request+jws", "5347.07"))).await;
        assert!(text(&paid).contains("<result>0</result>"), "{}", text(&paid));
    }
    assert_eq!(money(&portal, &id).await, ("paid".to_owned(), TIYN, 0, 1));
    installation.stop().await;
}

pub fn callback(end_to_end_id: &str, status: &str) -> Vec<u8> {
    format!(
        r#"{{"id":"A{end_to_end_id}","invoiceID":"{end_to_end_id}","amount":5347.07,"currency":"KZT","statusName":"{status}","dateTime":"{AT}"}}"#
    )
    .into_bytes()
}

/// The detached signature of a body by a participant's key.
pub fn signature(signer: &Caller, body: &[u8]) -> String {
    let document = document::sign("bank-callback+jws", body, &signer.signer).unwrap();
    document.replace(&URL_SAFE_NO_PAD.encode(body), "")
}

pub async fn call_back(bank: &Caller, body: Vec<u8>, signature: Option<&str>) -> Posted {
    let signature = signature.map(|signature| (SIGNATURE, signature));
    let headers: Vec<_> =
        [("content-type", "application/json")].into_iter().chain(signature).collect();
    bank.client.post_to("/bank/card/acquiring", &headers, body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_callback_pays_a_charge_also_before_its_order_was_sent() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    let body = callback(&payment(&portal, &id, "card").await, "CHARGE");
    for forged in [
        None,
        Some(String::new()),
        Some("a..b".to_owned()),
        Some(signature(&bank, b"{}")),
        Some(signature(&portal, &body)),
    ] {
        let posted = call_back(&bank, body.clone(), forged.as_deref()).await;
        assert_eq!(posted.http_status, 403, "{forged:?}: {}", text(&posted));
        let expected = if forged.is_none() { "caller.unsigned" } else { "caller.bad_signature" };
        assert_eq!(posted.fault.as_deref(), Some(expected), "{forged:?}");
    }
    assert_eq!(money(&portal, &id).await.1, 0, "nobody is believed unsigned");
    for _ in 0..3 {
        let signed = signature(&bank, &body);
        let told = call_back(&bank, body.clone(), Some(&signed)).await;
        assert_eq!(told.http_status, 200, "{}", text(&told));
        assert!(text(&told).contains(r#""result":"ok""#), "{}", text(&told));
    }
    let (state, paid, suspense, _) = money(&portal, &id).await;
    assert_eq!((&*state, paid, suspense), ("paid", TIYN, 0));
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_a_bank_that_contradict_each_other_leave_the_money_to_an_operator() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    let order = payment(&portal, &id, "card").await;
    for status in ["CHARGE", "FAILED"] {
        let body = callback(&order, status);
        let signed = signature(&bank, &body);
        let told = call_back(&bank, body, Some(&signed)).await;
        assert_eq!(told.http_status, 200, "{}", text(&told));
    }
    let (state, paid, suspense, _) = money(&portal, &id).await;
    assert_eq!((paid, suspense), (0, TIYN), "{state}");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_another_bank_is_busy_with_is_not_called_paid_before_it_is() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    let order = payment(&portal, &id, "card").await;
    assert_eq!(result(&check(&bank, &id).await), 0, "who was asked for nothing makes way");
    for (status, expected) in [("AUTH", 4), ("CHARGE", 3)] {
        let body = callback(&order, status);
        let signed = signature(&bank, &body);
        let told = call_back(&bank, body, Some(&signed)).await;
        assert_eq!(told.http_status, 200, "{}", text(&told));
        assert_eq!(result(&check(&bank, &id).await), expected, "{status}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whose_charge_it_is_or_who_opened_a_payment_moves_its_money() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let stranger = installation.caller("agency");
    let id = charge(&portal).await;
    let order = payment(&portal, &id, "card").await;
    let payment = uuid::Uuid::parse_str(order.trim_start_matches("GW")).unwrap();
    let ask = async |caller: &Caller, what: &str, body: &str| {
        let key = Caller::fresh_id();
        let headers = [("content-type", "application/json"), ("idempotency-key", &*key)];
        let path = format!("/api/v1/payments/{payment}/{what}");
        caller.client.post_to(&path, &headers, body.as_bytes().to_vec()).await.unwrap().http_status
    };
    assert_eq!(ask(&stranger, "cancellation", "").await, 404);
    let body = callback(&order, "CHARGE");
    let signed = signature(&bank, &body);
    call_back(&bank, body, Some(&signed)).await;
    let refund = r#"{"amount_tiyn":1,"reason":"asked"}"#;
    assert_eq!(ask(&stranger, "refunds", refund).await, 404);
    assert_eq!(ask(&portal, "refunds", refund).await, 201);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_can_be_asked_about_makes_way_for_those_behind_it() {
    let installation = Installation::changed(Plan::default(), with_banks).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let id = charge(&portal).await;
    let body = callback(&payment(&portal, &id, "card").await, "AUTH");
    let signed = signature(&bank, &body);
    call_back(&bank, body, Some(&signed)).await;
    let desk = installation.inner.running.gate.desk.clone().unwrap();
    let looks = async || {
        let orders = desk.payments.orders_of_charge(&id.parse().unwrap(), 1).await.unwrap();
        orders[0].inquiries
    };
    // It was due a second after the bank's word, and is again later and later.
    let put_off = async { while looks().await < 2 {} };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), put_off).await;
    assert!(waited.is_ok(), "it stays the first that is due");
    installation.stop().await;
}
