//! ГОСТ Р 34.10-2015 and ГОСТ 34.310-2004 in memory-safe Rust: keys, and the bytes that they are written in.
//!
//! Verification works on public numbers and takes the shortest way, with tables for keys that come
//! again. Signing takes one time and one path whatever the secret. Byte orders are the НУЦ's, measured
//! on its certificates: everything is little-endian, a signature is r then s, a key x then y.

mod chain;
mod curve;
mod equation;
mod field;
pub mod issue;
mod layout;
mod point;
mod secret;
mod tables;

#[cfg(test)]
mod examples;

pub use chain::{ALGORITHMS as CHAIN_ALGORITHMS, UNVERIFIED as UNVERIFIED_ALGORITHMS};
pub use layout::OCTETS_MAX;
pub use secret::SecretKey;
pub use tables::COMBS_MAX;

use super::Reason;
use super::algorithm::SignatureAlgorithm;
use curve::{CryptoPro, Curve, Tc26x256, Tc26x512};
use layout::{limbs, pair};
use point::Affine;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tables::{Comb, multiply_once, table_count};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// Verifications after which a key is worth its tables, which cost about two of them.
const USES_BEFORE_TABLES: u32 = 2;

/// A public key, ready to verify.
pub struct PublicKey(Inner);

enum Inner {
    Gost2004(Key<CryptoPro, 4>),
    X256(Key<Tc26x256, 4>),
    X512(Box<Key<Tc26x512, 8>>),
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PublicKey").field(&self.algorithm()).finish()
    }
}

impl PublicKey {
    /// Reads x‖y, little-endian.
    ///
    /// `None` for an algorithm that is not ГОСТ, a wrong length, a coordinate not below p, a point off
    /// the curve or outside the subgroup of the base point.
    #[must_use]
    pub fn parse(algorithm: SignatureAlgorithm, octets: &[u8]) -> Option<Self> {
        Some(Self(match algorithm {
            SignatureAlgorithm::Gost2004 => Inner::Gost2004(Key::parse(octets)?),
            SignatureAlgorithm::Gost2015x256 => Inner::X256(Key::parse(octets)?),
            SignatureAlgorithm::Gost2015x512 => Inner::X512(Box::new(Key::parse(octets)?)),
            _ => return None,
        }))
    }

    /// Reads a SubjectPublicKeyInfo with the country's OIDs.
    ///
    /// # Errors
    /// `key_type_forbidden` for another kind of key, `key_too_weak` for another curve or digest than the
    /// algorithm's, `cert_malformed` for another layout or a point that is no key.
    pub fn from_spki(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, Reason> {
        let (algorithm, octets) = layout::public(spki)?;
        Self::parse(algorithm, octets).ok_or(Reason::CertMalformed)
    }

    /// The algorithm that it verifies.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        match self.0 {
            Inner::Gost2004(_) => SignatureAlgorithm::Gost2004,
            Inner::X256(_) => SignatureAlgorithm::Gost2015x256,
            Inner::X512(_) => SignatureAlgorithm::Gost2015x512,
        }
    }

    /// Whether the key's secret signed this message with r‖s, little-endian.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_digest(self.algorithm().digest().digest(message).as_ref(), signature)
    }

    /// The same for a digest that is known already.
    #[must_use]
    pub fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Inner::Gost2004(key) => key.verify(digest, signature),
            Inner::X256(key) => key.verify(digest, signature),
            Inner::X512(key) => key.verify(digest, signature),
        }
    }

    /// Makes the tables now and not after some verifications; `false` where there is no room for more.
    pub fn prepare(&self) -> bool {
        match &self.0 {
            Inner::Gost2004(key) => key.comb().is_some(),
            Inner::X256(key) => key.comb().is_some(),
            Inner::X512(key) => key.comb().is_some(),
        }
    }

    /// Whether it verifies by tables of its own.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        match &self.0 {
            Inner::Gost2004(key) => key.is_prepared(),
            Inner::X256(key) => key.is_prepared(),
            Inner::X512(key) => key.is_prepared(),
        }
    }
}

/// Tables that are in memory now, of at most [`COMBS_MAX`]; 64 KiB each for 512 bits, 32 KiB for 256.
#[must_use]
pub fn combs() -> usize {
    table_count()
}

struct Key<C: Curve<L>, const L: usize> {
    point: Affine<C, L>,
    uses: AtomicU32,
    comb: OnceLock<Option<Comb<C, L>>>,
}

impl<C: Curve<L>, const L: usize> Key<C, L> {
    fn parse(octets: &[u8]) -> Option<Self> {
        let (x, y) = pair(octets)?;
        let point = equation::point(x, y)?;
        Some(Self { point, uses: AtomicU32::new(0), comb: OnceLock::new() })
    }

    fn comb(&self) -> Option<&Comb<C, L>> {
        self.comb.get_or_init(|| Comb::build_within_limit(self.point)).as_ref()
    }

    fn is_prepared(&self) -> bool {
        self.comb.get().is_some_and(Option::is_some)
    }

    fn verify(&self, digest: &[u8], signature: &[u8]) -> bool {
        let (Some(digest), Some(signature)) = (limbs(digest), pair(signature)) else {
            return false;
        };
        // A stranger's key is parsed anew for each message, so that nobody else's room is taken.
        let is_known = self.uses.fetch_add(1, Ordering::Relaxed) >= USES_BEFORE_TABLES;
        let comb = if is_known || self.is_prepared() { self.comb() } else { None };
        equation::is_signed(digest, signature, |key, base| match comb {
            Some(comb) => comb.multiply(key, base),
            None => multiply_once(self.point, key, base),
        })
    }
}

#[cfg(test)]
mod tests;
