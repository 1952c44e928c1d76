//! TLS on both sides: who may come in, whom the gateway believes, and what renewal changes.

use super::callers::{self, Caller, Opened};
use super::house::{self, Pki, limits, until};
use super::upstream::way_to;
use qaqpa::config::settings::{Agency, Limits, Listener, TlsMode};
use qaqpa::proxy::listener::Cut;
use qaqpa::proxy::tls::{ClientTrust, ServerTls, TlsError};
use qaqpa_kit::fault::{Code, Outcome};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Pair = (PathBuf, PathBuf);

/// Trusts every certificate, until it is told not to.
fn trust_while(is_trusted: &Arc<AtomicBool>) -> ClientTrust {
    let is_trusted = Arc::clone(is_trusted);
    Arc::new(
        move |_, _, _| {
            if is_trusted.load(Ordering::SeqCst) { Ok(()) } else { Err("not_trusted") }
        },
    )
}

fn trust_all() -> ClientTrust {
    trust_while(&Arc::new(AtomicBool::new(true)))
}

fn listener(tls: TlsMode, (certificate, key): &Pair) -> Listener {
    Listener {
        certificate_file: Some(certificate.clone()),
        key_file: Some(key.clone()),
        ..house::listener(tls)
    }
}

async fn open(listener: &Listener, trust: &ClientTrust, limits: &Limits) -> Opened {
    let tls = ServerTls::load(listener, trust).unwrap();
    callers::open_with(listener, limits, tls).await
}

fn roots(pki: &Pki) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&pki.root_file).unwrap()).unwrap();
    roots
}

fn client(pki: &Pki, own: Option<&Pair>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(pki));
    Arc::new(match own {
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(certificate).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    })
}

fn speaking(pki: &Pki, version: &'static SupportedProtocolVersion) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots(pki))
        .with_no_client_auth()
}

async fn connect(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::clone(config)).connect(name, socket).await
}

/// Whether a request gets through; with TLS 1.3 a refusal shows only at the first read.
async fn is_let_in(address: SocketAddr, config: &Arc<ClientConfig>) -> bool {
    let Ok(stream) = connect(address, config).await else { return false };
    let mut caller = Caller::over(stream);
    caller.post("/", "hello").await;
    caller.answer().await.is_some_and(|(_, body)| body == "hello")
}

#[tokio::test]
async fn a_trusted_caller_is_let_in_and_its_certificate_goes_with_the_request() {
    let pki = Pki::new();
    let (server, caller) = (pki.issue("gateway"), pki.issue("caller"));
    let door = open(&listener(TlsMode::Mutual, &server), &trust_all(), &limits()).await;
    assert!(is_let_in(door.address, &client(&pki, Some(&caller))).await);
    let shown = CertificateDer::from_pem_file(&caller.0).unwrap();
    assert_eq!(door.echo.last_peer.lock().unwrap().as_deref(), Some(shown.as_ref()));
    assert_eq!(door.figures.handshakes_done.get(), 1);
}

#[tokio::test]
async fn without_a_certificate_or_without_trust_nobody_is_let_in() {
    let pki = Pki::new();
    let (server, caller) = (pki.issue("gateway"), pki.issue("caller"));
    let is_trusted = Arc::new(AtomicBool::new(false));
    let trust = trust_while(&is_trusted);
    let door = open(&listener(TlsMode::Mutual, &server), &trust, &limits()).await;
    assert!(!is_let_in(door.address, &client(&pki, Some(&caller))).await, "not trusted");
    is_trusted.store(true, Ordering::SeqCst);
    assert!(!is_let_in(door.address, &client(&pki, None)).await, "no certificate");
    assert_eq!(door.echo.begun.load(Ordering::SeqCst), 0);
    until("both are counted", || door.figures.handshakes_failed.get() == 2).await;
}

#[tokio::test]
async fn a_certificate_without_its_key_proves_nothing() {
    let pki = Pki::new();
    let (server, own, stolen) = (pki.issue("gateway"), pki.issue("caller"), pki.issue("stolen"));
    let door = open(&listener(TlsMode::Mutual, &server), &trust_all(), &limits()).await;
    // rustls would not pair them in a configuration; a resolver may lie.
    let key = PrivateKeyDer::from_pem_file(&own.1).unwrap();
    let key = any_supported_type(&key).unwrap();
    let shown = vec![CertificateDer::from_pem_file(&stolen.0).unwrap()];
    let liar = Arc::new(SingleCertAndKey::from(Arc::new(CertifiedKey::new(shown, key))));
    for version in [&TLS12, &TLS13] {
        let mut config = speaking(&pki, version);
        config.client_auth_cert_resolver = Arc::<SingleCertAndKey>::clone(&liar);
        assert!(!is_let_in(door.address, &Arc::new(config)).await, "{version:?}");
    }
    assert_eq!(door.echo.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_server_only_listener_asks_for_no_certificate() {
    let pki = Pki::new();
    let server = pki.issue("gateway");
    let door = open(&listener(TlsMode::Server, &server), &trust_all(), &limits()).await;
    assert!(is_let_in(door.address, &client(&pki, None)).await);
    assert!(door.echo.last_peer.lock().unwrap().is_none());
}

#[tokio::test]
async fn of_the_suites_that_both_speak_the_one_with_sha_256_is_taken() {
    let pki = Pki::new();
    let own = listener(TlsMode::Server, &pki.issue("gateway"));
    let door = open(&own, &trust_all(), &limits()).await;
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(speaking(&pki, version));
        let stream = connect(door.address, &config).await.unwrap();
        let suite = stream.get_ref().1.negotiated_cipher_suite().unwrap().suite();
        assert!(format!("{suite:?}").ends_with("AES_128_GCM_SHA256"), "{suite:?}");
    }
}

#[tokio::test]
async fn a_resumed_session_is_asked_for_trust_again() {
    let pki = Pki::new();
    let (server, caller) = (pki.issue("gateway"), pki.issue("caller"));
    let is_trusted = Arc::new(AtomicBool::new(true));
    let trust = trust_while(&is_trusted);
    let door = open(&listener(TlsMode::Mutual, &server), &trust, &limits()).await;
    let config = client(&pki, Some(&caller));
    assert!(is_let_in(door.address, &config).await);

    let stream = connect(door.address, &config).await.unwrap();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    let mut again = Caller::over(stream);
    again.post("/", "hello").await;
    assert!(again.answer().await.is_some(), "trusted still");
    assert!(door.echo.last_peer.lock().unwrap().is_some(), "the certificate is remembered");

    is_trusted.store(false, Ordering::SeqCst);
    assert!(!is_let_in(door.address, &config).await, "revoked since");
}

#[tokio::test]
async fn a_living_connection_is_answered_no_more_once_its_certificate_is_not_trusted() {
    let pki = Pki::new();
    let (server, caller) = (pki.issue("gateway"), pki.issue("caller"));
    let is_trusted = Arc::new(AtomicBool::new(true));
    let trust = trust_while(&is_trusted);
    let door = open(&listener(TlsMode::Mutual, &server), &trust, &limits()).await;
    let stream = connect(door.address, &client(&pki, Some(&caller))).await.unwrap();
    let mut caller = Caller::over(stream);
    caller.post("/", "hello").await;
    assert_eq!(caller.answer().await.unwrap().1, "hello");

    is_trusted.store(false, Ordering::SeqCst);
    let begun = Instant::now();
    let (head, text) = loop {
        caller.post("/", "hello").await;
        let (head, text) = caller.answer().await.unwrap();
        if !head.starts_with("HTTP/1.1 200") {
            break (head, text);
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "answered still");
    };
    assert!(head.contains("qaqpa-fault: caller.forbidden"), "{head}");
    assert!(head.contains("connection: close") && text.contains("not_trusted"), "{head} {text}");
    assert!(caller.is_closed().await);
    assert_eq!(door.figures.cuts(Cut::Untrusted), 1);
}

#[tokio::test]
async fn one_participant_holds_no_more_connections_than_allowed_and_is_told_so() {
    let pki = Pki::new();
    let (server, own) = (pki.issue("gateway"), pki.issue("caller"));
    let limits = Limits { connections_per_participant_max: 1, ..limits() };
    let door = open(&listener(TlsMode::Mutual, &server), &trust_all(), &limits).await;
    let config = client(&pki, Some(&own));
    let mut first = Caller::over(connect(door.address, &config).await.unwrap());
    first.post("/", "in").await;
    assert_eq!(first.answer().await.unwrap().1, "in");
    let mut second = Caller::over(connect(door.address, &config).await.unwrap());
    second.post("/", "in").await;
    let (head, text) = second.answer().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 503") && head.contains("retry-after"), "{head}");
    assert!(text.contains("connections_per_participant"), "{text}");
    assert!(second.is_closed().await);
    assert_eq!(door.figures.cuts(Cut::Participant), 1);
    drop(first);
    until("the first left", || door.figures.connections.get() == 0).await;
    assert!(is_let_in(door.address, &config).await);
}

/// What a caller and a door agree on, which of them offers HTTP/2 said for each.
async fn agreed(pki: &Pki, is_offered: bool, is_asked: bool) -> Option<Vec<u8>> {
    let listener =
        Listener { http2: is_offered, ..listener(TlsMode::Server, &pki.issue("gateway")) };
    let door = open(&listener, &trust_all(), &limits()).await;
    let mut config = Arc::unwrap_or_clone(client(pki, None));
    let asked: &[&[u8]] = if is_asked { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = asked.iter().map(|name| name.to_vec()).collect();
    let mut stream = connect(door.address, &Arc::new(config)).await.unwrap();
    let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
    if agreed.as_deref() == Some(b"h2") {
        // The settings of a server come first, whatever the caller says.
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head[3], 4, "SETTINGS");
    }
    agreed
}

#[tokio::test]
async fn http2_is_spoken_where_both_sides_want_it() {
    let pki = Pki::new();
    assert_eq!(agreed(&pki, true, true).await.as_deref(), Some(b"h2".as_slice()));
    assert_eq!(agreed(&pki, true, false).await.as_deref(), Some(b"http/1.1".as_slice()));
    assert_eq!(agreed(&pki, false, true).await.as_deref(), Some(b"http/1.1".as_slice()));
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut_at_its_deadline() {
    let pki = Pki::new();
    let limits = Limits { handshake_deadline: Duration::from_millis(100), ..limits() };
    let listener = listener(TlsMode::Server, &pki.issue("gateway"));
    let door = open(&listener, &trust_all(), &limits).await;
    let mut silent = Caller::connect(door.address).await;
    assert!(silent.is_closed().await);
    assert_eq!(door.figures.handshakes_failed.get(), 1);
    assert_eq!(door.figures.cuts(Cut::Handshake), 1);
}

#[tokio::test]
async fn a_renewed_certificate_serves_the_next_handshake() {
    let pki = Pki::new();
    let (old, new) = (pki.issue("old"), pki.issue("new"));
    let tls = ServerTls::load(&listener(TlsMode::Server, &old), &trust_all()).unwrap().unwrap();
    let door =
        callers::open_with(&listener(TlsMode::Server, &old), &limits(), Some(Arc::clone(&tls)))
            .await;
    let shown = async || {
        // A fresh configuration: a resumed session would show the certificate of its first handshake.
        let stream = connect(door.address, &client(&pki, None)).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let of = |pair: &Pair| CertificateDer::from_pem_file(&pair.0).unwrap().to_vec();
    assert_eq!(shown().await, of(&old));
    tls.renew(tls.make(&listener(TlsMode::Server, &new)).unwrap());
    assert_eq!(shown().await, of(&new));

    let broken = (new.0.clone(), old.1.clone());
    let made = tls.make(&listener(TlsMode::Server, &broken));
    assert!(made.is_err(), "the key of another certificate");
    assert_eq!(shown().await, of(&new), "the one in use stays");
}

#[test]
fn a_wrong_file_is_named() {
    let pki = Pki::new();
    let (certificate, key) = pki.issue("gateway");
    let nowhere = PathBuf::from("/nowhere/key.pem");
    for (pair, named) in [
        ((certificate.clone(), nowhere), "/nowhere/key.pem"),
        ((certificate.clone(), certificate), "gateway.pem: no usable private key"),
        ((key.clone(), key), "gateway.key: no usable certificate"),
    ] {
        let result = ServerTls::load(&listener(TlsMode::Server, &pair), &trust_all());
        let Err(error) = result else { panic!("{named}") };
        assert!(error.to_string().contains(named), "{error}");
    }
    let bare = house::listener(TlsMode::Mutual);
    assert!(matches!(ServerTls::load(&bare, &trust_all()), Err(TlsError::Missing { .. })));
}

/// An agency behind TLS that demands a certificate: our own door stands in for it.
async fn tls_agency(pki: &Pki, trust: &ClientTrust) -> Opened {
    open(&listener(TlsMode::Mutual, &pki.issue("agency")), trust, &limits()).await
}

fn agency_at(address: SocketAddr, root: &Pki, own: Option<Pair>) -> Agency {
    Agency {
        tls_trust_files: vec![root.root_file.clone()],
        tls_client: own,
        ..house::agency(&format!("https://localhost:{}/", address.port()))
    }
}

#[tokio::test]
async fn the_gateway_and_an_agency_prove_themselves_to_each_other() {
    let pki = Pki::new();
    let own = pki.issue("gateway");
    let agency = tls_agency(&pki, &trust_all()).await;
    let way = way_to(|| agency_at(agency.address, &pki, Some(own.clone())));
    for body in ["one", "two"] {
        assert_eq!(way.send(body).await.unwrap().body.as_ref(), body.as_bytes());
    }
    let shown = CertificateDer::from_pem_file(&own.0).unwrap();
    assert_eq!(agency.echo.last_peer.lock().unwrap().as_deref(), Some(shown.as_ref()));
    assert_eq!(agency.figures.handshakes_done.get(), 1, "one connection for both");
}

#[tokio::test]
async fn an_agency_with_a_strange_certificate_is_not_spoken_to() {
    let (pki, strange) = (Pki::new(), Pki::new());
    let agency = tls_agency(&strange, &trust_all()).await;
    let way = way_to(|| agency_at(agency.address, &pki, Some(pki.issue("gateway"))));
    let fault = way.send("secret").await.expect_err("a stranger");
    assert_eq!((fault.code, fault.reason), (Code::AgencyUnreachable, "tls_handshake"));
    assert_eq!(fault.outcome(), Outcome::Refused);
    assert_eq!(agency.echo.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_agency_that_refuses_our_certificate_has_not_read_the_request() {
    let pki = Pki::new();
    let is_trusted = Arc::new(AtomicBool::new(false));
    let agency = tls_agency(&pki, &trust_while(&is_trusted)).await;
    let way = way_to(|| agency_at(agency.address, &pki, Some(pki.issue("expired"))));
    let fault = way.send("order").await.expect_err("refused");
    assert_eq!(fault.code, Code::AgencyUnreachable, "{fault}");
    assert_eq!((fault.reason, fault.outcome()), ("tls_client_certificate", Outcome::Refused));
    let way = way_to(|| agency_at(agency.address, &pki, None));
    let fault = way.send("order").await.expect_err("no certificate");
    assert_eq!((fault.code, fault.outcome()), (Code::AgencyUnreachable, Outcome::Refused));
    assert_eq!(agency.echo.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_tls_connection_that_died_idle_is_replaced_before_a_byte_leaves() {
    let pki = Pki::new();
    let limits = Limits { idle_deadline: Duration::from_millis(50), ..limits() };
    let server = pki.issue("agency");
    let agency = open(&listener(TlsMode::Mutual, &server), &trust_all(), &limits).await;
    let way = way_to(|| agency_at(agency.address, &pki, Some(pki.issue("gateway"))));
    for turn in 1..=3 {
        assert_eq!(way.send("order").await.unwrap().body.as_ref(), b"order");
        until("closed by the agency", || agency.figures.connections.get() == 0).await;
        house::settle().await;
        assert_eq!(agency.echo.begun.load(Ordering::SeqCst), turn, "carried out once each");
    }
    assert_eq!(agency.figures.handshakes_done.get(), 3);
}

#[tokio::test]
async fn an_agency_that_stalls_the_handshake_is_unreachable() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pki = Pki::new();
    let way = way_to(|| Agency {
        connect_deadline: Duration::from_millis(100),
        ..agency_at(silent.local_addr().unwrap(), &pki, None)
    });
    let fault = way.send("order").await.expect_err("silent");
    assert_eq!((fault.code, fault.reason), (Code::AgencyUnreachable, "connect_deadline"));
    assert_eq!(fault.outcome(), Outcome::Refused);
}
