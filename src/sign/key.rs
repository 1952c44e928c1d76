//! Keys: a signer that never shows its secret, and public keys parsed once per certificate.

use super::algorithm::{Family, SignatureAlgorithm};
use super::certificate::Certificate;
use super::{Reason, ecdsa, gost, pem};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256_SHA384_ASN1,
    ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P384_SHA512_ASN1, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode as _, Reader as _, SliceReader};
use std::sync::Arc;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// rsaEncryption (RFC 8017).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey (RFC 5480).
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Why a key and its certificate cannot sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("{0}")]
    Pem(String),
    #[error("no private key in the file: expected PKCS#8, PKCS#1 or SEC1 PEM without encryption")]
    NoKey,
    #[error("no certificate in the file")]
    NoCertificate,
    #[error("the key file is no PKCS#12, PKCS#8 or PEM that can be read")]
    Container,
    #[error("the key file is encrypted with {0}, which is not supported")]
    Unsupported(String),
    #[error("the key file asks for a password, and none is named")]
    PasswordMissing,
    #[error("the password does not open the key file")]
    WrongPassword,
    #[error("the certificate is refused: {}", .0.word())]
    Certificate(Reason),
    #[error("the private key cannot be read: {0}")]
    Rejected(String),
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    #[error("no algorithm is registered here for a {} key (RFC 7518, RFC 9421): sign as cms or xmldsig", .0.word())]
    Unregistered(Family),
    #[error("signing failed")]
    Signing,
}

impl From<der::Error> for KeyError {
    fn from(_: der::Error) -> Self {
        Self::Container
    }
}

/// A public key, ready to verify: parsed once per certificate (measured: 2 of 15 µs at RSA-2048).
#[derive(Debug, Clone)]
pub struct VerifyingKey(Public);

#[derive(Debug, Clone)]
enum Public {
    /// Each with the one algorithm that it verifies.
    Rsa(Vec<(SignatureAlgorithm, ParsedPublicKey)>),
    /// The key with the digest of its curve's size, and its point, for the other digests.
    Ecdsa {
        own: SignatureAlgorithm,
        key: ParsedPublicKey,
        point: Vec<u8>,
    },
    Gost(Arc<gost::PublicKey>),
}

impl VerifyingKey {
    /// Reads a certificate's SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// `key_too_weak` (RSA below 2048 bits or exponent below 65537, other curves, explicit curve
    /// parameters), `key_type_forbidden` (any other kind of key), `cert_malformed` (also a ГОСТ point
    /// off its curve).
    pub fn parse(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, Reason> {
        let bytes = spki.subject_public_key.as_bytes().ok_or(Reason::CertMalformed)?;
        match spki.algorithm.oid {
            RSA => Self::parse_rsa(bytes),
            EC => Self::parse_ec(spki, bytes),
            _ => {
                let key = gost::PublicKey::from_spki(spki)?;
                Ok(Self(Public::Gost(Arc::new(key))))
            }
        }
    }

    fn parse_rsa(bytes: &[u8]) -> Result<Self, Reason> {
        let (bits, exponent) = rsa_size(bytes).map_err(|_| Reason::CertMalformed)?;
        if !(2048..=8192).contains(&bits) || exponent < 65_537 {
            return Err(Reason::KeyTooWeak);
        }
        let parsed = |algorithm, parameters| match ParsedPublicKey::new(parameters, bytes) {
            Ok(key) => Ok((algorithm, key)),
            Err(_) => Err(Reason::CertMalformed),
        };
        Ok(Self(Public::Rsa(vec![
            parsed(SignatureAlgorithm::RsaSha256, &RSA_PKCS1_2048_8192_SHA256)?,
            parsed(SignatureAlgorithm::RsaSha384, &RSA_PKCS1_2048_8192_SHA384)?,
            parsed(SignatureAlgorithm::RsaSha512, &RSA_PKCS1_2048_8192_SHA512)?,
        ])))
    }

    fn parse_ec(spki: &SubjectPublicKeyInfoOwned, bytes: &[u8]) -> Result<Self, Reason> {
        let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.decode_as().ok());
        let (own, parameters) = match curve {
            Some(P256) => (SignatureAlgorithm::EcdsaSha256, &ECDSA_P256_SHA256_FIXED),
            Some(P384) => (SignatureAlgorithm::EcdsaSha384, &ECDSA_P384_SHA384_FIXED),
            _ => return Err(Reason::KeyTooWeak),
        };
        let key = ParsedPublicKey::new(parameters, bytes).map_err(|_| Reason::CertMalformed)?;
        Ok(Self(Public::Ecdsa { own, key, point: bytes.to_vec() }))
    }

    /// The family of the key.
    #[must_use]
    pub fn family(&self) -> Family {
        self.algorithm().family()
    }

    /// The algorithm that a signer of this key uses here: RSA-SHA256, or the one of its curve.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        match &self.0 {
            Public::Rsa(_) => SignatureAlgorithm::RsaSha256,
            Public::Ecdsa { own, .. } => *own,
            Public::Gost(key) => key.algorithm(),
        }
    }

    /// [`VerifyingKey::verify`], where the algorithm's name stands for a curve as well (RFC 7518 §3.4,
    /// RFC 9421 §3.3.4).
    ///
    /// # Errors
    /// As there.
    pub fn verify_on_curve(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        match &self.0 {
            Public::Ecdsa { own, .. } if *own != algorithm => Err(Reason::AlgKeyMismatch),
            _ => self.verify(algorithm, message, signature),
        }
    }

    /// Verifies `signature` over `message`: ECDSA as r‖s (XMLDSig §6.4.3 and RFC 4050), ГОСТ as the
    /// НУЦ writes it, r‖s with the last byte first.
    ///
    /// # Errors
    /// `alg_key_mismatch` when this key has nothing to do with the algorithm, else `bad_signature`.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        let is_signed = match &self.0 {
            Public::Rsa(parsed) => {
                let found = parsed.iter().find(|(known, _)| *known == algorithm);
                let (_, key) = found.ok_or(Reason::AlgKeyMismatch)?;
                key.verify_sig(message, signature).is_ok()
            }
            Public::Ecdsa { own, key, .. } if *own == algorithm => {
                key.verify_sig(message, signature).is_ok()
            }
            Public::Ecdsa { own, point, .. } => {
                let parameters = other_digest(*own, algorithm).ok_or(Reason::AlgKeyMismatch)?;
                let sequence = ecdsa::sequence(*own, signature).ok_or(Reason::BadSignature)?;
                UnparsedPublicKey::new(parameters, point).verify(message, &sequence).is_ok()
            }
            Public::Gost(key) if key.algorithm() == algorithm => key.verify(message, signature),
            Public::Gost(_) => return Err(Reason::AlgKeyMismatch),
        };
        if is_signed { Ok(()) } else { Err(Reason::BadSignature) }
    }
}

/// A curve under another digest than its own (FIPS 186-5 §6.4): what `openssl cms` makes of P-384 unasked.
fn other_digest(
    own: SignatureAlgorithm,
    named: SignatureAlgorithm,
) -> Option<&'static EcdsaVerificationAlgorithm> {
    use SignatureAlgorithm::{EcdsaSha256, EcdsaSha384, EcdsaSha512};
    match (own, named) {
        (EcdsaSha256, EcdsaSha384) => Some(&ECDSA_P256_SHA384_ASN1),
        (EcdsaSha256, EcdsaSha512) => Some(&ECDSA_P256_SHA512_ASN1),
        (EcdsaSha384, EcdsaSha256) => Some(&ECDSA_P384_SHA256_ASN1),
        (EcdsaSha384, EcdsaSha512) => Some(&ECDSA_P384_SHA512_ASN1),
        _ => None,
    }
}

/// Bits of the modulus and the exponent (capped) of an `RSAPublicKey` (RFC 8017 A.1.1).
fn rsa_size(bytes: &[u8]) -> der::Result<(usize, u64)> {
    let mut reader = SliceReader::new(bytes)?;
    reader.sequence(|inner| {
        let modulus = UintRef::decode(inner)?;
        let exponent = UintRef::decode(inner)?;
        let leading = modulus.as_bytes().first().map_or(0, |byte| byte.leading_zeros() as usize);
        let bits = modulus.as_bytes().len() * 8 - leading;
        let exponent = exponent
            .as_bytes()
            .iter()
            .fold(0_u64, |sum, &byte| sum.saturating_mul(256).saturating_add(byte.into()));
        Ok((bits, exponent))
    })
}

enum Secret {
    Rsa(Box<rsa::KeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Gost(gost::SecretKey),
}

impl Secret {
    fn belongs_to(&self, certificate: &Certificate) -> bool {
        let public = certificate.public_key_bytes();
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref() == public,
            Self::Ecdsa(pair) => pair.public_key().as_ref() == public,
            Self::Gost(key) => key.has_public(public),
        }
    }
}

/// A private key with its certificate. The key lives in aws-lc or in [`mod@gost`], which wipe it when it is
/// freed.
pub struct Signer {
    secret: Secret,
    algorithm: SignatureAlgorithm,
    certificate: Arc<Certificate>,
    certificate_base64: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("algorithm", &self.algorithm)
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// Reads a private key (PKCS#8, PKCS#1 or SEC1 PEM, not encrypted) and its certificate.
    ///
    /// Of several certificates in the PEM the first one counts. The caller wipes its own buffers.
    ///
    /// # Errors
    /// What is missing, weak, unreadable, or does not belong together.
    pub fn from_pem(key_pem: &[u8], certificate_pem: &[u8]) -> Result<Self, KeyError> {
        let certificate = pem::blocks(certificate_pem)
            .map_err(KeyError::Pem)?
            .into_iter()
            .find(|block| block.label == "CERTIFICATE")
            .ok_or(KeyError::NoCertificate)?;
        let certificate = Certificate::parse(&certificate.der).map_err(KeyError::Certificate)?;
        let key = pem::blocks(key_pem)
            .map_err(KeyError::Pem)?
            .into_iter()
            .find(|block| {
                matches!(block.label.as_str(), "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY")
            })
            .ok_or(KeyError::NoKey)?;
        Self::pair(&key, certificate)
    }

    /// A key and the certificate that must be its own.
    pub(super) fn pair(key: &pem::Block, certificate: Certificate) -> Result<Self, KeyError> {
        let algorithm = certificate.key().algorithm();
        let secret = match algorithm {
            SignatureAlgorithm::EcdsaSha256 => of_curve(key, &ECDSA_P256_SHA256_FIXED_SIGNING)?,
            SignatureAlgorithm::EcdsaSha384 => of_curve(key, &ECDSA_P384_SHA384_FIXED_SIGNING)?,
            one if one.family().is_gost() => of_gost(key)?,
            _ => of_rsa(key)?,
        };
        if !secret.belongs_to(&certificate) {
            return Err(KeyError::Mismatch);
        }
        let certificate_base64 = STANDARD.encode(certificate.der());
        Ok(Self { secret, algorithm, certificate: Arc::new(certificate), certificate_base64 })
    }

    /// The family of the key.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.algorithm.family()
    }

    /// The algorithm that [`Signer::sign`] uses: RSA-SHA256, ECDSA with the curve's own SHA-2, or ГОСТ.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    #[must_use]
    pub const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// The certificate as base64 without line ends, for KeyInfo.
    #[must_use]
    pub fn certificate_base64(&self) -> &str {
        &self.certificate_base64
    }

    /// Signs; ECDSA yields r‖s of fixed length, as XMLDSig and JWS want it, ГОСТ what the НУЦ writes.
    ///
    /// # Errors
    /// The random source or the key failed.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.secret {
            Secret::Rsa(pair) => {
                let mut signature = vec![0_u8; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| KeyError::Signing)?;
                Ok(signature)
            }
            Secret::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| KeyError::Signing)?;
                Ok(signature.as_ref().to_vec())
            }
            Secret::Gost(key) => key.sign(message).ok_or(KeyError::Signing),
        }
    }
}

fn of_rsa(key: &pem::Block) -> Result<Secret, KeyError> {
    let pair = match key.label.as_str() {
        "RSA PRIVATE KEY" => rsa::KeyPair::from_der(&key.der),
        _ => rsa::KeyPair::from_pkcs8(&key.der),
    };
    let pair = pair.map_err(|error| KeyError::Rejected(error.to_string()))?;
    Ok(Secret::Rsa(Box::new(pair)))
}

fn of_curve(key: &pem::Block, curve: &'static EcdsaSigningAlgorithm) -> Result<Secret, KeyError> {
    let pair = match key.label.as_str() {
        "EC PRIVATE KEY" => EcdsaKeyPair::from_private_key_der(curve, &key.der),
        _ => EcdsaKeyPair::from_pkcs8(curve, &key.der),
    };
    let pair = pair.map_err(|error| KeyError::Rejected(error.to_string()))?;
    Ok(Secret::Ecdsa(Box::new(pair)))
}

fn of_gost(key: &pem::Block) -> Result<Secret, KeyError> {
    let found = gost::SecretKey::from_pkcs8(&key.der);
    found.map(Secret::Gost).ok_or_else(|| KeyError::Rejected("no PKCS#8 of a ГОСТ key".into()))
}
