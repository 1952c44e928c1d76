//! The operator's trust files, read: anchors, authorities between, and certificates believed as such.

use super::super::certificate::{Certificate, sha256};
use super::super::pem;
use super::link::Link;
use qaqpa_kit::hex;
use rustls::pki_types::{CertificateDer, TrustAnchor};
use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;

/// Why a trust file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("{file}: {cause}")]
    Pem { file: String, cause: String },
    #[error("{file}: no certificate in it, as PEM or DER")]
    Empty { file: String },
    #[error("{file}: certificate {number} cannot be read")]
    Malformed { file: String, number: usize },
}

/// What a certificate of the trust files is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Chains end here.
    Anchor,
    /// Chains lead over it.
    Between,
    /// Nothing but itself is believed.
    Pin,
}

impl Role {
    /// The word that operators read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Between => "authority between",
            Self::Pin => "pin",
        }
    }
}

/// A certificate of the trust files, for people to compare with what the authority made public.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub file: String,
    pub role: Role,
    pub link: Arc<Link>,
}

impl Loaded {
    /// SHA-256 of the DER in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::lower(&self.link.sha256())
    }
}

/// The trust files of one moment.
#[derive(Default)]
pub(super) struct Anchors {
    pub(super) pins: HashSet<[u8; 32]>,
    pub(super) signers: Vec<Arc<Certificate>>,
    pub(super) anchors: Vec<(TrustAnchor<'static>, Arc<Link>)>,
    pub(super) between: Vec<CertificateDer<'static>>,
    pub(super) loaded: Vec<Loaded>,
}

impl Anchors {
    /// Takes files, PEM or DER (name for errors, content).
    ///
    /// An authority whose own key signed it, and one whose issuer is not among the files, is an anchor;
    /// other authorities stand between. One that bears its issuer's name and was signed by another key
    /// of it (RFC 4210 §4.4: a new key, by the old one) stands between.
    pub(super) fn read<N: Display, P: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (N, P)>,
    ) -> Result<Self, TrustError> {
        let mut links = Vec::new();
        for (name, pem) in files {
            let file = name.to_string();
            for link in read(&file, pem.as_ref())? {
                links.push((file.clone(), Arc::new(link)));
            }
        }
        let authorities: Vec<_> =
            links.iter().map(|(_, link)| Arc::clone(link)).filter(|link| link.is_ca).collect();
        let mut read = Self::default();
        for (file, link) in links {
            read.pins.insert(link.sha256);
            read.signers.extend(Certificate::parse(&link.der).ok().map(Arc::new));
            let role = read.place(&link, &authorities);
            read.loaded.push(Loaded { file, role, link });
        }
        Ok(read)
    }

    fn place(&mut self, link: &Arc<Link>, authorities: &[Arc<Link>]) -> Role {
        if !link.is_ca {
            return Role::Pin;
        }
        let mut others = authorities.iter().filter(|other| other.sha256 != link.sha256);
        let is_anchor = if link.is_self_issued() {
            link.is_signed_by(link) || !others.any(|other| link.is_signed_by(other))
        } else {
            !others.any(|other| link.issuer == other.subject)
        };
        match webpki::anchor_from_trusted_cert(&link.der) {
            Ok(anchor) if is_anchor => {
                self.anchors.push((anchor.to_owned(), Arc::clone(link)));
                Role::Anchor
            }
            _ => {
                self.between.push(link.der.clone());
                Role::Between
            }
        }
    }

    /// Every authority among the files.
    pub(super) fn authorities(&self) -> impl Iterator<Item = &Link> + Clone {
        let is_authority = |loaded: &&Loaded| loaded.role != Role::Pin;
        self.loaded.iter().filter(is_authority).map(|loaded| &*loaded.link)
    }

    /// The certificate of the files with this DER.
    pub(super) fn of(&self, der: &[u8]) -> Option<Arc<Link>> {
        let identity = sha256(der);
        let mut own = self.loaded.iter().filter(|loaded| loaded.link.sha256 == identity);
        own.next().map(|loaded| Arc::clone(&loaded.link))
    }
}

fn read(file: &str, content: &[u8]) -> Result<Vec<Link>, TrustError> {
    let certificates = pem::certificates(content)
        .map_err(|cause| TrustError::Pem { file: file.to_owned(), cause })?;
    let mut links = Vec::new();
    for der in certificates {
        let number = links.len() + 1;
        let link = Link::read(&der);
        links.push(link.map_err(|_| TrustError::Malformed { file: file.to_owned(), number })?);
    }
    if links.is_empty() {
        return Err(TrustError::Empty { file: file.to_owned() });
    }
    Ok(links)
}
