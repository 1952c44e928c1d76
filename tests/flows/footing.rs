//! What a caller is told when an agency is closed, busy or gone: whose it is, when what happened, and when to come.

use crate::caller::text;
use crate::refusal::assert_fault;
use crate::standin::{PAY, READ, StandIn};
use crate::support::{Installation, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_agency_is_not_troubled_and_the_caller_is_told_when_it_opens() {
    let agency = StandIn::start().await;
    let closed = "[[agency.treasury.calendar.maintenance]]\n\
        from = 2020-01-01T00:00:00\nuntil = 2099-12-31T09:30:00\n";
    let services = format!("{}{closed}", agency.services(20_000));
    let installation = Installation::with(Plan { services, ..Plan::default() }).await;
    let portal = installation.caller("portal");
    let refused = portal.ask(PAY, "<order/>").await;
    let told = assert_fault(&installation, "closed", &refused, "Refused agency.closed route").await;
    assert!(told.data.contains("opens at 2099-12-31T09:30:00.000+05:00"), "{told:?}");
    assert!(refused.retry_after_s.is_some_and(|seconds| seconds > 1_000_000));
    assert_eq!(agency.requests(), 0);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_tells_when_the_call_came_went_out_and_was_answered() {
    let agency = StandIn::start().await;
    let services = agency.services(20_000);
    let installation = Installation::with(Plan { services, ..Plan::default() }).await;
    let portal = installation.caller("portal");
    agency.answer(|_| Some(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nno!".to_vec()));
    let broken = text(&portal.ask(READ, "<q/>").await);
    for word in ["request_in 2", "request_out 2", "answer_in 2", "answer_out 2"] {
        assert!(broken.contains(word), "{word}: {broken}");
    }
    // Refused before anything went out: two of the four times are not there.
    let early = text(&portal.ask("NoSuchService", "<q/>").await);
    assert!(early.contains("request_in 2") && early.contains("answer_out 2"), "{early}");
    assert!(!early.contains("request_out") && !early.contains("answer_in"), "{early}");
    installation.stop().await;
}
