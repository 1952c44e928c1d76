//! The checked configuration: what the rest of the house works with. Nothing here can be invalid.

mod agency;
mod calendar;
mod payments;
mod reconcile;
mod trust;

pub use agency::{Agency, Breaker, Line};
pub use calendar::Calendar;
pub use payments::{
    Bank, BankSignature, Dialect, Paid, Payments, Price, Rate, Receipt, Tariff, TariffKind,
};
pub use reconcile::Reconcile;
pub use trust::{Revocation, Trust};

pub use super::raw::Class;

use super::operation::Operation;
use qaqpa_kit::fault::Language;
use qaqpa_kit::manifest::{Name, ServiceManifest};
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// One installation, checked as a whole by `config/check`.
#[derive(Debug)]
pub struct Settings {
    pub node: Node,
    pub listeners: Vec<Listener>,
    pub ops: Ops,
    /// Between two looks at the files of the configuration; `None`: only SIGHUP is heard.
    pub watch: Option<Duration>,
    pub limits: Limits,
    pub signing: Signing,
    pub trust: Trust,
    pub journal: Journal,
    pub payments: Payments,
    /// `None`: no register is taken in by itself.
    pub reconcile: Option<Reconcile>,
    /// By `senderId`.
    pub participants: HashMap<String, Arc<Participant>>,
    /// By agency id.
    pub agencies: HashMap<String, Arc<Agency>>,
    /// By `serviceId`; routes of one service differ by `routeId`.
    pub services: HashMap<String, Vec<Arc<Service>>>,
    /// By agency id; the first that fits a path is the one. Agencies without operations are absent.
    pub operations: HashMap<String, Vec<Operation>>,
}

/// Who this node is.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Stands in every journal entry; unique among the nodes of one installation.
    pub id: String,
    /// Language of fault texts on SOAP.
    pub language: Language,
}

/// How a listener proves itself and its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Both sides show certificates.
    Mutual,
    /// Only the gateway shows one; WS-Security alone proves the caller.
    Server,
    /// Plain HTTP, for callers behind a VPN.
    Off,
}

/// One socket for callers.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    pub address: SocketAddr,
    pub tls: TlsMode,
    /// PEM files; `None` only with `tls = off`.
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// The address that `?wsdl` prints, without a path; empty: the request's own Host.
    pub public_url: Option<String>,
    /// HTTP/2 beside HTTP/1.1.
    pub http2: bool,
    /// Anybody may look receipts up here.
    pub receipts: bool,
    /// Another process may listen at the same address; the system parts connections among them.
    pub reuse_port: bool,
}

/// Where operations watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Ops {
    /// Plain HTTP: /health, /ready, /metrics.
    pub address: SocketAddr,
    /// `error`, `warn`, `info` or `debug`.
    pub log_level: String,
    /// JSON lines (default) or human lines.
    pub log_json: bool,
}

/// Hard caps of the node; `config/gateway.toml` says what each means.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    pub body_bytes_max: usize,
    pub body_memory_bytes_max: usize,
    pub stream_bytes_max: usize,
    pub in_flight_bytes_max: usize,
    pub spool_bytes_max: u64,
    pub spool_bytes_per_participant_max: u64,
    pub head_bytes_max: usize,
    pub headers_max: usize,
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub connections_per_address_per_second: u32,
    pub connections_per_address_burst: u32,
    pub refusals_per_address_per_second: u32,
    pub refusals_per_address_burst: u32,
    pub look_ups_per_address_per_second: u32,
    pub look_ups_per_address_burst: u32,
    pub flood_price_connections: u32,
    pub connections_per_participant_max: usize,
    pub handshakes_max: usize,
    pub in_flight_max: usize,
    /// How late the node may be with its work before it refuses more.
    pub lag_max: Duration,
    pub handshake_deadline: Duration,
    pub head_deadline: Duration,
    pub body_deadline: Duration,
    pub stream_deadline: Duration,
    pub body_grace: Duration,
    pub body_bytes_per_second_min: u32,
    pub write_deadline: Duration,
    /// Waiting in the kernel for one connection.
    pub unsent_bytes_max: u32,
    pub linger_deadline: Duration,
    pub linger_bytes_max: u64,
    pub idle_deadline: Duration,
    /// A call's deadline where its service names none.
    pub call_deadline: Duration,
    /// How long the node serves on after SIGTERM, while it says that it leaves.
    pub drain_notice: Duration,
    /// How long SIGTERM waits for calls in flight.
    pub drain_deadline: Duration,
    /// `None`: the system's folder for temporary files.
    pub spool_folder: Option<PathBuf>,
    pub http2: Http2,
    pub xml: qaqpa_kit::xml::Limits,
}

/// Caps of one HTTP/2 connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Http2 {
    pub streams_max: u32,
    pub header_list_bytes_max: u32,
    pub frame_bytes_max: u32,
    pub stream_window_bytes: u32,
    pub connection_window_bytes: u32,
    pub send_buffer_bytes_max: usize,
    pub pending_resets_max: usize,
    pub local_resets_max: usize,
    pub spare_frames_max: u32,
    pub ping_interval: Duration,
    pub ping_deadline: Duration,
}

/// With which key an answer to a caller is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerSignature {
    /// The family of key that the caller used; the first key where it used none.
    AsCaller,
    /// Always the first RSA key.
    Rsa,
    /// Always the first ECDSA key.
    Ecdsa,
    /// Always the first key of the country's own algorithms.
    Gost,
}

/// The gateway's own signing keys.
#[derive(Debug, Clone)]
pub struct Signing {
    pub answer_signature: AnswerSignature,
    /// At least one.
    pub keys: Vec<SigningKey>,
}

/// Where a signing key lies.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// PKCS#12, or PKCS#8 as PEM or DER.
    pub key: PathBuf,
    /// Its certificate; `None`: in the key's file.
    pub certificate: Option<PathBuf>,
    /// The password of the key's file; `None`: it is not encrypted.
    pub password: Option<PathBuf>,
}

/// Where the journal lives.
#[derive(Clone, PartialEq)]
pub enum Store {
    /// A SQLite file on this machine.
    Embedded { path: PathBuf },
    /// A PostgreSQL cluster.
    Postgres { url: Zeroizing<String>, connections_max: usize },
}

impl fmt::Debug for Store {
    /// Without the URL: it holds the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded { path } => f.debug_struct("Embedded").field("path", path).finish(),
            Self::Postgres { connections_max, .. } => f
                .debug_struct("Postgres")
                .field("connections_max", connections_max)
                .finish_non_exhaustive(),
        }
    }
}

/// What of a body the journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPolicy {
    /// Request and answer, compressed and encrypted by the day's key.
    Full,
    /// Digests only.
    Digest,
}

/// The journal's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Journal {
    pub store: Store,
    pub body_policy: BodyPolicy,
    /// 32 bytes that wrap the day keys, from a file; `None` makes one beside an embedded store.
    pub master_key_file: Option<PathBuf>,
    /// Entries gathered into one commit at most.
    pub group_max: usize,
    /// Disk kept back so that what was opened can be closed on a full disk.
    pub reserve_bytes: u64,
    /// Answers stored beside the evidence are dropped beyond this many bytes.
    pub answers_bytes_max: u64,
    /// The monthly report and acts of services are owed here.
    pub papers_watched: bool,
}

/// A registered information system.
pub struct Participant {
    /// Name in configuration, metrics and journal.
    pub id: String,
    /// Name for people.
    pub name: Name,
    /// What it writes into `sender/senderId`.
    pub sender_id: String,
    /// Checked when the caller sends one, demanded when set.
    pub password: Option<Zeroizing<String>>,
    /// Its organisation's BIN; a certificate naming it (OU=BIN…) and no person is bound to it.
    pub bin: Option<String>,
    pub certificates: Vec<BoundCertificate>,
    /// The transport signature may be missing (mutual TLS proves the caller).
    pub accept_unsigned: bool,
    /// `syncSendMessageRequest` without an envelope may come (mutual TLS proves the caller).
    pub accept_bare: bool,
    /// What it may call: `service`, `service:operation`, or `*` for all.
    pub services: Vec<String>,
    /// Of its calls, unless the service says.
    pub class: Class,
    pub quota: Quota,
    /// Quotas of single services, by `serviceId`.
    pub service_quotas: HashMap<String, Quota>,
}

impl Participant {
    /// Whether it may call all of a service.
    #[must_use]
    pub fn may_call(&self, service: &str) -> bool {
        self.services.iter().any(|granted| granted == "*" || granted == service)
    }

    /// Whether it may call this operation of a service.
    #[must_use]
    pub fn may_operate(&self, service: &str, operation: &str) -> bool {
        let is_this = |granted: &String| granted.split_once(':') == Some((service, operation));
        self.may_call(service) || self.services.iter().any(is_this)
    }

    /// Whether it may call anything of a service.
    #[must_use]
    pub fn may_enter(&self, service: &str) -> bool {
        let of_it = |granted: &String| granted.split_once(':').is_some_and(|(of, _)| of == service);
        self.may_call(service) || self.services.iter().any(of_it)
    }
}

impl fmt::Debug for Participant {
    /// Without password and BIN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant")
            .field("id", &self.id)
            .field("sender_id", &self.sender_id)
            .finish_non_exhaustive()
    }
}

/// A certificate bound to a participant, for its days.
#[derive(Debug, Clone)]
pub struct BoundCertificate {
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: [u8; 32],
    /// The certificate itself where a file was given (KeyInfo form B needs it).
    pub der: Option<Vec<u8>>,
    /// Days of binding, Unix seconds, half-open; certificates carry their own validity besides.
    pub from_unix_s: i64,
    pub until_unix_s: i64,
}

/// Rate and concurrency of one participant at one service, or of one agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub per_second: u32,
    pub burst: u32,
    pub in_flight_max: u32,
}

/// A service in this installation: the manifest's, at one agency, under one route.
#[derive(Debug)]
pub struct Service {
    pub manifest: ServiceManifest,
    /// Empty matches calls without `routeId` and those no other route matches.
    pub route_id: String,
    pub agency: Arc<Agency>,
    /// For a whole call; where it is relayed, for the longest time without progress.
    pub deadline: Duration,
    pub body_bytes_max: usize,
    /// It is reached by the paths of its operations alone.
    pub has_operations: bool,
    /// What becomes of a caller whose certificate may have been revoked.
    pub revocation: Revocation,
    /// What a call costs; `None`: nothing.
    pub paid: Option<Paid>,
    /// How urgent its calls are; `None`: as the participant's.
    pub class: Option<Class>,
}

impl Service {
    /// How urgent a call of this participant is.
    #[must_use]
    pub fn class_for(&self, participant: &Participant) -> Class {
        self.class.unwrap_or(participant.class)
    }
}
