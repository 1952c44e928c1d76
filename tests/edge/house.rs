//! A small installation to test with: settings, certificates, and ways to wait without sleeping.

use qaqpa::config::settings::{
    Agency, AnswerSignature, BodyPolicy, Breaker, Class, Journal, Limits, Line, Listener, Node,
    Ops, Participant, Payments, Quota, Revocation, Service, Settings, Signing, Store, TlsMode,
    Trust,
};
use qaqpa_kit::adapter::{Adapter, Answer, Call, Outgoing, Reply};
use qaqpa_kit::fault::{Fault, Language};
use qaqpa_kit::manifest::{Manifest, Name, ServiceManifest, Wire};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const SERVICE: &str = "EchoService";
pub const PARTICIPANT: &str = "portal";
pub const AGENCY: &str = "echo";

/// Generous; a test sets the one that it is about.
pub fn limits() -> Limits {
    let long = Duration::from_secs(20);
    Limits {
        body_bytes_max: 256 * 1024,
        head_bytes_max: 16 * 1024,
        connections_max: 64,
        in_flight_max: 32,
        connections_per_address_per_second: 100_000,
        connections_per_address_burst: 100_000,
        refusals_per_address_per_second: 100_000,
        look_ups_per_address_per_second: 1,
        look_ups_per_address_burst: 5,
        refusals_per_address_burst: 100_000,
        flood_price_connections: 0,
        handshake_deadline: long,
        head_deadline: long,
        body_deadline: long,
        body_grace: long,
        write_deadline: long,
        idle_deadline: long,
        call_deadline: long,
        drain_deadline: long,
        ..qaqpa::config::default_limits()
    }
}

pub fn quota(per_second: u32, burst: u32, in_flight_max: u32) -> Quota {
    Quota { per_second, burst, in_flight_max }
}

/// An agency at `endpoint`, patient and without TLS.
/// Opens after so many failures in a row, and by no sample.
pub fn breaker(failures: u32, open_for: Duration) -> Breaker {
    let (window, sample_min) = (Duration::from_secs(10), 1_000_000);
    Breaker { failures, open_for, failure_percent: 100, sample_min, window, probes: 1 }
}

pub fn agency(endpoint: &str) -> Agency {
    Agency {
        id: AGENCY.to_owned(),
        adapter: Arc::new(Mute(manifest())),
        endpoint: endpoint.to_owned(),
        more_endpoints: Vec::new(),
        retry_percent: 10,
        tls_trust_files: Vec::new(),
        tls_client: None,
        answer_certificates: Vec::new(),
        answer_signed: false,
        quota: quota(1_000_000, 1_000_000, 1_000),
        connections_max: 8,
        connect_deadline: Duration::from_secs(20),
        deadline: Duration::from_secs(30),
        calendar: None,
        line: Line {
            waiting_max: 0,
            wait_max: Duration::from_secs(5),
            is_adaptive: false,
            in_flight_min: 1,
        },
        breaker: breaker(1_000, Duration::from_secs(60)),
    }
}

pub fn participant(quota: Quota) -> Participant {
    Participant {
        id: PARTICIPANT.to_owned(),
        name: Name { kk: String::new(), ru: String::new(), en: String::new() },
        sender_id: PARTICIPANT.to_owned(),
        class: Class::Citizen,
        password: None,
        bin: None,
        certificates: Vec::new(),
        accept_unsigned: false,
        accept_bare: false,
        services: vec!["*".to_owned()],
        quota,
        service_quotas: HashMap::new(),
    }
}

/// One participant, one agency, one service.
pub fn settings(agency: Agency, participant: Participant) -> Settings {
    let agency = Arc::new(agency);
    let service = Service {
        class: None,
        manifest: manifest().services.remove(0),
        route_id: String::new(),
        agency: Arc::clone(&agency),
        deadline: Duration::from_secs(20),
        body_bytes_max: 256 * 1024,
        has_operations: false,
        revocation: Revocation::Off,
        paid: None,
    };
    Settings {
        watch: None,
        reconcile: None,
        payments: Payments::embedded("payments.sqlite".into()),
        node: Node { id: "test".to_owned(), language: Language::En },
        listeners: Vec::new(),
        ops: Ops {
            address: "127.0.0.1:0".parse().unwrap(),
            log_level: "info".to_owned(),
            log_json: true,
        },
        limits: limits(),
        signing: Signing { answer_signature: AnswerSignature::Rsa, keys: Vec::new() },
        trust: Trust::default(),
        journal: Journal {
            store: Store::Embedded { path: PathBuf::new() },
            body_policy: BodyPolicy::Digest,
            master_key_file: None,
            group_max: 1,
            reserve_bytes: 0,
            answers_bytes_max: 0,
            papers_watched: false,
        },
        participants: HashMap::from([(PARTICIPANT.to_owned(), Arc::new(participant))]),
        agencies: HashMap::from([(AGENCY.to_owned(), agency)]),
        operations: HashMap::new(),
        services: HashMap::from([(SERVICE.to_owned(), vec![Arc::new(service)])]),
    }
}

pub fn listener(tls: TlsMode) -> Listener {
    Listener {
        address: "127.0.0.1:0".parse().unwrap(),
        tls,
        certificate_file: None,
        key_file: None,
        public_url: None,
        http2: true,
        receipts: false,
        reuse_port: false,
    }
}

fn manifest() -> Manifest {
    let name = || Name { kk: String::new(), ru: String::new(), en: String::new() };
    let service = ServiceManifest {
        id: SERVICE.to_owned(),
        name: name(),
        idempotent: true,
        once: false,
        key_required: None,
        message_id: qaqpa_kit::manifest::MessageId::Reused,
        window_s: 600,
        done_codes: Vec::new(),
        refused_codes: Vec::new(),
        check_digits: true,
        signatures: Vec::new(),
    };
    Manifest {
        id: AGENCY.to_owned(),
        name: name(),
        wire: Wire::Rest,
        services: vec![service],
        register: None,
    }
}

struct Mute(Manifest);

impl Adapter for Mute {
    fn manifest(&self) -> &Manifest {
        &self.0
    }
    fn encode(&self, _: &Call<'_>) -> Result<Outgoing, Fault> {
        panic!("the edge asks no adapter")
    }
    fn decode(&self, _: &Call<'_>, _: &Answer<'_>) -> Result<Reply, Fault> {
        panic!("the edge asks no adapter")
    }
}

/// Certificates of one test, in files that vanish with it.
pub struct Pki {
    folder: tempfile::TempDir,
    root: CertifiedIssuer<'static, KeyPair>,
    pub root_file: PathBuf,
}

impl Pki {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test root");
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let root_file = folder.path().join("root.pem");
        std::fs::write(&root_file, root.pem()).unwrap();
        Self { folder, root, root_file }
    }

    /// A certificate for `name` and its key, as (certificate file, key file).
    pub fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.root).unwrap();
        let files = (
            self.folder.path().join(format!("{name}.pem")),
            self.folder.path().join(format!("{name}.key")),
        );
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }
}

/// Returns when the runtime has seen everything that the kernel knew before.
///
/// A byte sent now arrives after a FIN sent before, and the runtime reads both from one queue.
pub async fn settle() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    near.write_all(b"!").await.unwrap();
    far.read_exact(&mut [0]).await.unwrap();
}

/// Polls a condition until it holds; a test that waits for ever is stopped by its deadline.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            settle().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    waited.unwrap_or_else(|_| panic!("never came true: {what}"));
}
