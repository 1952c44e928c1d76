//! Agencies on their bad days: from `send` on, what is not clear is Unknown and waits for evidence.

use crate::caller::{PERSON, PERSONS, in_element, text};
use crate::refusal::assert_fault;
use crate::standin::{self, PAY, READ, StandIn, done, http, signed_by, unsigned, unsigned_fault};
use crate::support::{Installation, Plan};
use qaqpa::simulate::Behaviour;
use std::collections::HashMap;
use tokio::net::TcpSocket;

/// How the agency answers, and how the call must end.
type Day = (&'static str, Vec<u8>, &'static str);

const BROKEN: &str = "Unknown agency.broken_answer decode";
const BROKEN_ON_THE_WAY: &str = "Unknown agency.broken_answer send";
const BAD_SIGNATURE: &str = "Unknown agency.bad_signature decode";
const UNLISTED: &str = "Unknown agency.unlisted_code decode";

fn bad_days() -> Vec<Day> {
    let ok = |body: &[u8]| http("200 OK", "", body);
    let signed = |document: &str| ok(&signed_by("agency", document));
    let good = String::from_utf8(signed_by("agency", &unsigned("SCSS001"))).unwrap();
    let html = b"<html><body>404</body></html>";
    let location = "location: http://127.0.0.1:9/\r\n";
    let soap12 = unsigned("SCSS001").replace(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://www.w3.org/2003/05/soap-envelope",
    );
    let half = done("SCSS001");
    vec![
        ("no HTTP", b"hello\r\n\r\n".to_vec(), BROKEN_ON_THE_WAY),
        ("closed without an answer", Vec::new(), BROKEN_ON_THE_WAY),
        ("half an answer", half[..half.len() - 9].to_vec(), BROKEN_ON_THE_WAY),
        ("too large an answer", ok(&[b'x'; 200_000]), BROKEN_ON_THE_WAY),
        ("an empty answer", ok(b""), BROKEN),
        ("garbage", ok(b"\xff\xfe garbage"), BROKEN),
        ("half a document", ok(&good.as_bytes()[..good.len() / 2]), BROKEN),
        ("a DOCTYPE", ok(format!("<!DOCTYPE x []>{good}").as_bytes()), BROKEN),
        ("HTTP 404 with HTML", http("404 Not Found", "", html), BROKEN),
        ("HTTP 503 with text", http("503 Service Unavailable", "", b"later"), BROKEN),
        ("a redirect", http("302 Found", location, b""), BROKEN),
        ("SOAP 1.2", signed(&soap12), BROKEN),
        ("a request for an answer", signed(&a_request()), BROKEN),
        ("unsigned", ok(unsigned("SCSS001").as_bytes()), BAD_SIGNATURE),
        ("changed after signing", ok(good.replace("paid", "lost").as_bytes()), BAD_SIGNATURE),
        ("signed by another", ok(&signed_by("bank", &unsigned("SCSS001"))), BAD_SIGNATURE),
        ("an unsigned fault", ok(unsigned_fault("SCE015").as_bytes()), BAD_SIGNATURE),
        ("an unlisted code", done("SCSS002"), UNLISTED),
        ("no code", done(""), UNLISTED),
        ("an unlisted fault", signed(&unsigned_fault("SCE909")), UNLISTED),
        ("a fault with the code of success", signed(&unsigned_fault("SCSS001")), UNLISTED),
    ]
}

fn a_request() -> String {
    use qaqpa_kit::envelope::write::{RequestHead, request};
    let head = RequestHead {
        message_id: "1",
        correlation_id: "",
        service_id: PAY,
        message_date: &crate::caller::STARTED,
        route_id: "",
        sender_id: "treasury",
        password: "",
        session_id: "",
    };
    request(&head, "")
}

async fn with_treasury(services: String) -> Installation {
    let gateway = "[limits]\nbody_bytes_max = 131072\n".to_owned();
    Installation::with(Plan { gateway, services, ..Plan::default() }).await
}

async fn unresolved(installation: &Installation) -> Vec<String> {
    let journal = &installation.inner.running.gate.journal;
    let records = journal.unresolved(1_000).await.unwrap();
    records.into_iter().map(|record| record.entry).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclear_answer_leaves_a_payment_unknown_and_waiting_for_evidence() {
    let agency = StandIn::start().await;
    let installation = with_treasury(agency.services(20_000)).await;
    let portal = installation.caller("portal");
    let mut waiting = Vec::new();
    for (name, bytes, line) in bad_days() {
        let before = agency.requests();
        let answer = bytes.clone();
        agency.answer(move |_| Some(answer.clone()));
        let posted = portal.ask(PAY, name).await;
        assert_fault(&installation, name, &posted, line).await;
        assert_eq!(agency.requests(), before + 1, "{name}: asked once");
        waiting.extend(posted.entry);
        assert_eq!(unresolved(&installation).await, waiting, "{name}");
        // Asking again changes nothing for a call that only reads.
        agency.answer(move |_| Some(bytes.clone()));
        let read = portal.ask(READ, name).await;
        assert_fault(&installation, name, &read, line).await;
    }
    assert_eq!(unresolved(&installation).await, waiting, "reads wait for nobody");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_never_answers_costs_its_deadline_and_leaves_unknown() {
    let agency = StandIn::start().await;
    agency.answer(|_| None);
    let installation = with_treasury(agency.services(300)).await;
    let portal = installation.caller("portal");
    let posted = portal.ask(PAY, "hang").await;
    assert_fault(&installation, "hang", &posted, "Unknown agency.timeout send").await;
    assert!(posted.elapsed.as_millis() >= 290, "{:?}", posted.elapsed);
    assert_eq!(unresolved(&installation).await, posted.entry.into_iter().collect::<Vec<_>>());
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_cannot_be_reached_was_sent_nothing() {
    // Bound, so that nobody else gets the port, but nobody listens.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let services = standin::services(closed.local_addr().unwrap(), 5_000);
    let installation = with_treasury(services).await;
    let portal = installation.caller("portal");
    let posted = portal.ask(PAY, "closed").await;
    assert_fault(&installation, "closed", &posted, "Refused agency.unreachable send").await;
    assert_eq!(unresolved(&installation).await, Vec::<String>::new());
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_fails_again_and_again_is_left_alone_for_a_while() {
    let agency = StandIn::start().await;
    agency.answer(|_| Some(Vec::new()));
    let breaker = "breaker = { failures = 1000, open_ms = 1000 }";
    let services = agency.services(5_000);
    assert!(services.contains(breaker));
    let services = services.replace(breaker, "breaker = { failures = 3, open_ms = 60000 }");
    let installation = with_treasury(services).await;
    let portal = installation.caller("portal");
    for serial in 0..3 {
        portal.ask(READ, &serial.to_string()).await;
    }
    let posted = portal.ask(PAY, "open").await;
    assert_fault(&installation, "open", &posted, "Refused agency.breaker_open send").await;
    assert!(posted.retry_after_s.is_some_and(|seconds| (1..=60).contains(&seconds)));
    assert_eq!(agency.requests(), 3);
    assert_eq!(unresolved(&installation).await, Vec::<String>::new());
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agencys_own_refusal_is_passed_on_as_it_is_and_is_no_fault() {
    let agency = StandIn::start().await;
    let installation = with_treasury(agency.services(5_000)).await;
    let portal = installation.caller("portal");
    agency.answer(|_| Some(done("SCSE001")));
    let posted = portal.ask(PAY, "refused").await;
    let entry = installation.entry(&posted).await;
    assert_eq!((posted.http_status, entry.line().as_str()), (200, "Refused"));
    assert!(text(&posted).contains("said by the stand-in") && posted.fault.is_none());

    let fault = http("500 No", "", &signed_by("agency", &unsigned_fault("SCE015")));
    agency.answer(move |_| Some(fault.clone()));
    let posted = portal.ask(PAY, "fault").await;
    let entry = installation.entry(&posted).await;
    assert_eq!((posted.http_status, entry.line().as_str()), (500, "Refused"));
    assert!(text(&posted).contains("refused by the stand-in") && posted.fault.is_none());
    let session = in_element(&text(&posted), "sessionId", |id| id.text().into_owned());
    assert_eq!(session, Some(format!("{{{}}}", entry.record.entry)));
    assert!(entry.closed.agency_certificate.is_some() && entry.closed.agency_digest.is_some());
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_agency_behind_mutual_tls_misbehaves_with_the_same_end() {
    for (behaviour, line) in [
        (Behaviour::Garbage, BROKEN),
        (Behaviour::Unsigned, BAD_SIGNATURE),
        (Behaviour::WronglySigned, BAD_SIGNATURE),
        (Behaviour::Hanging, "Unknown agency.timeout send"),
    ] {
        let installation = Installation::with(Plan {
            behaviours: HashMap::from([("gbd_fl", behaviour)]),
            services: format!("[agency.gbd_fl.service.{PERSONS}]\ndeadline_ms = 1000\n"),
            ..Plan::default()
        })
        .await;
        let portal = installation.caller("portal");
        let posted = portal.ask(PERSONS, PERSON).await;
        assert_fault(&installation, &format!("{behaviour:?}"), &posted, line).await;
        assert_eq!(installation.requests(), 1);
        assert_eq!(unresolved(&installation).await, Vec::<String>::new(), "a read");
        // A hanging agency answers nobody, so its own door would drain for long.
        let _calls_cut = installation.inner.running.drain().await;
    }
}
