//! Keys and certificates, made anew for each run of the tests; nothing secret is committed.

use qaqpa::config::settings::BoundCertificate;
use qaqpa::sign::{Certificate, Signer, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use std::sync::LazyLock;

/// The moment at which all tests judge: 2026-11-22T05:00:00Z.
pub(crate) const NOW_UNIX_S: i64 = 1_795_323_600;

/// Kind of key of a certificate to be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa,
    P256,
    P384,
}

/// A key with its certificate.
pub(crate) struct Identity {
    pub(crate) key_pem: String,
    pub(crate) cert_pem: String,
    pub(crate) signer: Signer,
}

impl Identity {
    pub(crate) fn new(key_pem: String, cert_pem: String) -> Self {
        let signer = Signer::from_pem(key_pem.as_bytes(), cert_pem.as_bytes()).expect("key fits");
        Self { key_pem, cert_pem, signer }
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        self.signer.certificate()
    }

    /// The binding that `X509IssuerSerial` needs.
    pub(crate) fn bound(&self) -> BoundCertificate {
        BoundCertificate {
            spki_sha256: self.certificate().spki_sha256(),
            der: Some(self.certificate().der().to_vec()),
            from_unix_s: i64::MIN,
            until_unix_s: i64::MAX,
        }
    }
}

/// An authority and its certificate.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

pub(crate) fn key(kind: Kind) -> KeyPair {
    match kind {
        Kind::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        Kind::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        Kind::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
    }
    .expect("key")
}

/// A certificate for signing, valid from 2026 to the end of 2027.
pub(crate) fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "KZ");
    params.distinguished_name.push(DnType::OrganizationalUnitName, "BIN190540007715");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 12, 31);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    // Brings a subject key identifier along, as the НУЦ's do.
    params.is_ca = IsCa::ExplicitNoCa;
    params
}

/// An authority's certificate, valid as [`leaf`].
pub(crate) fn ca(name: &str) -> CertificateParams {
    let mut params = leaf(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn authority(params: CertificateParams, above: Option<&Authority>) -> Authority {
    let key = key(Kind::P256);
    let certificate = match above {
        Some(above) => params.signed_by(&key, &above.issuer),
        None => params.self_signed(&key),
    };
    let pem = certificate.expect("authority").pem();
    Authority { issuer: Issuer::new(params, key), pem }
}

pub(crate) fn issue(params: &CertificateParams, kind: Kind, by: &Authority) -> Identity {
    let key = key(kind);
    let certificate = params.signed_by(&key, &by.issuer).expect("certificate");
    Identity::new(key.serialize_pem(), certificate.pem())
}

pub(crate) fn self_signed(params: &CertificateParams, kind: Kind) -> Identity {
    let key = key(kind);
    let certificate = params.self_signed(&key).expect("certificate");
    Identity::new(key.serialize_pem(), certificate.pem())
}

/// One root, three participants, one stranger.
pub(crate) struct Pki {
    pub(crate) root: Authority,
    pub(crate) rsa: Identity,
    pub(crate) p256: Identity,
    pub(crate) p384: Identity,
    pub(crate) stranger: Identity,
    pub(crate) trust: Trust,
}

pub(crate) static PKI: LazyLock<Pki> = LazyLock::new(|| {
    let root = authority(ca("Qaqpa test root, \"A\" + B"), None);
    let trust = Trust::load([("root", &root.pem)]).expect("trust");
    Pki {
        rsa: issue(&leaf("Demo bank"), Kind::Rsa, &root),
        p256: issue(&leaf("Demo portal"), Kind::P256, &root),
        p384: issue(&leaf("Demo agency"), Kind::P384, &root),
        stranger: self_signed(&leaf("Stranger"), Kind::Rsa),
        root,
        trust,
    }
});
