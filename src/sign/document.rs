//! Documents for people and programs without XML: a compact JWS (RFC 7515 §7.1) that says what kind it is.
//!
//! Written by the gateway's own keys, the signer's certificate in `x5c`. Read strictly: exactly the header
//! fields that we write, an algorithm that the certificate's key has, no `none`, no key from elsewhere.

use super::certificate::{Certificate, CertificateCache};
use super::key::{KeyError, Signer};
use super::reason::Reason;
use super::rest::jws;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Bytes of a document that is read; longer ones are refused.
pub const BYTES_MAX: usize = 65_536;

/// What a document says, and who signed it.
#[derive(Clone, Debug)]
pub struct Verified {
    pub payload: Vec<u8>,
    /// `typ`: what kind of document it is.
    pub kind: String,
    pub algorithm: &'static str,
    pub certificate: Arc<Certificate>,
}

/// Signs a document of this kind.
///
/// # Errors
/// The key failed, or its algorithm has no name in JWS.
pub fn sign(kind: &str, payload: &[u8], signer: &Signer) -> Result<String, KeyError> {
    jws::sign(payload, false, Map::from_iter([("typ".to_owned(), kind.into())]), signer)
}

/// Verifies that the certificate inside signed exactly this; whether it is believed is another question.
///
/// # Errors
/// `malformed` for what is no such document, else as [`jws::verify`].
pub fn verify(document: &str, certificates: &CertificateCache) -> Result<Verified, Reason> {
    if document.len() > BYTES_MAX || document.trim().len() < document.len() {
        return Err(Reason::JwsMalformed);
    }
    let jws::Verified { payload, header, certificate, algorithm } =
        jws::verify(document, None, &[], certificates)?;
    // With `alg`, which it was verified by.
    let (kind, chain) = (header.get("typ"), header.get("x5c"));
    let is_ours =
        header.len() == 3 && chain.and_then(Value::as_array).is_some_and(|c| c.len() == 1);
    let kind = kind.and_then(Value::as_str).filter(|_| is_ours).ok_or(Reason::JwsMalformed)?;
    let algorithm = jws::word(algorithm).ok_or(Reason::AlgForbidden)?;
    Ok(Verified { payload, kind: kind.to_owned(), algorithm, certificate })
}
