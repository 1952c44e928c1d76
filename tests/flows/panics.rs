//! A bug in one adapter costs one call, and that call's entry is closed all the same.

use crate::caller::{PERSON, PERSONS, text};
use crate::refusal::assert_fault;
use crate::standin::{PAY, READ, StandIn};
use crate::support::{Installation, Plan};
use qaqpa::config::settings::{Service, Settings};
use qaqpa_kit::adapter::{
    Adapter, Answer, Call, DataXml, Json, JsonCall, JsonSchema, Outgoing, Reply,
};
use qaqpa_kit::fault::Fault;
use qaqpa_kit::manifest::Manifest;
use qaqpa_kit::xml::Element;
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

/// Panics where an answer that was decoded is put into JSON.
struct Mute(Arc<dyn Adapter>);

impl Mute {
    fn inner(&self) -> &dyn Json {
        self.0.json().unwrap()
    }
}

impl Adapter for Mute {
    fn manifest(&self) -> &Manifest {
        self.0.manifest()
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        self.0.encode(call)
    }

    fn decode(&self, call: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
        self.0.decode(call, answer)
    }

    fn json(&self) -> Option<&dyn Json> {
        Some(self)
    }
}

impl Json for Mute {
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault> {
        self.inner().request(call)
    }

    fn answer(&self, _: &str, _: Element<'_>) -> Result<Vec<u8>, Fault> {
        panic!("a bug in the form of an answer")
    }

    fn schema(&self, service: &str) -> Option<JsonSchema> {
        self.inner().schema(service)
    }
}

/// Gives an agency another adapter, made of its own.
fn adapt(
    settings: &mut Settings,
    id: &str,
    made: impl FnOnce(Arc<dyn Adapter>) -> Arc<dyn Adapter>,
) {
    let is_its = |services: &Vec<Arc<Service>>| services.iter().any(|one| one.agency.id == id);
    let names = settings.services.iter().filter(|(_, services)| is_its(services));
    let names: Vec<String> = names.map(|(name, _)| name.clone()).collect();
    let routes = names.iter().map(|name| settings.services.remove(name).unwrap().remove(0));
    let parts: Vec<_> = routes
        .map(|service| {
            let Service { manifest, route_id, deadline, body_bytes_max, .. } =
                Arc::into_inner(service).unwrap();
            (manifest, route_id, deadline, body_bytes_max)
        })
        .collect();
    let mut agency = Arc::into_inner(settings.agencies.remove(id).unwrap()).unwrap();
    agency.adapter = made(agency.adapter);
    let agency = Arc::new(agency);
    settings.agencies.insert(id.to_owned(), Arc::clone(&agency));
    for (manifest, route_id, deadline, body_bytes_max) in parts {
        let name = manifest.id.clone();
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
        settings.services.insert(name, vec![Arc::new(service)]);
    }
}

fn make_buggy(settings: &mut Settings) {
    adapt(settings, "treasury", |adapter| Arc::new(Buggy(adapter.manifest().clone())));
}

fn make_mute(settings: &mut Settings) {
    adapt(settings, "gbd_fl", |adapter| Arc::new(Mute(adapter)));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_after_the_answer_closes_the_entry_with_what_the_agency_said() {
    let installation = Installation::changed(Plan::default(), make_mute).await;
    let portal = installation.caller("portal");
    let path = format!("/api/v1/services/{PERSONS}");
    let json = [("content-type", "application/json")];
    let body = br#"{"iin":"850312300121"}"#;
    let posted = portal.client.post_to(&path, &json, body.to_vec()).await.unwrap();
    assert_eq!(posted.fault.as_deref(), Some("gateway.bug"), "{}", text(&posted));
    let entry = installation.entry(&posted).await;
    assert_eq!(entry.line(), "Unknown gateway.bug close");
    assert_eq!(installation.requests(), 1);
    let journal = &installation.inner.running.gate.journal;
    let record = journal.entry(posted.entry.unwrap().parse().unwrap()).await.unwrap().unwrap();
    assert!(record.closed.unwrap().agency_digest.is_some(), "its answer is evidence");
    let answered = portal.ask(PERSONS, PERSON).await;
    assert_eq!(answered.http_status, 200, "in XML it is told: {}", text(&answered));
    installation.stop().await;
}
