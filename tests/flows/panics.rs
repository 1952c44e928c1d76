//! A bug in one adapter costs one call, and that call's entry is closed all the same.

use crate::caller::{PERSON, PERSONS, text};
use crate::refusal::assert_fault;
use crate::standin::{PAY, READ, StandIn};
use crate::support::{Installation, Plan};
use qaqpa::config::settings::{Service, Settings};
use qaqpa_kit::adapter::{Adapter, Answer, Call, Outgoing, Reply};
use qaqpa_kit::fault::Fault;
use qaqpa_kit::manifest::Manifest;
use std::sync::Arc;

/// Panics over what one service sends, and over what the other is answered.
struct Buggy(Manifest);

impl Adapter for Buggy {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        assert_eq!(call.service, PAY, "a bug in encode");
        Ok(Outgoing::Envelope)
    }

    fn decode(&self, _: &Call<'_>, _: &Answer<'_>) -> Result<Reply, Fault> {
        panic!("a bug in decode")
    }
}

fn make_buggy(settings: &mut Settings) {
    let routes = [PAY, READ].map(|id| settings.services.remove(id).unwrap().remove(0));
    let parts = routes.map(|service| {
        let Service { manifest, route_id, deadline, body_bytes_max, .. } =
            Arc::into_inner(service).unwrap();
        (manifest, route_id, deadline, body_bytes_max)
    });
    let mut agency = Arc::into_inner(settings.agencies.remove("treasury").unwrap()).unwrap();
    agency.adapter = Arc::new(Buggy(agency.adapter.manifest().clone()));
    let agency = Arc::new(agency);
    settings.agencies.insert("treasury".to_owned(), Arc::clone(&agency));
    for (manifest, route_id, deadline, body_bytes_max) in parts {
        let id = manifest.id.clone();
        let agency = Arc::clone(&agency);
        let has_operations = false;
        let service = Service {
            class: None,
            manifest,
            route_id,
            agency,
            deadline,
            body_bytes_max,
            has_operations,
            revocation: qaqpa::config::settings::Revocation::Off,
            paid: None,
        };
        settings.services.insert(id, vec![Arc::new(service)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_call_and_closes_its_entry() {
    let agency = StandIn::start().await;
    let plan = Plan { services: agency.services(20_000), ..Plan::default() };
    let installation = Installation::changed(plan, make_buggy).await;
    let portal = installation.caller("portal");
    for (service, line, asked) in
        [(READ, "Refused gateway.bug encode", 0), (PAY, "Unknown gateway.bug decode", 1)]
    {
        let message = portal.sign(&portal.message(service, "<order/>"));
        let posted = portal.post(message.clone()).await;
        assert_fault(&installation, service, &posted, line).await;
        assert_eq!(agency.requests(), asked, "{service}");
        let again = portal.post(message).await;
        assert!(again.fault.is_some(), "{}", text(&again));
        assert_eq!(agency.requests(), asked, "{service}: not sent again");
    }
    let unresolved = installation.inner.running.gate.journal.unresolved(9).await.unwrap();
    assert_eq!(unresolved.len(), 1, "the payment waits for evidence");
    assert!(installation.metric("qaqpa_panics_total{door=\"callers\"} ").await >= 3.0);
    let posted = portal.ask(PERSONS, PERSON).await;
    assert_eq!(posted.http_status, 200, "the others are served: {}", text(&posted));
    installation.stop().await;
}
