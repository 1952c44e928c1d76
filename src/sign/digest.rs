//! The allow-list of digests, by the names that XMLDSig and CMS give them; and one way to compute them all.

use super::algorithm::oid;
use aws_lc_rs::digest;
use der::asn1::ObjectIdentifier;
use gost94::Gost94Test;
use streebog::digest::Digest as _;
use streebog::{Streebog256, Streebog512};

/// A digest that a Reference may use; SHA-1 and MD5 are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    Sha256,
    Sha384,
    Sha512,
    /// ГОСТ 34.311-95 with the S-box of its example, as the НУЦ uses it: 256 bits.
    Gost34311,
    /// ГОСТ Р 34.11-2015 (RFC 6986), 256 bits.
    Streebog256,
    /// ГОСТ Р 34.11-2015 (RFC 6986), 512 bits.
    Streebog512,
}

impl DigestAlgorithm {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Gost34311,
        Self::Streebog256,
        Self::Streebog512,
    ];

    /// Its URI in `DigestMethod/@Algorithm`: the one that we write.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Self::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Self::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
            Self::Gost34311 => "http://www.w3.org/2001/04/xmldsig-more#gost34311",
            Self::Streebog256 => {
                "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-256"
            }
            Self::Streebog512 => {
                "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-512"
            }
        }
    }

    /// A second URI by which others name the same algorithm; read, never written.
    const fn uri_of_others(self) -> Option<&'static str> {
        match self {
            Self::Streebog256 => {
                Some("urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34112012-256")
            }
            Self::Streebog512 => {
                Some("urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34112012-512")
            }
            _ => None,
        }
    }

    /// The algorithm of that URI, if it is allowed.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.uri() == uri || one.uri_of_others() == Some(uri))
    }

    /// Its OID in CMS, TSP and OCSP.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => oid("2.16.840.1.101.3.4.2.1"),
            Self::Sha384 => oid("2.16.840.1.101.3.4.2.2"),
            Self::Sha512 => oid("2.16.840.1.101.3.4.2.3"),
            Self::Gost34311 => oid("1.2.398.3.10.1.3.1"),
            Self::Streebog256 => oid("1.2.398.3.10.1.3.2"),
            Self::Streebog512 => oid("1.2.398.3.10.1.3.3"),
        }
    }

    /// The algorithm of that OID, if it is allowed.
    #[must_use]
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.oid() == oid)
    }

    /// A running digest.
    #[must_use]
    pub fn start(self) -> Hasher {
        Hasher(match self {
            Self::Sha256 => State::Sha2(digest::Context::new(&digest::SHA256)),
            Self::Sha384 => State::Sha2(digest::Context::new(&digest::SHA384)),
            Self::Sha512 => State::Sha2(digest::Context::new(&digest::SHA512)),
            Self::Gost34311 => State::Gost34311(Box::default()),
            Self::Streebog256 => State::Streebog256(Box::default()),
            Self::Streebog512 => State::Streebog512(Box::default()),
        })
    }

    /// The digest of these bytes.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> Digest {
        let mut hasher = self.start();
        hasher.update(bytes);
        hasher.finish()
    }
}

/// A digest being computed.
pub struct Hasher(State);

enum State {
    Sha2(digest::Context),
    Gost34311(Box<Gost94Test>),
    Streebog256(Box<Streebog256>),
    Streebog512(Box<Streebog512>),
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha2(context) => context.update(bytes),
            State::Gost34311(state) => state.update(bytes),
            State::Streebog256(state) => state.update(bytes),
            State::Streebog512(state) => state.update(bytes),
        }
    }

    /// The digest of everything taken.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha2(context) => Digest::new(context.finish().as_ref()),
            State::Gost34311(state) => Digest::new(&state.finalize()),
            State::Streebog256(state) => Digest::new(&state.finalize()),
            State::Streebog512(state) => Digest::new(&state.finalize()),
        }
    }
}

/// A finished digest of 32, 48 or 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    bytes: [u8; 64],
    length: usize,
}

impl Digest {
    fn new(value: &[u8]) -> Self {
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
        Self { bytes, length: value.len().min(64) }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_digest_has_no_name_here() {
        for uri in [
            "http://www.w3.org/2000/09/xmldsig#sha1",
            "http://www.w3.org/2001/04/xmldsig-more#md5",
            "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr3411",
            "",
        ] {
            assert_eq!(DigestAlgorithm::from_uri(uri), None);
        }
        assert_eq!(DigestAlgorithm::from_oid(oid("1.3.14.3.2.26")), None);
    }

    #[test]
    fn an_allowed_digest_is_found_by_its_own_names_and_by_those_of_others() {
        for one in DigestAlgorithm::ALL {
            let uris = [Some(one.uri()), one.uri_of_others()];
            assert!(
                uris.into_iter().flatten().all(|uri| DigestAlgorithm::from_uri(uri) == Some(one))
            );
            assert_eq!(DigestAlgorithm::from_oid(one.oid()), Some(one));
        }
    }

    fn hex(algorithm: DigestAlgorithm, bytes: &[u8]) -> String {
        qaqpa_kit::hex::lower(algorithm.digest(bytes).as_ref())
    }

    /// RFC 6986 §10.1, whose numbers are printed with the last byte first.
    #[test]
    fn streebog_gives_what_its_standard_shows() {
        let message = b"012345678901234567890123456789012345678901234567890123456789012";
        let expected = "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa\
                        00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48";
        assert_eq!(hex(DigestAlgorithm::Streebog512, message), expected);
        let expected = "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500";
        assert_eq!(hex(DigestAlgorithm::Streebog256, message), expected);
    }

    /// ГОСТ 34.311-95, appendix A.3.1: 32 and 50 bytes (printed there as numbers, last byte first).
    #[test]
    fn the_older_digest_gives_what_its_standard_shows() {
        let message = b"This is message, length=32 bytes";
        let expected = "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa";
        assert_eq!(hex(DigestAlgorithm::Gost34311, message), expected);
        let message = b"Suppose the original message has length = 50 bytes";
        let expected = "471aba57a60a770d3a76130635c1fbea4ef14de51f78b4ae57dd893b62f55208";
        assert_eq!(hex(DigestAlgorithm::Gost34311, message), expected);
    }
}
