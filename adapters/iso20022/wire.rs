//! What the status codes of ISO 20022 mean for money, and which code says what we say.
//!
//! `TxSts` climbs RCVD < ACTC < ACCP < ACSP < ACSC < ACCC; RJCT and CANC end it. A code that nobody
//! agreed on decides nothing. Two answers are no refusals though they look like one: RJCT with NOOR says
//! that the bank knows no such payment, RJCT with AM05, DUPL or DU01 … DU05 that it has it already.

use qaqpa_kit::bank::{Said, Verdict, Word};
use qaqpa_kit::iso20022::Status;
use qaqpa_kit::redact;

/// The bank received it, or found its form right; it may still refuse.
const PENDING: [&str; 2] = ["RCVD", "ACTC"];
/// It will try; PDNG is what the country's clearing says to a payment in its queue.
const ACCEPTED: [&str; 5] = ["ACCP", "ACSP", "ACWC", "ACWP", "PDNG"];
/// The payer's account was debited. ACCC says that the payee has it too, but that is the Treasury's to
/// say, not that of the bank which owes it.
const POSTED: [&str; 2] = ["ACSC", "ACCC"];
const REJECTED: [&str; 2] = ["RJCT", "CANC"];
/// No original transaction received.
const UNKNOWN_THERE: &str = "NOOR";
/// Duplication, of the payment or of one of its ids (ExternalStatusReason1Code): the first one is being carried out.
const THERE_ALREADY: [&str; 7] = ["AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"];

/// What a status says; `None`: nothing that anybody may rely on.
#[must_use]
pub fn said(status: &Status) -> Option<Said> {
    let (code, reason) = (status.code.as_str(), status.reason.as_deref().unwrap_or_default());
    if REJECTED.contains(&code) {
        let mut reasons = status.more_reasons.iter().map(String::as_str).chain([reason]);
        if reasons.any(|reason| THERE_ALREADY.contains(&reason)) {
            return None;
        }
        return match reason {
            UNKNOWN_THERE => Some(Said::NotFound),
            _ => Some(Said::Rejected),
        };
    }
    let is_in = |codes: &[&str]| codes.contains(&code);
    match (is_in(&PENDING), is_in(&ACCEPTED), is_in(&POSTED)) {
        (true, ..) => Some(Said::Pending),
        (_, true, _) => Some(Said::Accepted),
        (.., true) => Some(Said::Posted),
        _ => None,
    }
}

/// The code, its reason and the bank's words, for people.
#[must_use]
pub fn note(status: &Status) -> String {
    const NOTE_CHARS_MAX: usize = 200;
    let parts = [Some(&status.code), status.reason.as_ref(), status.words.as_ref()];
    let note: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    redact::ids(&note.join(" ")).chars().take(NOTE_CHARS_MAX).collect()
}

/// A word of a status; `None` as in [`said`].
#[must_use]
pub fn word(status: &Status) -> Option<Word> {
    let said = said(status)?;
    Some(Word {
        amount: status.amount,
        document_number: status.reference.clone(),
        posted_at: status.accepted_at.clone().filter(|_| said == Said::Posted),
        note: note(status),
        ..Word::of(said)
    })
}

/// The status by which a bank says a word.
#[must_use]
pub fn status(end_to_end_id: &str, word: &Word) -> Status {
    let (code, reason) = match word.said {
        Said::Accepted => ("ACSP", None),
        // What became of it later is no status of an order.
        Said::Posted | Said::Returned | Said::Credited | Said::Refunded => ("ACSC", None),
        Said::Settled => ("ACCC", None),
        Said::Rejected => ("RJCT", Some("AC04")),
        Said::NotFound => ("RJCT", Some(UNKNOWN_THERE)),
        Said::Pending => ("ACTC", None),
    };
    Status {
        end_to_end_id: end_to_end_id.to_owned(),
        code: code.to_owned(),
        reason: reason.map(str::to_owned),
        more_reasons: Vec::new(),
        words: (!word.note.is_empty()).then(|| word.note.clone()),
        amount: word.amount,
        accepted_at: word.posted_at.clone(),
        reference: word.document_number.clone(),
        is_of_group: false,
    }
}

/// What we tell a bank of a payment that it sent us: `TxSts` and the reason. `None`: nothing was taken, and
/// the same message is to come again, for which ISO 20022 has no word; PDNG would say that it is queued.
#[must_use]
pub const fn told(verdict: Verdict) -> Option<(&'static str, Option<&'static str>)> {
    match verdict {
        Verdict::Ok => Some(("ACCP", None)),
        Verdict::InProgress | Verdict::Temporary => None,
        Verdict::NoCharge | Verdict::Annulled | Verdict::AlreadyPaid => {
            Some(("RJCT", Some("NARR")))
        }
        Verdict::OtherTerms => Some(("RJCT", Some("AM05"))),
        Verdict::Malformed => Some(("RJCT", Some("FF01"))),
        Verdict::Forbidden => Some(("RJCT", Some("AG01"))),
    }
}

/// Whether an end-to-end id is one that we gave: `GW` and the 32 digits of an order's id.
#[must_use]
pub fn is_ours(end_to_end_id: &str) -> bool {
    end_to_end_id
        .strip_prefix("GW")
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_says_what_the_table_says_and_an_unknown_one_says_nothing() {
        for (code, reason, expected) in [
            ("RCVD", None, Some(Said::Pending)),
            ("ACTC", None, Some(Said::Pending)),
            ("PDNG", None, Some(Said::Accepted)),
            ("ACCP", None, Some(Said::Accepted)),
            ("ACSP", None, Some(Said::Accepted)),
            ("ACSC", None, Some(Said::Posted)),
            ("ACCC", None, Some(Said::Posted)),
            ("CANC", None, Some(Said::Rejected)),
            ("RJCT", None, Some(Said::Rejected)),
            ("RJCT", Some("AM04"), Some(Said::Rejected)),
            ("RJCT", Some("NOOR"), Some(Said::NotFound)),
            ("RJCT", Some("AM05"), None),
            ("RJCT", Some("DUPL"), None),
            ("RJCT", Some("DU01"), None),
            ("RJCT", Some("DU04"), None),
            ("RJCT", Some("AM04 DU04"), None),
            ("ACSC", Some("NOOR"), Some(Said::Posted)),
            ("PART", None, None),
            ("acsc", None, None),
            ("", None, None),
        ] {
            let status = Status {
                code: code.to_owned(),
                reason: reason.and_then(|all| all.split(' ').next()).map(str::to_owned),
                more_reasons: reason
                    .iter()
                    .flat_map(|all| all.split(' ').skip(1))
                    .map(str::to_owned)
                    .collect(),
                ..Status::default()
            };
            assert_eq!(said(&status), expected, "{code} {reason:?}");
        }
    }

    #[test]
    fn only_ids_of_our_form_are_ours() {
        assert!(is_ours("GW0199c3d2a9a77b558a0e1c2d3e4f5a6b"));
        for id in [
            "",
            "GW",
            "GW0199c3d2a9a77b558a0e1c2d3e4f5a6",
            "XX0199c3d2a9a77b558a0e1c2d3e4f5a6b",
            "NOTPROVIDED",
        ] {
            assert!(!is_ours(id), "{id}");
        }
    }
}
