//! What an exchange of the clerk brought: an answer with a word in it, or nothing, and how its entry ends.

use super::entry::End;
use crate::journal::entry::EntryId;
use crate::payments::command;
use crate::payments::desk::event_of;
use crate::payments::order::Said;
use crate::payments::record::Order;
use crate::upstream::{SendFault, UpstreamAnswer};
use bytes::Bytes;
use qaqpa_adapters::payments::notice_of;
use qaqpa_kit::adapter::HttpAnswer;
use qaqpa_kit::bank::{About, Notice, Teller, Word};
use qaqpa_kit::fault::{Fault, Outcome};

/// What came, as far as anything did, and what it says.
pub(super) fn read(
    sent: Result<UpstreamAnswer, SendFault>,
    decode: impl FnOnce(&HttpAnswer<'_>) -> Result<Word, Fault>,
) -> (Came, Result<Word, Fault>) {
    match sent {
        Ok(answer) => {
            let word = decode(&HttpAnswer {
                status: answer.status,
                content_type: answer.content_type.as_deref(),
                body: &answer.body,
            });
            (Came { body: answer.body, status: answer.status }, word)
        }
        Err(failed) => (Came { body: Bytes::new(), status: 0 }, Err(failed.fault)),
    }
}

/// An answer, or nothing.
pub(super) struct Came {
    pub body: Bytes,
    status: u16,
}

/// The name of what an answer tells, and of which order: where a notice may tell the same, that name.
pub(super) fn event(
    teller: Option<&dyn Teller>,
    order: &Order,
    entry: EntryId,
    word: &Word,
) -> (String, command::About) {
    let id = order.end_to_end_id.clone();
    let Some(event_id) = teller.and_then(|teller| teller.event_of(&id, word)) else {
        return (format!("entry:{entry}"), command::About::Order(order.id.clone()));
    };
    let about = About::EndToEnd(id.clone());
    let notice = notice_of(&Notice { event_id, about, word: word.clone() });
    (event_of(&notice), command::About::EndToEnd(id))
}

impl<'a> End<'a> {
    pub(super) fn answered(word: &Word, answer: &'a Came) -> Self {
        let outcome = if word.said == Said::Rejected { Outcome::Refused } else { Outcome::Done };
        Self { outcome, fault: None, answer: &answer.body, http_status: answer.status }
    }

    pub(super) fn failed(fault: &'a Fault, came: &'a Came) -> Self {
        let outcome = fault.outcome();
        Self { outcome, fault: Some(fault), answer: &came.body, http_status: came.status }
    }

    pub(super) fn unsent(fault: &'a Fault) -> Self {
        static NOTHING: Bytes = Bytes::new();
        Self { outcome: Outcome::Refused, fault: Some(fault), answer: &NOTHING, http_status: 0 }
    }
}
