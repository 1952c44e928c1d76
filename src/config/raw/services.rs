//! `services.toml` as written: the agencies of this installation and their services.

use super::{Certificate, Name, Quota};
use qaqpa_kit::manifest::{MessageId, Wire};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Services {
    /// Agencies by id.
    pub agency: BTreeMap<String, Agency>,
}

/// The organisation behind an upstream, in this installation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Agency {
    /// Its translation, an id of `qaqpa agencies`, or `passthrough`; required.
    pub adapter: String,
    /// `https://` or `http://` URL that requests go to; required.
    pub endpoint: String,
    /// PEM files of the roots of its TLS certificate; empty: the gateway's trust files.
    pub tls_trust_files: Vec<String>,
    /// PEM certificate that the gateway shows it; empty: none.
    pub tls_client_certificate_file: String,
    /// PEM PKCS#8 key of that certificate.
    pub tls_client_key_file: String,
    /// Whether its answers must be signed; default: on SyncChannel they must.
    pub answer_signed: Option<bool>,
    /// Certificates that sign its answers.
    pub answer_certificate: Vec<Certificate>,
    /// Connections kept to it; a quarter of them, and no more, carry uploads of one participant.
    pub connections_max: usize,
    /// Milliseconds for a connection, TLS included.
    pub connect_deadline_ms: u64,
    /// Milliseconds for a whole call of its services; default: `limits.call_deadline_ms`.
    pub deadline_ms: Option<u64>,
    /// What all participants together may ask of it.
    pub quota: Quota,
    /// When to stop asking while it fails.
    pub breaker: Breaker,
    /// Services of the adapter offered here; `*` for all.
    pub services: Vec<String>,
    /// Name for people; `passthrough` only.
    pub name: Name,
    /// The wire it speaks; `passthrough` only.
    pub wire: Option<Wire>,
    /// Single services, by service id: what differs here, or with `passthrough` all of it.
    pub service: BTreeMap<String, Service>,
}

impl Default for Agency {
    fn default() -> Self {
        Self {
            adapter: String::new(),
            endpoint: String::new(),
            tls_trust_files: Vec::new(),
            tls_client_certificate_file: String::new(),
            tls_client_key_file: String::new(),
            answer_signed: None,
            answer_certificate: Vec::new(),
            connections_max: 32,
            connect_deadline_ms: 3_000,
            deadline_ms: None,
            quota: Quota::default(),
            breaker: Breaker::default(),
            services: vec!["*".to_owned()],
            name: Name::default(),
            wire: None,
            service: BTreeMap::new(),
        }
    }
}

/// When to stop asking a failing agency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures in a row that open it.
    pub failures: u32,
    /// Milliseconds it stays open before one probe.
    pub open_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, open_ms: 10_000 }
    }
}

/// One service in this installation.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Only calls with this `routeId` come here; empty: all that no other route takes.
    pub route_id: String,
    /// Milliseconds for a whole call; default: the agency's.
    pub deadline_ms: Option<u64>,
    /// Bytes of a request's or an answer's body; default: `limits.body_bytes_max`, and
    /// `limits.stream_bytes_max` for a service with operations.
    pub body_bytes_max: Option<usize>,
    /// Seconds for which the same call gets the stored answer; default: the manifest's.
    pub window_s: Option<u32>,
    /// Whether the payments desk refuses an IIN or BIN with a wrong check digit; default: the
    /// manifest's.
    pub check_digits: Option<bool>,
    /// What a call costs; default: nothing.
    pub paid: Option<Paid>,
    /// Name for people; `passthrough` only.
    pub name: Name,
    /// May be sent again after an unclear end; `passthrough` only.
    pub idempotent: Option<bool>,
    /// Whether one `messageId` may name two different calls; `passthrough` only.
    pub message_id: Option<MessageId>,
    /// Status codes that mean Done; `passthrough` only.
    pub done_codes: Option<Vec<String>>,
    /// Status codes that mean Refused; `passthrough` only.
    pub refused_codes: Option<Vec<String>>,
    /// What may be done at which paths, relayed as it comes; `passthrough` with `rest` only. A
    /// service that lists operations is reached by their paths alone.
    pub operation: Vec<Operation>,
}

/// What a call costs: a fee or duty of `payments.toml`, or an amount on a budget code.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paid {
    /// Id of a fee or duty; its rate on the day of the payment counts.
    pub tariff: String,
    /// Budget code (КБК); with `amount`, instead of `tariff`.
    pub kbk: String,
    /// Tenge with at most two decimals, as text.
    pub amount: String,
}

/// One operation of a REST service, called at `/{agency}{path}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operation {
    /// Stands after the service in a participant's `services`: `service:operation`; required.
    pub id: String,
    /// HTTP method; required.
    pub method: String,
    /// Path below the endpoint; a segment is literal, `{name}` (exactly one that is not empty) or,
    /// as the last one, `{name...}` (all that is left); required.
    pub path: String,
}
