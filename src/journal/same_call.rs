//! The same-call rule, in one pure place for both stores: what a key that is held means for a new call.

use super::entry::{CallKey, EntryId, Opened, SameCall};
use qaqpa_kit::fault::Outcome;

/// A call under way is never taken over sooner than this, whatever its window: no call lives so long.
pub(super) const IN_FLIGHT_US_MAX: i64 = 3_600_000_000;

/// From when on a call that is still under way is given up, and its key may be taken over.
pub(super) fn given_up_at_us(opened_at_us: i64, expires_at_us: i64) -> i64 {
    expires_at_us.max(opened_at_us.saturating_add(IN_FLIGHT_US_MAX))
}

/// What became of the call that holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    /// The call is under way.
    Open,
    /// It was answered, Done or Refused; the answer may have been dropped since.
    Answered(Outcome),
    /// It was left Unknown.
    Unknown,
}

impl KeyState {
    /// Reads it off the entry. An end that frees its key leaves none to be held, so one that is Done or
    /// Refused was an answer. No end, or one of which the word is not known, is the safest of the three.
    pub(super) fn of(is_under_way: bool, outcome: Option<&str>) -> Self {
        let [done, refused] = [Outcome::Done, Outcome::Refused].map(Outcome::word);
        match outcome {
            _ if is_under_way => Self::Open,
            Some(word) if word == done => Self::Answered(Outcome::Done),
            Some(word) if word == refused => Self::Answered(Outcome::Refused),
            _ => Self::Unknown,
        }
    }
}

/// A row of `call_key`, with what the entry tells.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub key: CallKey,
    /// Where no other content may come under the messageId.
    pub message_key: Option<[u8; 32]>,
    pub entry: EntryId,
    pub opened_at_us: i64,
    pub expires_at_us: i64,
    pub state: KeyState,
    pub http_status: u16,
    /// The sealed answer, where it is still kept: here, or as the entry's body.
    pub answer: Option<Vec<u8>>,
}

/// Reads what each [`Held`] is made of, in both dialects; the condition names the keys as `k`. An entry under
/// way has no end yet, and of one left Unknown no body is an answer.
macro_rules! select_held {
    ($condition:literal) => {
        concat!(
            "SELECT k.call_key, k.message_key, k.entry, k.opened_at_us, k.expires_at_us, \
             u.id IS NOT NULL, c.outcome, coalesce(c.http_status, 0), coalesce(k.answer, b.sealed) \
             FROM call_key k LEFT JOIN entry_under_way u ON u.id = k.entry \
             LEFT JOIN entry_closed c ON c.id = k.entry \
             LEFT JOIN entry_body b ON b.id = c.id AND b.part = 'answer' AND c.outcome <> 'Unknown' \
             WHERE ",
            $condition
        )
    };
}
pub(super) use select_held;

impl Held {
    fn is_expired(&self, now_us: i64) -> bool {
        let expires_at_us = match self.state {
            KeyState::Open => given_up_at_us(self.opened_at_us, self.expires_at_us),
            KeyState::Answered(_) | KeyState::Unknown => self.expires_at_us,
        };
        expires_at_us <= now_us
    }
}

/// What the store found when a call was opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Fresh,
    Stored { entry: EntryId, outcome: Outcome, http_status: u16, sealed: Vec<u8> },
    InFlight { entry: EntryId },
    LeftUnknown { entry: EntryId },
    Twin { entry: EntryId },
}

/// What a held key means for a call that wants it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Found(Found),
    /// It no longer counts: remove it and claim again.
    Stale,
}

/// Judges one held row, which has the call's key or, for unique messageIds, its message key.
pub(super) fn judge(held: &Held, opened: &Opened, same_call: &SameCall) -> Verdict {
    if held.is_expired(opened.opened_at_us.min(same_call.judged_by_us)) {
        return Verdict::Stale;
    }
    let entry = held.entry;
    if held.key != opened.key {
        return Verdict::Found(Found::Twin { entry });
    }
    match (held.state, &held.answer) {
        (KeyState::Open, _) => Verdict::Found(Found::InFlight { entry }),
        (KeyState::Answered(outcome), Some(sealed)) => Verdict::Found(Found::Stored {
            entry,
            outcome,
            http_status: held.http_status,
            sealed: sealed.clone(),
        }),
        // Answered, but the answer is gone beyond the cap: as good as Unknown.
        (KeyState::Answered(_) | KeyState::Unknown, _) if same_call.idempotent => Verdict::Stale,
        (KeyState::Answered(_) | KeyState::Unknown, _) => {
            Verdict::Found(Found::LeftUnknown { entry })
        }
    }
}

/// Judges all rows held against a call; its own key decides before another's. What is not remembered has
/// no rival but its own id, and that is never let in twice.
pub(super) fn judge_all<'a>(
    held: impl Iterator<Item = &'a Held>,
    opened: &Opened,
    same_call: &SameCall,
) -> (Option<Found>, Vec<&'a Held>) {
    if !same_call.is_remembered {
        return (Some(Found::InFlight { entry: opened.id }), Vec::new());
    }
    let mut rivals: Vec<_> = held
        .filter(|held| {
            held.key == opened.key
                || (same_call.unique_message_id && held.message_key == Some(opened.message_key))
        })
        .collect();
    rivals.sort_by_key(|held| held.key != opened.key);
    let mut stale = Vec::new();
    for held in rivals {
        match judge(held, opened, same_call) {
            Verdict::Found(found) => return (Some(found), stale),
            Verdict::Stale => stale.push(held),
        }
    }
    (None, stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: i64 = 1_795_348_800_000_000;
    const ANSWERED: KeyState = KeyState::Answered(Outcome::Refused);

    fn opened(key: u8) -> Opened {
        Opened {
            id: EntryId::at(NOW_US),
            key: CallKey([key; 32]),
            message_key: [9; 32],
            opened_at_us: NOW_US,
            participant: String::new(),
            sender_id: String::new(),
            agency: String::new(),
            service: String::new(),
            route_id: String::new(),
            message_id: String::new(),
            correlation_id: String::new(),
            caller_certificate: [0; 32],
            revocation: String::new(),
            request_digest: [0; 32],
            request_bytes: 0,
            request: bytes::Bytes::new(),
        }
    }

    fn held(state: KeyState, age_us: i64, answer: Option<&[u8]>) -> Held {
        Held {
            key: CallKey([1; 32]),
            message_key: Some([9; 32]),
            entry: EntryId(uuid::Uuid::from_u128(7)),
            state,
            opened_at_us: NOW_US - age_us,
            expires_at_us: NOW_US - age_us + 600_000_000,
            http_status: 200,
            answer: answer.map(<[u8]>::to_vec),
        }
    }

    fn rule(is_idempotent: bool) -> SameCall {
        SameCall { unique_message_id: true, ..SameCall::until(0, is_idempotent) }
    }

    #[test]
    fn every_state_of_a_key_has_one_meaning() {
        let entry = EntryId(uuid::Uuid::from_u128(7));
        let (outcome, sealed) = (Outcome::Refused, b"a".to_vec());
        let stored = Found::Stored { entry, outcome, http_status: 200, sealed };
        let (young, old, ancient) = (1, 600_000_000, IN_FLIGHT_US_MAX);
        for (state, age_us, answer, is_idempotent, verdict) in [
            (KeyState::Open, young, None, true, Some(Found::InFlight { entry })),
            (KeyState::Open, old, None, true, Some(Found::InFlight { entry })),
            (KeyState::Open, ancient, None, false, None),
            (ANSWERED, young, Some(&b"a"[..]), false, Some(stored)),
            (ANSWERED, young, None, false, Some(Found::LeftUnknown { entry })),
            (ANSWERED, young, None, true, None),
            (ANSWERED, old, Some(&b"a"[..]), false, None),
            (KeyState::Unknown, young, None, false, Some(Found::LeftUnknown { entry })),
            (KeyState::Unknown, young, None, true, None),
            (KeyState::Unknown, old, None, false, None),
        ] {
            let expected = verdict.map_or(Verdict::Stale, Verdict::Found);
            let verdict = judge(&held(state, age_us, answer), &opened(1), &rule(is_idempotent));
            assert_eq!(verdict, expected, "{state:?} {age_us} {answer:?} {is_idempotent}");
        }
    }

    #[test]
    fn another_content_under_a_unique_message_id_is_a_twin_until_it_expires() {
        let entry = EntryId(uuid::Uuid::from_u128(7));
        let young = held(ANSWERED, 1, None);
        let twin = judge_all([&young].into_iter(), &opened(2), &rule(true));
        assert_eq!(twin.0, Some(Found::Twin { entry }));
        let old = held(ANSWERED, 600_000_000, None);
        let (found, stale) = judge_all([&old].into_iter(), &opened(2), &rule(true));
        assert_eq!((found, stale.len()), (None, 1));
        let reused = SameCall { unique_message_id: false, ..rule(true) };
        let (found, stale) = judge_all([&young].into_iter(), &opened(2), &reused);
        assert_eq!((found, stale.len()), (None, 0));
    }

    #[test]
    fn what_is_not_remembered_has_no_rival_but_its_own_id() {
        let opened = opened(1);
        let young = held(ANSWERED, 1, Some(b"a"));
        let (found, stale) = judge_all([&young].into_iter(), &opened, &SameCall::alone(0, true));
        assert_eq!((found, stale.len()), (Some(Found::InFlight { entry: opened.id }), 0));
    }

    #[test]
    fn an_entry_tells_what_became_of_its_key_and_without_an_end_it_is_the_safest() {
        for (is_under_way, outcome, state) in [
            (true, None, KeyState::Open),
            (true, Some("Done"), KeyState::Open),
            (false, Some("Done"), KeyState::Answered(Outcome::Done)),
            (false, Some("Refused"), ANSWERED),
            (false, Some("Unknown"), KeyState::Unknown),
            (false, Some("Later"), KeyState::Unknown),
            (false, None, KeyState::Unknown),
        ] {
            assert_eq!(KeyState::of(is_under_way, outcome), state, "{is_under_way} {outcome:?}");
        }
    }
}
