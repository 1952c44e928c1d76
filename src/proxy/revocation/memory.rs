//! What responders said last, one entry a certificate; readers take no lock.

use crate::sign::trust::Link;
use crate::sign::trust::ocsp::Answer;
use crate::sign::trust::status::Why;
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A certificate that nobody showed for so long is not asked about any more.
const IDLE: Duration = Duration::from_secs(600);

/// What a responder said of one certificate.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) certificate: Arc<Link>,
    pub(super) issuer: Arc<Link>,
    /// The last answer that was believed, and its bytes.
    pub(super) answer: Option<(Answer, Arc<[u8]>)>,
    /// Why the last question was not answered, and when.
    pub(super) failed: Option<(Why, Instant)>,
    /// When the last question ended.
    pub(super) asked_at: Instant,
    born: Instant,
    /// Milliseconds from `born` to the last call that needed it.
    used_ms: AtomicU64,
}

impl Known {
    /// The answer, where it may be believed at that time.
    pub(super) fn answer_at(&self, now_unix_s: i64) -> Option<&Answer> {
        self.answer.as_ref().map(|(answer, _)| answer).filter(|one| now_unix_s <= one.until_unix_s)
    }

    /// The whole answer, for the journal.
    pub(super) fn evidence(&self) -> String {
        let bytes = self.answer.as_ref().map(|(_, bytes)| STANDARD.encode(bytes));
        format!("ocsp {}", bytes.unwrap_or_default())
    }

    pub(super) fn use_now(&self) {
        let ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.used_ms.store(ms, Ordering::Relaxed);
    }

    fn is_in_use(&self) -> bool {
        let used = Duration::from_millis(self.used_ms.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(used) < IDLE
    }

    /// Whether it is time to ask anew: by the clock of the settings, or because a quarter of the
    /// answer's time is left.
    pub(super) fn is_due(&self, now_unix_s: i64, every: Duration) -> bool {
        let Some((answer, _)) = &self.answer else { return false };
        let span = answer.until_unix_s.saturating_sub(answer.this_update_unix_s);
        let is_ending = answer.until_unix_s.saturating_sub(now_unix_s) < span / 4;
        let asked = self.asked_at.elapsed();
        self.is_in_use()
            && (asked >= every || (is_ending && asked >= every.min(Duration::from_secs(5))))
    }
}

/// All that is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: ArcSwap<HashMap<[u8; 32], Arc<Known>>>,
}

impl Memory {
    pub(super) fn known(&self, identity: &[u8; 32]) -> Option<Arc<Known>> {
        self.known.load().get(identity).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Known>> {
        self.known.load().values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.known.load().len()
    }

    /// Notes how a question ended. A failure leaves the last answer: it holds until its own end. An
    /// answer that is older than the last one is a recording, and taken for a failure.
    pub(super) fn note(
        &self,
        (certificate, issuer): (&Arc<Link>, &Arc<Link>),
        mut result: Result<(Answer, Arc<[u8]>), Why>,
        known_max: usize,
    ) -> Result<Answer, Why> {
        let before = self.known(&certificate.sha256());
        let last = before.as_ref().and_then(|known| known.answer.clone());
        if let (Ok((new, _)), Some((last, _))) = (&result, &last)
            && new.this_update_unix_s < last.this_update_unix_s
        {
            result = Err(Why::OcspReplayed);
        }
        let now = Instant::now();
        let known = Known {
            certificate: Arc::clone(certificate),
            issuer: Arc::clone(issuer),
            failed: result.as_ref().err().map(|why| (*why, now)),
            answer: result.as_ref().ok().cloned().or(last),
            asked_at: now,
            born: before.as_ref().map_or(now, |known| known.born),
            used_ms: AtomicU64::new(
                before.map_or(0, |known| known.used_ms.load(Ordering::Relaxed)),
            ),
        };
        let known = Arc::new(known);
        self.known.rcu(|all| {
            let mut all = HashMap::clone(all);
            if all.len() >= known_max {
                all.retain(|_, one| one.is_in_use());
            }
            if all.len() >= known_max {
                all.clear();
            }
            all.insert(certificate.sha256(), Arc::clone(&known));
            all
        });
        result.map(|(answer, _)| answer)
    }
}
