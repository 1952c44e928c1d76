//! Certificates with the country's keys, for the demo and for tests: no certification authority.

use super::SecretKey;
use super::chain::identifier;
use crate::sign::algorithm::SignatureAlgorithm;
use der::asn1::{Any, BitString, OctetString, UtcTime};
use der::oid::AssociatedOid;
use der::{Decode as _, Encode};
use std::str::FromStr as _;
use std::time::Duration;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};
use x509_cert::name::RdnSequence;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate, Version};

/// Whom a certificate is for.
pub struct Subject<'s> {
    /// RFC 4514, e.g. `CN=portal,OU=BIN190540007715,C=KZ`.
    pub name: &'s str,
    pub key: &'s SecretKey,
    pub is_authority: bool,
    pub serial: &'s [u8],
    pub from_unix_s: u64,
    pub until_unix_s: u64,
}

/// The DER of a certificate for `subject`, signed by `key` in the name of `issuer`.
///
/// # Errors
/// A name that is no RFC 4514 text, a time after 2049, or no randomness to sign with.
pub fn issue(subject: &Subject<'_>, issuer: &str, key: &SecretKey) -> der::Result<Vec<u8>> {
    let failed = || der::Error::from(der::ErrorKind::Failed);
    let signature =
        AlgorithmIdentifierOwned { oid: key.algorithm().oid(), parameters: Some(Any::null()) };
    let time = |unix_s| {
        Ok::<_, der::Error>(Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(
            unix_s,
        ))?))
    };
    let usage = if subject.is_authority {
        KeyUsages::KeyCertSign | KeyUsages::CRLSign
    } else {
        KeyUsages::DigitalSignature | KeyUsages::NonRepudiation
    };
    let mut extensions = vec![extension(&KeyUsage(usage))?];
    if subject.is_authority {
        extensions.push(extension(&BasicConstraints { ca: true, path_len_constraint: None })?);
    }
    let body = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(subject.serial)?,
        signature: signature.clone(),
        issuer: RdnSequence::from_str(issuer)?,
        validity: Validity {
            not_before: time(subject.from_unix_s)?,
            not_after: time(subject.until_unix_s)?,
        },
        subject: RdnSequence::from_str(subject.name)?,
        subject_public_key_info: spki(subject.key.algorithm(), subject.key)?,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    };
    let signed = key.sign(&body.to_der()?).ok_or_else(failed)?;
    let certificate = Certificate {
        tbs_certificate: body,
        signature_algorithm: signature,
        signature: BitString::from_bytes(&signed)?,
    };
    certificate.to_der()
}

fn extension<E: Encode + AssociatedOid>(value: &E) -> der::Result<Extension> {
    let extn_value = OctetString::new(value.to_der()?)?;
    Ok(Extension { extn_id: E::OID, critical: true, extn_value })
}

fn spki(algorithm: SignatureAlgorithm, key: &SecretKey) -> der::Result<SubjectPublicKeyInfoOwned> {
    let octets = key.public_octets().ok_or(der::ErrorKind::Failed)?;
    Ok(SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned::from_der(&identifier(algorithm))?,
        subject_public_key: BitString::from_bytes(&OctetString::new(octets)?.to_der()?)?,
    })
}
