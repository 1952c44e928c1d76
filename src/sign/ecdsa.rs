//! The two ways to write an ECDSA signature: r‖s of fixed length, and a SEQUENCE of two numbers.
//!
//! The first is XMLDSig's (§6.4.3) and JWS's (RFC 7518 §3.4), the second that of CMS and X.509 (RFC 5480).

use super::Reason;
use super::algorithm::SignatureAlgorithm;
use der::asn1::{Any, UintRef};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag};

/// Bytes of r and of s for a key whose own algorithm this is.
const fn number_bytes(of_key: SignatureAlgorithm) -> usize {
    match of_key {
        SignatureAlgorithm::EcdsaSha384 => 48,
        _ => 32,
    }
}

/// r‖s from a SEQUENCE.
///
/// # Errors
/// `bad_signature` for no such SEQUENCE, `alg_key_mismatch` for the numbers of a larger curve.
pub(super) fn fixed(of_key: SignatureAlgorithm, sequence: &[u8]) -> Result<Vec<u8>, Reason> {
    let bytes = number_bytes(of_key);
    let read = || -> der::Result<(Vec<u8>, Vec<u8>)> {
        let mut reader = SliceReader::new(sequence)?;
        let pair = reader.sequence(|inner| {
            let (r, s) = (UintRef::decode(inner)?, UintRef::decode(inner)?);
            Ok((r.as_bytes().to_vec(), s.as_bytes().to_vec()))
        })?;
        reader.finish(pair)
    };
    let (r, s) = read().map_err(|_| Reason::BadSignature)?;
    let mut fixed = Vec::with_capacity(2 * bytes);
    for part in [r, s] {
        // A longer number is one of another curve.
        let zeros = bytes.checked_sub(part.len()).ok_or(Reason::AlgKeyMismatch)?;
        fixed.extend(std::iter::repeat_n(0, zeros));
        fixed.extend_from_slice(&part);
    }
    Ok(fixed)
}

/// A SEQUENCE from r‖s; `None` where that has not the length of the key's curve.
pub(super) fn sequence(of_key: SignatureAlgorithm, fixed: &[u8]) -> Option<Vec<u8>> {
    let bytes = number_bytes(of_key);
    let (r, s) = fixed.split_at_checked(bytes).filter(|(_, s)| s.len() == bytes)?;
    let mut inside = UintRef::new(r).ok()?.to_der().ok()?;
    inside.extend(UintRef::new(s).ok()?.to_der().ok()?);
    Any::new(Tag::Sequence, inside).ok()?.to_der().ok()
}
