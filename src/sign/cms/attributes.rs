//! The signed attributes of a CMS: each known one exactly once, with one value.

use super::{oid, stamp};
use crate::sign::Reason;
use crate::sign::algorithm::DigestAlgorithm;
use crate::sign::certificate::Certificate;
use aws_lc_rs::digest as sha1;
use cms::signed_data::SignedAttributes;
use der::asn1::{Any, AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

pub(super) const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
pub(super) const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
pub(super) const SIGNING_TIME: ObjectIdentifier = oid("1.2.840.113549.1.9.5");
/// id-aa-signingCertificateV2 (RFC 5035).
pub(super) const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");
/// id-aa-signingCertificate (RFC 2634 §5.4), which RFC 3161 §2.4.1 demands of timestamps.
const SIGNING_CERTIFICATE_1: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.12");

/// What the signed attributes say.
pub(super) struct Attributes {
    content_type: ObjectIdentifier,
    pub(super) message_digest: Vec<u8>,
    pub(super) signing_time_unix_s: Option<i64>,
    certificate_digest: Option<(CertificateDigest, Vec<u8>)>,
}

/// How the signer's certificate is named.
#[derive(Clone, Copy)]
enum CertificateDigest {
    By(DigestAlgorithm),
    /// By the first version of the attribute: it proves nothing but which of the certificates that bear
    /// the verifying key was meant.
    Sha1,
}

impl Attributes {
    /// Reads them; whether the signer's certificate must be named, [`Attributes::check`] knows.
    ///
    /// # Errors
    /// `signed_attribute_missing` where one is absent, there twice, or not as its standard says.
    pub(super) fn read(attributes: &SignedAttributes) -> Result<Self, Reason> {
        let missing = |_| Reason::SignedAttributeMissing;
        let only = |wanted: ObjectIdentifier| -> Result<Option<Any>, Reason> {
            let mut named = attributes.iter().filter(|attribute| attribute.oid == wanted);
            let Some(attribute) = named.next() else { return Ok(None) };
            let mut values = attribute.values.iter();
            match (values.next(), values.next(), named.next()) {
                (Some(value), None, None) => Ok(Some(value.clone())),
                _ => Err(Reason::SignedAttributeMissing),
            }
        };
        let demand = |wanted| only(wanted)?.ok_or(Reason::SignedAttributeMissing);
        let digest = demand(MESSAGE_DIGEST)?;
        let digest: OctetStringRef<'_> = digest.decode_as().map_err(missing)?;
        let certificate_digest = match (only(SIGNING_CERTIFICATE)?, only(SIGNING_CERTIFICATE_1)?) {
            (None, None) => None,
            (None, Some(value)) => Some((CertificateDigest::Sha1, named_certificate(&value)?.1)),
            (Some(value), _) => {
                let (algorithm, digest) = named_certificate(&value)?;
                // DEFAULT sha256.
                let algorithm = match algorithm {
                    Some(oid) => DigestAlgorithm::from_oid(oid).ok_or(Reason::AlgForbidden)?,
                    None => DigestAlgorithm::Sha256,
                };
                Some((CertificateDigest::By(algorithm), digest))
            }
        };
        let time = only(SIGNING_TIME)?.map(|any| Time::from_der(&any.to_der()?)).transpose();
        Ok(Self {
            content_type: demand(CONTENT_TYPE)?.decode_as().map_err(missing)?,
            message_digest: digest.as_bytes().to_vec(),
            signing_time_unix_s: time.map_err(missing)?.map(crate::sign::certificate::unix_s),
            certificate_digest,
        })
    }

    /// Holds them against the content's type and the signer's certificate.
    ///
    /// The certificate is named by signingCertificateV2 (CAdES), in a timestamp by either version (RFC 5816).
    /// The НУЦ's own library names it in timestamps only, so a key of the country may do without.
    ///
    /// # Errors
    /// `cms_malformed`, `signed_attribute_missing`, `signing_certificate_mismatch`.
    pub(super) fn check(
        &self,
        content_type: ObjectIdentifier,
        certificate: &Certificate,
    ) -> Result<(), Reason> {
        if self.content_type != content_type {
            return Err(Reason::CmsMalformed);
        }
        let (is_stamp, is_gost) = (content_type == stamp::INFO, certificate.family().is_gost());
        let (algorithm, digest) = match &self.certificate_digest {
            None if is_gost && !is_stamp => return Ok(()),
            Some((CertificateDigest::Sha1, _)) if !is_gost && !is_stamp => {
                return Err(Reason::SignedAttributeMissing);
            }
            named => named.as_ref().ok_or(Reason::SignedAttributeMissing)?,
        };
        let der = certificate.der();
        let is_it = match algorithm {
            CertificateDigest::By(algorithm) => algorithm.digest(der).as_ref() == digest,
            CertificateDigest::Sha1 => {
                sha1::digest(&sha1::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref() == digest
            }
        };
        if is_it { Ok(()) } else { Err(Reason::SigningCertificateMismatch) }
    }
}

/// The inside of the SEQUENCE that comes next.
pub(super) fn sequence<'a>(reader: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    let any = AnyRef::decode(reader)?;
    any.tag().assert_eq(Tag::Sequence)?;
    Ok(any.value())
}

/// Algorithm and digest of the first ESSCertID or ESSCertIDv2: the signer's own certificate (RFC 5035
/// §5.4.1.1).
fn named_certificate(value: &Any) -> Result<(Option<ObjectIdentifier>, Vec<u8>), Reason> {
    let read = || -> der::Result<(Option<ObjectIdentifier>, Vec<u8>)> {
        value.tag().assert_eq(Tag::Sequence)?;
        let certs = sequence(&mut SliceReader::new(value.value())?)?;
        let first = sequence(&mut SliceReader::new(certs)?)?;
        let mut reader = SliceReader::new(first)?;
        let algorithm = match reader.peek_tag()? {
            Tag::Sequence => Some(AlgorithmIdentifierOwned::decode(&mut reader)?.oid),
            _ => None,
        };
        let digest = OctetStringRef::decode(&mut reader)?;
        Ok((algorithm, digest.as_bytes().to_vec()))
    };
    read().map_err(|_| Reason::SignedAttributeMissing)
}
