//! `services.toml` checked: agencies with their adapters, and the services they offer here.

use super::Installation;
use super::calendar;
use super::inspector::{Inspector, is_loopback, quota};
use super::operations::OperationsCheck;
use super::paid;
use super::trust::of_service;
use crate::config::document::Document;
use crate::config::finding::{Place, nearest};
use crate::config::operation::Operation;
use crate::config::raw;
use crate::config::settings::{Agency, Breaker, Class, Line, Service};
use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::manifest::{Manifest, ServiceManifest, Wire};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The id that needs no adapter of its own.
pub(super) const PASSTHROUGH: &str = "passthrough";

/// The adapter of the payments desk.
const PAYMENTS: &str = "payments";

/// What the agencies of this installation offer.
#[derive(Default)]
pub(super) struct Offer {
    /// By agency id.
    pub(super) agencies: HashMap<String, Arc<Agency>>,
    /// By `serviceId`.
    pub(super) services: HashMap<String, Vec<Arc<Service>>>,
    /// By agency id, where there are any.
    pub(super) operations: HashMap<String, Vec<Operation>>,
    /// Every service and `service:operation` that is named, also where a mistake keeps it from being
    /// built.
    pub(super) named: BTreeSet<String>,
    /// Some agency's services are not known because of a mistake.
    pub(super) is_partial: bool,
}

pub(super) fn check(
    inspector: &mut Inspector<'_>,
    installation: &Installation,
    has_mutual: bool,
) -> Offer {
    let (document, gateway) = (&installation.services, &installation.gateway);
    let mut offer = Offer { is_partial: document.source.is_broken, ..Offer::default() };
    let mut routes = HashMap::new();
    for (id, raw) in &document.raw.agency {
        let place = document.source.top().key("agency").key(id);
        inspector.id(&place, id);
        let check = AgencyCheck { id, raw, gateway, place: &place };
        let Some((adapter, manifests)) = check.translation(inspector) else {
            offer.is_partial = true;
            continue;
        };
        let agency = Arc::new(check.agency(inspector, adapter));
        let mut operations = OperationsCheck::new(id, raw, has_mutual);
        for manifest in manifests {
            let place = place.key("service").key(&manifest.id);
            let service = Arc::new(check.service(inspector, &agency, manifest));
            operations.service(inspector, &place, &service);
            let (id, route) = (service.manifest.id.clone(), service.route_id.clone());
            let taken = routes.insert((id.clone(), route.clone()), place.reference());
            if let Some(other) = taken {
                let wrong =
                    format!("service {id:?} with route {route:?} is offered at {other} too");
                inspector.error(&place, wrong, "give one of them another `route_id`");
            }
            let listed = raw.service.get(&id).map_or(&[][..], |raw| &raw.operation);
            offer.named.extend(listed.iter().map(|raw| format!("{id}:{}", raw.id)));
            offer.named.insert(id.clone());
            offer.services.entry(id).or_default().push(service);
        }
        let operations = operations.finish();
        if !operations.is_empty() {
            offer.operations.insert(id.clone(), operations);
        }
        offer.agencies.insert(id.clone(), agency);
    }
    offer
}

struct AgencyCheck<'c> {
    id: &'c str,
    raw: &'c raw::Agency,
    gateway: &'c Document<raw::Gateway>,
    place: &'c Place<'c>,
}

impl AgencyCheck<'_> {
    /// The adapter, and the manifests of the services offered here.
    fn translation(
        &self,
        inspector: &mut Inspector<'_>,
    ) -> Option<(Arc<dyn Adapter>, Vec<ServiceManifest>)> {
        let place = self.place.key("adapter");
        let cure = "name an adapter of `qaqpa agencies`, or \"passthrough\"";
        if !inspector.demand(&place, &self.raw.adapter, cure) {
            return None;
        }
        if self.raw.adapter == PASSTHROUGH {
            let manifest = self.passthrough(inspector)?;
            let services = manifest.services.clone();
            return Some((qaqpa_adapters::passthrough(manifest), services));
        }
        let adapters = inspector.world.adapters;
        let find = |id: &str| adapters.iter().find(|adapter| adapter.manifest().id == id);
        let mut adapter = find(&self.raw.adapter);
        if adapter.is_none() {
            let mut known: Vec<&str> = adapters.iter().map(|a| a.manifest().id.as_str()).collect();
            known.push(PASSTHROUGH);
            let wrong = format!("there is no adapter {:?}", self.raw.adapter);
            inspector.error(&place, wrong, instead(&self.raw.adapter, &known, cure));
            // Go on with the one that was evidently meant, to tell what else is wrong.
            adapter = nearest(&self.raw.adapter, &known).and_then(find);
        }
        let adapter = adapter?;
        let services = self.chosen(inspector, adapter.manifest());
        Some((Arc::clone(adapter), services))
    }

    /// The services of an adapter that are offered here.
    fn chosen(&self, inspector: &mut Inspector<'_>, manifest: &Manifest) -> Vec<ServiceManifest> {
        let known: Vec<&str> =
            manifest.services.iter().map(|service| service.id.as_str()).collect();
        let cure = format!("write one of {}", known.join(", "));
        let list = self.place.key("services");
        for (at, id) in self.raw.services.iter().enumerate() {
            if id != "*" && !known.contains(&id.as_str()) {
                let wrong = format!("adapter {:?} has no service {id:?}", manifest.id);
                inspector.error(&list.item(at), wrong, instead(id, &known, &cure));
            }
        }
        let is_chosen =
            |id: &str| self.raw.services.iter().any(|chosen| chosen == "*" || chosen == id);
        for (id, raw) in &self.raw.service {
            let place = self.place.key("service").key(id);
            if !known.contains(&id.as_str()) {
                let wrong = format!("adapter {:?} has no service {id:?}", manifest.id);
                inspector.error(&place, wrong, instead(id, &known, &cure));
            } else if !is_chosen(id) {
                let cure = "add it to `services`, or delete this table";
                inspector.error(&place, format!("service {id:?} is not offered here"), cure);
            }
            self.only_for_passthrough(inspector, &place, raw);
        }
        if self.raw.name != raw::Name::default() || self.raw.wire.is_some() {
            let wrong = "name and wire are the adapter's own";
            inspector.error(self.place, wrong, "delete them, or set adapter = \"passthrough\"");
        }
        manifest.services.iter().filter(|service| is_chosen(&service.id)).cloned().collect()
    }

    fn only_for_passthrough(
        &self,
        inspector: &mut Inspector<'_>,
        place: &Place<'_>,
        raw: &raw::Service,
    ) {
        for (key, is_set) in [
            ("name", raw.name != raw::Name::default()),
            ("idempotent", raw.idempotent.is_some()),
            ("message_id", raw.message_id.is_some()),
            ("done_codes", raw.done_codes.is_some()),
            ("refused_codes", raw.refused_codes.is_some()),
        ] {
            if is_set {
                let wrong = format!("adapter {:?} itself says this", self.raw.adapter);
                inspector.error(&place.key(key), wrong, "delete this key");
            }
        }
    }

    /// The manifest that the configuration itself writes for an agency without an adapter.
    fn passthrough(&self, inspector: &mut Inspector<'_>) -> Option<Manifest> {
        if self.raw.wire.is_none() {
            inspector.demand(&self.place.key("wire"), "", "write \"sync_v10\" or \"rest\"");
        }
        if self.raw.service.is_empty() {
            let cure = format!("add tables [agency.{}.service.SERVICE_ID]", self.id);
            inspector.error(&self.place.key("service"), "this agency offers no service", cure);
        }
        if self.raw.services != ["*"] {
            let wrong = "a passthrough agency offers what its service tables describe";
            inspector.error(&self.place.key("services"), wrong, "delete this key");
        }
        let name = inspector.name(&self.place.key("name"), &self.raw.name);
        let services = (self.raw.service.iter())
            .map(|(id, raw)| self.passthrough_service(inspector, id, raw))
            .collect();
        let wire = self.raw.wire?;
        Some(Manifest { id: self.id.to_owned(), name, wire, services, register: None })
    }

    fn passthrough_service(
        &self,
        inspector: &mut Inspector<'_>,
        id: &str,
        raw: &raw::Service,
    ) -> ServiceManifest {
        let place = self.place.key("service").key(id);
        inspector.wire_id(&place, id);
        let done_codes = raw.done_codes.clone().unwrap_or_default();
        let refused_codes = raw.refused_codes.clone().unwrap_or_default();
        // On REST, no codes mean every 2xx status.
        if done_codes.is_empty() && self.raw.wire != Some(Wire::Rest) {
            let cure = "write done_codes = [\"SCSS001\"] or the agency's own";
            inspector.demand(&place.key("done_codes"), "", cure);
        }
        for (at, code) in refused_codes.iter().enumerate() {
            if done_codes.contains(code) {
                let wrong = format!("{code:?} would mean both Done and Refused");
                let cure = "keep it in one list";
                inspector.error(&place.key("refused_codes").item(at), wrong, cure);
            }
        }
        ServiceManifest {
            id: id.to_owned(),
            name: inspector.name(&place.key("name"), &raw.name),
            idempotent: raw.idempotent.unwrap_or_default(),
            once: false,
            key_required: None,
            message_id: raw.message_id.unwrap_or_default(),
            window_s: raw.window_s.unwrap_or(600),
            // What passes through untouched is not read for IIN and BIN.
            check_digits: true,
            signatures: Vec::new(),
            done_codes,
            refused_codes,
        }
    }

    fn agency(&self, inspector: &mut Inspector<'_>, adapter: Arc<dyn Adapter>) -> Agency {
        let (raw, place) = (self.raw, self.place);
        let owner = format!("agency {}", self.id);
        self.endpoint(inspector);
        for (at, endpoint) in raw.more_endpoints.iter().enumerate() {
            let _url = inspector.url(&place.key("more_endpoints").item(at), endpoint);
        }
        inspector.trust_files(&place.key("tls_trust_files"), &raw.tls_trust_files, &owner);
        let (certificate, key) = (&raw.tls_client_certificate_file, &raw.tls_client_key_file);
        let has_client = !certificate.is_empty() || !key.is_empty();
        if has_client {
            inspector.key_pair(
                (&place.key("tls_client_certificate_file"), certificate),
                (&place.key("tls_client_key_file"), key),
                &owner,
            );
        }
        let answer_certificates = (raw.answer_certificate.iter().enumerate())
            .filter_map(|(at, raw)| {
                inspector.bound(&place.key("answer_certificate").item(at), raw, &owner)
            })
            .collect();
        let answer_signed = self.answer_signed(inspector, adapter.manifest().wire);
        let calendar = raw
            .calendar
            .as_ref()
            .and_then(|raw| calendar::calendar(inspector, &place.key("calendar"), raw));
        Agency {
            id: self.id.to_owned(),
            calendar,
            adapter,
            endpoint: raw.endpoint.clone(),
            more_endpoints: raw.more_endpoints.clone(),
            retry_percent: raw.retry_percent,
            tls_trust_files: raw.tls_trust_files.iter().map(|file| place.path(file)).collect(),
            tls_client: has_client.then(|| (place.path(certificate), place.path(key))),
            answer_certificates,
            answer_signed,
            quota: quota(&raw.quota),
            connections_max: raw.connections_max,
            connect_deadline: Duration::from_millis(raw.connect_deadline_ms),
            deadline: Duration::from_millis(
                raw.deadline_ms.unwrap_or(self.gateway.raw.limits.call_deadline_ms),
            ),
            line: Line {
                waiting_max: raw.line.waiting_max,
                wait_max: Duration::from_millis(raw.line.wait_ms_max),
                is_adaptive: raw.line.adaptive,
                in_flight_min: raw.line.in_flight_min,
            },
            breaker: Breaker {
                failures: raw.breaker.failures,
                open_for: Duration::from_millis(raw.breaker.open_ms),
                failure_percent: raw.breaker.failure_percent,
                sample_min: raw.breaker.sample_min,
                window: Duration::from_millis(raw.breaker.window_ms),
                probes: raw.breaker.probes,
            },
        }
    }

    /// Whether its answers must be signed.
    fn answer_signed(&self, inspector: &mut Inspector<'_>, wire: Wire) -> bool {
        let answer_signed = self.raw.answer_signed.unwrap_or(wire == Wire::SyncV10);
        if answer_signed && wire == Wire::Rest {
            let wrong = "answers over REST carry no signature that the gateway verifies";
            inspector.error(&self.place.key("answer_signed"), wrong, "delete this key");
        } else if answer_signed && self.raw.answer_certificate.is_empty() {
            let wrong = "nobody is known who may sign this agency's answers";
            let table = format!("[[agency.{}.answer_certificate]]", self.id);
            let cure = format!("add {table}, or set answer_signed = false");
            inspector.error(&self.place.key("answer_certificate"), wrong, cure);
        }
        answer_signed
    }

    fn endpoint(&self, inspector: &mut Inspector<'_>) {
        let (place, endpoint) = (self.place.key("endpoint"), &self.raw.endpoint);
        if !inspector.demand(&place, endpoint, "write the URL that requests go to") {
            return;
        }
        if endpoint.starts_with(Agency::HOUSE) {
            if endpoint != Agency::HOUSE_PAYMENTS || self.raw.adapter != PAYMENTS {
                let wrong = format!("{endpoint:?} is no desk of the house for this adapter");
                let cure = "write \"house:payments\" with adapter = \"payments\", or a URL";
                inspector.error(&place, wrong, cure);
            }
            return;
        }
        let Some(url) = inspector.url(&place, endpoint) else { return };
        if url.scheme_str() == Some("http") && !is_loopback(&url) {
            let wrong = "requests go over the network in clear text";
            inspector.warning(&place, wrong, "write an https URL, or keep the way inside a VPN");
        }
    }

    fn service(
        &self,
        inspector: &mut Inspector<'_>,
        agency: &Arc<Agency>,
        mut manifest: ServiceManifest,
    ) -> Service {
        let default = raw::Service::default();
        let raw = self.raw.service.get(&manifest.id).unwrap_or(&default);
        let place = self.place.key("service").key(&manifest.id);
        inspector.wire_id(&place.key("route_id"), &raw.route_id);
        if raw.check_digits.is_some() && !agency.is_house() {
            let wrong = "only the payments desk reads this key";
            inspector.error(&place.key("check_digits"), wrong, "delete this key");
        }
        manifest.window_s = raw.window_s.unwrap_or(manifest.window_s);
        manifest.check_digits = raw.check_digits.unwrap_or(manifest.check_digits);
        if let Some(demands) = &raw.signature {
            let kind = (!raw.operation.is_empty(), agency.adapter.manifest().wire);
            super::demands::check(inspector, &place.key("signature"), demands, kind);
            manifest.signatures.clone_from(demands);
        }
        let limits = &self.gateway.raw.limits;
        // What is relayed is never held whole.
        let is_held = raw.operation.is_empty();
        let (key, cap_bytes) = if is_held {
            ("body_bytes_max", limits.body_bytes_max)
        } else {
            ("stream_bytes_max", limits.stream_bytes_max)
        };
        let body_bytes_max = raw.body_bytes_max.unwrap_or(cap_bytes);
        let cap = self.gateway.source.top().key("limits").key(key);
        if body_bytes_max > cap_bytes && cap.is_sure() {
            let wrong = format!("more than limits.{key} = {cap_bytes}");
            inspector.error(
                &place.key("body_bytes_max"),
                wrong,
                "raise that one or lower this one",
            );
        }
        let deadline_ms =
            raw.deadline_ms.or(self.raw.deadline_ms).unwrap_or(limits.call_deadline_ms);
        let is_money = agency.is_house() || raw.paid.is_some();
        Service {
            class: raw.class.or(is_money.then_some(Class::Payment)),
            manifest,
            route_id: raw.route_id.clone(),
            agency: Arc::clone(agency),
            deadline: Duration::from_millis(deadline_ms),
            body_bytes_max,
            has_operations: !is_held,
            revocation: of_service(inspector, &place, raw, &self.gateway.raw.trust),
            paid: raw.paid.as_ref().and_then(|raw| paid::paid(inspector, &place.key("paid"), raw)),
        }
    }
}

/// The cure for a name that is not known: the nearest one, else the general advice.
pub(super) fn instead(written: &str, known: &[&str], advice: &str) -> String {
    match nearest(written, known) {
        Some(meant) => format!("write {meant:?}"),
        None => advice.to_owned(),
    }
}
