//! TLS on both sides: who the gateway is to callers and agencies, and whom it believes.
//!
//! TLS 1.2 and 1.3 with the AEAD suites of aws-lc-rs and nothing else. Configurations stand behind
//! `ArcSwap`: a renewed certificate serves the next handshake without a restart.

use crate::config::settings::{Agency, Listener, TlsMode};
use ::aws_lc_rs::digest::{Context as Digest, SHA256};
use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs::{self, cipher_suite};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ServerConnection, ServerSessionMemoryCache};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, HandshakeKind,
    OtherError, RootCertStore, ServerConfig, SignatureScheme, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

pub mod stream;

/// Decides whether a caller's certificate is trusted now: by chain or by pin.
///
/// Takes the certificate, the chain sent with it, and the time; a refusal is a snake_case word.
pub type ClientTrust = Arc<
    dyn Fn(&CertificateDer<'_>, &[CertificateDer<'_>], UnixTime) -> Result<(), &'static str>
        + Send
        + Sync,
>;

/// HTTP/2 in ALPN (RFC 9113 §3.2).
const HTTP2: &[u8] = b"h2";

/// Sessions of callers remembered for resumption; a few KiB each.
const SESSIONS_MAX: usize = 2048;

/// Why a TLS configuration cannot be made; names the file to look at.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read or holds no such thing.
    #[error("{}: no usable {what}: {cause}", path.display())]
    File { path: PathBuf, what: &'static str, cause: String },
    /// The setting that names a file is missing.
    #[error("TLS needs the setting {setting}")]
    Missing { setting: &'static str },
    /// rustls refuses the pair, for example a key of another certificate.
    #[error("{}: {cause}", path.display())]
    Refused { path: PathBuf, cause: rustls::Error },
}

/// Every suite spoken: AEAD with forward secrecy, and nothing else. AES-128 with SHA-256 stands first,
/// which every TLS 1.3 speaks (RFC 8446 §9.1): a handshake hashes its messages and derives a dozen keys,
/// and processors have instructions for SHA-256 and none for SHA-384.
const SUITES: [SupportedCipherSuite; 9] = [
    cipher_suite::TLS13_AES_128_GCM_SHA256,
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// TLS 1.3 first; nothing below 1.2.
const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

fn provider() -> Arc<CryptoProvider> {
    let cipher_suites = SUITES.to_vec();
    Arc::new(CryptoProvider { cipher_suites, ..aws_lc_rs::default_provider() })
}

fn unusable(path: &Path, what: &'static str, cause: impl fmt::Display) -> TlsError {
    TlsError::File { path: path.to_path_buf(), what, cause: cause.to_string() }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(path, "certificate", error))?;
    if read.is_empty() { Err(unusable(path, "certificate", "none found")) } else { Ok(read) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = Zeroizing::new(std::fs::read(path).map_err(|e| unusable(path, "private key", e))?);
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| unusable(path, "private key", error))
}

/// SHA-256 of every certificate and key that a configuration was made of: equal ones are not made anew.
type Fingerprint = [u8; 32];

fn fingerprint<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> Fingerprint {
    let mut digest = Digest::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut sum = [0; 32];
    sum.copy_from_slice(digest.finish().as_ref());
    sum
}

/// The gateway's TLS towards callers.
pub struct ServerTls {
    config: ArcSwap<Made>,
    trust: ClientTrust,
}

/// A configuration for the handshakes to come, not yet in use.
pub struct Made {
    config: Arc<ServerConfig>,
    fingerprint: Fingerprint,
}

impl ServerTls {
    /// Reads a listener's files; `None` where it speaks plain HTTP.
    ///
    /// # Errors
    /// A file that is missing, unreadable or does not fit.
    pub fn load(listener: &Listener, trust: &ClientTrust) -> Result<Option<Arc<Self>>, TlsError> {
        if listener.tls == TlsMode::Off {
            return Ok(None);
        }
        let config = ArcSwap::from_pointee(server_config(listener, trust)?);
        Ok(Some(Arc::new(Self { config, trust: Arc::clone(trust) })))
    }

    /// Reads the files again, for [`ServerTls::renew`].
    ///
    /// # Errors
    /// As [`ServerTls::load`]; the configuration in use stays.
    pub fn make(&self, listener: &Listener) -> Result<Made, TlsError> {
        server_config(listener, &self.trust)
    }

    /// Takes what was made for the handshakes to come; those under way keep what they have. The same
    /// files change nothing: sessions may be resumed still.
    pub fn renew(&self, made: Made) {
        if self.config.load().fingerprint != made.fingerprint {
            self.config.store(Arc::new(made));
        }
    }

    /// What the next handshake uses.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.load().config)
    }

    /// Whether a caller's certificate is trusted still.
    ///
    /// # Errors
    /// The word of the refusal; nothing more may be answered.
    pub fn trusts(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
    ) -> Result<(), &'static str> {
        (self.trust)(certificate, chain, UnixTime::now())
    }

    /// Whether the caller chose HTTP/2.
    #[must_use]
    pub fn is_http2(connection: &ServerConnection) -> bool {
        connection.alpn_protocol() == Some(HTTP2)
    }

    /// Asks for trust again where a session was resumed, because resumption skips the verifier.
    ///
    /// # Errors
    /// The word of the refusal; the connection must be closed.
    pub fn recheck(&self, connection: &ServerConnection) -> Result<(), &'static str> {
        match (connection.handshake_kind(), connection.peer_certificates()) {
            (Some(HandshakeKind::Resumed), Some([certificate, chain @ ..])) => {
                (self.trust)(certificate, chain, UnixTime::now())
            }
            _ => Ok(()),
        }
    }
}

fn server_config(listener: &Listener, trust: &ClientTrust) -> Result<Made, TlsError> {
    let missing = |setting| TlsError::Missing { setting };
    let certificate_file =
        listener.certificate_file.as_ref().ok_or_else(|| missing("certificate_file"))?;
    let key_file = listener.key_file.as_ref().ok_or_else(|| missing("key_file"))?;
    let refused = |cause| TlsError::Refused { path: certificate_file.clone(), cause };

    let provider = provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(VERSIONS)
        .map_err(refused)?;
    let builder = match listener.tls {
        TlsMode::Mutual => {
            let judge = Judge { trust: Arc::clone(trust), provider };
            builder.with_client_cert_verifier(Arc::new(judge))
        }
        TlsMode::Server | TlsMode::Off => builder.with_no_client_auth(),
    };
    let (chain, key) = (certificates(certificate_file)?, private_key(key_file)?);
    let parts = chain.iter().map(|one| &**one).chain([key.secret_der()]);
    let fingerprint = fingerprint(parts);
    let mut config = builder.with_single_cert(chain, key).map_err(refused)?;
    let protocols: &[&[u8]] = if listener.http2 { &[HTTP2, b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // Our order counts, whatever the caller would rather have.
    config.ignore_client_order = true;
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
    // Each connection brings one for the connection after it.
    config.send_tls13_tickets = 1;
    Ok(Made { config: Arc::new(config), fingerprint })
}

/// Demands a certificate of every caller; proof of the key is rustls's part, trust is the house's.
struct Judge {
    trust: ClientTrust,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}

/// The word of a refusal on its way through rustls to the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Untrusted(&'static str);

impl ClientCertVerifier for Judge {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // No hints: pinned and self-signed certificates have no root to name.
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        (self.trust)(certificate, chain, now).map_err(|reason| {
            let other = OtherError(Arc::new(Untrusted(reason)));
            rustls::Error::InvalidCertificate(CertificateError::Other(other))
        })?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The gateway's TLS towards one agency; equal where it was made of the same files.
pub struct ClientTls {
    config: Arc<ClientConfig>,
    fingerprint: Fingerprint,
}

impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl ClientTls {
    /// Reads an agency's files; `trust_files` stand in where the agency names no roots of its own.
    ///
    /// # Errors
    /// A file that is missing, unreadable or does not fit; no usable root at all.
    pub fn load(agency: &Agency, trust_files: &[PathBuf]) -> Result<Self, TlsError> {
        client_tls(agency, trust_files)
    }

    /// What a connection uses.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

fn client_tls(agency: &Agency, trust_files: &[PathBuf]) -> Result<ClientTls, TlsError> {
    let files =
        if agency.tls_trust_files.is_empty() { trust_files } else { &agency.tls_trust_files };
    let mut roots = RootCertStore::empty();
    let mut seen = Vec::new();
    for file in files {
        // Trust files may hold GOST certificates too, which no TLS here can use.
        let listed = certificates(file)?;
        seen.extend(listed.iter().cloned());
        roots.add_parsable_certificates(listed);
    }
    if roots.is_empty() {
        return Err(TlsError::Missing { setting: "tls_trust_files (no root usable for TLS)" });
    }
    let refused = |cause| {
        let path = agency.tls_client.as_ref().map_or_else(PathBuf::new, |(path, _)| path.clone());
        TlsError::Refused { path, cause }
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .map_err(refused)?
        .with_root_certificates(roots);
    let (config, fingerprint) = match &agency.tls_client {
        Some((certificate, key)) => {
            let (chain, key) = (certificates(certificate)?, private_key(key)?);
            let parts = seen.iter().chain(&chain).map(|one| &**one).chain([key.secret_der()]);
            let fingerprint = fingerprint(parts);
            (builder.with_client_auth_cert(chain, key).map_err(refused)?, fingerprint)
        }
        None => (builder.with_no_client_auth(), fingerprint(seen.iter().map(|one| &**one))),
    };
    Ok(ClientTls { config: Arc::new(config), fingerprint })
}
