//! Whether the certificates that prove a caller were revoked, by lists and responders.
//!
//! Three answers and no guess: good, revoked, or unknown and why; the service says what unknown means.
//! A list at hand is looked up; a responder is asked once for all calls that wait, never longer than a
//! call has, and its answer is asked for anew before it ends.

mod ask;
mod kept;
mod memory;
mod refresh;

pub use refresh::Refresh;

use crate::config::settings::{self, Revocation as Policy, Settings};
use crate::ops::metrics::Metrics;
use crate::sign::trust::crl::shelf::Finding;
use crate::sign::trust::status::{Status, Why};
use crate::sign::trust::{Judged, Link, Trust};
use crate::upstream::{Upstream, UpstreamProblem};
use ask::Asks;
use kept::Kept;
use memory::Memory;
use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::hex;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After a responder failed, calls are not held up by it again for so long.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Revocation for all calls.
pub struct Revocation {
    trust: Arc<Trust>,
    settings: settings::Trust,
    metrics: Arc<Metrics>,
    /// The responder for all certificates, else those that certificates may name.
    responder: Option<Arc<Upstream>>,
    named: Vec<(String, Arc<Upstream>)>,
    lists: Vec<Arc<Upstream>>,
    /// Shared with those before a change of the configuration.
    memory: Arc<Memory>,
    asks: Arc<Asks>,
    /// `trust.crl_seen_file`; shared too, unless its place changed.
    kept: Option<Arc<Kept>>,
}

/// What is known of one certificate, and on what evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub status: Status,
    /// The list or the answer that says so, for the journal.
    pub evidence: String,
}

impl Verdict {
    fn new(status: Status, evidence: impl Into<String>) -> Self {
        Self { status, evidence: evidence.into() }
    }
}

impl Revocation {
    /// Revocation as the settings want it; nobody is asked yet. What was answered `before` a change of
    /// the settings stays known.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn new(
        settings: &Settings,
        trust: &Arc<Trust>,
        metrics: &Arc<Metrics>,
        before: Option<&Self>,
    ) -> Result<Self, UpstreamProblem> {
        let own = &settings.trust;
        let way = |url: &String, bytes_max: usize| {
            let figures = Arc::clone(&metrics.revocation.way);
            Upstream::plain(url, bytes_max, figures).map(Arc::new)
        };
        let answer_bytes_max = crate::sign::trust::ocsp::ANSWER_BYTES_MAX;
        let named = own.ocsp_origins.iter();
        Ok(Self {
            responder: own.ocsp_url.as_ref().map(|url| way(url, answer_bytes_max)).transpose()?,
            named: named
                .map(|origin| Ok((origin.clone(), way(origin, answer_bytes_max)?)))
                .collect::<Result<_, UpstreamProblem>>()?,
            lists: own
                .crl_urls
                .iter()
                .map(|url| way(url, own.crl_bytes_max))
                .collect::<Result<_, _>>()?,
            memory: before.map_or_else(Arc::default, |before| Arc::clone(&before.memory)),
            asks: before.map_or_else(Arc::default, |before| Arc::clone(&before.asks)),
            kept: own.crl_seen_file.as_deref().map(|path| kept(path, before)),
            trust: Arc::clone(trust),
            settings: own.clone(),
            metrics: Arc::clone(metrics),
        })
    }

    /// Writes how new the lists at hand are, where the operator wants it.
    fn keep(&self) {
        if let Some(kept) = &self.kept {
            kept.keep(&self.trust);
        }
    }

    /// Whether a certificate is known to be revoked; nobody is asked and nothing is waited for.
    #[must_use]
    pub fn is_known_revoked(&self, judged: &Judged, now_unix_s: i64) -> bool {
        let listed = self.by_lists(judged, now_unix_s);
        if listed.is_some_and(|found| matches!(found.status, Status::Revoked { .. })) {
            return true;
        }
        judged.certificate().is_some_and(|(own, _)| self.told_revoked(own).is_some())
    }

    /// Whether a certificate was revoked; waits for a responder no longer than `ends`.
    pub async fn status(
        self: &Arc<Self>,
        judged: &Judged,
        now_unix_s: i64,
        ends: Instant,
    ) -> Verdict {
        let listed = self.by_lists(judged, now_unix_s);
        let listed = listed.map(|found| Verdict::new(found.status, found.evidence()));
        if let Some(verdict) = &listed
            && matches!(verdict.status, Status::Revoked { .. })
        {
            return verdict.clone();
        }
        let Some((own, Some(issuer))) = judged.certificate() else {
            // The operator's own word: to end it, take the certificate out of the trust files.
            return Verdict::new(Status::Good, "pinned");
        };
        let Some(way) = self.way(own) else {
            let told = self.told_revoked(own).or(listed);
            return told.unwrap_or_else(|| Verdict::new(Status::Unknown(Why::NoSource), ""));
        };
        let asked = match self.remembered(own, now_unix_s) {
            Some(remembered) => remembered,
            None => {
                let until = ends.min(Instant::now() + self.settings.ocsp_deadline);
                self.ask(way, (Arc::clone(own), Arc::clone(issuer)), until).await
            }
        };
        let asked = asked.or_else(|why| self.told_revoked(own).ok_or(why));
        match (asked, listed) {
            (Ok(verdict), _) if !matches!(verdict.status, Status::Unknown(_)) => verdict,
            // The НИТ's order: the responder, else the lists.
            (_, Some(listed)) if listed.status == Status::Good => listed,
            (Ok(verdict), _) => verdict,
            (Err(why), _) => Verdict::new(Status::Unknown(why), ""),
        }
    }

    /// What was answered before and still holds; why nobody answered, where that was a moment ago.
    fn remembered(&self, own: &Link, now_unix_s: i64) -> Option<Result<Verdict, Why>> {
        let known = self.memory.known(&own.sha256())?;
        known.use_now();
        if let Some(answer) = known.answer_at(now_unix_s) {
            return Some(Ok(Verdict::new(answer.status, known.evidence())));
        }
        let failed = known.failed.filter(|(_, at)| at.elapsed() < REST_AFTER_FAILURE);
        failed.map(|(why, _)| Err(why))
    }

    /// What a responder called revoked, whatever became of it since. Whom it keeps out is in use: it is
    /// asked about until a newer answer lets it in again.
    fn told_revoked(&self, own: &Link) -> Option<Verdict> {
        let known = self.memory.known(&own.sha256())?;
        let status = known.revoked()?.status;
        known.use_now();
        Some(Verdict::new(status, known.evidence()))
    }

    /// What the lists at hand say: of the authorities in the chain only where one is revoked, of the
    /// certificate itself whatever they say. Authorities were laid into the trust files by hand.
    fn by_lists(&self, judged: &Judged, now_unix_s: i64) -> Option<Finding> {
        let shelf = self.trust.shelf();
        let mut own = None;
        let pairs = judged.path.iter().zip(judged.path.iter().skip(1));
        for (at, (below, issuer)) in pairs.enumerate() {
            let Some(found) = shelf.look_up(below, issuer, now_unix_s) else { continue };
            if matches!(found.status, Status::Revoked { .. }) {
                return Some(found);
            }
            if at == 0 {
                own = Some(found);
            }
        }
        own
    }

    /// Judges the certificates that prove a call, as its service wants; returns what the journal keeps.
    ///
    /// # Errors
    /// `pki.revoked`; with `fail_closed` `pki.unavailable` where nobody answered and
    /// `pki.unknown_status` where no answer says that the certificate is good.
    pub async fn check(
        self: &Arc<Self>,
        judged: &Judged,
        policy: Policy,
        now_unix_s: i64,
        ends: Instant,
    ) -> Result<String, Fault> {
        if policy == Policy::Off {
            let is_revoked = self.is_known_revoked(judged, now_unix_s);
            return if is_revoked { Err(revoked()) } else { Ok(String::new()) };
        }
        let verdict = self.status(judged, now_unix_s, ends).await;
        let figures = &self.metrics.revocation;
        figures.verdict(verdict.status);
        let mark = |word: &str| {
            let mut mark = format!("{} {word}{}", verdict.status.word(), verdict.evidence);
            mark.push_str("; chain");
            for link in judged.path.iter() {
                mark.push(' ');
                mark.push_str(&hex::lower(&link.sha256()));
            }
            mark
        };
        match verdict.status {
            Status::Good => Ok(mark("")),
            Status::Revoked { reason, .. } => Err(revoked().because(reason.word())),
            Status::Unknown(why) if policy == Policy::DegradeAndMark => {
                figures.degraded.inc();
                tracing::warn!(why = why.word(), "revocation is not known; the call goes on");
                Ok(mark(why.word()))
            }
            Status::Unknown(why) => Err(unknown(why)),
        }
    }

    /// The responder for a certificate and the path there: the configured one, else one that the
    /// certificate names and the operator allows. Nobody makes us ask anywhere else.
    fn way(&self, certificate: &Link) -> Option<(Arc<Upstream>, String)> {
        if let Some(responder) = &self.responder {
            return Some((Arc::clone(responder), String::new()));
        }
        certificate.ocsp_urls().iter().find_map(|url| {
            self.named.iter().find_map(|(origin, upstream)| {
                let path = below(url, origin)?;
                Some((Arc::clone(upstream), path.to_owned()))
            })
        })
    }
}

/// What is known of this file goes on over a change of the settings.
fn kept(path: &Path, before: Option<&Revocation>) -> Arc<Kept> {
    let known = before.and_then(|before| before.kept.as_ref()).filter(|kept| kept.is_at(path));
    known.map_or_else(|| Arc::new(Kept::new(path)), Arc::clone)
}

/// The path of an address at this very origin; `None` where it leads anywhere else.
fn below<'u>(url: &'u str, origin: &str) -> Option<&'u str> {
    let path = url.strip_prefix(origin)?;
    (path.is_empty() || path.starts_with('/')).then_some(path)
}

fn revoked() -> Fault {
    Fault::new(Code::PkiRevoked, Phase::Verify, "cert_revoked")
}

fn unknown(why: Why) -> Fault {
    let code = match why {
        Why::OcspDown | Why::OcspSlow | Why::OcspRefused | Why::OcspBusy => Code::PkiUnavailable,
        _ => Code::PkiUnknownStatus,
    };
    Fault::new(code, Phase::Verify, why.word())
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn an_address_that_only_begins_like_an_allowed_one_leads_nowhere() {
        let origin = "http://ocsp.example";
        assert_eq!(below("http://ocsp.example/a?b", origin), Some("/a?b"));
        assert_eq!(below("http://ocsp.example", origin), Some(""));
        for wrong in [
            "http://ocsp.example.evil/a",
            "http://ocsp.example@evil/a",
            "http://ocsp.example:81/a",
            "http://OCSP.example/a",
            "https://ocsp.example/a",
            "http://127.0.0.1/a",
        ] {
            assert_eq!(below(wrong, origin), None, "{wrong}");
        }
    }
}
