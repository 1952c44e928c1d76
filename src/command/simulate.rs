//! `qaqpa simulate`: stands in for an agency in a process of its own; `demo` starts the same stand-ins in its own.

pub mod wire;

use super::Failure;
use super::demo::installation::signer;
use super::demo::pki::Pair;
use crate::channel::sync::{self, Message};
use crate::config;
use crate::config::settings::{self, AnswerSignature, BoundCertificate, Listener, TlsMode};
use crate::ops::metrics::DoorFigures;
use crate::proxy::listener::{Door, Handler};
use crate::proxy::tls::{ClientTrust, ServerTls};
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::trust::Trust;
use crate::sign::{Reason, Signers, pem};
use crate::simulate::bank::SimulatedBank;
use crate::simulate::bank::chaos::Chaos;
use crate::simulate::bank::ledger::Ledger;
use crate::simulate::{Behaviour, Observer, SimulatedAgency};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use qaqpa_kit::adapter::Adapter;
use qaqpa_kit::hex;
use qaqpa_kit::xml::Limits;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long a stand-in that is told to end finishes what it has begun.
const DRAIN_DEADLINE: Duration = Duration::from_secs(1);

/// Which agency to stand in for, and how.
#[derive(clap::Args)]
pub struct Args {
    /// The adapter whose simulator answers: an id of `qaqpa agencies`.
    #[arg(long, value_name = "ID", required_unless_present = "bank")]
    agency: Option<String>,
    /// Instead of an agency, a bank in the dialect of this adapter, which takes orders, and with `--gateway`
    /// asks too, with books of its own; `GET /ledger` shows them.
    #[arg(long, value_name = "ID", conflicts_with = "agency", requires = "ledger")]
    bank: Option<String>,
    /// The file of the bank's books; what it says is written there first.
    #[arg(long, value_name = "FILE", requires = "bank")]
    ledger: Option<PathBuf>,
    /// What goes wrong at the bank, in percent: `rough`, or e.g. late=10,break=5; of lose_request,
    /// lose_answer, late, delay, break, queue, reject, contradict, early, repeat.
    #[arg(long, value_name = "FAULTS", default_value = "", requires = "bank")]
    chaos: Chaos,
    /// The same seed, the same faults.
    #[arg(long, default_value_t = 1, requires = "bank")]
    seed: u64,
    #[command(flatten)]
    calling: wire::Calling,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Speak mutual TLS with this certificate; without it, plain HTTP.
    #[arg(long, value_name = "PEM", requires_all = ["tls_key", "trust"])]
    tls_cert: Option<PathBuf>,
    /// Key of the TLS certificate.
    #[arg(long, value_name = "PEM", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Certification authorities that the gateway's TLS certificate must chain to.
    #[arg(long, value_name = "PEM", requires = "tls_cert")]
    trust: Option<PathBuf>,
    /// Key that signs the answers.
    #[arg(long, value_name = "PEM", required_unless_present = "bank")]
    sign_key: Option<PathBuf>,
    /// Certificate of that key.
    #[arg(long, value_name = "PEM", required_unless_present = "bank")]
    sign_cert: Option<PathBuf>,
    /// A certificate of the gateway, whose signature is accepted; may be repeated.
    #[arg(long, value_name = "PEM", required_unless_present = "bank")]
    gateway_cert: Vec<PathBuf>,
    /// Append a line for each request before it is answered: its messageId, else its SHA-256.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How the agency behaves.
    #[arg(long, value_enum, default_value_t)]
    behaviour: Behaviour,
    /// Write the address into this file (JSON) once it listens.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Answers until SIGTERM or ctrl-c.
///
/// # Errors
/// A file or the socket cannot be used, or there is no such agency.
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let tls = args.tls_cert.zip(args.tls_key).zip(args.trust);
    let tls = tls.map(|((cert_pem, key_pem), trust)| (Pair { key_pem, cert_pem }, trust));
    let shown = tls.as_ref().map(|(pair, trust)| (pair, trust.as_path()));
    let ready_file = args.ready_file.as_deref();
    if let (Some(id), Some(ledger)) = (&args.bank, &args.ledger) {
        let ledger = Ledger::open(ledger)
            .map_err(|error| Failure::work(format!("{}: {error}", ledger.display())))?;
        let bank = SimulatedBank::new(adapter(id)?, args.chaos.seeded(args.seed), ledger);
        let bank = match args.calling.wire()? {
            Some(wire) => bank.calling(Box::new(wire)),
            None => Some(bank),
        };
        let bank = bank
            .filter(SimulatedBank::is_of_use)
            .ok_or_else(|| Failure::usage(format!("{id} is no bank that does so")))?;
        return super::block_on(async {
            let door = door(args.listen, shown).await?;
            serve(door, bank, (shown.is_some(), ready_file)).await
        })?;
    }
    let (Some(agency), Some(key_pem), Some(cert_pem)) =
        (&args.agency, args.sign_key, args.sign_cert)
    else {
        return Err(Failure::usage(
            "name an agency, and the key and certificate that it signs with",
        ));
    };
    let stand = Stand {
        agency,
        address: args.listen,
        tls: shown,
        signing: &Pair { key_pem, cert_pem },
        gateway: args.gateway_cert.iter().map(PathBuf::as_path).collect(),
        behaviour: args.behaviour,
        observer: args.record.as_deref().map(recorder).transpose()?,
    };
    super::block_on(async {
        let (door, agency) = stand.open().await?;
        serve(door, agency, (shown.is_some(), ready_file)).await
    })?
}

/// Says where it listens, and answers until it is told to stop.
async fn serve(
    door: Door,
    handler: impl Handler,
    (has_tls, ready_file): (bool, Option<&Path>),
) -> Result<ExitCode, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::work)?;
    let scheme = if has_tls { "https" } else { "http" };
    let ready = serde_json::json!({ "url": format!("{scheme}://{}/", door.address()) });
    match ready_file {
        Some(path) => super::write_whole(path, &ready.to_string())?,
        None => println!("{ready}"),
    }
    let (_never, draining) = watch::channel(false);
    tokio::select! {
        _ = door.serve(Arc::new(handler), draining) => {}
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn adapter(id: &str) -> Result<Arc<dyn Adapter>, Failure> {
    qaqpa_adapters::find(id).ok_or_else(|| Failure::usage(format!("there is no adapter {id}")))
}

/// A door on an address; with TLS it is mutual: what it shows, and whom it believes.
///
/// # Errors
/// A file or the socket cannot be used.
pub async fn door(address: SocketAddr, tls: Option<(&Pair, &Path)>) -> Result<Door, Failure> {
    let (tls, trust) = (tls.map(|(pair, _)| pair), tls.map(|(_, trust)| trust));
    let listener = Listener {
        address,
        tls: if tls.is_some() { TlsMode::Mutual } else { TlsMode::Off },
        certificate_file: tls.map(|pair| pair.cert_pem.clone()),
        key_file: tls.map(|pair| pair.key_pem.clone()),
        public_url: None,
        http2: false,
        receipts: false,
        reuse_port: false,
    };
    let roots = trust.map(|path| Ok::<_, Failure>((path.display(), read(path)?))).transpose()?;
    let trust = Trust::load(roots).map_err(Failure::work)?;
    let tls = ServerTls::load(&listener, &believing(trust)).map_err(Failure::work)?;
    let figures = DoorFigures::unwatched().map_err(Failure::work)?;
    // One that never answers, as some shall, keeps nobody waiting for its end.
    let limits = settings::Limits { drain_deadline: DRAIN_DEADLINE, ..config::default_limits() };
    Door::bind(&listener, &limits, tls, figures).await.map_err(Failure::work)
}

/// An agency to stand in for.
pub struct Stand<'a> {
    /// Id of its adapter.
    pub agency: &'a str,
    pub address: SocketAddr,
    /// Mutual TLS: what it shows and whom it believes; `None`: plain HTTP.
    pub tls: Option<(&'a Pair, &'a Path)>,
    /// Signs its answers.
    pub signing: &'a Pair,
    /// Certificates of the gateway; a request signed by anybody else is answered with a fault.
    pub gateway: Vec<&'a Path>,
    pub behaviour: Behaviour,
    pub observer: Option<Observer>,
}

impl Stand<'_> {
    /// Binds its door; who calls `serve` on it with the agency has it answered.
    ///
    /// # Errors
    /// A file or the socket cannot be used, or there is no such agency.
    pub async fn open(self) -> Result<(Door, SimulatedAgency), Failure> {
        let adapter = adapter(self.agency)?;
        let door = door(self.address, self.tls).await?;
        let mut gateway = Vec::new();
        for path in self.gateway {
            gateway.extend(pinned(path)?);
        }
        let signers = Signers::new([signer(self.signing)?], AnswerSignature::AsCaller)
            .ok_or_else(|| Failure::work("no key"))?;
        let agency = SimulatedAgency {
            adapter,
            signers,
            gateway,
            behaviour: self.behaviour,
            observer: self.observer,
            certificates: CertificateCache::default(),
        };
        Ok((door, agency))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}

/// The certificates of a file, accepted at any time.
fn pinned(path: &Path) -> Result<Vec<BoundCertificate>, Failure> {
    let in_file = |error: &str| Failure::work(format!("{}: {error}", path.display()));
    let mut pins = Vec::new();
    for block in pem::blocks(&read(path)?).map_err(|error| in_file(&error))? {
        let parsed = Certificate::parse(&block.der).map_err(|reason| in_file(reason.word()))?;
        pins.push(BoundCertificate {
            spki_sha256: parsed.spki_sha256(),
            der: Some(block.der.to_vec()),
            from_unix_s: i64::MIN,
            until_unix_s: i64::MAX,
        });
    }
    Ok(pins)
}

fn believing(trust: Trust) -> ClientTrust {
    Arc::new(move |certificate, _chain, now| {
        let now_unix_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let certificate = trust.certificates().parse(certificate).map_err(Reason::word)?;
        trust.judge(&certificate, now_unix_s).map(drop).map_err(Reason::word)
    })
}

/// An observer that notes every request on disk: what is answered is certainly in the file.
fn recorder(path: &Path) -> Result<Observer, Failure> {
    let named = |error: io::Error| Failure::work(format!("{}: {error}", path.display()));
    let file = OpenOptions::new().append(true).create(true).open(path).map_err(named)?;
    let (file, path) = (Mutex::new(file), path.to_owned());
    Ok(Box::new(move |body| {
        let file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = note(&file, body) {
            // Whoever reads the file must be able to rely on it: no answer without its line.
            eprintln!("qaqpa: {}: {error}", path.display());
            std::process::exit(1);
        }
    }))
}

fn note(mut file: &File, body: &Bytes) -> io::Result<()> {
    let line = format!("{}\n", name_of(body));
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// `messageId` of a SyncChannel request, else the SHA-256 of the body in hexadecimal.
fn name_of(body: &Bytes) -> String {
    let message_id = || {
        let document = sync::scan(body, &Limits::default()).ok()?;
        let message = Message::read(&document).ok()?;
        Some(message.request.message_id.into_owned())
    };
    match message_id() {
        Some(id) if !id.is_empty() && !id.contains(char::is_control) => id,
        _ => hex::lower(digest(&SHA256, body).as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::{name_of, note};
    use bytes::Bytes;
    use qaqpa_kit::envelope::write::{RequestHead, request};

    #[test]
    fn a_request_is_recorded_by_its_message_id_and_anything_else_by_its_digest() {
        let named = |message_id| {
            let head = RequestHead {
                message_id,
                correlation_id: "",
                service_id: "s",
                message_date: "2026-11-22T10:15:30+05:00",
                route_id: "",
                sender_id: "a",
                password: "",
                session_id: "",
            };
            Bytes::from(request(&head, "<x/>"))
        };
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(name_of(&Bytes::new()), of_nothing);
        assert_eq!(name_of(&named("m-1")), "m-1");
        assert_eq!(name_of(&named("two\nlines")).len(), 64);
        let file = tempfile::NamedTempFile::new().unwrap();
        for message_id in ["m-1", "m-2"] {
            note(file.as_file(), &named(message_id)).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "m-1\nm-2\n");
    }
}
