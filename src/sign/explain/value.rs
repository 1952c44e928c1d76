//! A signature value that does not come out right over a right digest, tried again under usual mistakes.

use super::digest::dense;
use super::hint::Hint;
use crate::sign::algorithm::SignatureAlgorithm;
use crate::sign::canonical::{self, Detached, Method, Options};
use crate::sign::certificate::Certificate;
use crate::sign::xmldsig::Signature;

/// Under which mistakes the value comes out right.
pub(super) fn hints(
    signature: &Signature<'_>,
    certificate: &Certificate,
    detached: Option<Detached<'_>>,
) -> Vec<Hint> {
    let message = signature.message(detached).unwrap_or_default();
    let value = signature.value();
    let fits = |algorithm, message: &[u8], value: &[u8]| {
        certificate.key().verify(algorithm, message, value).is_ok()
    };
    let named = signature.algorithm;
    for method in [Method::Inclusive, Method::Exclusive] {
        for with_comments in [false, true] {
            let options = Options { method, with_comments, detached, ..Options::default() };
            let mut other = Vec::new();
            canonical::element(signature.signed_info, &options, &mut |bytes| {
                other.extend_from_slice(bytes);
            });
            if fits(named, &other, value) {
                return vec![Hint::WrongCanonicalization];
            }
        }
    }
    let mut others = SignatureAlgorithm::ALL.into_iter().filter(|one| *one != named);
    if others.any(|one| fits(one, &message, value)) {
        return vec![Hint::SignatureAlgorithm];
    }
    let reversed: Vec<u8> = value.iter().rev().copied().collect();
    if fits(named, &message, &reversed) {
        return vec![Hint::ValueForm];
    }
    // r and s as ASN.1, which XML and JWS do not take.
    if value.first() == Some(&0x30) && named.family() == crate::sign::algorithm::Family::Ecdsa {
        return vec![Hint::ValueForm];
    }
    let text = String::from_utf8_lossy(&message);
    if fits(named, dense(&text).as_bytes(), value) {
        return vec![Hint::WhiteSpace];
    }
    vec![Hint::WrongKey]
}
