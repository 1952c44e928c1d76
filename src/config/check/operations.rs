//! `[[agency.X.service.Y.operation]]` checked: which paths are relayed, each to one operation only.

use super::inspector::Inspector;
use crate::config::finding::Place;
use crate::config::operation::{Operation, Template};
use crate::config::raw;
use crate::config::settings::Service;
use hyper::Method;
use qaqpa_kit::manifest::Wire;
use std::collections::HashSet;
use std::sync::Arc;

/// Methods that are relayed; CONNECT and TRACE speak to proxies, not to agencies.
const METHODS: [Method; 7] = [
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
];

/// First segments of paths that are the gateway's own.
const OWN: [&str; 3] = ["api", "bank", "receipts"];

/// The operations of one agency, as far as its services were read.
pub(super) struct OperationsCheck<'c> {
    pub(super) agency: &'c str,
    pub(super) raw: &'c raw::Agency,
    /// Some listener proves its callers by mutual TLS.
    pub(super) has_mutual: bool,
    /// What is checked so far, with its place.
    found: Vec<(Operation, String)>,
}

impl<'c> OperationsCheck<'c> {
    pub(super) fn new(agency: &'c str, raw: &'c raw::Agency, has_mutual: bool) -> Self {
        Self { agency, raw, has_mutual, found: Vec::new() }
    }

    /// Checks the operations of one service.
    pub(super) fn service(
        &mut self,
        inspector: &mut Inspector<'_>,
        place: &Place<'_>,
        service: &Arc<Service>,
    ) {
        let Some(raw) = self.raw.service.get(&service.manifest.id) else { return };
        if raw.operation.is_empty() {
            return;
        }
        let list = place.key("operation");
        if self.raw.adapter != super::services::PASSTHROUGH || self.raw.wire == Some(Wire::SyncV10)
        {
            let wrong = "only a passthrough agency with wire = \"rest\" has operations";
            inspector.error(&list, wrong, "delete them, or set adapter and wire so");
            return;
        }
        if !self.has_mutual {
            let wrong = "callers of paths are proved by mutual TLS, and no listener has it";
            inspector.error(&list, wrong, "set tls = \"mutual\" at a listener");
        }
        if OWN.contains(&self.agency) {
            let wrong = format!("paths below /{} are the gateway's own", self.agency);
            inspector.error(&list, wrong, "give the agency another id");
        }
        for (key, is_set) in [
            ("route_id", !raw.route_id.is_empty()),
            ("message_id", raw.message_id.is_some()),
            ("window_s", raw.window_s.is_some()),
        ] {
            if is_set {
                let wrong = "a call of a path has no routeId and no messageId";
                inspector.error(&place.key(key), wrong, "delete this key");
            }
        }
        let mut ids = HashSet::new();
        for (at, raw) in raw.operation.iter().enumerate() {
            let place = list.item(at);
            inspector.id(&place.key("id"), &raw.id);
            if !ids.insert(&raw.id) && !raw.id.is_empty() {
                let wrong = format!("operation {:?} is there already", raw.id);
                inspector.error(&place.key("id"), wrong, "write another id");
            }
            self.operation(inspector, &place, raw, service);
        }
    }

    fn operation(
        &mut self,
        inspector: &mut Inspector<'_>,
        place: &Place<'_>,
        raw: &raw::Operation,
        service: &Arc<Service>,
    ) {
        let known = METHODS.each_ref().map(Method::as_str).join(", ");
        let cure = format!("write one of {known}");
        let method = METHODS.into_iter().find(|method| *method == *raw.method);
        if inspector.demand(&place.key("method"), &raw.method, &cure) && method.is_none() {
            let wrong = format!("{:?} is no method that is relayed", raw.method);
            inspector.error(&place.key("method"), wrong, cure);
        }
        let cure = "write e.g. \"/contracts/{number}\"";
        if !inspector.demand(&place.key("path"), &raw.path, cure) {
            return;
        }
        let path = match Template::parse(&raw.path) {
            Ok(path) => path,
            Err(wrong) => return inspector.error(&place.key("path"), wrong, cure),
        };
        let Some(method) = method else { return };
        let twin =
            self.found.iter().find(|(other, _)| other.method == method && other.path == path);
        if let Some((_, other)) = twin {
            let wrong = format!("{method} {} is taken already at {other}", raw.path);
            inspector.error(&place.key("path"), wrong, "write another path, or delete one of them");
        }
        let service = Arc::clone(service);
        let operation = Operation { id: raw.id.clone(), method, path, service };
        self.found.push((operation, place.reference()));
    }

    /// The operations, in the order in which a path is held against them.
    pub(super) fn finish(self) -> Vec<Operation> {
        let mut operations: Vec<_> =
            self.found.into_iter().map(|(operation, _)| operation).collect();
        operations.sort_by(|one, other| one.path.cmp(&other.path));
        operations
    }
}

#[cfg(test)]
mod tests {
    use crate::config::check::tests::{GATEWAY, PARTICIPANT, SERVICES, smallest_with, told};

    const READ: &str = "[[agency.office.service.Ask.operation]]\nid = \"read\"\nmethod = \"GET\"\n\
        path = \"/contracts/{number}\"\n";

    #[test]
    fn operations_become_an_ordered_table_of_the_agency() {
        let search = READ.replace("read", "search").replace("{number}", "search");
        let settings = smallest_with(&format!("{SERVICES}{READ}{search}"));
        let office = &settings.operations["office"];
        let ids: Vec<_> = office.iter().map(|operation| operation.id.as_str()).collect();
        assert_eq!(ids, ["search", "read"], "the closer path stands first");
        assert!(settings.services["Ask"][0].has_operations);
    }

    #[test]
    fn mistakes_of_operations_are_told() {
        let with = |from: &str, to: &str| format!("{SERVICES}{}", READ.replace(from, to));
        for (services, expected) in [
            (with("\"GET\"", "\"get\""), "operation[0].method: \"get\" is no method that is"),
            (
                with("\"GET\"", "\"TRACE\""),
                "is no method that is relayed. Cure: write one of DELETE",
            ),
            (with("method = \"GET\"\n", ""), "operation[0].method: this key is missing"),
            (with("\"read\"", "\"Read\""), "operation[0].id: \"Read\" is no id"),
            (with("/{number}", "/"), "operation[0].path: no segment is empty"),
            (
                with("{number}", "%2e"),
                "services.toml:11: agency.office.service.Ask.operation[0].path",
            ),
            (with("id = \"read\"\n", ""), "operation[0].id: this key is missing"),
            (
                format!("{SERVICES}{READ}{READ}"),
                "operation[1].id: operation \"read\" is there already",
            ),
            (
                format!("{SERVICES}{READ}{}", READ.replace("read", "get").replace("number", "id")),
                "operation[1].path: GET /contracts/{id} is taken already at services.toml:8",
            ),
            (with("office", "api").replace("office", "api"), "paths below /api are the gateway's"),
            (
                with("office", "bank").replace("office", "bank"),
                "paths below /bank are the gateway's",
            ),
            (with("x", "x").replace("office", "receipts"), "paths below /receipts are the"),
            (
                format!("{SERVICES}window_s = 5\n{READ}"),
                "Ask.window_s: a call of a path has no routeId and no messageId",
            ),
            (
                with("x", "x").replace("\"rest\"", "\"sync_v10\""),
                "operation: only a passthrough agency with wire = \"rest\" has operations",
            ),
        ] {
            let told = told(GATEWAY, &services, &[PARTICIPANT]);
            assert!(told.contains(expected), "{services}\n{told}\nlacks {expected}");
        }
        let server = "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = \"server\"\n";
        let told = told(server, &with("x", "x"), &[PARTICIPANT]);
        assert!(told.contains("callers of paths are proved by mutual TLS"), "{told}");
    }

    #[test]
    fn grants_name_operations_that_exist() {
        let services = format!("{SERVICES}{READ}");
        let with = |grant: &str| PARTICIPANT.replace("\"Ask\"", grant);
        for (participant, expected) in [
            (with("\"Ask:read\""), ""),
            (
                with("\"Ask:raed\""),
                "no agency offers service \"Ask:raed\". Cure: write \"Ask:read\"",
            ),
            (with("\"Ask:read\"") + "[service_quota.Ask]\nburst = 5\n", ""),
            (
                with("\"Ask:read\"") + "[service_quota.\"Ask:read\"]\nburst = 5\n",
                "a quota is a whole service's",
            ),
        ] {
            let told = told(GATEWAY, &services, &[&participant]);
            let is_told =
                if expected.is_empty() { told.is_empty() } else { told.contains(expected) };
            assert!(is_told, "{participant}\n{told}\nlacks {expected}");
        }
    }
}
