//! Where a card number may stand: in a document, in a query, or in a body in JSON.

use super::{is_field, is_in_text};
use crate::query::Query;
use crate::xml::{Document, Kind, Limits};
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The header block of signatures: certificates have serial numbers of any length.
const SIGNATURES: &str = "Security";

/// Whether anything in a document holds a card number: names and values of elements and attributes,
/// comments and instructions; what `is_exempt` names by the local name of its element is not read.
#[must_use]
pub fn is_in_document(document: &Document<'_>, is_exempt: impl Fn(&str) -> bool) -> bool {
    let (mut skipped_to, mut read_to) = (0, 0);
    document.nodes().iter().enumerate().any(|(index, node)| {
        if node.span().start < skipped_to {
            return false;
        }
        if matches!(node.kind, Kind::Comment | Kind::Instruction) {
            return is_in_text(document.node_text(node));
        }
        // Text is read with the element that it stands in.
        let Some(element) = document.element_at(index) else { return false };
        let local = element.local();
        if local == SIGNATURES {
            skipped_to = node.span().end;
            return false;
        }
        is_field(local)
            || element.attributes().any(|one| is_field(one.local) || is_in_text(&one.value()))
            || !is_exempt(local) && has_text(document, index) && {
                // What stands around all of it is read once with what is below it, as long as that is; the rest by
                // itself: depth times length would be too much work.
                let is_within = index < read_to;
                read_to = read_to.max(node.subtree_end as usize);
                is_in_text(&if is_within { element.own_text() } else { element.text() })
            }
    })
}

/// Whether an element holds text of its own; the white space between its children is none.
fn has_text(document: &Document<'_>, index: usize) -> bool {
    let Some(parent) = document.nodes().get(index) else { return false };
    let mut next = index + 1;
    while let Some(node) = document.nodes().get(next).filter(|_| next < parent.subtree_end as usize)
    {
        let is_text = matches!(node.kind, Kind::Text | Kind::CData);
        if is_text && !document.node_text(node).trim_ascii().is_empty() {
            return true;
        }
        next = (node.subtree_end as usize).max(next + 1);
    }
    false
}

/// Whether a query holds one. What cannot be read is refused by whoever reads it.
#[must_use]
pub fn is_in_query(text: &str, is_exempt: impl Fn(&str) -> bool) -> bool {
    let Ok(query) = Query::read(text) else { return false };
    query.pairs().any(|(name, value)| {
        is_field(name) || is_in_text(name) || !is_exempt(name) && is_in_text(value)
    })
}

/// Whether a body in XML or JSON holds one.
///
/// # Errors
/// The public reason why it cannot be read to its end. Whoever reads it next may be less strict, so such
/// a body must be refused.
pub fn is_in_body(
    body: &[u8],
    limits: &Limits,
    is_exempt: impl Fn(&str) -> bool,
) -> Result<bool, &'static str> {
    const UNREADABLE: &str = "json_unreadable";
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.is_empty() {
        return Ok(false);
    }
    if body.trim_ascii_start().starts_with(b"<") {
        let xml = Document::scan(body, limits).map_err(|error| error.reason)?;
        return Ok(is_in_document(&xml, is_exempt));
    }
    // A reader that passes over a value does not look whether it is a text at all.
    let text = std::str::from_utf8(body).map_err(|_| UNREADABLE)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let found = json.deserialize_any(Search { is_exempt: &is_exempt, is_skipped: false });
    let found = found.map_err(|_| UNREADABLE)?;
    json.end().map_err(|_| UNREADABLE).map(|()| found)
}

/// Looks at every value of a JSON text, also at those whose key stands twice.
struct Search<'e, E> {
    is_exempt: &'e E,
    is_skipped: bool,
}

impl<E> Clone for Search<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Search<'_, E> {}

impl<'de, E: Fn(&str) -> bool> DeserializeSeed<'de> for Search<'_, E> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, E: Fn(&str) -> bool> Visitor<'de> for Search<'_, E> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<X: Error>(self, text: &str) -> Result<bool, X> {
        Ok(!self.is_skipped && is_in_text(text))
    }

    fn visit_u64<X: Error>(self, number: u64) -> Result<bool, X> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<X: Error>(self, number: i64) -> Result<bool, X> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<X: Error>(self, number: f64) -> Result<bool, X> {
        self.visit_str(&number.to_string())
    }

    fn visit_bool<X: Error>(self, _: bool) -> Result<bool, X> {
        Ok(false)
    }

    fn visit_unit<X: Error>(self) -> Result<bool, X> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut is_found = false;
        while let Some(is_here) = items.next_element_seed(self)? {
            is_found |= is_here;
        }
        Ok(is_found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<bool, A::Error> {
        let mut is_found = false;
        while let Some(name) = fields.next_key::<String>()? {
            let is_skipped = self.is_skipped || (self.is_exempt)(&name);
            is_found |= is_field(&name) || is_in_text(&name);
            is_found |= fields.next_value_seed(Self { is_skipped, ..self })?;
        }
        Ok(is_found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_it_in_any_parameter_but_the_banks_own() {
        let is_found = |query: &str| is_in_query(query, |name| name == "txn_id");
        for query in [
            "account=4111111111111111",
            "a=1&data1=4111%201111+1111-1111",
            "cvc=1",
            "4111111111111111=1",
        ] {
            assert!(is_found(query), "{query}");
        }
        for query in ["", "txn_id=4111111111111111", "sum=19875.07", "a=%4"] {
            assert!(!is_found(query), "{query}");
        }
    }

    #[test]
    fn a_body_holds_it_in_any_value_but_the_banks_own() {
        let is_found =
            |body: &str| is_in_body(body.as_bytes(), &Limits::default(), |name| name == "id");
        for body in [
            r#"{"a":[{"b":"4111 1111 1111 1111"}]}"#,
            r#"{"a":"\u0034111111111111111"}"#,
            r#"{"a":4111111111111111}"#,
            r#"{"a":4111111111111111.0}"#,
            r#"{"a":"4111111111111111","a":"1"}"#,
            r#"{"CVC":null}"#,
            r#"{"4111111111111111":true}"#,
            "\n<a><b>4111111111111111</b></a>",
        ] {
            assert_eq!(is_found(body), Ok(true), "{body}");
        }
        for body in [
            r#"{"id":"4111111111111111","sum":"5347.07","cardMask":"411111...1111"}"#,
            "<a><id>4111111111111111</id></a>",
            "",
        ] {
            assert_eq!(is_found(body), Ok(false), "{body}");
        }
    }

    /// What a reader that looks only at its own fields would take, a number beside them unseen.
    #[test]
    fn a_body_that_cannot_be_read_to_its_end_is_nobodys_to_take() {
        let is_found = |body: &[u8]| is_in_body(body, &Limits::default(), |name| name == "id");
        let deep = format!("{{\"a\":{}\"4111111111111111\"{}}}", "[".repeat(200), "]".repeat(200));
        for body in [
            &b"{\"a\":\"\xc8 4111111111111111\"}"[..],
            deep.as_bytes(),
            b"{\"a\":1e400,\"b\":\"4111111111111111\"}",
            b"{\"a\":1} {\"b\":\"4111111111111111\"}",
            b"[",
            b"<a>",
            b"no form",
        ] {
            assert!(is_found(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(is_found(b"\xef\xbb\xbf{\"a\":\"4111111111111111\"}"), Ok(true));
    }
}
