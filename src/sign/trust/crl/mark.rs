//! The newest list ever taken of an authority: it outlives the list itself, and a restart where it is kept.

use super::Crl;
use crate::sign::certificate::sha256;
use qaqpa_kit::hex;

/// Octets of a list's number (RFC 5280 §5.2.3).
pub(super) const NUMBER_BYTES_MAX: usize = 20;

/// How new the newest list of one key, kind and scope is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// SHA-256 over issuer, key, kind and scope.
    of: [u8; 32],
    this_update_unix_s: i64,
    /// The CRL number, without leading zeros; empty: it has none.
    number: Vec<u8>,
}

impl Mark {
    pub(super) fn of(crl: &Crl) -> Self {
        let key = crl.signer.as_ref().map(|key| key.bits()).unwrap_or_default();
        let mut identity = vec![u8::from(crl.is_delta())];
        for part in [&crl.issuer[..], key].into_iter().chain(crl.scope.parts()) {
            identity.extend_from_slice(&part.len().to_be_bytes());
            identity.extend_from_slice(part);
        }
        identity.extend_from_slice(&crl.scope.bits());
        Self {
            of: sha256(&identity),
            this_update_unix_s: crl.this_update_unix_s,
            number: crl.number.clone(),
        }
    }

    /// Whether both tell of the same lists.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.of == other.of
    }

    /// Whether a list of this mark would bring back what `known` has left behind.
    pub(super) fn is_older(&self, known: &Self) -> bool {
        let by_number = |one: &Self| (one.number.len(), one.number.clone());
        self.is_beside(known)
            && (self.this_update_unix_s < known.this_update_unix_s
                || by_number(self) < by_number(known))
    }

    /// `SHA-256 UNIX_SECONDS NUMBER`, digests and numbers in hexadecimal.
    pub(super) fn line(&self) -> String {
        format!(
            "{} {} {}\n",
            hex::lower(&self.of),
            self.this_update_unix_s,
            hex::lower(&self.number)
        )
    }

    /// What [`Mark::line`] wrote; `None` for any other text, also for one that means the same.
    pub(super) fn read(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix('\n')?.split(' ');
        let (of, time, number) = (words.next()?, words.next()?, words.next()?);
        let read = Self {
            of: hex::bytes(of)?.try_into().ok()?,
            this_update_unix_s: time.parse().ok()?,
            number: hex::bytes(number)?,
        };
        let is_number = read.number.len() <= NUMBER_BYTES_MAX
            && (read.number.len() == 1 || !read.number.starts_with(&[0]));
        (is_number && read.line() == line).then_some(read)
    }
}
