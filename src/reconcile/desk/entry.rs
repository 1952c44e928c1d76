//! The journal's entry of a run or of an operator's step: open before anything is done, closed by what became of it.

use crate::journal::entry::{CallKey, Closed, EntryId, Opened, Opening, SameCall};
use crate::journal::{Journal, JournalDown, Why};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use jiff::Timestamp;
use qaqpa_kit::fault::Outcome;
use serde_json::{Value, json};

/// Who does what.
pub struct About<'a> {
    /// `reconcile.run`, `reconcile.` and the step, or the word that an operator says.
    pub service: &'a str,
    /// An operator, or the node.
    pub sender: &'a str,
    /// `payments`, or `operator` for what is not about money.
    pub agency: &'a str,
    /// The run, the break, the payment or the entry.
    pub subject: &'a str,
    /// What is to be done, in words or JSON; kept whole.
    pub said: &'a str,
    /// SHA-256 of the certificate that proves who does it; zeros: nobody has asked for a proof.
    pub certificate: [u8; 32],
}

/// That an operator is who the name says.
#[derive(Clone, Debug)]
pub struct Proof {
    /// SHA-256.
    pub certificate: [u8; 32],
    /// What was said, signed by the certificate's key: CMS in base64.
    pub cms: String,
}

impl Proof {
    /// What an entry says of an operator's word: the word, and by what its operator is known.
    #[must_use]
    pub fn beside(proof: Option<&Self>, mut said: Value) -> String {
        let proved_by = proof.map_or(json!("word"), |proof| json!({ "cms": proof.cms }));
        if let Value::Object(fields) = &mut said {
            fields.insert("proved_by".to_owned(), proved_by);
        }
        said.to_string()
    }

    /// SHA-256 of its certificate; zeros where there is none.
    #[must_use]
    pub fn certificate_of(proof: Option<&Self>) -> [u8; 32] {
        proof.map_or([0; 32], |proof| proof.certificate)
    }
}

/// An entry that is open.
pub struct Entry<'j> {
    journal: &'j Journal,
    pub id: EntryId,
    key: CallKey,
}

/// Unix microseconds now.
pub(super) fn now_us() -> i64 {
    Timestamp::now().as_microsecond()
}

/// Waits for the next look.
pub(super) async fn pause(pause: std::time::Duration) {
    tokio::time::sleep(pause).await;
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

impl<'j> Entry<'j> {
    /// Opens it; durable when it returns.
    ///
    /// # Errors
    /// Nothing may be done.
    pub async fn open(journal: &'j Journal, about: &About<'_>) -> Result<Self, JournalDown> {
        let at_us = now_us();
        let id = EntryId::at(at_us);
        let key = CallKey(sha256(id.0.as_bytes()));
        let said = about.said.as_bytes();
        let opened = Opened {
            id,
            key,
            message_key: key.0,
            opened_at_us: at_us,
            participant: "operator".to_owned(),
            sender_id: about.sender.to_owned(),
            agency: about.agency.to_owned(),
            service: about.service.to_owned(),
            route_id: String::new(),
            message_id: id.to_string(),
            correlation_id: about.subject.to_owned(),
            caller_certificate: about.certificate,
            revocation: String::new(),
            request_digest: sha256(said),
            request_bytes: said.len() as u64,
            request: Bytes::copy_from_slice(said),
        };
        // A run can be made again, and a step is done once by the store's own rules.
        match journal.open(opened, SameCall::alone(at_us, true)).await? {
            Opening::Fresh => Ok(Self { journal, id, key }),
            _ => Err(JournalDown::new(Why::Broken, "an id that was used before")),
        }
    }

    /// Closes it with what became of it; durable when it returns.
    ///
    /// # Errors
    /// The journal did not confirm in time.
    pub async fn close(self, outcome: Outcome, told: &str) -> Result<(), JournalDown> {
        let digest = sha256(told.as_bytes());
        let closed = Closed {
            id: self.id,
            key: self.key,
            closed_at_us: now_us(),
            outcome,
            fault: None,
            evidence: "operator",
            http_status: 0,
            agency_digest: [0; 32],
            agency_certificate: [0; 32],
            answer_digest: digest,
            answer: Bytes::copy_from_slice(told.as_bytes()),
            streamed: None,
            phase_us: [0; 11],
            is_durable_first: true,
        };
        self.journal.close(closed).await
    }
}
