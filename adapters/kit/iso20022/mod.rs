//! ISO 20022 messages as banks write them, read strictly: one namespace, one of what may stand once, tenge only.
//!
//! Only what a payment needs is read; what a version of a message adds is passed over, because banks
//! upgrade when they like. Nothing is read by position, and nothing twice.

mod notification;
mod receipt;
mod status;
mod transfer;

pub use notification::{Entry, camt054, read_camt054};
pub use receipt::{admi007, head, read_admi007};
pub use status::{PACS_002, PAIN_002, Status, StatusReport, read_statuses, write_statuses};
pub use transfer::{Head, Transfer, pacs008, pain001, read_pacs008, read_pain001};

use crate::ids::Bin;
use crate::money::Amount;
use crate::xml::writer::{push_element, push_nested};
use crate::xml::{Document, Element, Limits};
use std::borrow::Cow;

/// What every namespace begins with; `pain.001.001.10` follows.
pub const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:";
/// Payments that one message of a bank may speak of.
pub const ITEMS_MAX: usize = 1_000;
/// The one currency that is taken.
const CURRENCY: &str = "KZT";
/// Characters of `Max35Text`, which most ids are.
pub const ID_CHARS_MAX: usize = 35;

/// Decimals of an amount (`fractionDigits` of `ActiveCurrencyAndAmount`).
const DECIMALS_MAX: usize = 5;

/// Why a message cannot be read, a public reason.
pub type Broken = &'static str;

/// The kind of a message by its namespace: `pacs.008`; empty where it is none.
#[must_use]
pub fn kind(source: &[u8]) -> String {
    let Ok(document) = Document::scan(source, &Limits::default()) else { return String::new() };
    let name = document.root().namespace().strip_prefix(NAMESPACE).unwrap_or_default();
    name.get(..8).unwrap_or_default().to_owned()
}

/// The message below `Document`, whose kind must be this one, whatever its version.
fn body<'d>(document: &'d Document<'d>, kind: &str, name: &str) -> Result<Element<'d>, Broken> {
    let root = document.root();
    let version = root.namespace().strip_prefix(NAMESPACE).and_then(|rest| rest.strip_prefix(kind));
    if root.local() != "Document" || !version.is_some_and(|rest| rest.starts_with('.')) {
        return Err("message_unknown");
    }
    one(root, name)?.ok_or("message_unknown")
}

/// The only child of that name, in its parent's namespace.
fn one<'d>(parent: Element<'d>, name: &str) -> Result<Option<Element<'d>>, Broken> {
    let mut found = every(parent, name);
    let first = found.next();
    if found.next().is_some() { Err("element_repeated") } else { Ok(first) }
}

/// The children of that name, in their parent's namespace.
fn every<'d>(parent: Element<'d>, name: &str) -> impl Iterator<Item = Element<'d>> {
    let namespace = parent.namespace();
    parent.children().filter(move |child| child.is(namespace, name))
}

/// The element at the end of a path such as `GrpHdr/MsgId`, one at each step.
fn at<'d>(parent: Element<'d>, path: &str) -> Result<Option<Element<'d>>, Broken> {
    let mut found = Some(parent);
    for name in path.split('/') {
        let Some(parent) = found else { return Ok(None) };
        found = one(parent, name)?;
    }
    Ok(found)
}

/// Its text, trimmed; `None` where there is none.
fn text<'d>(parent: Element<'d>, path: &str) -> Result<Option<Cow<'d, str>>, Broken> {
    let Some(element) = at(parent, path)? else { return Ok(None) };
    let text = element.plain_text().map_err(|error| error.reason)?;
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err("control_character");
    }
    let trimmed = text.trim();
    Ok((!trimmed.is_empty()).then(|| Cow::Owned(trimmed.to_owned())))
}

/// An id of at most 35 characters.
fn id(parent: Element<'_>, path: &str) -> Result<Option<String>, Broken> {
    match text(parent, path)? {
        Some(id) if id.chars().count() > ID_CHARS_MAX => Err("id_too_long"),
        id => Ok(id.map(Cow::into_owned)),
    }
}

/// An amount in tenge; another currency is refused.
fn amount(parent: Element<'_>, path: &str) -> Result<Option<Amount>, Broken> {
    let Some(element) = at(parent, path)? else { return Ok(None) };
    let currency = element.attribute("", "Ccy").ok_or("currency_missing")?;
    if currency.value() != CURRENCY {
        return Err("currency_not_tenge");
    }
    let text = element.plain_text().map_err(|error| error.reason)?;
    Amount::parse(exact(text.trim())).map(Some).map_err(|error| error.reason())
}

/// An amount without the zeros behind its second decimal: the schemas allow five decimals.
fn exact(text: &str) -> &str {
    match text.split_once('.') {
        Some((_, decimals)) if (3..=DECIMALS_MAX).contains(&decimals.len()) => {
            let spare = decimals.len() - 2;
            let (kept, rest) = text.split_at_checked(text.len() - spare).unwrap_or((text, ""));
            if rest.bytes().all(|byte| byte == b'0') { kept } else { text }
        }
        _ => text,
    }
}

/// The document around a message's inside.
fn document(version: &str, name: &str, inside: impl FnOnce(&mut String)) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{NAMESPACE}{version}\">"
    );
    push_nested(&mut out, name, inside);
    out.push_str("</Document>\n");
    out
}

/// `<name Ccy="KZT">19875.00</name>`.
fn push_amount(out: &mut String, name: &str, amount: Amount) {
    out.push_str(&format!("<{name} Ccy=\"{CURRENCY}\">{amount}</{name}>"));
}

/// Whose number it is: the fifth digit of a BIN tells the kind of an organisation, that of an IIN a day.
fn scheme(id: &str) -> &'static str {
    let kind = Bin::parse(id, false).ok().and_then(|bin| bin.kind());
    if kind.is_some() { "BIN" } else { "IIN" }
}

/// `Othr` with an IIN or BIN in it.
fn push_other(out: &mut String, id: &str) {
    push_nested(out, "Othr", |out| {
        push_element(out, "Id", id);
        push_nested(out, "SchmeNm", |out| push_element(out, "Prtry", scheme(id)));
    });
}

/// A party by its IIN or BIN, where that is known; nothing else is known of it here.
fn push_party(out: &mut String, name: &str, id: &str) {
    if id.is_empty() {
        return push_nested(out, name, |_| ());
    }
    let kind = if scheme(id) == "BIN" { "OrgId" } else { "PrvtId" };
    push_nested(out, name, |out| {
        push_nested(out, "Id", |out| push_nested(out, kind, |out| push_other(out, id)));
    });
}

/// The IIN or BIN of a party.
fn party(parent: Element<'_>, name: &str) -> Result<Option<String>, Broken> {
    for path in ["Id/PrvtId/Othr/Id", "Id/OrgId/Othr/Id"] {
        if let Some(id) = id(parent, &format!("{name}/{path}"))? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn push_agent(out: &mut String, name: &str, bic: &str) {
    push_nested(out, name, |out| {
        push_nested(out, "FinInstnId", |out| push_element(out, "BICFI", bic));
    });
}
