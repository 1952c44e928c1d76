//! Asking a responder (RFC 6960): the question, and what of an answer may be believed.
//!
//! Pure: who sends and waits is not known here.

mod answer;

pub use answer::{Answer, Expected};

use super::link::Link;
use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{CertId, OcspRequest, Request, TbsRequest};

/// Longest answer that is read, bytes; with its certificates one has about two thousand.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Octets of a nonce (RFC 9654 §2.1).
pub const NONCE_OCTETS: usize = 32;

const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA2: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// With which digest a question names the issuer. It protects nothing: the issuer chose its own name
/// and key, and the answer is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameDigest {
    /// What every responder knows (RFC 5019 §2.1.1).
    Sha1,
    Sha256,
}

impl NameDigest {
    const fn parts(self) -> (ObjectIdentifier, &'static Algorithm) {
        match self {
            Self::Sha1 => (SHA1, &SHA1_FOR_LEGACY_USE_ONLY),
            Self::Sha256 => (SHA2, &SHA256),
        }
    }
}

/// A question about one certificate.
#[derive(Clone, Debug)]
pub struct Question {
    id: CertId,
    nonce: Option<[u8; NONCE_OCTETS]>,
}

impl Question {
    /// Asks about `certificate`, which `issuer` issued.
    ///
    /// # Errors
    /// Never for a certificate that was read.
    pub fn new(
        certificate: &Link,
        issuer: &Link,
        name_digest: NameDigest,
        nonce: Option<[u8; NONCE_OCTETS]>,
    ) -> der::Result<Self> {
        let (oid, algorithm) = name_digest.parts();
        let digested = |bytes: &[u8]| OctetString::new(digest(algorithm, bytes).as_ref());
        let octets = certificate.serial.octets();
        let length = u8::try_from(octets.len()).unwrap_or(u8::MAX);
        let serial_number = SerialNumber::from_der(&[&[0x02, length], octets].concat())?;
        let id = CertId {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid,
                parameters: Some(der::asn1::Null.into()),
            },
            issuer_name_hash: digested(&issuer.subject)?,
            issuer_key_hash: digested(issuer.key.bits())?,
            serial_number,
        };
        Ok(Self { id, nonce })
    }

    /// The body of the POST (RFC 6960 Appendix A.1).
    ///
    /// # Errors
    /// Never for a certificate that was read.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let nonce = |octets: &[u8; NONCE_OCTETS]| -> der::Result<Extension> {
            let inside = OctetString::new(&octets[..])?.to_der()?;
            let extn_value = OctetString::new(inside)?;
            Ok(Extension { extn_id: NONCE, critical: false, extn_value })
        };
        let request = Request { req_cert: self.id.clone(), single_request_extensions: None };
        let tbs_request = TbsRequest {
            request_list: vec![request],
            request_extensions: self.nonce.as_ref().map(nonce).transpose()?.map(|one| vec![one]),
            ..TbsRequest::default()
        };
        OcspRequest { tbs_request, optional_signature: None }.to_der()
    }

    /// Whether an answer's CertID means the certificate asked about; an absent parameter is a NULL.
    fn is_about(&self, id: &CertId) -> bool {
        id.hash_algorithm.oid == self.id.hash_algorithm.oid
            && id.issuer_name_hash == self.id.issuer_name_hash
            && id.issuer_key_hash == self.id.issuer_key_hash
            && id.serial_number == self.id.serial_number
    }
}
