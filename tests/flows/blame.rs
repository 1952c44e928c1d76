//! Who is blamed for what cannot be signed: whoever wrote it, not the gateway.

use crate::standin::{PAY, READ, StandIn, http, unsigned};
use crate::support::{Installation, Plan};

async fn installation(agency: &StandIn) -> Installation {
    // Unsigned answers: our own signer writes nothing that has no canonical form.
    let services = agency.services(20_000);
    let services = services.replacen("wire =", "answer_signed = false\nwire =", 1);
    Installation::with(Plan { services, ..Plan::default() }).await
}

#[tokio::test]
async fn an_answer_without_a_canonical_form_is_the_agencys() {
    let agency = StandIn::start().await;
    agency.answer(|_| {
        let answer = unsigned("SCSS001").replace("<paid/>", "<paid xmlns=\"relative\"/>");
        Some(http("200 OK", "", answer.as_bytes()))
    });
    let house = installation(&agency).await;
    let posted = house.caller("portal").ask(PAY, "<pay/>").await;
    assert_eq!(posted.fault.as_deref(), Some("agency.broken_answer"));
    let entry = house.entry(&posted).await;
    assert_eq!(entry.line(), "Unknown agency.broken_answer reply");
    house.stop().await;
}

#[tokio::test]
async fn an_unsigned_request_without_a_canonical_form_is_the_callers() {
    let agency = StandIn::start().await;
    let house = installation(&agency).await;
    let caller = house.caller("lenient");
    let message = caller.message(READ, "<x xmlns=\"relative\"/>");
    let posted = caller.post(message).await;
    assert_eq!(posted.fault.as_deref(), Some("caller.malformed"));
    assert_eq!(house.entry(&posted).await.line(), "Refused caller.malformed encode");
    assert_eq!(agency.requests(), 0);
    house.stop().await;
}

#[tokio::test]
async fn an_agency_that_declares_a_prefix_on_its_message_id_alone_is_understood() {
    let agency = StandIn::start().await;
    agency.answer(|_| {
        let answer = unsigned("SCSS001").replace("<messageId>", "<e:messageId xmlns:e=\"urn:e\">");
        let answer = answer.replace("</messageId>", "</e:messageId>");
        Some(http("200 OK", "", answer.as_bytes()))
    });
    let house = installation(&agency).await;
    let posted = house.caller("portal").ask(PAY, "<pay/>").await;
    assert_eq!((posted.http_status, posted.fault.as_deref()), (200, None));
    assert_eq!(house.entry(&posted).await.line(), "Done");
    house.stop().await;
}
