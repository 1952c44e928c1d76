//! The caller's side for `send` and `demo`: posts one message over its own connection, TLS where the URL says so.

use super::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, Uri, body::Incoming};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An answer is read up to here.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The whole exchange takes no longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// Posts messages to one URL.
pub struct Client {
    url: Uri,
    tls: Arc<ClientConfig>,
}

/// What came back.
pub struct Posted {
    pub http_status: u16,
    /// `Qaqpa-Entry`: the journal's entry about the call.
    pub entry: Option<String>,
    /// `Qaqpa-Fault`: set where the gateway itself answered.
    pub fault: Option<String>,
    /// `Location` of what was made.
    pub location: Option<String>,
    /// `Retry-After`: seconds after which asking again is sensible.
    pub retry_after_s: Option<u32>,
    pub body: Bytes,
    pub elapsed: Duration,
}

impl Client {
    /// A client that believes the certificates in `trust` and shows `own` (certificate, key).
    ///
    /// # Errors
    /// A URL without a host, or a PEM file that cannot be read.
    pub fn new(url: &str, trust: &Path, own: Option<(&Path, &Path)>) -> Result<Self, Failure> {
        let url: Uri = url.parse().map_err(|error| Failure::usage(format!("{url}: {error}")))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(trust)? {
            roots.add(certificate).map_err(|error| in_file(trust, error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .map_err(Failure::work)?
        .with_root_certificates(roots);
        let config = match own {
            Some((certificate, key)) => {
                let key_der =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| in_file(key, error))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, key_der)
                    .map_err(|error| in_file(certificate, error))?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self { url, tls: Arc::new(config) })
    }

    /// Posts `body` as SOAP 1.1.
    ///
    /// # Errors
    /// The connection failed, or no whole answer came within two minutes.
    pub async fn post(&self, body: Vec<u8>) -> Result<Posted, Failure> {
        self.post_as(body, "text/xml; charset=utf-8").await
    }

    /// Posts `body` under another `Content-Type`, as some living clients do.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn post_as(&self, body: Vec<u8>, content_type: &str) -> Result<Posted, Failure> {
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let headers = [(CONTENT_TYPE.as_str(), content_type), ("soapaction", "\"\"")];
        self.post_to(path, &headers, body).await
    }

    /// Posts `body` to another path of the same gateway.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn post_to(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Posted, Failure> {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Full::new(Bytes::from(body))).map_err(Failure::usage)?).await
    }

    /// Gets what stands at a path of the same gateway.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn get(&self, path: &str) -> Result<Posted, Failure> {
        self.query_with(path, &[]).await
    }

    /// The same with headers.
    ///
    /// # Errors
    /// As [`Client::post`].
    pub async fn query_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Posted, Failure> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(Full::new(Bytes::new())).map_err(Failure::usage)?).await
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Posted, Failure> {
        let started = Instant::now();
        let exchange = async {
            let response = self.exchange(request).await?;
            let header = |name: &str| {
                response
                    .headers()
                    .get(name)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned)
            };
            let (http_status, entry, fault) =
                (response.status().as_u16(), header("qaqpa-entry"), header("qaqpa-fault"));
            let location = header("location");
            let retry_after_s = header("retry-after").and_then(|seconds| seconds.parse().ok());
            let collected = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = collected.map_err(Failure::work)?.to_bytes();
            let elapsed = started.elapsed();
            Ok(Posted { http_status, entry, fault, location, retry_after_s, body, elapsed })
        };
        tokio::time::timeout(DEADLINE, exchange)
            .await
            .map_err(|_| Failure::work(format!("{}: no answer within {DEADLINE:?}", self.url)))?
    }

    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let host = self.url.host().ok_or_else(|| Failure::usage("the URL names no host"))?;
        let is_tls = self.url.scheme_str() == Some("https");
        let port = self.url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let authority = format!("{host}:{port}");
        let stream = TcpStream::connect(&authority)
            .await
            .map_err(|error| Failure::work(format!("{authority}: {error}")))?;
        let host_value = HeaderValue::from_str(&authority).map_err(Failure::usage)?;
        request.headers_mut().insert(HOST, host_value);
        if is_tls {
            let name = ServerName::try_from(host.to_owned()).map_err(Failure::usage)?;
            let connector = TlsConnector::from(Arc::clone(&self.tls));
            let stream = connector
                .connect(name, stream)
                .await
                .map_err(|error| Failure::work(format!("{authority}: TLS: {error}")))?;
            send(TokioIo::new(stream), request).await
        } else {
            send(TokioIo::new(stream), request).await
        }
    }
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.map_err(Failure::work)?;
    // The connection ends when both sides have said everything.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(Failure::work)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| in_file(path, error))
}

fn in_file(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}
