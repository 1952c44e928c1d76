//! One certificate revocation list (RFC 5280 §5), read once and kept as a sorted index.
//!
//! A list of twenty megabytes becomes an array of 28 bytes an entry; nothing is allocated for an entry,
//! and the list itself is let go.

mod mark;
mod read;
mod scope;
pub mod shelf;

pub use scope::Scope;

use super::link::Link;
use super::serial::Serial;
use super::signed::{PublicKey, Signed};
use qaqpa_kit::hex::lower;

/// Why a list is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    #[error("it cannot be read as a list of version 2 (RFC 5280 §5.1)")]
    Malformed,
    #[error("it has more bytes than trust.crl_bytes_max")]
    TooLarge,
    #[error("it tells of certificates of other issuers, which is not followed (indirectCRL)")]
    Indirect,
    #[error("it tells of attribute certificates")]
    OfAttributes,
    #[error("it holds a critical extension that is not known here")]
    UnknownExtension,
    #[error("it says no day of the next list")]
    NoNextUpdate,
    #[error("its issuer is no authority of the trust files that may sign lists")]
    UnknownIssuer,
    #[error("its signature is not its issuer's")]
    BadSignature,
    #[error("it is older than the list that is known already")]
    Replayed,
    #[error("it was issued in the future")]
    FromFuture,
}

/// Why a certificate was revoked (RFC 5280 §5.3.1), as the number in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationReason(pub u8);

impl RevocationReason {
    /// No reason was said.
    pub const UNSPECIFIED: Self = Self(0);
    /// Revoked for the time being.
    pub const CERTIFICATE_HOLD: Self = Self(6);
    /// In a delta: no longer revoked.
    pub const REMOVE_FROM_CRL: Self = Self(8);

    /// The word in the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self.0 {
            1 => "key_compromise",
            2 => "ca_compromise",
            3 => "affiliation_changed",
            4 => "superseded",
            5 => "cessation_of_operation",
            6 => "certificate_hold",
            8 => "remove_from_crl",
            9 => "privilege_withdrawn",
            10 => "aa_compromise",
            _ => "unspecified",
        }
    }
}

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    serial: Serial,
    reason: u8,
    /// Unix seconds; lists of our age fit in 32 bits until 2106.
    at_unix_s: u32,
}

/// A list whose signature was verified.
#[derive(Debug, PartialEq, Eq)]
pub struct Crl {
    issuer: Vec<u8>,
    /// SHA-256 of the whole list.
    sha256: [u8; 32],
    this_update_unix_s: i64,
    next_update_unix_s: i64,
    /// The CRL number, without leading zeros; empty: it has none.
    number: Vec<u8>,
    /// The number of the list that this one completes; `None`: it is complete itself.
    base_number: Option<Vec<u8>>,
    key_id: Option<Vec<u8>>,
    /// The key that verified it.
    signer: Option<PublicKey>,
    scope: Scope,
    /// By serial number.
    entries: Box<[Entry]>,
}

/// What one list says of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub reason: RevocationReason,
    /// When it was revoked, Unix seconds.
    pub at_unix_s: i64,
}

impl Crl {
    /// Reads a list and verifies it with the key of the authority among `authorities` that issued it.
    ///
    /// # Errors
    /// As [`CrlError`] says; whether it is current, is asked when it is used.
    pub fn read<'a>(
        der: &[u8],
        authorities: impl IntoIterator<Item = &'a Link>,
    ) -> Result<Self, CrlError> {
        let signed = Signed::read(der).map_err(|_| CrlError::Malformed)?;
        let mut crl = read::body(&signed, super::super::certificate::sha256(der))?;
        let mut is_known = false;
        for authority in authorities {
            if !crl.is_named_below(authority) || !authority.may_sign_crls() {
                continue;
            }
            is_known = true;
            if authority.key.verify(&signed).is_ok() {
                crl.signer = Some(authority.key.clone());
                return Ok(crl);
            }
        }
        Err(if is_known { CrlError::BadSignature } else { CrlError::UnknownIssuer })
    }

    fn is_named_below(&self, issuer: &Link) -> bool {
        let is_key = match (&self.key_id, &issuer.key_id) {
            (Some(named), Some(own)) => named == own,
            _ => true,
        };
        self.issuer == issuer.subject && is_key
    }

    /// Whether this authority issued it, with this very key.
    fn is_of(&self, issuer: &Link) -> bool {
        self.issuer == issuer.subject && self.signer.as_ref() == Some(&issuer.key)
    }

    /// SHA-256 of the whole list.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Whether its next list is not due yet.
    #[must_use]
    pub const fn is_current(&self, at_unix_s: i64) -> bool {
        at_unix_s <= self.next_update_unix_s
    }

    /// Whether it only completes another list.
    #[must_use]
    pub const fn is_delta(&self) -> bool {
        self.base_number.is_some()
    }

    /// Certificates on it.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// First second for which it speaks.
    #[must_use]
    pub const fn this_update_unix_s(&self) -> i64 {
        self.this_update_unix_s
    }

    /// The second by which the next one is promised.
    #[must_use]
    pub const fn next_update_unix_s(&self) -> i64 {
        self.next_update_unix_s
    }

    /// What it says of a certificate; several entries of one certificate mean the most severe one.
    fn listed(&self, serial: &Serial) -> Option<Listed> {
        let start = self.entries.partition_point(|entry| entry.serial < *serial);
        let own = self.entries.get(start..)?.iter().take_while(|entry| entry.serial == *serial);
        let severity = |entry: &&Entry| match RevocationReason(entry.reason) {
            RevocationReason::REMOVE_FROM_CRL => 0,
            RevocationReason::CERTIFICATE_HOLD => 1,
            _ => 2,
        };
        own.max_by_key(severity).map(|entry| Listed {
            reason: RevocationReason(entry.reason),
            at_unix_s: entry.at_unix_s.into(),
        })
    }

    /// `crl NUMBER sha256:…`, for the journal.
    fn evidence(&self) -> String {
        let kind = if self.is_delta() { "delta" } else { "crl" };
        format!("{kind} number {} sha256 {}", lower(&self.number), lower(&self.sha256))
    }
}
