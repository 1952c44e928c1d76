//! A signature over DER by somebody's key: what certificates, CRLs and OCSP answers have in common.

use super::super::{Reason, gost};
use der::asn1::BitStringRef;
use der::{Decode as _, Reader as _, SliceReader};
use rustls::pki_types::SignatureVerificationAlgorithm;
use std::sync::LazyLock;

/// Bytes of `NULL`, which toolkits write or leave out behind an algorithm's OID.
const NULL: [u8; 2] = [0x05, 0x00];

type Algorithms = LazyLock<Vec<&'static dyn SignatureVerificationAlgorithm>>;

/// What the library has, and the country's own; no SHA-1, no short key.
static ALGORITHMS: Algorithms =
    LazyLock::new(|| [webpki::ALL_VERIFICATION_ALGS, &gost::CHAIN_ALGORITHMS].concat());
/// The same with the 256 bits of 2015.
static WITH_UNVERIFIED: Algorithms =
    LazyLock::new(|| [&ALGORITHMS[..], &gost::UNVERIFIED_ALGORITHMS].concat());

/// Algorithms that the certificates of a chain may be signed with.
pub(super) fn algorithms(
    allows_unverified: bool,
) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    if allows_unverified { &WITH_UNVERIFIED } else { &ALGORITHMS }
}

/// A public key as its SubjectPublicKeyInfo writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// Inside of the AlgorithmIdentifier.
    algorithm: Vec<u8>,
    /// Inside of the BIT STRING.
    bits: Vec<u8>,
}

impl PublicKey {
    /// Takes a SubjectPublicKeyInfo apart (RFC 5280 §4.1.2.7).
    pub(super) fn read(spki: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(spki)?;
        let key = reader.sequence(|inside| {
            let algorithm = contents(inside.tlv_bytes()?)?.to_vec();
            let bits = BitStringRef::decode(inside)?.raw_bytes().to_vec();
            Ok(Self { algorithm, bits })
        })?;
        reader.finish(key)
    }

    /// Inside of the BIT STRING: what key ids and OCSP's `issuerKeyHash` are made of.
    pub(super) fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// Verifies a signature whose AlgorithmIdentifier holds `algorithm`; an absent parameter is a NULL.
    ///
    /// # Errors
    /// `alg_forbidden` where no algorithm of ours fits key and signature, else `bad_signature`.
    pub(super) fn verify(&self, signed: &Signed<'_>) -> Result<(), Reason> {
        // Which authority is believed at all, the chain has decided.
        let mut fitting = algorithms(true)
            .iter()
            .filter(|one| bare(&one.signature_alg_id()) == bare(signed.algorithm))
            .filter(|one| bare(&one.public_key_alg_id()) == bare(&self.algorithm))
            .peekable();
        if fitting.peek().is_none() {
            return Err(Reason::AlgForbidden);
        }
        let verifies = fitting
            .any(|one| one.verify_signature(&self.bits, signed.body, signed.signature).is_ok());
        if verifies { Ok(()) } else { Err(Reason::BadSignature) }
    }
}

/// `SEQUENCE { body, AlgorithmIdentifier, BIT STRING … }`, taken apart and not re-encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'d> {
    /// What is signed, header included.
    pub(super) body: &'d [u8],
    /// Inside of the AlgorithmIdentifier.
    pub(super) algorithm: &'d [u8],
    pub(super) signature: &'d [u8],
    /// What follows the signature (the certificates of an OCSP answer); empty: nothing.
    pub(super) rest: &'d [u8],
}

impl<'d> Signed<'d> {
    pub(super) fn read(der: &'d [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let signed = reader.sequence(|inside| {
            let body = inside.tlv_bytes()?;
            let algorithm = contents(inside.tlv_bytes()?)?;
            let signature = BitStringRef::decode(inside)?;
            let signature =
                signature.as_bytes().ok_or(der::ErrorKind::Value { tag: der::Tag::BitString })?;
            let rest = inside.read_slice(inside.remaining_len())?;
            Ok(Self { body, algorithm, signature, rest })
        })?;
        reader.finish(signed)
    }
}

/// The OID of an AlgorithmIdentifier's inside with its parameters, a lone NULL taken away.
fn bare(algorithm: &[u8]) -> &[u8] {
    algorithm.strip_suffix(&NULL).unwrap_or(algorithm)
}

/// Whether two AlgorithmIdentifiers (their insides) mean one algorithm.
pub(super) fn is_same_algorithm(one: &[u8], other: &[u8]) -> bool {
    bare(one) == bare(other)
}

/// The inside of one SEQUENCE.
pub(super) fn contents(tlv: &[u8]) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(tlv)?;
    let header = der::Header::decode(&mut reader)?;
    header.tag.assert_eq(der::Tag::Sequence)?;
    let inside = reader.read_slice(header.length)?;
    reader.finish(inside)
}
