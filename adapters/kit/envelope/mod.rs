//! SyncChannel v10 on the wire: its names, and the few fields that are read to route a message.
//!
//! All inner elements are unqualified by the schema, but live clients qualify them, reorder them and
//! rename the wrapper. They are therefore found by local name, and each may stand only once: a second
//! `serviceId` would let two readers see two services. `data` is never read here, only located.

mod answer;
pub mod edits;
mod request;
pub mod splice;
pub mod write;

pub use answer::{Answer, AnswerBody};
pub use request::{Request, Wrapper};

use crate::fault::{Code, Fault, Phase};
use crate::xml::{Element, TextError};
use std::borrow::Cow;

/// Namespaces of SyncChannel v10.
pub mod ns {
    /// SOAP 1.1 envelope.
    pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    /// Wrapper elements `SendMessage`, `SendMessageResponse` and the fault element.
    pub const TYPES: &str = "http://bip.bee.kz/SyncChannel/v10/Types";
    /// Root of the form without an envelope.
    pub const REQUEST: &str = "http://bip.bee.kz/SyncChannel/v10/Types/Request";
    /// Abstract WSDL.
    pub const INTERFACES: &str = "http://bip.bee.kz/SyncChannel/v10/Interfaces";
    /// Wrapper of the consent service's own dialect.
    pub const CONSENT: &str = "http://service.2fa-chain.kz/ns/kdp";
}

fn malformed(reason: &'static str, at: usize) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason).at(at)
}

/// The child of that local name; a second one is refused.
fn only<'d>(parent: Element<'d>, local: &str) -> Result<Option<Element<'d>>, Fault> {
    let mut found = parent.children().filter(|child| child.local() == local);
    let first = found.next();
    match found.next() {
        Some(second) => Err(malformed("duplicate_field", second.span().start)),
        None => Ok(first),
    }
}

/// The plain text of that child, trimmed; empty where it is absent or empty.
fn field<'d>(parent: Element<'d>, local: &str) -> Result<Cow<'d, str>, Fault> {
    match only(parent, local)? {
        Some(element) => trimmed(element),
        None => Ok(Cow::Borrowed("")),
    }
}

fn trimmed<'d>(element: Element<'d>) -> Result<Cow<'d, str>, Fault> {
    let text = element.plain_text().map_err(|TextError { reason, at }| malformed(reason, at))?;
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    })
}
