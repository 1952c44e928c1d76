//! All lists at hand, and what they say of a certificate together.

use super::mark::Mark;
use super::scope::ALL_REASONS;
use super::{Crl, CrlError, Listed, RevocationReason};
use crate::sign::trust::link::Link;
use crate::sign::trust::status::{Status, Why};
use std::sync::Arc;

/// How far ahead another clock may be, seconds.
const SKEW_S: i64 = 60;

/// Lists that are kept; НУЦ has two for each of its authorities.
pub const CRLS_MAX: usize = 1024;

/// Lists by their issuers. A shelf is not changed but made anew, and swapped.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    crls: Vec<Arc<Crl>>,
    /// The newest list of each, also of those that are gone; at most [`CRLS_MAX`].
    marks: Vec<Mark>,
}

/// What the lists say, and which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub status: Status,
    /// The lists that were read.
    read: Vec<Arc<Crl>>,
    /// Until when it holds: the first next list.
    pub until_unix_s: i64,
}

impl Finding {
    /// The lists that were read, for the journal: number and SHA-256 of each.
    #[must_use]
    pub fn evidence(&self) -> String {
        self.read.iter().map(|crl| crl.evidence()).collect::<Vec<_>>().join(", ")
    }
}

impl Shelf {
    /// This shelf with one list more; it takes the place of the one before it.
    ///
    /// # Errors
    /// `Replayed` for a list that is older than one taken before, by its number or its day; `FromFuture`.
    pub fn with(&self, crl: Crl, now_unix_s: i64) -> Result<Self, CrlError> {
        if crl.this_update_unix_s > now_unix_s + SKEW_S {
            return Err(CrlError::FromFuture);
        }
        let mark = Mark::of(&crl);
        if self.marks.iter().any(|known| mark.is_older(known)) {
            return Err(CrlError::Replayed);
        }
        let mut next = self.clone();
        if let Some(known) = next.crls.iter_mut().find(|known| crl.is_after(known)) {
            *known = Arc::new(crl);
        } else if next.crls.len() >= CRLS_MAX {
            return Err(CrlError::TooLarge);
        } else {
            next.crls.push(Arc::new(crl));
        }
        next.put(mark);
        Ok(next)
    }

    /// How new the newest list of each authority is, a line each: for [`Shelf::with_marks`] after a restart.
    #[must_use]
    pub fn marks(&self) -> String {
        self.marks.iter().map(Mark::line).collect()
    }

    /// This shelf, to which no list goes that is older than these marks say; and how many lines of the
    /// text are no marks.
    #[must_use]
    pub fn with_marks(&self, text: &str) -> (Self, usize) {
        let (mut next, mut strange) = (self.clone(), 0);
        for line in text.split_inclusive('\n') {
            let Some(mark) = Mark::read(line) else {
                strange += 1;
                continue;
            };
            let known = next.marks.iter().find(|known| known.is_beside(&mark));
            if known.is_none_or(|known| known.is_older(&mark) && !mark.is_older(known)) {
                next.put(mark);
            }
        }
        (next, strange)
    }

    /// A mark in the place of the one before it; the one that changed longest ago goes where there are too many.
    fn put(&mut self, mark: Mark) {
        self.marks.retain(|known| !known.is_beside(&mark));
        if self.marks.len() >= CRLS_MAX {
            self.marks.remove(0);
        }
        self.marks.push(mark);
    }

    /// The lists at hand.
    #[must_use]
    pub fn crls(&self) -> &[Arc<Crl>] {
        &self.crls
    }

    /// The lists whose issuers are still believed.
    #[must_use]
    pub fn of<'a>(&self, authorities: impl Iterator<Item = &'a Link> + Clone) -> Self {
        let is_kept = |crl: &&Arc<Crl>| authorities.clone().any(|one| crl.is_of(one));
        let crls = self.crls.iter().filter(is_kept).map(Arc::clone).collect();
        Self { crls, marks: self.marks.clone() }
    }

    /// What the lists of `issuer` say of `certificate`; `None` where there is none of them.
    ///
    /// Good is said only where current lists cover every reason. Once an issuer gives out deltas, the
    /// last one must be current too: its base alone is old by months.
    #[must_use]
    pub fn look_up(&self, certificate: &Link, issuer: &Link, now_unix_s: i64) -> Option<Finding> {
        let speaks = |crl: &&Arc<Crl>| {
            crl.is_of(issuer) && issuer.may_sign_crls() && crl.scope.covers(certificate)
        };
        let (deltas, bases): (Vec<_>, Vec<_>) =
            self.crls.iter().filter(speaks).partition(|crl| crl.is_delta());
        if bases.is_empty() && deltas.is_empty() {
            return None;
        }
        let (mut reasons, mut revoked, mut why) = (0, None, Why::CrlMissing);
        let mut until_unix_s = i64::MAX;
        let mut read = Vec::new();
        for base in bases {
            let own: Vec<_> = deltas.iter().filter(|delta| delta.completes(base)).collect();
            let last = own.into_iter().max_by_key(|delta| delta.this_update_unix_s);
            let both = std::iter::once(base).chain(last.copied());
            read.extend(both.clone().map(Arc::clone));
            // What is revoked stays so, however old the list is that says it.
            revoked = revoked.or(told(base, last.copied(), certificate));
            if both.clone().all(|crl| crl.is_current(now_unix_s)) {
                reasons |= base.scope.reasons;
                until_unix_s = both.map(|crl| crl.next_update_unix_s).fold(until_unix_s, i64::min);
            } else {
                why = Why::CrlStale;
            }
        }
        let status = match revoked {
            Some(listed) => Status::Revoked { reason: listed.reason, at_unix_s: listed.at_unix_s },
            None if reasons == ALL_REASONS => Status::Good,
            None => Status::Unknown(why),
        };
        Some(Finding { status, read, until_unix_s })
    }
}

/// What a base and its delta say together.
fn told(base: &Crl, delta: Option<&Arc<Crl>>, certificate: &Link) -> Option<Listed> {
    let in_base = base.listed(&certificate.serial);
    match delta.and_then(|delta| delta.listed(&certificate.serial)) {
        None => in_base,
        // Only a hold can end (RFC 5280 §5.3.1).
        Some(Listed { reason: RevocationReason::REMOVE_FROM_CRL, .. }) => {
            in_base.filter(|listed| listed.reason != RevocationReason::CERTIFICATE_HOLD)
        }
        Some(listed) => Some(listed),
    }
}

impl Crl {
    /// Whether it takes the place of `known`: same issuer, key, kind and scope.
    fn is_after(&self, known: &Self) -> bool {
        self.issuer == known.issuer
            && self.signer == known.signer
            && self.is_delta() == known.is_delta()
            && self.scope == known.scope
    }

    /// Whether this delta speaks of what changed since `base` (RFC 5280 §5.2.4). Numbers of deltas and
    /// of bases may run apart: measured.
    fn completes(&self, base: &Self) -> bool {
        let by_length = |number: &Vec<u8>| (number.len(), number.clone());
        self.scope == base.scope
            && self.this_update_unix_s >= base.this_update_unix_s
            && self
                .base_number
                .as_ref()
                .is_some_and(|needed| by_length(needed) <= by_length(&base.number))
    }
}
