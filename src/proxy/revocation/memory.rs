//! What responders said last, one entry a certificate; readers take no lock.

use crate::sign::trust::Link;
use crate::sign::trust::ocsp::Answer;
use crate::sign::trust::status::{Status, Why};
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

    /// The last answer, where it says revoked, however old it is: who keeps the next one from coming shall
    /// not make it forgotten. Only a newer answer ends it, as it ends a hold.
    pub(super) fn revoked(&self) -> Option<&Answer> {
        self.answer.as_ref().map(|(answer, _)| answer).filter(|one| is_revoked(one))
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

    /// How long nobody has shown it.
    fn idle(&self) -> Duration {
        let used = Duration::from_millis(self.used_ms.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(used)
    }

    fn is_in_use(&self) -> bool {
        self.idle() < IDLE
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

fn is_revoked(answer: &Answer) -> bool {
    matches!(answer.status, Status::Revoked { .. })
}

/// Why an answer does not take the place of the last one.
fn against(new: &Answer, last: &Answer) -> Option<Why> {
    match new.status {
        // It is a recording.
        _ if new.this_update_unix_s < last.this_update_unix_s => Some(Why::OcspReplayed),
        // Who does not know the certificate takes back nothing.
        Status::Unknown(why) if is_revoked(last) => Some(why),
        _ => None,
    }
}

/// Makes room for one more: what nobody shows goes first, then whatever can be asked about anew. What was
/// revoked goes only where nothing else is left, one for one, and of it what was not shown for longest.
fn make_room(all: &mut HashMap<[u8; 32], Arc<Known>>, known_max: usize) {
    if all.len() >= known_max {
        all.retain(|_, one| one.revoked().is_some() || one.is_in_use());
    }
    if all.len() >= known_max {
        all.retain(|_, one| one.revoked().is_some());
    }
    if all.len() >= known_max
        && let Some(longest) = all.values().max_by_key(|one| one.idle()).map(Arc::clone)
    {
        all.remove(&longest.certificate.sha256());
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

    /// Notes how a question ended. A failure leaves the last answer, and so does an answer that cannot
    /// take its place: it holds until its own end, and as [`Known::revoked`] beyond it.
    pub(super) fn note(
        &self,
        (certificate, issuer): (&Arc<Link>, &Arc<Link>),
        mut result: Result<(Answer, Arc<[u8]>), Why>,
        known_max: usize,
    ) -> Result<Answer, Why> {
        let before = self.known(&certificate.sha256());
        let last = before.as_ref().and_then(|known| known.answer.clone());
        if let (Ok((new, _)), Some((last, _))) = (&result, &last)
            && let Some(why) = against(new, last)
        {
            result = Err(why);
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
            if !all.contains_key(&certificate.sha256()) {
                make_room(&mut all, known_max);
            }
            all.insert(certificate.sha256(), Arc::clone(&known));
            all
        });
        result.map(|(answer, _)| answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::trust::crl::RevocationReason;

    const REVOKED: Status = Status::Revoked { reason: RevocationReason(1), at_unix_s: 50 };

    fn link() -> Arc<Link> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::default().self_signed(&key);
        Arc::new(Link::read(certificate.expect("a certificate").der()).expect("a link"))
    }

    fn answer(status: Status, this_update_unix_s: i64) -> Result<(Answer, Arc<[u8]>), Why> {
        let until_unix_s = this_update_unix_s + 100;
        let sha256 = [0; 32];
        let read = Answer { status, this_update_unix_s, until_unix_s, sha256, is_fresh: true };
        Ok((read, Arc::from(&b"answer"[..])))
    }

    #[test]
    fn only_a_newer_answer_that_knows_the_certificate_ends_what_was_revoked() {
        let (memory, own) = (Memory::default(), link());
        let note = |result| memory.note((&own, &own), result, 16).map(|answer| answer.status);
        let is_revoked =
            || memory.known(&own.sha256()).is_some_and(|known| known.revoked().is_some());
        assert_eq!(note(answer(REVOKED, 100)), Ok(REVOKED));
        for (result, why) in [
            (Err(Why::OcspDown), Why::OcspDown),
            (answer(Status::Good, 99), Why::OcspReplayed),
            (answer(Status::Unknown(Why::OcspUnknown), 101), Why::OcspUnknown),
        ] {
            assert_eq!(note(result), Err(why));
            assert!(is_revoked(), "{why:?}");
        }
        let known = memory.known(&own.sha256()).expect("known");
        assert!(known.answer_at(201).is_none(), "who may ask anew does so");
        assert_eq!(note(answer(Status::Good, 102)), Ok(Status::Good));
        assert!(!is_revoked());
        let unknown = Status::Unknown(Why::OcspUnknown);
        assert_eq!(note(answer(unknown, 103)), Ok(unknown), "good is no last word");
    }

    #[test]
    fn a_full_memory_forgets_what_was_revoked_after_all_else_and_never_grows() {
        let memory = Memory::default();
        let note = |status| {
            let own = link();
            memory.note((&own, &own), answer(status, 100), 3).expect("noted");
            own.sha256()
        };
        let is_known = |identity: &[u8; 32]| memory.known(identity).is_some();
        let revoked = [note(REVOKED), note(REVOKED)];
        for _ in 0..4 {
            let good = note(Status::Good);
            assert!(is_known(&good) && revoked.iter().all(is_known));
            assert_eq!(memory.len(), 3);
        }
        // Where all are revoked, the one gives way that nobody has shown since.
        let third = note(REVOKED);
        for identity in [&revoked[1], &third] {
            memory.known(identity).expect("known").used_ms.store(u64::MAX, Ordering::Relaxed);
        }
        let fourth = note(REVOKED);
        assert!(!is_known(&revoked[0]));
        assert!([&revoked[1], &third, &fourth].into_iter().all(is_known));
        assert_eq!(memory.len(), 3);
    }
}
