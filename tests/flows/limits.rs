//! Quotas and caps: what is over them is refused at no cost, and nobody else notices.

use crate::caller::{Caller, PERSON, PERSONS, person, text, until};
use crate::refusal::assert_fault;
use crate::standin::{PAY, READ, StandIn, http, signed_by, unsigned};
use crate::support::{Installation, Plan};
use qaqpa::command::client::Posted;
use qaqpa::sign::wsse;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinHandle;

const TOO_FAST: &str = "Refused caller.too_fast admit";
const OVERLOADED: &str = "Refused gateway.overloaded admit";

/// Doors for callers who show a certificate, who show none, and who come in plain.
fn three_doors(state: &str) -> String {
    let pair = format!(
        "certificate_file = \"{state}/gateway-ecdsa.cert.pem\"\n\
         key_file = \"{state}/gateway-ecdsa.key.pem\"\n"
    );
    let door = |tls: &str| format!("[[listener]]\naddress = \"127.0.0.1:0\"\ntls = \"{tls}\"\n");
    format!("{}{pair}{}{pair}{}", door("mutual"), door("server"), door("off"))
}

/// Posts new calls until one is refused; how many were served before it, and the refusal.
async fn until_refused(caller: &Caller, service: &str, mark: &str) -> (u32, Posted) {
    for served in 0..200 {
        let posted = caller.ask(service, &person(&format!("{mark}{served}"))).await;
        if posted.fault.is_some() {
            return (served, posted);
        }
        assert_eq!(posted.http_status, 200, "{}", text(&posted));
    }
    panic!("never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_beyond_its_quota_is_refused_and_nobody_else_is() {
    let agency = StandIn::start().await;
    let quota = "[quota]\nper_second = 1\nburst = 3\nin_flight_max = 8\n";
    let installation = Installation::with(Plan {
        services: agency.services(20_000),
        participants: vec![("bank", quota.to_owned())],
        ..Plan::default()
    })
    .await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let started = Instant::now();
    let (served, refused) = until_refused(&bank, PAY, "a").await;
    let passed_s = u32::try_from(started.elapsed().as_secs()).unwrap();
    assert!((3..=3 + passed_s + 1).contains(&served), "{served} in {passed_s} s");
    let told = assert_fault(&installation, "quota", &refused, TOO_FAST).await;
    assert!(told.data.contains("quota_participant"), "{told:?}");
    assert_eq!(refused.retry_after_s, Some(1));
    assert_eq!(agency.requests(), served as usize, "what was refused was not sent");
    let limit = "qaqpa_limits_refused_total{limit=\"quota_participant\"} ";
    assert_eq!(installation.metric(limit).await, 1.0);
    for (caller, service) in [(&portal, PAY), (&bank, READ)] {
        let posted = caller.ask(service, "<other/>").await;
        assert_eq!(posted.http_status, 200, "{service}: {}", text(&posted));
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agencys_quota_holds_for_all_and_costs_the_refused_nothing() {
    let agency = StandIn::start().await;
    let services = agency.services(20_000).replace(
        "quota = { per_second = 5000, burst = 5000, in_flight_max = 512 }",
        "quota = { per_second = 1, burst = 2, in_flight_max = 8 }",
    );
    // As many tokens as refusals below: were one charged for each, the last would meet this quota.
    let quota = "[quota]\nper_second = 1\nburst = 12\nin_flight_max = 8\n";
    let installation = Installation::with(Plan {
        services,
        participants: vec![("bank", quota.to_owned())],
        ..Plan::default()
    })
    .await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let mut refusals = 0;
    for serial in 0..40 {
        let posted = bank.ask(PAY, &format!("<order>{serial}</order>")).await;
        if posted.fault.is_none() {
            continue;
        }
        let told = assert_fault(&installation, "agency", &posted, TOO_FAST).await;
        assert!(told.data.contains("quota_agency"), "after {refusals} refusals: {told:?}");
        assert!(posted.retry_after_s.is_some());
        refusals += 1;
    }
    assert!(refusals > 20, "{refusals}");
    let posted = portal.ask(PERSONS, PERSON).await;
    assert_eq!(posted.http_status, 200, "another agency's callers do not notice");
    installation.stop().await;
}

/// A call that stays in flight until the agency is released.
fn hold(caller: &Arc<Caller>, service: &'static str) -> JoinHandle<Posted> {
    let caller = Arc::clone(caller);
    tokio::spawn(async move { caller.ask(service, &Caller::fresh_id()).await })
}

/// With two calls in flight, `refused`'s third is refused for `reason` and `served`'s passes; then
/// there is room again.
async fn assert_cap(plan: Plan, agency: StandIn, reason: &str, others_pass: bool) {
    let installation = Installation::with(plan).await;
    let bank = Arc::new(installation.caller("bank"));
    let portal = installation.caller("portal");
    let held = [hold(&bank, PAY), hold(&bank, PAY)];
    agency.until_requests(2).await;
    let refused = bank.ask(PAY, "<third/>").await;
    let told = assert_fault(&installation, reason, &refused, OVERLOADED).await;
    assert!(told.data.contains(reason), "{told:?}");
    assert_eq!(refused.retry_after_s, Some(1));
    if others_pass {
        let posted = portal.ask(PERSONS, PERSON).await;
        assert_eq!(posted.http_status, 200, "{reason}: {}", text(&posted));
    }
    agency.release(3);
    for call in held {
        assert_eq!(call.await.unwrap().http_status, 200);
    }
    let gate = Arc::clone(&installation.inner.running.gate);
    until("the seats are given back", || gate.admission.in_flight() == 0).await;
    assert_eq!(bank.ask(PAY, "<fourth/>").await.http_status, 200, "{reason}: room again");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_are_capped_for_a_participant() {
    let agency = StandIn::holding().await;
    let quota = "[quota]\nper_second = 900\nburst = 900\nin_flight_max = 2\n".to_owned();
    let services = agency.services(60_000);
    let plan = Plan { services, participants: vec![("bank", quota)], ..Plan::default() };
    assert_cap(plan, agency, "in_flight_participant", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_are_capped_for_an_agency() {
    let agency = StandIn::holding().await;
    let services = agency.services(60_000).replace("in_flight_max = 512", "in_flight_max = 2");
    // Nobody waits here.
    let line = "connections_max = 256\nline = { waiting_max = 0 }";
    let services = services.replace("connections_max = 256", line);
    assert_cap(Plan { services, ..Plan::default() }, agency, "in_flight_agency", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_are_capped_for_the_node() {
    let agency = StandIn::holding().await;
    let gateway = "[limits]\nin_flight_max = 2\n".to_owned();
    let plan = Plan { services: agency.services(60_000), gateway, ..Plan::default() };
    assert_cap(plan, agency, "in_flight_node", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forger_cannot_spend_anothers_quota_where_only_the_signature_proves_the_caller() {
    let plan = Plan { gateway: three_doors("../pki"), ..Plan::default() };
    let installation = Installation::with(plan).await;
    let bank = installation.caller("bank");
    for door in [1, 2] {
        let url = installation.inner.running.callers[door].clone();
        // Its quota is one call a second at each service.
        let greedy = installation.caller_at(&url, "greedy", None);
        let message = |serial: usize| greedy.message(PERSONS, &person(&format!("{door}{serial}")));
        for serial in 0..20 {
            let forged = match serial % 3 {
                0 => (bank.sign(&message(serial)), "Refused caller.forbidden verify"),
                1 => (message(serial).into_bytes(), "Refused caller.unsigned verify"),
                _ => {
                    let signed = wsse::sign(message(serial).as_bytes(), &greedy.signer).unwrap();
                    let changed = String::from_utf8(signed).unwrap().replace("850312", "010702");
                    (changed.into_bytes(), "Refused caller.bad_signature verify")
                }
            };
            let posted = greedy.post(forged.0).await;
            assert_fault(&installation, &url, &posted, forged.1).await;
        }
        let service = if door == 1 { PERSONS } else { "GbdulInfoByBin_v2" };
        let posted = greedy.ask(service, PERSON).await;
        assert_ne!(posted.fault.as_deref(), Some("caller.too_fast"), "{url}: {}", text(&posted));
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_left_out_over_mutual_tls_may_not_be_where_nothing_proves_the_caller() {
    let plan = Plan { gateway: three_doors("../pki"), ..Plan::default() };
    let installation = Installation::with(plan).await;
    for door in [1, 2] {
        let url = installation.inner.running.callers[door].clone();
        let lenient = installation.caller_at(&url, "lenient", None);
        let posted = lenient.post(lenient.message(PERSONS, PERSON)).await;
        assert_fault(&installation, &url, &posted, "Refused caller.unsigned verify").await;
        let signed = lenient.ask(PERSONS, &person(&url)).await;
        assert_eq!(signed.http_status, 200, "{}", text(&signed));
    }
    assert_eq!(installation.requests(), 2);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_has_its_own_size_for_requests_and_answers() {
    let agency = StandIn::start().await;
    let services = agency.services(20_000).replace(
        &format!("[agency.treasury.service.{READ}]\n"),
        &format!("[agency.treasury.service.{READ}]\nbody_bytes_max = 8192\n"),
    );
    let installation = Installation::with(Plan { services, ..Plan::default() }).await;
    let portal = installation.caller("portal");
    let large = format!("<x>{}</x>", "x".repeat(8_192));
    let posted = portal.ask(READ, &large).await;
    assert_fault(&installation, "request", &posted, "Refused caller.too_large route").await;
    assert_eq!(agency.requests(), 0);
    assert_eq!(portal.ask(PAY, &large).await.http_status, 200, "the other takes it");
    // White space after the root is no part of what was signed.
    let padded = [signed_by("agency", &unsigned("SCSS001")), vec![b' '; 8_192]].concat();
    agency.answer(move |_| Some(http("200 OK", "", &padded)));
    let posted = portal.ask(READ, "<small/>").await;
    assert_fault(&installation, "answer", &posted, "Unknown agency.broken_answer decode").await;
    assert_eq!(portal.ask(PAY, "<small/>").await.http_status, 200, "the other takes it");
    installation.stop().await;
}
