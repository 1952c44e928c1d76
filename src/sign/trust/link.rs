//! One certificate as chains and revocation need it, whatever kind of key it holds.

use super::super::certificate::{CERTIFICATE_BYTES_MAX, sha256, unix_s};
use super::serial::Serial;
use super::signed::{PublicKey, Signed};
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use rustls::pki_types::CertificateDer;
use x509_cert::ext::pkix::crl::CrlDistributionPoints;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage,
    KeyUsage, SubjectKeyIdentifier,
};

/// id-ad-ocsp (RFC 6960 §3.1).
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
/// id-kp-OCSPSigning (RFC 6960 §4.2.2.2).
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
/// id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1).
const OCSP_NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");

/// First and last second, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub from_unix_s: i64,
    pub until_unix_s: i64,
}

impl Days {
    /// Whether that second lies in them.
    #[must_use]
    pub const fn hold(&self, at_unix_s: i64) -> bool {
        self.from_unix_s <= at_unix_s && at_unix_s <= self.until_unix_s
    }
}

/// A certificate (RFC 5280). Names and key ids are kept as bytes and compared as bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    pub(super) der: CertificateDer<'static>,
    pub(super) sha256: [u8; 32],
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) serial: Serial,
    pub(in crate::sign) key_id: Option<Vec<u8>>,
    pub(super) issuer_key_id: Option<Vec<u8>>,
    pub(super) key: PublicKey,
    pub(super) days: Days,
    pub(in crate::sign) is_ca: bool,
    /// Authorities that may stand between it and a leaf.
    pub(super) path_len: Option<u8>,
    usage: Option<KeyUsage>,
    is_ocsp_signer: bool,
    pub(super) is_ocsp_unchecked: bool,
    /// `http://` addresses of its responders, in its own order.
    ocsp_urls: Vec<String>,
    /// The GeneralNames (DER) of its CRLs' distribution points; empty: it names none.
    pub(super) crl_points: Vec<Vec<u8>>,
}

impl Link {
    /// Reads one certificate.
    ///
    /// # Errors
    /// No certificate, or an extension that we read and cannot.
    pub fn read(der: &[u8]) -> der::Result<Self> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(der::ErrorKind::Overlength.into());
        }
        let certificate = x509_cert::Certificate::from_der(der)?;
        let body = &certificate.tbs_certificate;
        let constraints = body.get::<BasicConstraints>()?.map(|(_, read)| read);
        let octets = |id: der::asn1::OctetString| id.as_bytes().to_vec();
        let purposes = body.get::<ExtendedKeyUsage>()?.map(|(_, read)| read.0).unwrap_or_default();
        let extensions = body.extensions.as_deref().unwrap_or_default();
        Ok(Self {
            der: CertificateDer::from(der.to_vec()),
            sha256: sha256(der),
            subject: body.subject.to_der()?,
            issuer: body.issuer.to_der()?,
            serial: Serial::read(&body.serial_number.to_der()?)?,
            key_id: body.get::<SubjectKeyIdentifier>()?.map(|(_, read)| octets(read.0)),
            issuer_key_id: body
                .get::<AuthorityKeyIdentifier>()?
                .and_then(|(_, read)| read.key_identifier)
                .map(octets),
            key: PublicKey::read(&body.subject_public_key_info.to_der()?)?,
            days: Days {
                from_unix_s: unix_s(body.validity.not_before),
                until_unix_s: unix_s(body.validity.not_after),
            },
            is_ca: constraints.as_ref().is_some_and(|read| read.ca),
            path_len: constraints.and_then(|read| read.path_len_constraint),
            usage: body.get::<KeyUsage>()?.map(|(_, read)| read),
            is_ocsp_signer: purposes.contains(&OCSP_SIGNING),
            is_ocsp_unchecked: extensions.iter().any(|one| one.extn_id == OCSP_NO_CHECK),
            ocsp_urls: body
                .get::<AuthorityInfoAccessSyntax>()?
                .map(|(_, read)| ocsp_urls(&read))
                .unwrap_or_default(),
            crl_points: body
                .get::<CrlDistributionPoints>()?
                .map(|(_, read)| crl_points(&read))
                .transpose()?
                .unwrap_or_default(),
        })
    }

    /// SHA-256 of the DER.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The certificate as it came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `http://` addresses of its responders, in its own order.
    #[must_use]
    pub fn ocsp_urls(&self) -> &[String] {
        &self.ocsp_urls
    }

    /// Whether it names itself as its issuer.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether its names and key ids say that `issuer` issued it; nothing is verified.
    pub(in crate::sign) fn is_named_below(&self, issuer: &Self) -> bool {
        let is_key = match (&self.issuer_key_id, &issuer.key_id) {
            (Some(named), Some(own)) => named == own,
            _ => true,
        };
        self.issuer == issuer.subject && is_key
    }

    /// Whether the key of `issuer` signed it.
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        Signed::read(&self.der).is_ok_and(|signed| issuer.key.verify(&signed).is_ok())
    }

    /// Whether it may sign certificates, where it says what its key is for.
    pub(super) fn may_certify(&self) -> bool {
        self.is_ca && self.usage.is_none_or(|usage| usage.key_cert_sign())
    }

    /// Whether it may sign CRLs, where it says what its key is for.
    pub(super) fn may_sign_crls(&self) -> bool {
        self.usage.is_none_or(|usage| usage.crl_sign())
    }

    /// Whether an authority named it to answer for it (RFC 6960 §4.2.2.2).
    pub(super) fn may_answer(&self) -> bool {
        self.is_ocsp_signer && self.usage.is_none_or(|usage| usage.digital_signature())
    }
}

fn ocsp_urls(access: &AuthorityInfoAccessSyntax) -> Vec<String> {
    let locations = access.0.iter().filter(|one| one.access_method == OCSP);
    locations
        .filter_map(|one| match &one.access_location {
            GeneralName::UniformResourceIdentifier(uri) => Some(tokens(uri.as_str())),
            _ => None,
        })
        .flatten()
        .collect()
}

/// The `http://` addresses in a URI; certificates of 2018 hold several in one, between white space.
fn tokens(uri: &str) -> Vec<String> {
    let words = uri.split_whitespace().map(|word| word.strip_prefix("URL=").unwrap_or(word));
    words.filter(|word| word.starts_with("http://")).map(str::to_owned).collect()
}

fn crl_points(points: &CrlDistributionPoints) -> der::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for point in &points.0 {
        match &point.distribution_point {
            Some(DistributionPointName::FullName(all)) => {
                for name in all {
                    names.push(name.to_der()?);
                }
            }
            // CRLs of another issuer or by a relative name are not followed.
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn an_address_with_line_breaks_and_a_second_one_inside_is_taken_apart() {
        let uri = "http://crl.example/a.crl\n      URL=http://crl1.example/a.crl ldap://x";
        assert_eq!(tokens(uri), ["http://crl.example/a.crl", "http://crl1.example/a.crl"]);
    }
}
