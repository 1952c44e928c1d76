//! A limit that the configuration promises is kept, in both directions.

use crate::standin::{PAY, READ, StandIn, http, signed_by, unsigned};
use crate::support::{Installation, Plan};

#[tokio::test]
async fn a_services_own_limit_of_bytes_holds_for_request_and_answer() {
    let agency = StandIn::start().await;
    let paid = format!("<paid>{}</paid>", "1".repeat(8192));
    agency.answer(move |_| {
        let answer = unsigned("SCSS001").replace("<paid/>", &paid);
        Some(http("200 OK", "", &signed_by("agency", &answer)))
    });
    let limit = |id: &str| format!("[agency.treasury.service.{id}]\nbody_bytes_max = 8192\n");
    let services = agency.services(20_000);
    let services = [PAY, READ].iter().fold(services, |all, id| {
        let head = limit(id);
        all.replace(head.lines().next().unwrap(), head.trim_end())
    });
    let house = Installation::with(Plan { services, ..Plan::default() }).await;
    let caller = house.caller("portal");

    let refused = caller.ask(READ, &"<x/>".repeat(2048)).await;
    assert_eq!(house.entry(&refused).await.line(), "Refused caller.too_large route");
    assert_eq!(agency.requests(), 0);

    let unread = caller.ask(PAY, "<pay/>").await;
    assert_eq!(house.entry(&unread).await.line(), "Unknown agency.broken_answer decode");
    assert_eq!(agency.requests(), 1);
    house.stop().await;
}
