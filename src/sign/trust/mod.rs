//! Whom we believe: pinned certificates, and chains to the roots that the operator loaded.
//!
//! No trust anchor is built in. [`Trust::judge`] says on what a certificate is believed, over which
//! chain and until when; whether it was revoked meanwhile, lists ([`crl`]) and responders ([`ocsp`]) say.

mod anchors;
pub mod crl;
mod link;
pub mod ocsp;
mod path;
mod serial;
mod signed;
pub mod status;

pub use anchors::{Loaded, Role, TrustError};
pub use link::{Days, Link};

use super::Reason;
use super::algorithm::Family;
use super::certificate::{Certificate, CertificateCache};
use anchors::Anchors;
use arc_swap::ArcSwap;
use crl::shelf::Shelf;
use crl::{Crl, CrlError};
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

/// Judgements that are remembered; beyond it the memory starts anew.
const JUDGED_MAX: usize = 4096;

/// On what a certificate is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// This very certificate stands in the trust files.
    Pinned,
    /// A chain leads to a root in the trust files.
    Chain,
}

/// A favourable judgement and the seconds for which it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub basis: Basis,
    /// The latest beginning in the chain.
    pub from_unix_s: i64,
    /// The earliest end in the chain, inclusive.
    pub until_unix_s: i64,
    /// The certificate, the authorities above it, the anchor; the certificate alone where it is pinned
    /// and its issuer is not known.
    pub path: Arc<[Arc<Link>]>,
}

impl Judged {
    const fn holds_at(&self, at_unix_s: i64) -> bool {
        self.from_unix_s <= at_unix_s && at_unix_s <= self.until_unix_s
    }

    /// The certificate and its issuer, where that is known.
    #[must_use]
    pub fn certificate(&self) -> Option<(&Arc<Link>, Option<&Arc<Link>>)> {
        self.path.first().map(|own| (own, self.path.get(1)))
    }
}

/// Trust files, and what was judged by them.
#[derive(Default)]
struct Believed {
    anchors: Anchors,
    judged: ArcSwap<HashMap<[u8; 32], Judged>>,
}

/// The certificates that the operator loaded, and what was judged by them.
#[derive(Default)]
pub struct Trust {
    believed: ArcSwap<Believed>,
    certificates: CertificateCache,
    shelf: ArcSwap<Shelf>,
    /// Held by whoever changes files or shelf: readers take no lock.
    changing: Mutex<()>,
    allows_unverified: bool,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let anchors = &self.believed.load().anchors;
        write!(f, "Trust({} pins, {} anchors)", anchors.pins.len(), anchors.anchors.len())
    }
}

impl Trust {
    /// Takes files, PEM or DER (name for errors, content): roots, intermediates, signers' own certificates.
    ///
    /// Every certificate is also a pin for itself.
    ///
    /// # Errors
    /// The file that holds no certificate or a broken one.
    pub fn load<N: Display, P: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (N, P)>,
    ) -> Result<Self, TrustError> {
        let trust = Self::default();
        trust.swap(files)?;
        Ok(trust)
    }

    /// Whether keys of ГОСТ Р 34.10-2015 with 256 bits are believed, whose layout in certificates of the
    /// НУЦ nobody could measure; off unless the operator says so.
    #[must_use]
    pub fn with_unverified(self, allows_unverified: bool) -> Self {
        Self { allows_unverified, ..self }
    }

    /// Takes other trust files in place of those in use; what was judged is forgotten, and lists of
    /// authorities that are gone are too.
    ///
    /// # Errors
    /// As [`Trust::load`]; then those in use stay.
    pub fn swap<N: Display, P: AsRef<[u8]>>(
        &self,
        files: impl IntoIterator<Item = (N, P)>,
    ) -> Result<(), TrustError> {
        let anchors = Anchors::read(files)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        anchors.signers.iter().for_each(|signer| self.certificates.keep(signer));
        self.shelf.rcu(|shelf| shelf.of(anchors.authorities()));
        self.believed.store(Arc::new(Believed { anchors, judged: ArcSwap::default() }));
        Ok(())
    }

    /// Takes over the lists of the trust `before` a change, as far as their issuers are believed here:
    /// no moment without them, and no older ones instead.
    pub fn adopt(&self, before: &Self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let believed = self.believed.load();
        self.shelf.store(Arc::new(before.shelf().of(believed.anchors.authorities())));
    }

    /// The certificates parsed so far; what is judged well is kept there.
    #[must_use]
    pub const fn certificates(&self) -> &CertificateCache {
        &self.certificates
    }

    /// Every certificate of the trust files whose key can verify messages.
    #[must_use]
    pub fn signers(&self) -> Vec<Arc<Certificate>> {
        self.believed.load().anchors.signers.clone()
    }

    /// Every certificate of the trust files, in their order.
    #[must_use]
    pub fn loaded(&self) -> Vec<Loaded> {
        self.believed.load().anchors.loaded.clone()
    }

    /// Reads a list (DER) of an authority of the trust files and puts it on the shelf.
    ///
    /// # Errors
    /// Why it is not used; what is on the shelf stays.
    pub fn shelve(&self, der: &[u8], now_unix_s: i64) -> Result<Arc<Crl>, CrlError> {
        let crl = Crl::read(der, self.believed.load().anchors.authorities())?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let sha256 = crl.sha256();
        let shelf = Arc::new(self.shelf.load().with(crl, now_unix_s)?);
        let kept = shelf.crls().iter().find(|one| one.sha256() == sha256).cloned();
        self.shelf.store(shelf);
        kept.ok_or(CrlError::Replayed)
    }

    /// Takes no list that is older than [`Shelf::marks`] said before a restart; returns how many lines
    /// are none of its lines.
    pub fn remember(&self, marks: &str) -> usize {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (shelf, strange) = self.shelf.load().with_marks(marks);
        self.shelf.store(Arc::new(shelf));
        strange
    }

    /// The lists at hand.
    #[must_use]
    pub fn shelf(&self) -> Arc<Shelf> {
        self.shelf.load_full()
    }

    /// Whether this certificate is believed at that time.
    ///
    /// # Errors
    /// `cert_expired`, `cert_not_yet_valid`, `cert_unknown`, `cert_path`, `cert_usage`; `key_type_forbidden`
    /// for what [`Trust::with_unverified`] has not let in.
    pub fn judge(&self, certificate: &Arc<Certificate>, at_unix_s: i64) -> Result<Judged, Reason> {
        let believed = self.believed.load();
        let identity = certificate.sha256();
        if let Some(judged) = believed.judged.load().get(&identity)
            && judged.holds_at(at_unix_s)
        {
            return Ok(judged.clone());
        }
        let is_fit = path::is_for_messages;
        let judged = self.judge_anew(&believed, certificate, at_unix_s, is_fit)?;
        believed.remember(identity, &judged);
        self.certificates.keep(certificate);
        Ok(judged)
    }

    /// Whether this certificate of a timestamping authority is believed at that time. It is not
    /// remembered: whose stamps are believed is not believed in messages.
    ///
    /// # Errors
    /// As [`Trust::judge`].
    pub fn judge_timestamping(
        &self,
        certificate: &Certificate,
        at_unix_s: i64,
    ) -> Result<Judged, Reason> {
        self.judge_anew(&self.believed.load(), certificate, at_unix_s, Certificate::may_sign)
    }

    fn judge_anew(
        &self,
        believed: &Believed,
        certificate: &Certificate,
        at_unix_s: i64,
        is_fit: fn(&Certificate) -> bool,
    ) -> Result<Judged, Reason> {
        if certificate.family() == Family::Gost2015x256 && !self.allows_unverified {
            return Err(Reason::KeyTypeForbidden);
        }
        certificate.check_days(at_unix_s)?;
        believed.judge(certificate, at_unix_s, self.allows_unverified, is_fit)
    }
}

impl Believed {
    fn judge(
        &self,
        certificate: &Certificate,
        at_unix_s: i64,
        allows_unverified: bool,
        is_fit: fn(&Certificate) -> bool,
    ) -> Result<Judged, Reason> {
        let chain = path::find(&self.anchors, certificate, at_unix_s, allows_unverified, is_fit);
        if !self.anchors.pins.contains(&certificate.sha256()) {
            let path = chain?;
            let days = path::days(&path).ok_or(Reason::CertPath)?;
            return Ok(Judged {
                basis: Basis::Chain,
                from_unix_s: days.from_unix_s,
                until_unix_s: days.until_unix_s,
                path: path.into(),
            });
        }
        // An authority that the operator trusts signs certificates, and no messages unless it says so.
        if !certificate.may_sign() {
            return Err(Reason::CertUsage);
        }
        // What is pinned needs no chain; where there is one, its issuer can be asked about it.
        let path = match chain {
            Ok(path) => path,
            Err(_) => vec![Arc::new(Link::read(certificate.der())?)],
        };
        Ok(Judged {
            basis: Basis::Pinned,
            from_unix_s: certificate.not_before_unix_s(),
            until_unix_s: certificate.not_after_unix_s(),
            path: path.into(),
        })
    }

    fn remember(&self, identity: [u8; 32], judged: &Judged) {
        self.judged.rcu(|known| {
            let mut known =
                if known.len() < JUDGED_MAX { HashMap::clone(known) } else { HashMap::new() };
            known.insert(identity, judged.clone());
            known
        });
    }
}
