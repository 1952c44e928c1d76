//! The same-call rule, in one pure place for both stores: what a key that is held means for a new call.

use super::entry::{CallKey, EntryId, Opened, SameCall};
use qaqpa_kit::fault::Outcome;

/// A call under way is never taken over sooner than this, whatever its window: no call lives so long.
pub(super) const IN_FLIGHT_US_MAX: i64 = 3_600_000_000;

/// What is remembered of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    /// The call is under way.
    Open,
    /// It was answered; the answer may have been dropped since.
    Answered,
    /// It was left Unknown.
    Unknown,
}

impl KeyState {
    /// Reads the word of the store; one that is not known is Unknown, the safest of the three.
    pub(super) fn from_word(word: &str) -> Self {
        match word {
            "open" => Self::Open,
            "answered" => Self::Answered,
            _ => Self::Unknown,
        }
    }
}

/// Reads the outcome of an answered call; an answer that is stored is Done or Refused.
pub(super) fn answered_as(word: Option<&str>) -> Outcome {
    if word == Some(Outcome::Refused.word()) { Outcome::Refused } else { Outcome::Done }
}

/// A row of `call_key`.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub key: CallKey,
    pub message_key: [u8; 32],
    pub entry: EntryId,
    pub state: KeyState,
    pub is_unique: bool,
    pub opened_at_us: i64,
    pub expires_at_us: i64,
    pub outcome: Outcome,
    pub http_status: u16,
    /// The sealed answer, where it is still kept: here, or as the entry's body.
    pub answer: Option<Vec<u8>>,
}

impl Held {
    fn is_expired(&self, now_us: i64) -> bool {
        let expires_at_us = match self.state {
            KeyState::Open => {
                self.expires_at_us.max(self.opened_at_us.saturating_add(IN_FLIGHT_US_MAX))
            }
            KeyState::Answered | KeyState::Unknown => self.expires_at_us,
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
        (KeyState::Answered, Some(sealed)) => Verdict::Found(Found::Stored {
            entry,
            outcome: held.outcome,
            http_status: held.http_status,
            sealed: sealed.clone(),
        }),
        // Answered, but the answer is gone beyond the cap: as good as Unknown.
        (KeyState::Answered | KeyState::Unknown, _) if same_call.idempotent => Verdict::Stale,
        (KeyState::Answered | KeyState::Unknown, _) => Verdict::Found(Found::LeftUnknown { entry }),
    }
}

/// Judges all rows held against a call; its own key decides before another's.
pub(super) fn judge_all<'a>(
    held: impl Iterator<Item = &'a Held>,
    opened: &Opened,
    same_call: &SameCall,
) -> (Option<Found>, Vec<&'a Held>) {
    let mut rivals: Vec<_> = held
        .filter(|held| {
            held.key == opened.key
                || (same_call.unique_message_id
                    && held.is_unique
                    && held.message_key == opened.message_key)
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
            message_key: [9; 32],
            entry: EntryId(uuid::Uuid::from_u128(7)),
            state,
            is_unique: true,
            opened_at_us: NOW_US - age_us,
            expires_at_us: NOW_US - age_us + 600_000_000,
            outcome: Outcome::Refused,
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
            (KeyState::Answered, young, Some(&b"a"[..]), false, Some(stored)),
            (KeyState::Answered, young, None, false, Some(Found::LeftUnknown { entry })),
            (KeyState::Answered, young, None, true, None),
            (KeyState::Answered, old, Some(&b"a"[..]), false, None),
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
        let young = held(KeyState::Answered, 1, None);
        let twin = judge_all([&young].into_iter(), &opened(2), &rule(true));
        assert_eq!(twin.0, Some(Found::Twin { entry }));
        let old = held(KeyState::Answered, 600_000_000, None);
        let (found, stale) = judge_all([&old].into_iter(), &opened(2), &rule(true));
        assert_eq!((found, stale.len()), (None, 1));
        let reused = SameCall { unique_message_id: false, ..rule(true) };
        let (found, stale) = judge_all([&young].into_iter(), &opened(2), &reused);
        assert_eq!((found, stale.len()), (None, 0));
    }

    #[test]
    fn an_unread_word_of_the_store_is_the_safest_state() {
        assert_eq!(KeyState::from_word("open"), KeyState::Open);
        assert_eq!(KeyState::from_word("answered"), KeyState::Answered);
        assert_eq!(KeyState::from_word("unknown"), KeyState::Unknown);
        assert_eq!(KeyState::from_word("later"), KeyState::Unknown);
    }
}
