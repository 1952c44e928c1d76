//! HTTP message signatures (RFC 9421) over a call: method, target, headers that mean something, and the body.
//!
//! Exactly one signature, its signer's certificate known or in `Signature-Certificate`, the body by
//! Content-Digest (RFC 9530). What is not signed and could change the call's meaning is refused.

use super::fields::{self, InnerList, Item, Member};
use super::{Parts, check_time};
use crate::sign::Reason;
use crate::sign::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::sign::certificate::{Certificate, CertificateCache};
use crate::sign::key::{KeyError, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use qaqpa_kit::hex;
use std::sync::Arc;

pub const SIGNATURE_INPUT: &str = "signature-input";
pub const SIGNATURE: &str = "signature";
pub const CONTENT_DIGEST: &str = "content-digest";
/// The signer's certificate: DER as a byte sequence (RFC 9651 §3.3.5).
pub const SIGNATURE_CERTIFICATE: &str = "signature-certificate";

/// Headers that are signed wherever they are sent, because the call means something else without them.
const MEANINGFUL: [&str; 7] = [
    SIGNATURE_CERTIFICATE,
    "content-type",
    "content-encoding",
    "idempotency-key",
    "payment-receipt",
    "route-id",
    "correlation-id",
];

/// A valid HTTP signature.
#[derive(Clone, Debug)]
pub struct Verified {
    pub certificate: Arc<Certificate>,
    pub algorithm: SignatureAlgorithm,
    pub created_unix_s: i64,
    pub nonce: Option<String>,
    /// What was signed, byte for byte (§2.5).
    pub base: String,
    /// The covered components, in their order.
    pub covered: Vec<String>,
}

/// The name of an algorithm (§6.2.2); `None` for one that we do not take over HTTP.
const fn word(algorithm: SignatureAlgorithm) -> Option<&'static str> {
    match algorithm {
        SignatureAlgorithm::RsaSha256 => Some("rsa-v1_5-sha256"),
        SignatureAlgorithm::EcdsaSha256 => Some("ecdsa-p256-sha256"),
        SignatureAlgorithm::EcdsaSha384 => Some("ecdsa-p384-sha384"),
        _ => None,
    }
}

/// What Signature-Input says.
struct Input {
    list: InnerList,
    components: Vec<String>,
    created_unix_s: i64,
    expires_unix_s: Option<i64>,
    algorithm: Option<String>,
    key_id: Option<String>,
    nonce: Option<String>,
    value: Vec<u8>,
}

/// Verifies the one signature of a call.
///
/// # Errors
/// `signature_missing`; `http_signature_malformed`; `component_not_signed`; `message_expired` or
/// `message_from_future`; what is against the certificate; `digest_mismatch` of the body before
/// `bad_signature`.
pub fn verify(
    parts: &Parts<'_>,
    known: &[Arc<Certificate>],
    certificates: &CertificateCache,
    now_unix_s: i64,
) -> Result<Verified, Reason> {
    let input = Input::read(parts)?;
    check_covered(parts, &input.components)?;
    check_time(input.created_unix_s, input.expires_unix_s, now_unix_s)?;
    let certificate = certificate(parts, &input, known, certificates)?;
    check_content(parts)?;
    let base = input.base(parts)?;
    let algorithm = check_value(&input, &certificate, base.as_bytes())?;
    let (created_unix_s, nonce) = (input.created_unix_s, input.nonce);
    Ok(Verified { certificate, algorithm, created_unix_s, nonce, base, covered: input.components })
}

/// Verifies the value by the algorithm that is named, else by the one that the key has.
fn check_value(
    input: &Input,
    certificate: &Certificate,
    base: &[u8],
) -> Result<SignatureAlgorithm, Reason> {
    let is_it = |one: &SignatureAlgorithm| match (&input.algorithm, word(*one)) {
        (Some(name), Some(word)) => name == word,
        (None, word) => word.is_some(),
        (Some(_), None) => false,
    };
    let mut refused = Reason::AlgForbidden;
    for algorithm in SignatureAlgorithm::ALL.into_iter().filter(is_it) {
        match certificate.key().verify_on_curve(algorithm, base, &input.value) {
            Ok(()) => return Ok(algorithm),
            Err(Reason::AlgKeyMismatch) => refused = Reason::AlgKeyMismatch,
            Err(reason) => return Err(reason),
        }
    }
    Err(refused)
}

impl Input {
    fn read(parts: &Parts<'_>) -> Result<Self, Reason> {
        let malformed = Reason::HttpSignatureMalformed;
        let (Some(input), Some(signature)) =
            (field(parts, SIGNATURE_INPUT)?, field(parts, SIGNATURE)?)
        else {
            return Err(Reason::SignatureMissing);
        };
        let inputs = fields::dictionary(&input).ok_or(malformed)?;
        let signatures = fields::dictionary(&signature).ok_or(malformed)?;
        let [(label, Member::List(list))] = &inputs[..] else { return Err(malformed) };
        let [(of, Member::Item(Item::Bytes(value), _))] = &signatures[..] else {
            return Err(malformed);
        };
        if label != of || value.is_empty() {
            return Err(malformed);
        }
        let mut components = Vec::new();
        for (item, parameters) in &list.items {
            let Item::Text(name) = item else { return Err(malformed) };
            // `sf`, `key`, `bs`, `req` and `tr` change what is meant: none is needed here.
            if !parameters.is_empty() || components.contains(name) {
                return Err(malformed);
            }
            components.push(name.clone());
        }
        let mut read = Self {
            list: list.clone(),
            components,
            created_unix_s: 0,
            expires_unix_s: None,
            algorithm: None,
            key_id: None,
            nonce: None,
            value: value.clone(),
        };
        let mut has_created = false;
        for (key, item) in &list.parameters {
            match (key.as_str(), item) {
                ("created", Item::Integer(time)) => {
                    read.created_unix_s = *time;
                    has_created = true;
                }
                ("expires", Item::Integer(time)) => read.expires_unix_s = Some(*time),
                ("alg", Item::Text(text)) => read.algorithm = Some(text.clone()),
                ("keyid", Item::Text(text)) => read.key_id = Some(text.clone()),
                ("nonce", Item::Text(text)) => read.nonce = Some(text.clone()),
                ("tag", Item::Text(_)) => {}
                _ => return Err(malformed),
            }
        }
        if has_created { Ok(read) } else { Err(Reason::HttpSignatureMalformed) }
    }

    /// The signature base (§2.5).
    fn base(&self, parts: &Parts<'_>) -> Result<String, Reason> {
        let mut base = String::new();
        for name in &self.components {
            let value = component(parts, name)?;
            base.push_str(&format!("\"{name}\": {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {}", self.list.written()));
        Ok(base)
    }
}

/// The value of one component (§2.1, §2.2).
fn component(parts: &Parts<'_>, name: &str) -> Result<String, Reason> {
    Ok(match name {
        "@method" => parts.method.to_owned(),
        "@authority" => parts.authority(),
        "@scheme" => parts.scheme.to_owned(),
        "@target-uri" => format!("{}://{}{}", parts.scheme, parts.authority(), parts.target),
        "@request-target" => parts.target.to_owned(),
        "@path" => parts.path().to_owned(),
        "@query" => parts.query().to_owned(),
        _ if name.starts_with('@') || name != name.to_ascii_lowercase() => {
            return Err(Reason::HttpSignatureMalformed);
        }
        _ => field(parts, name)?.ok_or(Reason::ComponentNotSigned)?,
    })
}

/// All lines of a field as one (§2.1): trimmed, joined by a comma and a space.
fn field(parts: &Parts<'_>, name: &str) -> Result<Option<String>, Reason> {
    let mut lines = Vec::new();
    for value in parts.headers.get_all(name) {
        let text = value.to_str().map_err(|_| Reason::HttpSignatureMalformed)?;
        lines.push(text.trim_matches([' ', '\t']));
    }
    Ok((!lines.is_empty()).then(|| lines.join(", ")))
}

/// Method, target, body, and every header that changes the meaning.
fn check_covered(parts: &Parts<'_>, components: &[String]) -> Result<(), Reason> {
    let has = |name: &str| components.iter().any(|component| component == name);
    let is_target_signed = has("@target-uri")
        || has("@request-target")
        || has("@path") && (has("@query") || !parts.target.contains('?'));
    let has_body = !parts.body.is_empty() || parts.headers.contains_key(CONTENT_DIGEST);
    let is_body_signed = has(CONTENT_DIGEST) || !has_body;
    let unsigned = MEANINGFUL.iter().find(|name| parts.headers.contains_key(**name) && !has(name));
    match has("@method") && is_target_signed && is_body_signed && unsigned.is_none() {
        true => Ok(()),
        false => Err(Reason::ComponentNotSigned),
    }
}

/// Every digest of Content-Digest that we know is the body's, and there is one (RFC 9530 §2).
fn check_content(parts: &Parts<'_>) -> Result<(), Reason> {
    let Some(text) = field(parts, CONTENT_DIGEST)? else { return Ok(()) };
    let members = fields::dictionary(&text).ok_or(Reason::HttpSignatureMalformed)?;
    let mut known = 0;
    for (name, member) in members {
        let algorithm = match name.as_str() {
            "sha-256" => DigestAlgorithm::Sha256,
            "sha-512" => DigestAlgorithm::Sha512,
            _ => continue,
        };
        let Member::Item(Item::Bytes(digest), _) = member else {
            return Err(Reason::HttpSignatureMalformed);
        };
        if algorithm.digest(parts.body).as_ref() != digest {
            return Err(Reason::DigestMismatch);
        }
        known += 1;
    }
    if known > 0 { Ok(()) } else { Err(Reason::AlgForbidden) }
}

/// The signer's certificate: the one that is sent, or the one known by `keyid`, its SHA-256.
fn certificate(
    parts: &Parts<'_>,
    input: &Input,
    known: &[Arc<Certificate>],
    certificates: &CertificateCache,
) -> Result<Arc<Certificate>, Reason> {
    let names = |certificate: &Certificate, id: &str| {
        let digest = certificate.sha256();
        id == hex::lower(&digest) || id == URL_SAFE_NO_PAD.encode(digest)
    };
    if let Some(text) = field(parts, SIGNATURE_CERTIFICATE)? {
        let der = fields::bytes(&text).ok_or(Reason::CertMalformed)?;
        let certificate = certificates.parse(&der)?;
        let is_other = input.key_id.as_deref().is_some_and(|id| !names(&certificate, id));
        return if is_other { Err(Reason::KeyinfoAmbiguous) } else { Ok(certificate) };
    }
    let id = input.key_id.as_deref().ok_or(Reason::SignerCertificateMissing)?;
    let found = known.iter().find(|certificate| names(certificate, id));
    found.cloned().ok_or(Reason::CertUnknown)
}

/// Signs a call; the headers that carry the signature, in the order in which they are to be added.
///
/// Method, target URI, Content-Digest and every meaningful header of `parts` are covered.
///
/// # Errors
/// The key failed, or its algorithm has no name over HTTP.
pub fn sign(
    parts: &Parts<'_>,
    signer: &Signer,
    created_unix_s: i64,
    nonce: &str,
) -> Result<Vec<(&'static str, String)>, KeyError> {
    let algorithm = word(signer.algorithm());
    let algorithm = algorithm.ok_or(KeyError::Unregistered(signer.family()))?;
    let digest = DigestAlgorithm::Sha256.digest(parts.body);
    let mut added = vec![
        (CONTENT_DIGEST, format!("sha-256=:{}:", STANDARD.encode(digest.as_ref()))),
        (SIGNATURE_CERTIFICATE, format!(":{}:", signer.certificate_base64())),
    ];
    let mut headers = parts.headers.clone();
    for (name, value) in &added {
        headers.insert(*name, value.parse().map_err(|_| KeyError::Signing)?);
    }
    let full = Parts { headers: &headers, ..*parts };
    let meaningful = MEANINGFUL.iter().filter(|name| headers.contains_key(**name));
    let components: Vec<String> = ["@method", "@target-uri", CONTENT_DIGEST]
        .iter()
        .chain(meaningful)
        .map(|name| (*name).to_owned())
        .collect();
    let text = |text: &str| Item::Text(text.to_owned());
    let input = Input {
        list: InnerList {
            items: components.iter().map(|name| (text(name), Vec::new())).collect(),
            parameters: vec![
                ("created".to_owned(), Item::Integer(created_unix_s)),
                ("nonce".to_owned(), text(nonce)),
                ("alg".to_owned(), text(algorithm)),
                ("keyid".to_owned(), text(&URL_SAFE_NO_PAD.encode(signer.certificate().sha256()))),
            ],
        },
        components,
        created_unix_s,
        expires_unix_s: None,
        algorithm: None,
        key_id: None,
        nonce: None,
        value: Vec::new(),
    };
    let base = input.base(&full).map_err(|_| KeyError::Signing)?;
    let value = signer.sign(base.as_bytes())?;
    added.push((SIGNATURE_INPUT, format!("sig1={}", input.list.written())));
    added.push((SIGNATURE, format!("sig1=:{}:", STANDARD.encode(value))));
    Ok(added)
}
