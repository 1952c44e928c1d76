//! Our answers by the OSMP protocol, and its result codes.
//!
//! | result | means | the bank |
//! |---|---|---|
//! | 0 | can be paid; was taken | lets its customer pay; books it |
//! | 1 | temporary error | asks the same again |
//! | 4 | the account has a wrong form | refuses |
//! | 5 | no such charge | refuses |
//! | 7 | taking payments is forbidden: the charge is paid already, or the caller may not ask | refuses |
//! | 79 | the charge was annulled | refuses |
//! | 90 | not finished | asks the same again |
//! | 300 | another reason | refuses; a person looks at it |
//!
//! What is temporary is never told with a fatal code: the money may have been taken in.

use qaqpa_kit::bank::{Reaction, Told, Verdict};
use qaqpa_kit::xml::writer::{push_element, push_nested};
use qaqpa_kit::xml::{Document, Limits};

/// The result code of a verdict.
#[must_use]
pub const fn result(verdict: Verdict) -> u16 {
    match verdict {
        Verdict::Ok => 0,
        Verdict::Temporary => 1,
        Verdict::NoCharge => 5,
        Verdict::AlreadyPaid | Verdict::Forbidden => 7,
        Verdict::Annulled => 79,
        Verdict::InProgress => 90,
        Verdict::OtherTerms | Verdict::Malformed => 300,
    }
}

/// What the bank makes of a result code; of one that it does not know it asks again.
#[must_use]
pub fn reaction(result: &str) -> Reaction {
    match result {
        "0" => Reaction::Done,
        "4" | "5" | "7" | "8" | "79" | "241" | "242" | "243" | "300" => Reaction::Refused,
        _ => Reaction::Again,
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub osmp_txn_id: String,
    /// Our id of the payment, the same at every repetition.
    pub prv_txn: Option<String>,
    /// Tenge with two decimals, as text.
    pub sum: Option<String>,
    pub result: String,
    pub comment: String,
}

impl Answer {
    /// What is told, in this dialect.
    #[must_use]
    pub fn of(told: &Told) -> Self {
        Self {
            osmp_txn_id: told.txn_id.clone(),
            prv_txn: told.end_to_end_id.clone(),
            sum: told.amount.map(|amount| amount.to_string()),
            result: result(told.verdict).to_string(),
            comment: told.words().to_owned(),
        }
    }

    /// As an XML document.
    #[must_use]
    pub fn xml(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        push_nested(&mut out, "response", |out| {
            push_element(out, "osmp_txn_id", &self.osmp_txn_id);
            for (name, text) in [("prv_txn", &self.prv_txn), ("sum", &self.sum)] {
                if let Some(text) = text {
                    push_element(out, name, text);
                }
            }
            push_element(out, "result", &self.result);
            push_element(out, "comment", &self.comment);
        });
        out.push('\n');
        out
    }

    /// Reads a document, as the bank does; `None` where it is none.
    #[must_use]
    pub fn read(source: &[u8]) -> Option<Self> {
        let document = Document::scan(source, &Limits::default()).ok()?;
        let root = document.root();
        let text = |name: &str| Some(root.child(name)?.plain_text().ok()?.into_owned());
        Some(Self {
            osmp_txn_id: text("osmp_txn_id")?,
            prv_txn: text("prv_txn"),
            sum: text("sum"),
            result: text("result")?,
            comment: text("comment")?,
        })
    }
}
