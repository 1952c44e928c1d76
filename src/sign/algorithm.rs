//! The allow-list of signatures: their URIs in XMLDSig (RFC 9231, НУЦ РК), their OIDs in certificates and CMS.

pub use super::digest::{Digest, DigestAlgorithm, Hasher};

use der::asn1::ObjectIdentifier;

pub(super) const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// The family of a key: what `answer_signature = "as_caller"` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// RSA of at least 2048 bits, PKCS#1 v1.5.
    Rsa,
    /// ECDSA on P-256 or P-384.
    Ecdsa,
    /// ГОСТ 34.310-2004, 256 bits: still the certification authority of the state bodies.
    Gost2004,
    /// ГОСТ Р 34.10-2015, 256 bits. Seen in no public certificate: off unless configured.
    Gost2015x256,
    /// ГОСТ Р 34.10-2015, 512 bits: what the НУЦ issues.
    Gost2015x512,
}

impl Family {
    /// The word used in tables, metrics and the journal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ecdsa => "ecdsa",
            Self::Gost2004 => "gost2004",
            Self::Gost2015x256 => "gost2015_256",
            Self::Gost2015x512 => "gost2015_512",
        }
    }

    /// Whether it is one of the country's own.
    #[must_use]
    pub const fn is_gost(self) -> bool {
        matches!(self, Self::Gost2004 | Self::Gost2015x256 | Self::Gost2015x512)
    }
}

/// A signature algorithm that SignedInfo may name; HMAC, DSA and everything over SHA-1 is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
    /// Read, never written: the digest of no curve that we take.
    EcdsaSha512,
    /// ГОСТ 34.310-2004 over ГОСТ 34.311-95.
    Gost2004,
    /// ГОСТ Р 34.10-2015 over ГОСТ Р 34.11-2015, both of 256 bits.
    Gost2015x256,
    /// ГОСТ Р 34.10-2015 over ГОСТ Р 34.11-2015, both of 512 bits.
    Gost2015x512,
}

impl SignatureAlgorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::RsaSha256,
        Self::RsaSha384,
        Self::RsaSha512,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::Gost2004,
        Self::Gost2015x256,
        Self::Gost2015x512,
    ];

    /// Its URI in `SignatureMethod/@Algorithm`: the one that we write.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Self::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Self::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Self::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Self::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
            Self::EcdsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
            Self::Gost2004 => "http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311",
            Self::Gost2015x256 => {
                "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-256"
            }
            Self::Gost2015x512 => {
                "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512"
            }
        }
    }

    /// A second URI by which others name the same algorithm; read, never written.
    const fn uri_of_others(self) -> Option<&'static str> {
        match self {
            Self::Gost2015x256 => {
                Some("urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102012-gostr34112012-256")
            }
            Self::Gost2015x512 => {
                Some("urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102012-gostr34112012-512")
            }
            _ => None,
        }
    }

    /// The algorithm of that URI, if it is allowed.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.uri() == uri || one.uri_of_others() == Some(uri))
    }

    /// Its OID in certificates, CRLs and CMS.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::RsaSha256 => oid("1.2.840.113549.1.1.11"),
            Self::RsaSha384 => oid("1.2.840.113549.1.1.12"),
            Self::RsaSha512 => oid("1.2.840.113549.1.1.13"),
            Self::EcdsaSha256 => oid("1.2.840.10045.4.3.2"),
            Self::EcdsaSha384 => oid("1.2.840.10045.4.3.3"),
            Self::EcdsaSha512 => oid("1.2.840.10045.4.3.4"),
            Self::Gost2004 => oid("1.2.398.3.10.1.1.1.2"),
            Self::Gost2015x256 => oid("1.2.398.3.10.1.1.2.3.1"),
            Self::Gost2015x512 => oid("1.2.398.3.10.1.1.2.3.2"),
        }
    }

    /// The OID of the keys that it needs (in a SubjectPublicKeyInfo).
    #[must_use]
    pub const fn key_oid(self) -> ObjectIdentifier {
        match self {
            Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => oid("1.2.840.113549.1.1.1"),
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => oid("1.2.840.10045.2.1"),
            Self::Gost2004 => oid("1.2.398.3.10.1.1.1.1"),
            Self::Gost2015x256 => oid("1.2.398.3.10.1.1.2.1"),
            Self::Gost2015x512 => oid("1.2.398.3.10.1.1.2.2"),
        }
    }

    /// The algorithm of a SignerInfo (RFC 5652 §5.3): its `signatureAlgorithm` is the signature's own OID,
    /// or, as older software writes it, the key's; the digest decides which one is meant.
    #[must_use]
    pub fn from_oid(oid: ObjectIdentifier, digest: DigestAlgorithm) -> Option<Self> {
        Self::ALL
            .into_iter()
            .filter(|one| one.digest() == digest)
            .find(|one| one.oid() == oid || one.key_oid() == oid)
    }

    /// The digest inside it.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => DigestAlgorithm::Sha256,
            Self::RsaSha384 | Self::EcdsaSha384 => DigestAlgorithm::Sha384,
            Self::RsaSha512 | Self::EcdsaSha512 => DigestAlgorithm::Sha512,
            Self::Gost2004 => DigestAlgorithm::Gost34311,
            Self::Gost2015x256 => DigestAlgorithm::Streebog256,
            Self::Gost2015x512 => DigestAlgorithm::Streebog512,
        }
    }

    /// The family of keys that it needs.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => Family::Rsa,
            Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => Family::Ecdsa,
            Self::Gost2004 => Family::Gost2004,
            Self::Gost2015x256 => Family::Gost2015x256,
            Self::Gost2015x512 => Family::Gost2015x512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_algorithm_has_no_name_here() {
        for uri in [
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
            "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102001-gostr3411",
            "",
        ] {
            assert_eq!(SignatureAlgorithm::from_uri(uri), None);
        }
    }

    #[test]
    fn an_allowed_algorithm_is_found_by_its_own_names_and_by_those_of_others() {
        for one in SignatureAlgorithm::ALL {
            let uris = [Some(one.uri()), one.uri_of_others()];
            assert!(
                uris.into_iter()
                    .flatten()
                    .all(|uri| SignatureAlgorithm::from_uri(uri) == Some(one))
            );
            for oid in [one.oid(), one.key_oid()] {
                assert_eq!(SignatureAlgorithm::from_oid(oid, one.digest()), Some(one));
            }
        }
    }

    #[test]
    fn an_algorithm_and_a_digest_that_do_not_belong_together_name_nothing() {
        let oid = SignatureAlgorithm::Gost2015x512.oid();
        assert_eq!(SignatureAlgorithm::from_oid(oid, DigestAlgorithm::Streebog256), None);
        let oid = SignatureAlgorithm::RsaSha256.oid();
        assert_eq!(SignatureAlgorithm::from_oid(oid, DigestAlgorithm::Sha512), None);
    }
}
