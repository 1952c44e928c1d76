//! Who a certificate belongs to is asked for every request, also on a connection that lives.

use crate::caller::{Caller, PERSONS, person};
use crate::support::{Installation, PATIENCE, Plan, pair_in};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use qaqpa::command::now_unix_us;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Long enough for one call before the binding ends.
const BOUND: Duration = Duration::from_secs(4);

/// One connection of the portal, kept alive.
async fn connection(installation: &Installation) -> SendRequest<Full<Bytes>> {
    let scratch = &installation.inner.scratch;
    let pair = pair_in(scratch.trust_pem.parent().unwrap(), "portal");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&scratch.trust_pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_file(&pair.cert_pem).unwrap()],
            PrivateKeyDer::from_pem_file(&pair.key_pem).unwrap(),
        )
        .unwrap();
    let url: hyper::Uri = installation.inner.soap_url().parse().unwrap();
    let socket = TcpStream::connect(url.authority().unwrap().as_str()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// One call; the fault's word where it was refused.
async fn ask(to: &mut SendRequest<Full<Bytes>>, caller: &Caller, mark: &str) -> Option<String> {
    let body = caller.sign(&caller.message(PERSONS, &person(mark)));
    let request =
        Request::post("/").header("host", "localhost").body(Full::new(body.into())).unwrap();
    to.ready().await.unwrap();
    let answer = to.send_request(request).await.unwrap();
    let fault = answer.headers().get("qaqpa-fault").map(|word| word.to_str().unwrap().to_owned());
    answer.into_body().collect().await.unwrap();
    fault
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_that_ends_cuts_a_living_connections_next_request() {
    let until_unix_s = (now_unix_us() / 1_000_000) + i64::try_from(BOUND.as_secs()).unwrap();
    let installation = Installation::changed(Plan::default(), |settings| {
        let portal = settings.participants.get_mut("egov_portal").unwrap();
        let portal = Arc::get_mut(portal).unwrap();
        portal.bin = None;
        assert!(!portal.certificates.is_empty());
        portal.certificates.iter_mut().for_each(|pin| pin.until_unix_s = until_unix_s);
    })
    .await;
    let caller = installation.caller("portal");
    let mut living = connection(&installation).await;
    assert_eq!(ask(&mut living, &caller, "first").await, None);
    let begun = Instant::now();
    let fault = loop {
        if let Some(fault) = ask(&mut living, &caller, "again").await {
            break fault;
        }
        assert!(begun.elapsed() < PATIENCE, "answered still");
    };
    assert_eq!(fault, "caller.forbidden");
    assert!(now_unix_us() / 1_000_000 >= until_unix_s, "not before its time");
    installation.stop().await;
}
