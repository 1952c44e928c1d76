//! `gateway.toml` as written: the node itself.

use super::{Limits, Reconcile, Trust};
use qaqpa_kit::fault::Language;
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gateway {
    /// Who this node is.
    pub node: Node,
    /// Sockets for callers, one table each.
    pub listener: Vec<Listener>,
    /// Where operations watch.
    pub ops: Ops,
    /// How changes of these files are noticed.
    pub reload: Reload,
    /// Hard caps of the node.
    pub limits: Limits,
    /// The gateway's own signing keys.
    pub signing: Signing,
    /// Whom the gateway believes.
    pub trust: Trust,
    /// The durable record.
    pub journal: Journal,
    /// Orders, ledger and operating days.
    pub payments: PaymentsStore,
    /// Registers of banks.
    pub reconcile: Reconcile,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            node: Node::default(),
            listener: vec![Listener::default()],
            ops: Ops::default(),
            reload: Reload::default(),
            limits: Limits::default(),
            signing: Signing::default(),
            trust: Trust::default(),
            journal: Journal::default(),
            payments: PaymentsStore::default(),
            reconcile: Reconcile::default(),
        }
    }
}

/// Who this node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Node {
    /// Name in every journal entry, unique among the nodes of one installation.
    pub id: String,
    /// Language of fault texts on SOAP.
    pub language: Language,
}

impl Default for Node {
    fn default() -> Self {
        Self { id: "gateway-1".to_owned(), language: Language::Ru }
    }
}

/// How a listener proves itself and its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Both sides show certificates.
    Mutual,
    /// Only the gateway shows one.
    Server,
    /// Plain HTTP.
    Off,
}

/// One socket for callers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listener {
    /// IP address and port.
    pub address: String,
    /// How it proves itself and its callers.
    pub tls: Tls,
    /// PEM chain shown to callers, own certificate first; not read with `tls = "off"`.
    pub certificate_file: String,
    /// PEM PKCS#8 key of that certificate; not read with `tls = "off"`.
    pub key_file: String,
    /// Address printed into `?wsdl`, without a path; empty: the request's own Host.
    pub public_url: String,
    /// Serves HTTP/2 too: over TLS by ALPN, else where a caller begins with its preface.
    pub http2: bool,
    /// Another process of this machine may listen at the same address (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Anybody may look receipts up here, below `/receipts/`, without a certificate of a participant.
    pub receipts: bool,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            address: "0.0.0.0:8443".to_owned(),
            tls: Tls::Mutual,
            certificate_file: "certificates/gateway.pem".to_owned(),
            key_file: "secrets/gateway.key".to_owned(),
            public_url: String::new(),
            http2: true,
            reuse_port: false,
            receipts: false,
        }
    }
}

/// How much the log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Where operations watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ops {
    /// IP address and port of /health, /ready and /metrics, plain HTTP.
    pub address: String,
    /// How much the log tells.
    pub log_level: LogLevel,
    /// JSON lines for machines, else lines for people.
    pub log_json: bool,
}

impl Default for Ops {
    fn default() -> Self {
        Self { address: "127.0.0.1:9400".to_owned(), log_level: LogLevel::Info, log_json: true }
    }
}

/// How changes of the configuration are noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reload {
    /// Milliseconds between two looks at the files; 0: only SIGHUP is heard.
    pub watch_ms: u64,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch_ms: 2_000 }
    }
}

/// With which key an answer to a caller is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerSignature {
    /// The family of key that the caller used.
    AsCaller,
    /// The first RSA key.
    Rsa,
    /// The first ECDSA key.
    Ecdsa,
    /// The first key of ГОСТ Р 34.10-2015, else of ГОСТ 34.310-2004.
    Gost,
}

/// The gateway's own signing keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signing {
    /// With which key an answer to a caller is signed.
    pub answer_signature: AnswerSignature,
    /// Keys with their certificates, at least one, one table each.
    pub key: Vec<SigningKey>,
}

impl Default for Signing {
    fn default() -> Self {
        Self { answer_signature: AnswerSignature::AsCaller, key: vec![SigningKey::default()] }
    }
}

/// One signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigningKey {
    /// PKCS#12 file, or PKCS#8 key (PEM or DER, encrypted or not).
    pub key_file: String,
    /// Certificate of that key, PEM or DER; empty: it stands in the key file (PKCS#12).
    pub certificate_file: String,
    /// File with the password of the key file; empty: the key is not encrypted.
    pub password_file: String,
}

impl Default for SigningKey {
    fn default() -> Self {
        Self {
            key_file: "secrets/signing.key".to_owned(),
            certificate_file: "certificates/signing.pem".to_owned(),
            password_file: String::new(),
        }
    }
}

/// Where the journal lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// A SQLite file on this machine.
    Embedded,
    /// A PostgreSQL cluster.
    Postgres,
}

/// What of a body the journal keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyPolicy {
    /// Request and answer, encrypted.
    Full,
    /// Digests only.
    Digest,
}

/// The durable record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Journal {
    /// Where it lives; only that store's table below is read.
    pub store: Store,
    /// What of a body it keeps.
    pub body_policy: BodyPolicy,
    /// File with the key that wraps the day keys; empty: made beside an embedded store.
    pub master_key_file: String,
    /// Entries gathered into one commit at most.
    pub group_max: usize,
    /// Bytes of disk kept back, so that what was opened can be closed on a full disk.
    pub reserve_bytes: u64,
    /// Bytes of answers kept for the same call where bodies are not kept; those of idempotent services
    /// are dropped first, the oldest first.
    pub answers_bytes_max: u64,
    /// The monthly report and acts of services are entered here (`qaqpa act enter`): a metric tells when
    /// one that is missing will be late.
    pub papers_watched: bool,
    /// With `store = "embedded"`.
    pub embedded: Embedded,
    /// With `store = "postgres"`.
    pub postgres: Postgres,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            store: Store::Embedded,
            body_policy: BodyPolicy::Full,
            master_key_file: String::new(),
            group_max: 128,
            reserve_bytes: 67_108_864,
            answers_bytes_max: 1_073_741_824,
            papers_watched: false,
            embedded: Embedded::default(),
            postgres: Postgres::default(),
        }
    }
}

/// The journal in a SQLite file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedded {
    /// The SQLite file; its folder must exist and be writable.
    pub path: String,
}

impl Default for Embedded {
    fn default() -> Self {
        Self { path: "/var/lib/qaqpa/journal.sqlite".to_owned() }
    }
}

/// The journal in a PostgreSQL cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Postgres {
    /// File with the `postgresql://user:password@host/database` URL. Of several servers, separated by
    /// commas, whichever takes writes is used.
    pub url_file: String,
    /// Connections of this node for the journal; payments have as many of their own.
    pub connections_max: usize,
}

impl Default for Postgres {
    fn default() -> Self {
        Self { url_file: "secrets/postgres.url".to_owned(), connections_max: 8 }
    }
}

/// Orders, ledger and operating days; with `journal.store = "postgres"` they live in that cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentsStore {
    /// The SQLite file; read with `journal.store = "embedded"`.
    pub path: String,
    /// Changes gathered into one commit at most.
    pub group_max: usize,
    /// Longest pause between two inquiries after an order left Unknown.
    pub inquiry_pause_ms_max: u64,
    /// Answers `not found` in a row before an order may be submitted again.
    pub not_found_min: u32,
    /// Seconds since the last attempt, and since this process first saw it without an answer, before an
    /// order may be submitted again.
    pub quiet_s: u64,
    /// Seconds after each attempt to tell a participant before the next one; after the last one the
    /// notice is a dead letter.
    pub notice_pauses_s: Vec<u64>,
    /// Seconds for which the same request to payments gets its stored answer.
    pub keys_kept_s: u64,
}

impl Default for PaymentsStore {
    fn default() -> Self {
        Self {
            path: "/var/lib/qaqpa/payments.sqlite".to_owned(),
            group_max: 256,
            inquiry_pause_ms_max: 300_000,
            not_found_min: 3,
            quiet_s: 600,
            notice_pauses_s: vec![1, 5, 30, 120, 600, 3_600, 21_600, 86_400],
            keys_kept_s: 7_776_000,
        }
    }
}
