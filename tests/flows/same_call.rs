//! The same call twice: the same bytes, and the agency asked once; on both stores.

use crate::caller::{Caller, PERSON, PERSONS, STARTED, person, text, until};
use crate::hand;
use crate::refusal::assert_fault;
use crate::standin::{PAY, READ, StandIn, done, http};
use crate::support::{Installation, Plan};
use qaqpa::journal::entry::{Resolution, Resolved};
use qaqpa_kit::fault::Outcome;
use std::sync::Arc;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const LEFT_UNKNOWN: &str = "agency.timeout: left_unknown (phase open)";

macro_rules! on_both_stores {
    ($($promise:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(None).await;
                }
            )+
        }
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(Some(crate::support::postgres_url().await)).await;
                }
            )+
        }
    };
}

on_both_stores! {
    the_same_bytes_again_get_the_same_bytes_back,
    a_retry_signed_anew_is_the_same_call,
    fifty_equal_calls_at_once_ask_the_agency_once,
    a_call_that_waits_for_the_same_call_holds_no_place_at_its_agency,
    a_message_id_used_again_is_a_new_call_or_a_twin,
    a_payment_left_unknown_is_never_sent_again_without_evidence,
    a_payment_dated_beyond_what_is_remembered_is_refused,
    a_read_left_unknown_is_sent_again,
    equal_calls_that_wait_for_one_left_unknown_learn_of_it,
    a_refusal_by_quota_is_not_remembered,
    a_broken_signature_never_fetches_a_stored_answer,
}

async fn treasury(store: Option<String>, agency: &StandIn, deadline_ms: u32) -> Installation {
    let services = agency.services(deadline_ms);
    Installation::with(Plan { services, store, ..Plan::default() }).await
}

async fn the_same_bytes_again_get_the_same_bytes_back(store: Option<String>) {
    let agency = StandIn::start().await;
    let installation = treasury(store, &agency, 20_000).await;
    let portal = installation.caller("portal");
    for (asked, (service, code)) in
        [(PAY, "SCSS001"), (READ, "SCSS001"), (PAY, "SCSE001")].into_iter().enumerate()
    {
        agency.answer(move |_| Some(done(code)));
        let message = portal.sign(&portal.message(service, "<order/>"));
        let first = portal.post(message.clone()).await;
        let second = portal.post(message).await;
        assert_eq!(first.http_status, 200, "{}", text(&first));
        assert_eq!(first.body, second.body, "{service} {code}");
        assert_eq!((first.http_status, &first.entry), (second.http_status, &second.entry));
        assert_eq!(agency.requests(), asked + 1, "{service} {code}");
    }
    for (outcome, calls) in [("Done", 2.0), ("Refused", 2.0)] {
        let sample = format!("qaqpa_calls_total{{outcome=\"{outcome}\",service=\"{PAY}\"}} ");
        let counted = installation.metric(&sample).await;
        assert!(
            (counted - calls).abs() < 0.5,
            "{outcome}: {counted}; a repetition ends as the first"
        );
    }
    installation.stop().await;
}

async fn a_retry_signed_anew_is_the_same_call(store: Option<String>) {
    let agency = StandIn::start().await;
    let installation = treasury(store, &agency, 20_000).await;
    let portal = installation.caller("portal");
    let message = portal.message(PAY, "<order/>");
    let first = portal.post(portal.sign(&message)).await;
    let again = portal.sign(&message);
    let with_session = message.replace("</requestInfo>", "<sessionId>x</sessionId></requestInfo>");
    let other_prefix = message
        .replace("soap:Envelope", "s:Envelope")
        .replace("soap:Body", "s:Body")
        .replace(&format!("xmlns:soap=\"{SOAP}\""), &format!("xmlns:s=\"{SOAP}\""));
    let plain_id = message.replace("<soap:Body", "<soap:Body Id=\"one\"");
    for (name, retry) in [
        ("signed again", again),
        ("another sessionId", portal.sign(&with_session)),
        ("another prefix of the envelope", portal.sign(&other_prefix)),
        ("another id", hand::sign(&plain_id, "Body", "one", &portal.signer).into_bytes()),
    ] {
        let posted = portal.post(retry).await;
        assert_eq!(posted.body, first.body, "{name}: {}", text(&posted));
    }
    assert_eq!(agency.requests(), 1);
    installation.stop().await;
}

async fn fifty_equal_calls_at_once_ask_the_agency_once(store: Option<String>) {
    let agency = StandIn::holding().await;
    let installation = treasury(store, &agency, 60_000).await;
    let portal = Arc::new(installation.caller("portal"));
    let message = portal.sign(&portal.message(PAY, "<order/>"));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (portal, message) = (Arc::clone(&portal), message.clone());
            tokio::spawn(async move { portal.post(message).await })
        })
        .collect();
    let gate = Arc::clone(&installation.inner.running.gate);
    until("all are in flight", || gate.admission.in_flight() == 50).await;
    agency.release(2);
    let mut bodies = Vec::new();
    for call in calls {
        let posted = call.await.unwrap();
        assert_eq!(posted.http_status, 200, "{}", text(&posted));
        bodies.push(posted.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "one answer for all");
    assert_eq!(agency.requests(), 1);
    installation.stop().await;
}

/// Calls at the treasury.
fn places(installation: &Installation) -> usize {
    let gate = &installation.inner.running.gate;
    let mut levels = gate.admission.levels().filter(|(agency, _)| *agency == "treasury");
    levels.next().unwrap().1.in_flight
}

async fn a_call_that_waits_for_the_same_call_holds_no_place_at_its_agency(store: Option<String>) {
    let agency = StandIn::holding().await;
    let installation = treasury(store, &agency, 60_000).await;
    let portal = Arc::new(installation.caller("portal"));
    let gate = Arc::clone(&installation.inner.running.gate);
    for (service, answer, asked, line) in [
        (PAY, done("SCSS001"), 1, "Done"),
        // The first frees the key, so each that waited asks in its turn, from a place of its own.
        (READ, http("200 OK", "", b"garbage"), 4, "Unknown agency.broken_answer decode"),
    ] {
        agency.answer(move |_| Some(answer.clone()));
        let before = agency.requests();
        let message = portal.sign(&portal.message(service, "<order/>"));
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let (portal, message) = (Arc::clone(&portal), message.clone());
                tokio::spawn(async move { portal.post(message).await })
            })
            .collect();
        agency.until_requests(before + 1).await;
        until("three wait without a place", || {
            gate.admission.in_flight() == 4 && places(&installation) == 1
        })
        .await;
        agency.release(asked);
        for call in calls {
            let posted = call.await.unwrap();
            assert_eq!(installation.entry(&posted).await.line(), line, "{}", text(&posted));
        }
        assert_eq!(agency.requests(), before + asked, "{service}");
        assert_eq!(places(&installation), 0, "{service}");
    }
    installation.stop().await;
}

async fn a_message_id_used_again_is_a_new_call_or_a_twin(store: Option<String>) {
    let agency = StandIn::start().await;
    let installation = treasury(store, &agency, 20_000).await;
    let portal = installation.caller("portal");
    for (data, asked) in [("<order>1</order>", 1), ("<order>2</order>", 2)] {
        let posted = portal.post(portal.sign(&portal.message_with_id("1", READ, data))).await;
        assert_eq!((posted.http_status, agency.requests()), (200, asked), "{}", text(&posted));
    }
    let order = |data: &str| portal.sign(&portal.message_with_id("P-1", PAY, data));
    let first = portal.post(order("<order>1</order>")).await;
    assert_eq!(first.http_status, 200, "{}", text(&first));
    let twin = portal.post(order("<order>2</order>")).await;
    assert_fault(&installation, "twin", &twin, "Refused caller.twin open").await;
    // Another participant may use the same id.
    let bank = installation.caller("bank");
    let posted = bank.post(bank.sign(&bank.message_with_id("P-1", PAY, "<order>2</order>"))).await;
    assert_eq!(posted.http_status, 200, "{}", text(&posted));
    assert_eq!(agency.requests(), 4);
    let again = portal.post(order("<order>1</order>")).await;
    assert_eq!(again.body, first.body, "the twin changed nothing");
    installation.stop().await;
}

async fn a_payment_left_unknown_is_never_sent_again_without_evidence(store: Option<String>) {
    let agency = StandIn::start().await;
    agency.answer(|_| Some(http("200 OK", "", b"garbage")));
    let installation = treasury(store, &agency, 20_000).await;
    let portal = installation.caller("portal");
    let message = portal.sign(&portal.message(PAY, "<order/>"));
    let first = portal.post(message.clone()).await;
    assert_fault(&installation, "first", &first, "Unknown agency.broken_answer decode").await;
    agency.answer(|_| Some(done("SCSS001")));
    for _ in 0..2 {
        let again = portal.post(message.clone()).await;
        assert_eq!(again.fault.as_deref(), Some("agency.timeout"), "{}", text(&again));
        assert_eq!(again.entry, first.entry, "the entry that waits for evidence");
        assert!(text(&again).contains(LEFT_UNKNOWN), "{}", text(&again));
        assert!(text(&again).contains(first.entry.as_deref().unwrap()), "{}", text(&again));
    }
    assert_eq!(agency.requests(), 1);

    let evidence = Resolved {
        id: first.entry.as_deref().unwrap().parse().unwrap(),
        resolved_at_us: qaqpa::command::now_unix_us(),
        outcome: Outcome::Refused,
        evidence: "register",
        note: "not in the register of the day".to_owned(),
    };
    let journal = &installation.inner.running.gate.journal;
    assert_eq!(journal.resolve(evidence).await.unwrap(), Resolution::Written);
    let freed = portal.post(message).await;
    assert_eq!((freed.http_status, agency.requests()), (200, 2), "{}", text(&freed));
    installation.stop().await;
}

async fn a_payment_dated_beyond_what_is_remembered_is_refused(store: Option<String>) {
    let agency = StandIn::start().await;
    agency.answer(|_| Some(done("SCSS001")));
    let installation = treasury(store, &agency, 20_000).await;
    let portal = installation.caller("portal");
    for date in ["1999-01-01T00:00:00Z", "9999-99-99T99:99:99Z", "2999-01-01T00:00:00Z"] {
        let late = portal.message(PAY, "<order/>").replace(&**STARTED, date);
        let refused = portal.post(portal.sign(&late)).await;
        let entry = installation.entry(&refused).await;
        assert_eq!(entry.line(), "Refused caller.stale verify", "{date}");
    }
    assert_eq!(agency.requests(), 0);
    installation.stop().await;
}

async fn a_read_left_unknown_is_sent_again(store: Option<String>) {
    let agency = StandIn::start().await;
    agency.answer(|_| Some(http("200 OK", "", b"garbage")));
    let installation = treasury(store, &agency, 20_000).await;
    let portal = installation.caller("portal");
    let message = portal.sign(&portal.message(READ, "<order/>"));
    let first = portal.post(message.clone()).await;
    assert_fault(&installation, "first", &first, "Unknown agency.broken_answer decode").await;
    agency.answer(|_| Some(done("SCSS001")));
    let second = portal.post(message).await;
    assert_eq!((second.http_status, agency.requests()), (200, 2), "{}", text(&second));
    assert_ne!(second.entry, first.entry);
    installation.stop().await;
}

async fn equal_calls_that_wait_for_one_left_unknown_learn_of_it(store: Option<String>) {
    let agency = StandIn::holding().await;
    agency.answer(|_| Some(Vec::new()));
    let installation = treasury(store, &agency, 60_000).await;
    let portal = Arc::new(installation.caller("portal"));
    let message = portal.sign(&portal.message(PAY, "<order/>"));
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let (portal, message) = (Arc::clone(&portal), message.clone());
            tokio::spawn(async move { portal.post(message).await })
        })
        .collect();
    let gate = Arc::clone(&installation.inner.running.gate);
    until("all are in flight", || gate.admission.in_flight() == 5).await;
    agency.release(5);
    let mut entries = Vec::new();
    for call in calls {
        let posted = call.await.unwrap();
        assert!(posted.fault.is_some(), "{}", text(&posted));
        entries.push(posted.entry);
    }
    entries.dedup();
    assert_eq!(entries.len(), 1, "all speak of one entry: {entries:?}");
    assert_eq!(agency.requests(), 1);
    installation.stop().await;
}

async fn a_refusal_by_quota_is_not_remembered(store: Option<String>) {
    let installation = Installation::with(Plan { store, ..Plan::default() }).await;
    let greedy = installation.caller("greedy");
    let message =
        |serial: usize| greedy.sign(&greedy.message(PERSONS, &person(&format!("G{serial}"))));
    let mut refused = None;
    for serial in 0..20 {
        let message = message(serial);
        let posted = greedy.post(message.clone()).await;
        if posted.fault.as_deref() == Some("caller.too_fast") {
            refused = Some(message);
            break;
        }
    }
    let refused = refused.expect("a quota of one a second is met");
    let answered = async {
        loop {
            let posted = greedy.post(refused.clone()).await;
            if posted.http_status == 200 {
                return posted;
            }
            assert_eq!(posted.fault.as_deref(), Some("caller.too_fast"));
        }
    };
    let patience = std::time::Duration::from_secs(20);
    let posted = tokio::time::timeout(patience, answered).await.expect("a new token");
    assert_eq!(installation.entry(&posted).await.line(), "Done");
    installation.stop().await;
}

async fn a_broken_signature_never_fetches_a_stored_answer(store: Option<String>) {
    let installation = Installation::with(Plan { store, ..Plan::default() }).await;
    let portal = installation.caller("portal");
    let message = portal.message(PERSONS, PERSON);
    let signed = String::from_utf8(portal.sign(&message)).unwrap();
    let first = portal.post(signed.as_bytes()).await;
    assert_eq!(first.http_status, 200, "{}", text(&first));
    let value = |signed: &str| {
        let start = signed.find("<ds:SignatureValue>").unwrap();
        signed[start..signed.find("</ds:SignatureValue>").unwrap()].to_owned()
    };
    let other: &Caller = &installation.caller("bank");
    let others_value =
        value(&String::from_utf8(portal.sign(&portal.message(PERSONS, ""))).unwrap());
    let forged = signed.replace(&value(&signed), &others_value);
    for (name, body, line) in [
        ("no signature", message.clone().into_bytes(), "Refused caller.unsigned verify"),
        ("a wrong value", forged.into_bytes(), "Refused caller.bad_signature verify"),
        ("another's signature", other.sign(&message), "Refused caller.forbidden verify"),
    ] {
        let posted = portal.post(body).await;
        assert_fault(&installation, name, &posted, line).await;
    }
    let stolen = other.post(signed.as_bytes()).await;
    let line = "Refused caller.forbidden identify";
    assert_fault(&installation, "another's connection", &stolen, line).await;
    assert_eq!(installation.requests(), 1);
    installation.stop().await;
}
