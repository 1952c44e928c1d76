//! Finds the business payload in `data`, wherever live systems put it.
//!
//! Four forms are on the wire, request and answer independently: children of `data` (typed or not),
//! one wrapping element, or a whole document written into `data` as text (escaped or CDATA), often
//! signed. An adapter says how it reads an element; this module tries the places in that order.

use crate::adapter::Call;
use crate::fault::{Code, Fault, Phase};
use crate::xml::{Document, Element, Limits, XmlError};

/// Reads the payload of a call.
///
/// # Errors
/// `caller.malformed` when there is no `data`, its text is no XML, or `read` finds nothing anywhere;
/// `caller.too_large` when the document in it crosses a cap.
pub fn of_call<T>(call: &Call<'_>, read: impl Fn(Element<'_>) -> Option<T>) -> Result<T, Fault> {
    let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Encode, reason);
    let data = call.data.ok_or_else(|| malformed("data_missing"))?;
    match find(data, read) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(malformed("payload_not_found")),
        Err(error) if error.is_limit => {
            Err(Fault::new(Code::CallerTooLarge, Phase::Encode, error.reason))
        }
        Err(error) => Err(malformed(error.reason)),
    }
}

/// Reads the payload of an agency's answer.
///
/// # Errors
/// `agency.broken_answer` when there is no `data`, its text is no XML, or `read` finds nothing.
pub fn of_answer<T>(
    data: Option<Element<'_>>,
    read: impl Fn(Element<'_>) -> Option<T>,
) -> Result<T, Fault> {
    let broken = |reason| Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason);
    let data = data.ok_or_else(|| broken("data_missing"))?;
    find(data, read)
        .map_err(|error| broken(error.reason))?
        .ok_or_else(|| broken("payload_not_found"))
}

/// Whether the payload is a document written as text.
#[must_use]
pub fn is_text(data: Element<'_>) -> bool {
    data.children().next().is_none() && !data.text().trim().is_empty()
}

/// The text of that child, trimmed; `None` when it is absent or empty, which live clients mix.
#[must_use]
pub fn field(parent: Element<'_>, local: &str) -> Option<String> {
    let text = parent.child(local)?.text();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn find<T>(
    data: Element<'_>,
    read: impl Fn(Element<'_>) -> Option<T>,
) -> Result<Option<T>, XmlError> {
    if !is_text(data) {
        return Ok(read_near(data, &read));
    }
    let text = data.text();
    let document = Document::scan(text.trim().as_bytes(), &Limits::default())?;
    Ok(read_near(document.root(), &read))
}

/// Reads the element itself, or else its only child.
fn read_near<T>(element: Element<'_>, read: impl Fn(Element<'_>) -> Option<T>) -> Option<T> {
    read(element).or_else(|| {
        let mut children = element.children();
        match (children.next(), children.next()) {
            (Some(only), None) => read(only),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iin_in(data: &str) -> Result<String, Fault> {
        let document = Document::scan(data.as_bytes(), &Limits::default()).expect("well-formed");
        of_answer(Some(document.root()), |element| field(element, "iin"))
    }

    #[test]
    fn all_four_forms_are_read() {
        for data in [
            "<data><messageId>1</messageId><iin> 1 </iin></data>",
            "<data><iin>1</iin></data>",
            "<data xmlns:a='urn:a'><a:Request><a:iin>1</a:iin></a:Request></data>",
            "<data>&lt;Request>&lt;iin>1&lt;/iin>&lt;/Request></data>",
            "<data><![CDATA[<?xml version='1.0'?>\n<r><Request><iin>1</iin></Request></r>]]></data>",
        ] {
            assert_eq!(iin_in(data).as_deref(), Ok("1"), "{data}");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (data, reason) in [
            ("<data/>", "payload_not_found"),
            ("<data><iin/></data>", "payload_not_found"),
            ("<data><a><b><iin>1</iin></b></a></data>", "payload_not_found"),
            ("<data><a/><b><iin>1</iin></b></data>", "payload_not_found"),
        ] {
            let fault = iin_in(data).expect_err(data);
            assert_eq!((fault.code, fault.reason), (Code::AgencyBrokenAnswer, reason), "{data}");
        }
        let absent = of_answer(None, |element| field(element, "iin")).expect_err("no data");
        assert_eq!(absent.reason, "data_missing");
        assert!(iin_in("<data>neither XML nor empty</data>").is_err());
        assert!(iin_in("<data>&lt;!DOCTYPE r>&lt;r/></data>").is_err());
    }
}
