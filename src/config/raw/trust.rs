//! Whom the gateway believes, and who tells it what was revoked, as written in `gateway.toml`.

use serde::{Deserialize, Serialize};

/// Whom the gateway believes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// PEM files of roots, intermediates, or a signer's own certificate.
    pub files: Vec<String>,
    /// Believe keys of ГОСТ Р 34.10-2015 with 256 bits too, whose layout was never measured.
    pub gost_2015_256: bool,
    /// What services do that say nothing themselves.
    pub revocation: Revocation,
    /// Files of revocation lists, DER or PEM.
    pub crl_files: Vec<String>,
    /// `http://` addresses of revocation lists.
    pub crl_urls: Vec<String>,
    /// File in which the node keeps how new the newest list of each authority was; empty: nowhere.
    pub crl_seen_file: String,
    /// Bytes of one list.
    pub crl_bytes_max: usize,
    /// Seconds after which an address is asked for its list again.
    pub crl_refresh_s: u64,
    /// `http://` address of the responder (OCSP) for all certificates; empty: none.
    pub ocsp_url: String,
    /// `http://host` or `http://host:port` of responders that certificates may name themselves.
    pub ocsp_origins: Vec<String>,
    /// Digest by which a question names the issuer.
    pub ocsp_digest: OcspDigest,
    /// Milliseconds for a responder to answer; a call waits no longer, and never beyond its own deadline.
    pub ocsp_deadline_ms: u64,
    /// Seconds after which a responder is asked again about a certificate in use.
    pub ocsp_refresh_s: u64,
    /// Seconds for which an answer is believed at most, whatever it promises.
    pub ocsp_age_s_max: u64,
    /// Questions under way.
    pub ocsp_in_flight_max: usize,
    /// Certificates whose status is remembered.
    pub statuses_max: usize,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            files: vec!["certificates/trust.pem".to_owned()],
            gost_2015_256: false,
            revocation: Revocation::Off,
            crl_files: Vec::new(),
            crl_urls: Vec::new(),
            crl_seen_file: String::new(),
            crl_bytes_max: 67_108_864,
            crl_refresh_s: 300,
            ocsp_url: String::new(),
            ocsp_origins: Vec::new(),
            ocsp_digest: OcspDigest::Sha1,
            ocsp_deadline_ms: 2_000,
            ocsp_refresh_s: 60,
            ocsp_age_s_max: 86_400,
            ocsp_in_flight_max: 64,
            statuses_max: 10_000,
        }
    }
}

/// What is done with a caller whose certificate may have been revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// Nobody is asked; what a list at hand calls revoked is refused all the same.
    Off,
    /// Who is not known to be good is refused.
    FailClosed,
    /// Who is known to be revoked is refused; where nobody can say, the call goes on and its entry says
    /// so.
    DegradeAndMark,
}

/// Digest by which a question names the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OcspDigest {
    Sha1,
    Sha256,
}
