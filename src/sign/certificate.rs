//! A signer's certificate, parsed once: its key, its names, its days and whom it speaks for.

use super::Reason;
use super::algorithm::Family;
use super::key::VerifyingKey;
use super::name::Name;
use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use der::{Decode as _, Encode as _};
use qaqpa_kit::hex;
use std::collections::HashMap;
use std::sync::Arc;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier};

/// Longest certificate that is read; НУЦ certificates have about 1.5 KiB.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// Roles that the НУЦ states in the extended key usage; those of an organisation have more below.
const INDIVIDUAL: &str = "1.2.398.3.3.4.1.1";
const ORGANISATION: &str = "1.2.398.3.3.4.1.2";
const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
const SERIAL_NUMBER: &str = "2.5.4.5";

/// An X.509 certificate (RFC 5280) whose key we can verify with.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    sha256: [u8; 32],
    spki_sha256: [u8; 32],
    public_key_bytes: Vec<u8>,
    issuer: Name,
    issuer_text: String,
    subject_text: String,
    serial_decimal: String,
    key_id: Option<Vec<u8>>,
    not_before_unix_s: i64,
    not_after_unix_s: i64,
    bin: Option<String>,
    iin: Option<String>,
    may_sign: bool,
    is_ca: bool,
    purposes: Vec<String>,
    key: VerifyingKey,
}

impl std::fmt::Debug for Certificate {
    /// Names carry an IIN; the digest tells certificates apart without showing whose they are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", hex::lower(self.sha256.get(..8).unwrap_or_default()))
    }
}

impl Certificate {
    /// Parses one DER certificate.
    ///
    /// # Errors
    /// `cert_malformed`, or what [`VerifyingKey::parse`] has against its key.
    pub fn parse(der: &[u8]) -> Result<Self, Reason> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(Reason::CertMalformed);
        }
        let certificate = x509_cert::Certificate::from_der(der)?;
        let body = &certificate.tbs_certificate;
        let spki = &body.subject_public_key_info;
        let key = VerifyingKey::parse(spki)?;
        let usage = body.get::<KeyUsage>()?.map(|(_, usage)| usage);
        let constraints = body.get::<BasicConstraints>()?;
        let purposes = body.get::<ExtendedKeyUsage>()?;
        let subject = Name::from_certificate(&body.subject);
        Ok(Self {
            der: der.to_vec(),
            sha256: sha256(der),
            spki_sha256: sha256(&spki.to_der()?),
            public_key_bytes: spki.subject_public_key.raw_bytes().to_vec(),
            issuer: Name::from_certificate(&body.issuer),
            issuer_text: body.issuer.to_string(),
            subject_text: body.subject.to_string(),
            serial_decimal: decimal(body.serial_number.as_bytes()),
            key_id: body.get::<SubjectKeyIdentifier>()?.map(|(_, id)| id.0.as_bytes().to_vec()),
            not_before_unix_s: unix_s(body.validity.not_before),
            not_after_unix_s: unix_s(body.validity.not_after),
            bin: numbered(&subject, "bin"),
            iin: numbered(&subject, "iin"),
            may_sign: usage
                .is_none_or(|usage| usage.digital_signature() || usage.non_repudiation()),
            is_ca: constraints.is_some_and(|(_, constraints)| constraints.ca),
            purposes: purposes
                .map(|(_, usage)| usage.0.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            key,
        })
    }

    /// The certificate as it came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER: the certificate's identity in the journal.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// SHA-256 of the SubjectPublicKeyInfo: what is bound to a participant; survives a renewal with the same key.
    #[must_use]
    pub const fn spki_sha256(&self) -> [u8; 32] {
        self.spki_sha256
    }

    /// The inside of the SPKI's BIT STRING.
    pub(super) fn public_key_bytes(&self) -> &[u8] {
        &self.public_key_bytes
    }

    /// Its public key, parsed.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }

    #[must_use]
    pub fn family(&self) -> Family {
        self.key.family()
    }

    /// The issuer as RFC 4514 text.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer_text
    }

    /// The subject as RFC 4514 text. It may hold an IIN: not for logs.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject_text
    }

    /// The serial number in decimal, as `X509SerialNumber` writes it.
    #[must_use]
    pub fn serial_decimal(&self) -> &str {
        &self.serial_decimal
    }

    /// The subject key identifier (RFC 5280 §4.2.1.2), its own bytes; `None` without the extension.
    #[must_use]
    pub fn key_id(&self) -> Option<&[u8]> {
        self.key_id.as_deref()
    }

    /// First second of validity.
    #[must_use]
    pub const fn not_before_unix_s(&self) -> i64 {
        self.not_before_unix_s
    }

    /// Last second of validity, inclusive (RFC 5280 §4.1.2.5).
    #[must_use]
    pub const fn not_after_unix_s(&self) -> i64 {
        self.not_after_unix_s
    }

    /// The organisation's BIN, from `OU=BIN…` or `serialNumber=BIN…` of the subject.
    #[must_use]
    pub fn bin(&self) -> Option<&str> {
        self.bin.as_deref()
    }

    /// The person's IIN, from `serialNumber=IIN…` of the subject. Not for logs.
    #[must_use]
    pub fn iin(&self) -> Option<&str> {
        self.iin.as_deref()
    }

    /// Whether it speaks for a person and not for an organisation's system: it names an IIN, or its role
    /// is an individual's (НУЦ profile, extended key usage).
    #[must_use]
    pub fn is_personal(&self) -> bool {
        let has = |role: &str| {
            let below = |own: &String| {
                own.strip_prefix(role).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            self.purposes.iter().any(below)
        };
        self.iin.is_some() || (has(INDIVIDUAL) && !has(ORGANISATION))
    }

    /// Whether its key usage, where it names one, allows signing messages.
    #[must_use]
    pub const fn may_sign(&self) -> bool {
        self.may_sign
    }

    /// Whether it is a certificate authority's.
    #[must_use]
    pub const fn is_ca(&self) -> bool {
        self.is_ca
    }

    /// Whether it names itself as its issuer.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject_text == self.issuer_text
    }

    /// Dotted OIDs of its extended key usage; the НУЦ states a signer's role here.
    #[must_use]
    pub fn purposes(&self) -> &[String] {
        &self.purposes
    }

    /// Judges the days alone.
    ///
    /// # Errors
    /// `cert_not_yet_valid` or `cert_expired`.
    pub const fn check_days(&self, at_unix_s: i64) -> Result<(), Reason> {
        if at_unix_s < self.not_before_unix_s {
            return Err(Reason::CertNotYetValid);
        }
        if at_unix_s > self.not_after_unix_s {
            return Err(Reason::CertExpired);
        }
        Ok(())
    }

    /// Whether `X509IssuerName` and `X509SerialNumber` mean this certificate.
    #[must_use]
    pub fn is_issued_as(&self, issuer: &Name, serial: &str) -> bool {
        let serial = serial.trim().trim_start_matches('0');
        let own = self.serial_decimal.trim_start_matches('0');
        serial == own && self.issuer.matches(issuer)
    }
}

/// Certificates parsed before, by the SHA-256 of their DER. Clones share one memory.
///
/// Only what was judged well is kept, so that strangers cannot push out what is in use; a reader
/// takes no lock.
#[derive(Clone, Debug, Default)]
pub struct CertificateCache {
    kept: Arc<ArcSwap<HashMap<[u8; 32], Arc<Certificate>>>>,
}

impl CertificateCache {
    /// Certificates that are kept; beyond it the memory starts anew.
    pub const KEPT_MAX: usize = 4096;

    /// The certificate of this DER: the one kept, or parsed now.
    ///
    /// # Errors
    /// As [`Certificate::parse`].
    pub fn parse(&self, der: &[u8]) -> Result<Arc<Certificate>, Reason> {
        match self.kept.load().get(&sha256(der)) {
            Some(certificate) => Ok(Arc::clone(certificate)),
            None => Certificate::parse(der).map(Arc::new),
        }
    }

    /// Keeps a certificate that is believed.
    pub fn keep(&self, certificate: &Arc<Certificate>) {
        if self.kept.load().contains_key(&certificate.sha256()) {
            return;
        }
        self.kept.rcu(|kept| {
            let mut kept =
                if kept.len() < Self::KEPT_MAX { HashMap::clone(kept) } else { HashMap::new() };
            kept.insert(certificate.sha256(), Arc::clone(certificate));
            kept
        });
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

pub(super) fn unix_s(time: x509_cert::time::Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

/// The twelve digits after `BIN` or `IIN` in the subject's OU or serialNumber (НУЦ profile).
fn numbered(subject: &Name, mark: &str) -> Option<String> {
    subject
        .values(ORGANIZATIONAL_UNIT)
        .chain(subject.values(SERIAL_NUMBER))
        .filter_map(|value| value.strip_prefix(mark))
        .find(|digits| digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
}

/// Big-endian bytes in decimal.
fn decimal(bytes: &[u8]) -> String {
    let mut digits = vec![0_u8];
    for &byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            let sum = u32::from(*digit) * 256 + carry;
            *digit = u8::try_from(sum % 10).unwrap_or(0);
            carry = sum / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap_or(0));
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_the_decimal_of_its_bytes() {
        assert_eq!(decimal(&[]), "0");
        assert_eq!(decimal(&[0xff]), "255");
        assert_eq!(decimal(&[0x01, 0x00, 0x00, 0x00, 0x00]), "4294967296");
        assert_eq!(decimal(&[0xff; 20]), "1461501637330902918203684832716283019655932542975");
    }

    #[test]
    fn garbage_is_no_certificate() {
        for der in [&b""[..], &[0x30], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0; 20_000]] {
            assert_eq!(Certificate::parse(der).unwrap_err(), Reason::CertMalformed);
        }
    }
}
