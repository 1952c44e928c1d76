//! Signing as CAdES-BES: signed attributes in DER, the signer's certificate named and brought along.

use super::attributes::{CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_TIME};
use super::stamp::TOKEN;
use super::{DATA, Read, SIGNED_DATA};
use crate::sign::algorithm::{DigestAlgorithm, Family, SignatureAlgorithm};
use crate::sign::key::{KeyError, Signer};
use crate::sign::{Reason, ecdsa};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, OctetString, SetOfVec, UtcTime};
use der::{Decode as _, Encode as _, Tag};
use std::time::Duration;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// Why a CMS cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SignCmsError {
    #[error("cannot be written as DER: {0}")]
    Der(#[from] der::Error),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Signs `content`; `is_attached` puts it into the CMS. The result is DER.
///
/// # Errors
/// The key failed, or the time lies outside of what UTCTime can say (before 1970, after 2049).
pub fn sign(
    content: &[u8],
    is_attached: bool,
    signer: &Signer,
    at_unix_s: i64,
) -> Result<Vec<u8>, SignCmsError> {
    let algorithm = signer.algorithm();
    let digest = algorithm.digest();
    let certificate = x509_cert::Certificate::from_der(signer.certificate().der())?;
    let attributes = attributes(content, digest, signer, at_unix_s)?;
    let mut value = signer.sign(&attributes.to_der()?)?;
    if algorithm.family() == Family::Ecdsa {
        value = ecdsa::sequence(algorithm, &value).ok_or(KeyError::Signing)?;
    }
    let body = &certificate.tbs_certificate;
    let info = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: body.issuer.clone(),
            serial_number: body.serial_number.clone(),
        }),
        digest_alg: digest_identifier(digest),
        signed_attrs: Some(attributes),
        signature_algorithm: signature_identifier(algorithm),
        signature: OctetString::new(value)?,
        unsigned_attrs: None,
    };
    let content = is_attached.then(|| Any::new(Tag::OctetString, content.to_vec())).transpose()?;
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![digest_identifier(digest)])?,
        encap_content_info: EncapsulatedContentInfo { econtent_type: DATA, econtent: content },
        certificates: Some(CertificateSet::try_from(vec![CertificateChoices::Certificate(
            certificate,
        )])?),
        crls: None,
        signer_infos: SignerInfos::try_from(vec![info])?,
    };
    let info = ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data)? };
    Ok(info.to_der()?)
}

fn attributes(
    content: &[u8],
    digest: DigestAlgorithm,
    signer: &Signer,
    at_unix_s: i64,
) -> Result<SetOfVec<Attribute>, SignCmsError> {
    let attribute = |oid, value: Any| -> der::Result<Attribute> {
        Ok(Attribute { oid, values: SetOfVec::try_from(vec![value])? })
    };
    let time = Duration::from_secs(u64::try_from(at_unix_s).unwrap_or(0));
    let content_digest = OctetString::new(digest.digest(content).as_ref())?;
    // ESSCertIDv2 with the default algorithm, SHA-256, left out, as DER wants it.
    let own = DigestAlgorithm::Sha256.digest(signer.certificate().der());
    let own = OctetString::new(own.as_ref())?.to_der()?;
    let id = Any::new(Tag::Sequence, own)?.to_der()?;
    let ids = Any::new(Tag::Sequence, id)?.to_der()?;
    Ok(SetOfVec::try_from(vec![
        attribute(CONTENT_TYPE, Any::encode_from(&DATA)?)?,
        attribute(SIGNING_TIME, Any::encode_from(&UtcTime::from_unix_duration(time)?)?)?,
        attribute(MESSAGE_DIGEST, Any::encode_from(&content_digest)?)?,
        attribute(SIGNING_CERTIFICATE, Any::new(Tag::Sequence, ids)?)?,
    ])?)
}

fn digest_identifier(digest: DigestAlgorithm) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: digest.oid(), parameters: None }
}

/// RSA's parameters are NULL (RFC 4055 §5), those of the others absent.
fn signature_identifier(algorithm: SignatureAlgorithm) -> AlgorithmIdentifierOwned {
    let parameters = (algorithm.family() == Family::Rsa).then(Any::null);
    AlgorithmIdentifierOwned { oid: algorithm.oid(), parameters }
}

/// The signature values of a CMS, in its order: what a timestamp is asked for.
///
/// # Errors
/// `cms_malformed`.
pub fn values(source: &[u8]) -> Result<Vec<Vec<u8>>, Reason> {
    let read = Read::parse(source, DATA)?;
    Ok(read.signers.iter().map(|signer| signer.signature.as_bytes().to_vec()).collect())
}

/// The CMS of one signer with this RFC 3161 token beside its signature: CAdES-T.
///
/// # Errors
/// `cms_malformed`, also for a CMS of several signers.
pub fn with_stamp(source: &[u8], token: &[u8]) -> Result<Vec<u8>, Reason> {
    let put = || -> der::Result<Option<Vec<u8>>> {
        let info = ContentInfo::from_der(source)?;
        let mut data: SignedData = info.content.decode_as()?;
        let signers = data.signer_infos.0.into_vec();
        let [signer] = &signers[..] else { return Ok(None) };
        let mut signer = signer.clone();
        let values = SetOfVec::try_from(vec![Any::from_der(token)?])?;
        let attribute = Attribute { oid: TOKEN, values };
        signer.unsigned_attrs = Some(SetOfVec::try_from(vec![attribute])?);
        data.signer_infos = SignerInfos::try_from(vec![signer])?;
        ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data)? }
            .to_der()
            .map(Some)
    };
    put().ok().flatten().ok_or(Reason::CmsMalformed)
}
