//! JWS over a body (RFC 7515): compact, or detached with its payload as it is (RFC 7797, `b64` false).
//!
//! The signer's certificate comes in `x5c`. A key from elsewhere (`jwk`, `jku`, `x5u`), `none`, HMAC and
//! critical extensions that we do not know are refused; so is a header that says one thing twice.

use super::{Parts, check_time};
use crate::sign::Reason;
use crate::sign::algorithm::SignatureAlgorithm;
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::key::{KeyError, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The header that carries a detached JWS.
pub const JWS_SIGNATURE: &str = "x-jws-signature";
/// The media type of a body that is a compact JWS.
pub const JOSE: &str = "application/jose";
/// Longest protected header, as base64url.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Certificates in `x5c`; the first one signs.
const CHAIN_MAX: usize = 8;

/// A valid JWS.
#[derive(Clone, Debug)]
pub struct Verified {
    pub payload: Vec<u8>,
    pub header: Map<String, Value>,
    pub certificate: Arc<Certificate>,
    pub algorithm: SignatureAlgorithm,
}

/// The name of an algorithm (RFC 7518 §3.1); `None` for one that has none.
#[must_use]
pub const fn word(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    match algorithm {
        SignatureAlgorithm::RsaSha256 => Some("RS256"),
        SignatureAlgorithm::RsaSha384 => Some("RS384"),
        SignatureAlgorithm::RsaSha512 => Some("RS512"),
        SignatureAlgorithm::EcdsaSha256 => Some("ES256"),
        SignatureAlgorithm::EcdsaSha384 => Some("ES384"),
        _ => None,
    }
}

/// Verifies a compact JWS; with `detached`, its middle part must be empty and this is the payload. Without
/// `x5c` the signer's certificate is the one of `known` with that `x5t#S256`, or the only one of them that
/// is no authority's.
///
/// # Errors
/// `jws_malformed`, `alg_forbidden`, `alg_key_mismatch`, `key_type_forbidden`,
/// `remote_reference_forbidden`, what is against the certificate, `bad_signature`.
pub fn verify(
    compact: &str,
    detached: Option<&[u8]>,
    known: &[Arc<Certificate>],
    certificates: &CertificateCache,
) -> Result<Verified, Reason> {
    let malformed = Reason::JwsMalformed;
    let mut parts = compact.trim().split('.');
    let (Some(header), Some(middle), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed);
    };
    let protected = read_header(header)?;
    check_header(&protected)?;
    let name = protected.get("alg").and_then(Value::as_str).ok_or(malformed)?;
    let found = SignatureAlgorithm::ALL.into_iter().find(|one| word(*one) == Some(name));
    let algorithm = found.ok_or(Reason::AlgForbidden)?;
    let is_raw = is_raw_payload(&protected)?;
    let payload = match (detached, middle.is_empty()) {
        (Some(detached), true) => detached.to_vec(),
        // An unencoded payload in the compact form would end at its first dot.
        (None, false) if !is_raw => URL_SAFE_NO_PAD.decode(middle).map_err(|_| malformed)?,
        (None, true) => return Err(Reason::ContentMissing),
        _ => return Err(malformed),
    };
    let certificate = signer(&protected, known, certificates)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    let mut message = Vec::with_capacity(header.len() + 1 + payload.len() * 4 / 3 + 4);
    message.extend_from_slice(header.as_bytes());
    message.push(b'.');
    match is_raw {
        true => message.extend_from_slice(&payload),
        false => message.extend_from_slice(URL_SAFE_NO_PAD.encode(&payload).as_bytes()),
    }
    certificate.key().verify_on_curve(algorithm, &message, &signature)?;
    Ok(Verified { payload, header: protected, certificate, algorithm })
}

/// Headers that make another call of the same body: where they are sent, the JWS names them and their values.
pub const NAMED: [&str; 4] = ["idempotency-key", "route-id", "correlation-id", "payment-receipt"];

/// Verifies the JWS of a call: it names the call's method (`htm`), its target (`htu`, path and query) and each
/// header of [`NAMED`] that is sent, by its name in small letters and its value as it is sent, and was made
/// (`iat`) lately. So nobody who has it makes another call of it.
///
/// # Errors
/// `signature_missing`; as [`verify`]; `component_not_signed` where it names another call or none;
/// `message_expired`, `message_from_future`, `timestamp_malformed`.
pub fn verify_call(
    parts: &Parts<'_>,
    certificates: &CertificateCache,
    now_unix_s: i64,
) -> Result<Verified, Reason> {
    let mut lines = parts.headers.get_all(JWS_SIGNATURE).iter();
    let verified = match (lines.next(), lines.next()) {
        (Some(line), None) => {
            let compact = line.to_str().map_err(|_| Reason::JwsMalformed)?;
            verify(compact, Some(parts.body), &[], certificates)?
        }
        (None, _) if is_jose(parts) => {
            let compact = std::str::from_utf8(parts.body).map_err(|_| Reason::JwsMalformed)?;
            verify(compact, None, &[], certificates)?
        }
        (None, _) => return Err(Reason::SignatureMissing),
        (Some(_), Some(_)) => return Err(Reason::SignatureCount),
    };
    let text = |name: &str| verified.header.get(name).and_then(Value::as_str);
    if text("htm") != Some(parts.method) || text("htu") != Some(parts.target) {
        return Err(Reason::ComponentNotSigned);
    }
    for name in NAMED {
        let mut sent = parts.headers.get_all(name).iter();
        let value = sent.next().map(|value| value.to_str().map(str::trim_ascii));
        let is_named = match value {
            None => !verified.header.contains_key(name),
            Some(Ok(value)) => text(name) == Some(value) && sent.next().is_none(),
            Some(Err(_)) => false,
        };
        if !is_named {
            return Err(Reason::ComponentNotSigned);
        }
    }
    let made = verified.header.get("iat").ok_or(Reason::ComponentNotSigned)?;
    let made = made.as_i64().ok_or(Reason::TimestampMalformed)?;
    let end = verified.header.get("exp").map(|end| end.as_i64().ok_or(Reason::TimestampMalformed));
    check_time(made, end.transpose()?, now_unix_s)?;
    Ok(verified)
}

/// Whether a body is a compact JWS by its media type.
#[must_use]
pub fn is_jose(parts: &Parts<'_>) -> bool {
    let kind = parts.headers.get(hyper::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim() == JOSE)
}

/// The payload of a compact JWS, not verified: what a call says before anybody asks who signed it.
#[must_use]
pub fn payload(compact: &[u8]) -> Option<Vec<u8>> {
    let middle = std::str::from_utf8(compact).ok()?.trim().split('.').nth(1)?;
    URL_SAFE_NO_PAD.decode(middle).ok().filter(|payload| !payload.is_empty())
}

fn read_header(header: &str) -> Result<Map<String, Value>, Reason> {
    if header.len() > HEADER_BYTES_MAX {
        return Err(Reason::JwsMalformed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(header).map_err(|_| Reason::JwsMalformed)?;
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let read = reader.deserialize_map(Once).map_err(|_| Reason::JwsMalformed)?;
    reader.end().map_err(|_| Reason::JwsMalformed)?;
    Ok(read)
}

/// An object that names nothing twice (RFC 7515 §4).
struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object that names nothing twice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if read.insert(key, value).is_some() {
                return Err(A::Error::custom("named twice"));
            }
        }
        Ok(read)
    }
}

fn check_header(header: &Map<String, Value>) -> Result<(), Reason> {
    if ["jku", "x5u"].iter().any(|name| header.contains_key(*name)) {
        return Err(Reason::RemoteReferenceForbidden);
    }
    if header.contains_key("jwk") {
        return Err(Reason::KeyTypeForbidden);
    }
    match header.get("crit") {
        None => Ok(()),
        Some(Value::Array(names)) if names[..] == [json!("b64")] && header.contains_key("b64") => {
            Ok(())
        }
        Some(_) => Err(Reason::JwsMalformed),
    }
}

/// Whether the payload is signed as it is (RFC 7797 §3, §6: `b64` counts only where it is critical).
fn is_raw_payload(header: &Map<String, Value>) -> Result<bool, Reason> {
    match (header.get("b64"), header.contains_key("crit")) {
        (None | Some(Value::Bool(true)), _) => Ok(false),
        (Some(Value::Bool(false)), true) => Ok(true),
        _ => Err(Reason::JwsMalformed),
    }
}

/// The first certificate of `x5c`, else one that is known; a thumbprint must be its own.
fn signer(
    header: &Map<String, Value>,
    known: &[Arc<Certificate>],
    certificates: &CertificateCache,
) -> Result<Arc<Certificate>, Reason> {
    let Some(chain) = header.get("x5c") else {
        let is_it = |one: &&Arc<Certificate>| match header.get("x5t#S256") {
            Some(print) => print.as_str() == Some(&URL_SAFE_NO_PAD.encode(one.sha256())),
            None => !one.is_ca(),
        };
        let mut fitting = known.iter().filter(is_it);
        return match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(Arc::clone(only)),
            _ => Err(Reason::SignerCertificateMissing),
        };
    };
    let chain = chain.as_array().filter(|chain| (1..=CHAIN_MAX).contains(&chain.len()));
    let first = chain.and_then(|chain| chain.first()).and_then(Value::as_str);
    let der = STANDARD.decode(first.ok_or(Reason::JwsMalformed)?);
    let certificate = certificates.parse(&der.map_err(|_| Reason::CertMalformed)?)?;
    match header.get("x5t#S256").map(|print| print.as_str()) {
        Some(print) if print != Some(&URL_SAFE_NO_PAD.encode(certificate.sha256())) => {
            Err(Reason::KeyinfoAmbiguous)
        }
        _ => Ok(certificate),
    }
}

/// Signs a payload; detached, the result has an empty middle and the payload is signed as it is.
/// `claims` are further members of the protected header.
///
/// # Errors
/// The key failed, or its algorithm has no name in JWS.
pub fn sign(
    payload: &[u8],
    is_detached: bool,
    claims: Map<String, Value>,
    signer: &Signer,
) -> Result<String, KeyError> {
    let mut header = claims;
    header.insert(
        "alg".into(),
        word(signer.algorithm()).ok_or(KeyError::Unregistered(signer.family()))?.into(),
    );
    header.insert("x5c".into(), json!([signer.certificate_base64()]));
    if is_detached {
        header.insert("b64".into(), false.into());
        header.insert("crit".into(), json!(["b64"]));
    }
    let header = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
    let middle =
        if is_detached { Vec::new() } else { URL_SAFE_NO_PAD.encode(payload).into_bytes() };
    let signed = if is_detached { payload } else { &middle };
    let message = [header.as_bytes(), b".", signed].concat();
    let value = URL_SAFE_NO_PAD.encode(signer.sign(&message)?);
    let middle = String::from_utf8_lossy(&middle);
    Ok(format!("{header}.{middle}.{value}"))
}
