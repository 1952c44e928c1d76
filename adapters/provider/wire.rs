//! Our answers to a bank that checks and pays, as JSON and as XML, and its result codes.
//!
//! | result | means | the bank |
//! |---|---|---|
//! | 0 | can be paid; was taken | lets its customer pay; books it |
//! | 1 | no such charge | tells its customer, or gives the money back |
//! | 2 | the charge was annulled | as 1 |
//! | 3 | it is paid already | as 1 |
//! | 4 | not finished | asks the same again |
//! | 5 | another reason | tells its customer; a person looks at it |
//!
//! A `pay` that met a passing obstacle is told 4, never 5: its commit may be in doubt, and a bank that
//! gave the money back then would leave us with a payment that nobody made.

use qaqpa_kit::bank::{Reaction, Told, Verdict};
use qaqpa_kit::xml::writer::{push_attribute, push_element, push_nested, push_text};
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// The result code of a verdict.
#[must_use]
pub const fn result(verdict: Verdict, is_pay: bool) -> u8 {
    match verdict {
        Verdict::Ok => 0,
        Verdict::NoCharge => 1,
        Verdict::Annulled => 2,
        Verdict::AlreadyPaid => 3,
        Verdict::InProgress => 4,
        Verdict::Temporary if is_pay => 4,
        Verdict::Temporary | Verdict::OtherTerms | Verdict::Malformed | Verdict::Forbidden => 5,
    }
}

/// What the bank makes of a result code; of one that it does not know it asks again.
#[must_use]
pub const fn reaction(result: u8) -> Reaction {
    match result {
        0 => Reaction::Done,
        1 | 2 | 3 | 5 => Reaction::Refused,
        _ => Reaction::Again,
    }
}

/// An answer. It denies nothing that it does not know: only the bank's stand-in reads it.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub txn_id: String,
    /// Our id of the payment, the same at every repetition.
    pub prv_txn_id: Option<String>,
    pub result: u8,
    /// Tenge with two decimals, as text.
    pub sum: Option<String>,
    /// BIN of who is paid.
    pub bin: Option<String>,
    pub comment: String,
    pub fields: Option<Fields>,
}

/// What the bank shows its customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    pub field1: Field,
}

/// One line that the bank shows its customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    #[serde(rename = "@name")]
    pub name: String,
    #[serde(rename = "#text")]
    pub text: String,
}

impl Answer {
    /// What is told, in this dialect.
    #[must_use]
    pub fn of(told: &Told, is_pay: bool) -> Self {
        let field = |purpose: &String| Fields {
            field1: Field { name: "Service".to_owned(), text: purpose.clone() },
        };
        Self {
            txn_id: told.txn_id.clone(),
            prv_txn_id: told.end_to_end_id.clone(),
            result: result(told.verdict, is_pay),
            sum: told.amount.map(|amount| amount.to_string()),
            bin: told.payee_bin.clone(),
            comment: told.words().to_owned(),
            fields: told.purpose.as_ref().map(field),
        }
    }

    /// As an XML document.
    #[must_use]
    pub fn xml(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        push_nested(&mut out, "response", |out| {
            push_element(out, "txn_id", &self.txn_id);
            let optional = [("prv_txn_id", &self.prv_txn_id)];
            push_optional(out, &optional);
            push_element(out, "result", &self.result.to_string());
            push_optional(out, &[("sum", &self.sum), ("bin", &self.bin)]);
            push_element(out, "comment", &self.comment);
            if let Some(Fields { field1 }) = &self.fields {
                push_nested(out, "fields", |out| {
                    out.push_str("<field1");
                    push_attribute(out, "name", &field1.name);
                    out.push('>');
                    push_text(out, &field1.text);
                    out.push_str("</field1>");
                });
            }
        });
        out.push('\n');
        out
    }
}

fn push_optional(out: &mut String, elements: &[(&str, &Option<String>)]) {
    for (name, text) in elements {
        if let Some(text) = text {
            push_element(out, name, text);
        }
    }
}
