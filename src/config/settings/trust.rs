//! Whom the gateway believes, and who tells it what was revoked.

use std::path::PathBuf;
use std::time::Duration;

/// Whom the gateway believes; by default nobody, and nobody is asked.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// PEM files: roots, intermediates, or a signer's own (also self-signed) certificate.
    pub files: Vec<PathBuf>,
    /// Whether keys of ГОСТ Р 34.10-2015 with 256 bits are believed.
    pub gost_2015_256: bool,
    /// Revocation lists, DER or PEM.
    pub crl_files: Vec<PathBuf>,
    /// `http://` addresses of revocation lists.
    pub crl_urls: Vec<String>,
    /// Where is kept how new the newest lists were.
    pub crl_seen_file: Option<PathBuf>,
    pub crl_bytes_max: usize,
    pub crl_refresh: Duration,
    /// The responder for all certificates.
    pub ocsp_url: Option<String>,
    /// `http://` origins of responders that certificates may name themselves.
    pub ocsp_origins: Vec<String>,
    /// Questions name the issuer by SHA-1, as every responder knows, and not by SHA-256.
    pub ocsp_by_sha1: bool,
    pub ocsp_deadline: Duration,
    pub ocsp_refresh: Duration,
    pub ocsp_age_s_max: i64,
    pub ocsp_in_flight_max: usize,
    pub statuses_max: usize,
}

/// What is done with a caller whose certificate may have been revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Nobody is asked; what is known to be revoked is refused all the same.
    Off,
    /// Who is not known to be good is refused.
    FailClosed,
    /// Where nobody can say, the call goes on and its entry says so.
    DegradeAndMark,
}
