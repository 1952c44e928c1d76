//! The country's signatures for chains of certificates, as rustls-webpki asks for algorithms.

use super::PublicKey;
use super::layout::{parameters, wrapped};
use crate::sign::algorithm::SignatureAlgorithm;
use der::asn1::ObjectIdentifier;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// The DER of an AlgorithmIdentifier of keys: key, curve and digest.
pub(super) fn identifier(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let content = key_identifier(algorithm);
    let length = u8::try_from(content.len()).unwrap_or(0);
    [&[0x30, length], &content[..]].concat()
}

fn tlv(oid: ObjectIdentifier) -> Vec<u8> {
    let bytes = oid.as_bytes();
    let length = u8::try_from(bytes.len()).unwrap_or(0);
    [&[0x06, length], bytes].concat()
}

fn key_identifier(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let Some((curve, digest)) = parameters(algorithm) else { return Vec::new() };
    let inner = [tlv(curve), tlv(digest)].concat();
    let length = u8::try_from(inner.len()).unwrap_or(0);
    [&tlv(algorithm.key_oid())[..], &[0x30, length], &inner].concat()
}

/// One algorithm with one spelling of its identifier: the parameters of a signature are NULL or absent.
#[derive(Debug)]
struct Spelled {
    algorithm: SignatureAlgorithm,
    key: &'static [u8],
    signature: &'static [u8],
}

impl SignatureVerificationAlgorithm for Spelled {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = wrapped(public_key).and_then(|octets| PublicKey::parse(self.algorithm, octets));
        match key {
            Some(key) if key.verify(message, signature) => Ok(()),
            _ => Err(InvalidSignature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(self.key)
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        AlgorithmIdentifier::from_slice(self.signature)
    }
}

const KEY_2004: &[u8] = &[
    0x06, 0x09, 0x2a, 0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x01, 0x01, 0x30, 0x18, 0x06, 0x0a, 0x2a,
    0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x01, 0x01, 0x01, 0x06, 0x0a, 0x2a, 0x83, 0x0e, 0x03, 0x0a,
    0x01, 0x03, 0x01, 0x01, 0x00,
];
const KEY_256: &[u8] = &[
    0x06, 0x09, 0x2a, 0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x02, 0x01, 0x30, 0x16, 0x06, 0x0a, 0x2a,
    0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x02, 0x01, 0x01, 0x06, 0x08, 0x2a, 0x83, 0x0e, 0x03, 0x0a,
    0x01, 0x03, 0x02,
];
const KEY_512: &[u8] = &[
    0x06, 0x09, 0x2a, 0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x02, 0x02, 0x30, 0x16, 0x06, 0x0a, 0x2a,
    0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x02, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x83, 0x0e, 0x03, 0x0a,
    0x01, 0x03, 0x03,
];
const SIGNATURE_2004: &[u8] =
    &[0x06, 0x09, 0x2a, 0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x01, 0x02, 0x05, 0x00];
const SIGNATURE_256: &[u8] =
    &[0x06, 0x0a, 0x2a, 0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x02, 0x03, 0x01, 0x05, 0x00];
const SIGNATURE_512: &[u8] =
    &[0x06, 0x0a, 0x2a, 0x83, 0x0e, 0x03, 0x0a, 0x01, 0x01, 0x02, 0x03, 0x02, 0x05, 0x00];

/// With and without the two bytes of NULL at the end.
macro_rules! spellings {
    ($name:ident, $algorithm:ident, $key:ident, $signature:ident) => {
        static $name: [Spelled; 2] = [
            Spelled { algorithm: SignatureAlgorithm::$algorithm, key: $key, signature: $signature },
            Spelled {
                algorithm: SignatureAlgorithm::$algorithm,
                key: $key,
                signature: $signature.split_at($signature.len() - 2).0,
            },
        ];
    };
}
spellings!(GOST_2004, Gost2004, KEY_2004, SIGNATURE_2004);
spellings!(GOST_256, Gost2015x256, KEY_256, SIGNATURE_256);
spellings!(GOST_512, Gost2015x512, KEY_512, SIGNATURE_512);

/// Every algorithm of the country that a chain may use.
pub static ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 4] =
    [&GOST_512[0], &GOST_512[1], &GOST_2004[0], &GOST_2004[1]];

/// The 256 bits of 2015: their layout was measured on no public certificate.
pub static UNVERIFIED: [&dyn SignatureVerificationAlgorithm; 2] = [&GOST_256[0], &GOST_256[1]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_identifiers_are_the_derived_ones() {
        for (spelled, algorithm) in [
            (&GOST_2004, SignatureAlgorithm::Gost2004),
            (&GOST_256, SignatureAlgorithm::Gost2015x256),
            (&GOST_512, SignatureAlgorithm::Gost2015x512),
        ] {
            assert_eq!(spelled[0].key, key_identifier(algorithm));
            let signature = tlv(algorithm.oid());
            assert_eq!(spelled[1].signature, signature);
            assert_eq!(spelled[0].signature, [&signature[..], &[5, 0]].concat());
        }
    }
}
