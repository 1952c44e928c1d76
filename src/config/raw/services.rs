//! `services.toml` as written: the agencies of this installation and their services.

use super::{Certificate, Class, Name, Quota, Revocation, Weekday};
use qaqpa_kit::manifest::{MessageId, Wire};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::value::Datetime;

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
    /// URLs that serve the same: the least busy that is well is asked.
    pub more_endpoints: Vec<String>,
    /// Of a hundred calls, so many may be repeated whose answer was lost; only of idempotent services.
    pub retry_percent: u32,
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
    /// When it is open; default: always.
    pub calendar: Option<Calendar>,
    /// How calls wait for their turn at it.
    pub line: Line,
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
            more_endpoints: Vec::new(),
            retry_percent: 10,
            tls_trust_files: Vec::new(),
            tls_client_certificate_file: String::new(),
            tls_client_key_file: String::new(),
            answer_signed: None,
            answer_certificate: Vec::new(),
            connections_max: 32,
            connect_deadline_ms: 3_000,
            deadline_ms: None,
            quota: Quota::default(),
            calendar: None,
            line: Line::default(),
            breaker: Breaker::default(),
            services: vec!["*".to_owned()],
            name: Name::default(),
            wire: None,
            service: BTreeMap::new(),
        }
    }
}

/// When an agency is open; a call at another time is answered `agency.closed` and the agency not troubled.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// Whose clocks count, a name of the time zone database.
    pub zone: String,
    /// Time of day from which it is open.
    pub opens: String,
    /// Time of day from which it is closed; the same as `opens`: never.
    pub closes: String,
    /// Days of the week on which it does not open.
    pub rest_days: Vec<Weekday>,
    /// Dates on which it does not open.
    pub holidays: Vec<Datetime>,
    /// Dates on which it opens though they are days of rest.
    pub working_days: Vec<Datetime>,
    /// Announced times without service.
    pub maintenance: Vec<Maintenance>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self {
            zone: "Asia/Almaty".to_owned(),
            opens: "00:00".to_owned(),
            closes: "00:00".to_owned(),
            rest_days: Vec::new(),
            holidays: Vec::new(),
            working_days: Vec::new(),
            maintenance: Vec::new(),
        }
    }
}

/// One announced time without service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Maintenance {
    /// First moment, in the agency's zone where it names none.
    pub from: Option<Datetime>,
    /// The moment after the last.
    pub until: Option<Datetime>,
}

/// How calls wait for their turn at an agency that bears no more at once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Line {
    /// Calls that wait; 0: none, what does not fit is refused.
    pub waiting_max: usize,
    /// Milliseconds that any of them waits; where somebody has waited for half a second without a break,
    /// 100 or one round of the agency's places, but payments.
    pub wait_ms_max: u64,
    /// Whether fewer calls are let through while its answers take longer than usual.
    pub adaptive: bool,
    /// Calls under way that it always gets, however slow it is.
    pub in_flight_min: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { waiting_max: 128, wait_ms_max: 5_000, adaptive: true, in_flight_min: 4 }
    }
}

/// When to stop asking a failing agency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures in a row that open it.
    pub failures: u32,
    /// Milliseconds it stays open before the first probe.
    pub open_ms: u64,
    /// Failures of a hundred calls that open it, where there were at least `sample_min` of them.
    pub failure_percent: u32,
    /// Calls that are a sample.
    pub sample_min: u32,
    /// Milliseconds, from a failure on, within which a sample counts.
    pub window_ms: u64,
    /// Probes in a row, one at a time, that must be answered to close it.
    pub probes: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 5,
            open_ms: 10_000,
            failure_percent: 50,
            sample_min: 20,
            window_ms: 10_000,
            probes: 1,
        }
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
    /// What becomes of a caller whose certificate may have been revoked; default:
    /// `trust.revocation`.
    pub revocation: Option<Revocation>,
    /// Whether the payments desk refuses an IIN or BIN with a wrong check digit; default: the
    /// manifest's.
    pub check_digits: Option<bool>,
    /// How urgent its calls are; default: `payment` at the payments desk and where a call costs, else
    /// as the participant's.
    pub class: Option<Class>,
    /// What a call costs; default: nothing.
    pub paid: Option<Paid>,
    /// Business signatures that its messages must bear; default: the manifest's.
    pub signature: Option<Vec<qaqpa_kit::manifest::SignatureDemand>>,
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
    /// BIN of who must have been paid; default: whoever the charge names.
    pub payee: String,
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
