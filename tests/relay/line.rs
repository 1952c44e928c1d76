//! A caller that mutual TLS proves, byte by byte.

use crate::support::{Installation, PATIENCE, pair_in};
use crate::wire::{Read, Wire, header, status};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// One connection of a caller.
pub type Line = Wire<TlsStream<TcpStream>>;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Read,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn entry(&self) -> &str {
        self.header("qaqpa-entry").expect("the answer names its entry")
    }

    pub fn fault(&self) -> Option<&str> {
        self.header("qaqpa-fault")
    }
}

/// Connects to a door as the holder of a pair in the folder of the test's PKI.
pub async fn dial(pki: &Path, base: &str, id: &str) -> Line {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pki.join("root.pem")).unwrap()).unwrap();
    let pair = pair_in(pki, id);
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
    let authority = base.trim_start_matches("https://").split('/').next().unwrap();
    let stream = TcpStream::connect(authority).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    Wire::new(connector.connect(name, stream).await.unwrap())
}

/// Connects to an installation.
pub async fn line(installation: &Installation, id: &str) -> Line {
    let base = installation.inner.running.callers.first().unwrap();
    dial(&installation.state.path().join("pki"), base, id).await
}

/// Writes a request with a body of that length and reads its answer.
pub async fn ask(line: &mut Line, request_line: &str, headers: &str, body: &[u8]) -> Answer {
    let length =
        if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = format!("{request_line} HTTP/1.1\r\nhost: gateway\r\n{length}{headers}\r\n");
    line.say([head.as_bytes(), body].concat()).await;
    answer(line, request_line.starts_with("HEAD")).await
}

/// Reads an answer.
pub async fn answer(line: &mut Line, is_head: bool) -> Answer {
    let reading = async {
        let head = line.head().await.expect("an answer");
        let status = status(&head);
        let has_body = !is_head && status != 204 && status != 304;
        let body = if has_body { line.body(&head, true).await } else { Read::default() };
        Answer { status, head, body }
    };
    tokio::time::timeout(PATIENCE * 3, reading).await.expect("an answer in time")
}
