//! Numbers in bytes, and the DER of keys: exactly as the НУЦ writes them.

use crate::sign::Reason;
use crate::sign::algorithm::{SignatureAlgorithm, oid};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode as _, Reader as _, SliceReader, Tag, Tagged as _};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use zeroize::Zeroizing;

/// Bytes of the longest key or signature.
pub const OCTETS_MAX: usize = 128;

/// The curve and the digest that the parameters of a key must name: both, in this order.
pub(super) const fn parameters(
    algorithm: SignatureAlgorithm,
) -> Option<(ObjectIdentifier, ObjectIdentifier)> {
    match algorithm {
        SignatureAlgorithm::Gost2004 => {
            Some((oid("1.2.398.3.10.1.1.1.1.1"), oid("1.2.398.3.10.1.3.1.1.0")))
        }
        SignatureAlgorithm::Gost2015x256 => {
            Some((oid("1.2.398.3.10.1.1.2.1.1"), oid("1.2.398.3.10.1.3.2")))
        }
        SignatureAlgorithm::Gost2015x512 => {
            Some((oid("1.2.398.3.10.1.1.2.2.1"), oid("1.2.398.3.10.1.3.3")))
        }
        _ => None,
    }
}

/// The little-endian number of exactly 8·L bytes.
pub(super) fn limbs<const L: usize>(octets: &[u8]) -> Option<[u64; L]> {
    let (chunks, rest) = octets.as_chunks::<8>();
    if chunks.len() != L || !rest.is_empty() {
        return None;
    }
    let mut limbs = [0; L];
    limbs.iter_mut().zip(chunks).for_each(|(limb, chunk)| *limb = u64::from_le_bytes(*chunk));
    Some(limbs)
}

/// Two little-endian numbers of exactly 8·L bytes each.
pub(super) fn pair<const L: usize>(octets: &[u8]) -> Option<([u64; L], [u64; L])> {
    let (first, second) = octets.split_at_checked(8 * L)?;
    Some((limbs(first)?, limbs(second)?))
}

/// The bytes of two numbers.
pub(super) fn octets<const L: usize>(first: &[u64; L], second: &[u64; L]) -> Vec<u8> {
    first.iter().chain(second).flat_map(|limb| limb.to_le_bytes()).collect()
}

/// Which of ours the OIDs of an AlgorithmIdentifier mean; the three must belong together.
///
/// # Errors
/// `key_type_forbidden` for another kind of key, `key_too_weak` for other curves or digests,
/// `cert_malformed` for parameters of another shape.
pub(super) fn algorithm(
    key: ObjectIdentifier,
    of: Option<AnyRef<'_>>,
) -> Result<SignatureAlgorithm, Reason> {
    let algorithm = SignatureAlgorithm::ALL
        .into_iter()
        .find(|one| one.family().is_gost() && one.key_oid() == key)
        .ok_or(Reason::KeyTypeForbidden)?;
    let of = of.ok_or(Reason::CertMalformed)?;
    let found = of.sequence(|inner| {
        Ok((ObjectIdentifier::decode(inner)?, ObjectIdentifier::decode(inner)?))
    })?;
    if parameters(algorithm) == Some(found) { Ok(algorithm) } else { Err(Reason::KeyTooWeak) }
}

/// Algorithm and x‖y of a SubjectPublicKeyInfo: an OCTET STRING inside the BIT STRING.
///
/// # Errors
/// As [`algorithm`].
pub(super) fn public(
    spki: &SubjectPublicKeyInfoOwned,
) -> Result<(SignatureAlgorithm, &[u8]), Reason> {
    let parameters = spki.algorithm.parameters.as_ref().map(AnyRef::from);
    let algorithm = algorithm(spki.algorithm.oid, parameters)?;
    let bytes = spki.subject_public_key.as_bytes().ok_or(Reason::CertMalformed)?;
    Ok((algorithm, wrapped(bytes).ok_or(Reason::CertMalformed)?))
}

/// What the OCTET STRING holds that is all of these bytes.
pub(super) fn wrapped(bytes: &[u8]) -> Option<&[u8]> {
    OctetStringRef::from_der(bytes).ok().map(|octets| octets.as_bytes())
}

/// Algorithm and secret number (little-endian) of a PrivateKeyInfo (RFC 5208).
///
/// Inside the OCTET STRING the number stands as software of the НУЦ and others write it: an OCTET STRING
/// again or bare, both little-endian; or an INTEGER. Which key it is, its certificate shows.
///
/// # Errors
/// `None` for what is no PrivateKeyInfo of a ГОСТ key.
pub(super) fn private(der: &[u8]) -> Option<(SignatureAlgorithm, Zeroizing<Vec<u8>>)> {
    let mut reader = SliceReader::new(der).ok()?;
    let found = reader.sequence(|inner| {
        let version = u8::decode(inner)?;
        let (key, of) = inner.sequence(|identifier| {
            let key = ObjectIdentifier::decode(identifier)?;
            Ok((key, Option::<AnyRef<'_>>::decode(identifier)?))
        })?;
        let secret = OctetStringRef::decode(inner)?.as_bytes();
        // Attributes and, from version 1 on, a public key may follow; the certificate's counts.
        inner.read_slice(inner.remaining_len())?;
        Ok((version, key, of, secret))
    });
    let (version, key, of, secret) = found.ok()?;
    let algorithm = algorithm(key, of).ok().filter(|_| version <= 1)?;
    Some((algorithm, number(secret, secret_length(algorithm))?))
}

/// Bytes of a secret number.
pub(super) const fn secret_length(algorithm: SignatureAlgorithm) -> usize {
    match algorithm {
        SignatureAlgorithm::Gost2015x512 => 64,
        _ => 32,
    }
}

fn number(secret: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
    if secret.len() == length {
        return Some(Zeroizing::new(secret.to_vec()));
    }
    let inner = AnyRef::from_der(secret).ok()?;
    let number = Zeroizing::new(match inner.tag() {
        Tag::OctetString => inner.value().to_vec(),
        Tag::Integer => {
            let mut bytes = UintRef::from_der(secret).ok()?.as_bytes().to_vec();
            bytes.reverse();
            bytes.resize(length.max(bytes.len()), 0);
            bytes
        }
        _ => return None,
    });
    (number.len() == length).then_some(number)
}
