//! Finds the business payload in `data`, wherever live systems put it.
//!
//! Four forms are on the wire, request and answer independently: children of `data` (typed or not),
//! one wrapping element, or a whole document written into `data` as text (escaped or CDATA), often
//! signed. A wire type is read from each place in that order, until one holds what the adapter looks for.

use crate::adapter::{Answer, Call};
use crate::fault::{Code, Fault, Outcome, Phase};
use crate::manifest::ServiceManifest;
use crate::wire::{WireError, from_element, to_json};
use crate::xml::{Document, Element, Limits, XmlError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads the payload of a call: the first place whose wire type `is_it`.
///
/// # Errors
/// `caller.malformed` when there is no `data`, its text is no XML, nothing fits, or what fits is
/// wrong; `caller.too_large` when the document in it crosses a cap.
pub fn of_call<T: DeserializeOwned>(
    call: &Call<'_>,
    is_it: impl Fn(&T) -> bool,
) -> Result<T, Fault> {
    let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Encode, reason);
    let data = call.data.ok_or_else(|| malformed("data_missing"))?;
    find(data, is_it).map_err(|miss| match miss {
        Miss::Xml(error) if error.is_limit => {
            Fault::new(Code::CallerTooLarge, Phase::Encode, error.reason)
        }
        miss => miss.fault(&malformed),
    })
}

/// Reads the payload of an agency's answer.
///
/// # Errors
/// `agency.broken_answer` when there is no `data`, its text is no XML, nothing fits, or what fits is
/// wrong.
pub fn of_answer<T: DeserializeOwned>(
    data: Option<Element<'_>>,
    is_it: impl Fn(&T) -> bool,
) -> Result<T, Fault> {
    let data = data.ok_or_else(|| broken("data_missing"))?;
    find(data, is_it).map_err(|miss| miss.fault(&broken))
}

/// The JSON of an answer's payload; where nothing fits, of `data` as it stands.
///
/// # Errors
/// `agency.broken_answer` when neither can be read.
pub fn json_of_answer<T: DeserializeOwned + Serialize>(
    data: Element<'_>,
    is_it: impl Fn(&T) -> bool,
) -> Result<Vec<u8>, Fault> {
    let payload = find(data, is_it).or_else(|miss| match from_element(data) {
        Ok(as_it_stands) => Ok(as_it_stands),
        Err(error) => match miss {
            Miss::Nothing => Err(Miss::Wire(error).fault(&broken)),
            miss => Err(miss.fault(&broken)),
        },
    })?;
    to_json::<T>(&payload)
}

/// How a SyncChannel call ended: its status decides and, where that is Done, the agency's own `code`
/// in the payload too.
///
/// # Errors
/// `agency.unlisted_code`, `agency.broken_answer` where the code is due and nowhere, and `gateway.bug`
/// for an answer that is no SOAP.
pub fn outcome<T: DeserializeOwned>(
    service: &ServiceManifest,
    answer: &Answer<'_>,
    code: impl Fn(&T) -> Option<&str>,
) -> Result<Outcome, Fault> {
    match answer {
        Answer::Envelope(envelope) => match service.outcome(envelope.status_code)? {
            Outcome::Done => {
                let verdict = of_answer(envelope.data, |found| code(found).is_some())?;
                service.outcome(code(&verdict).unwrap_or_default())
            }
            refused => Ok(refused),
        },
        Answer::Fault(fault) => service.refusal(fault.error_code),
        Answer::Http(_) => Err(Fault::new(Code::GatewayBug, Phase::Decode, "answer_not_soap")),
    }
}

/// Whether the payload is a document written as text.
#[must_use]
pub fn is_text(data: Element<'_>) -> bool {
    data.children().next().is_none() && !data.text().trim().is_empty()
}

/// The text of a field, trimmed; `None` when it is absent or empty, which live clients mix.
#[must_use]
pub fn said<T: AsRef<str>>(field: Option<&T>) -> Option<&str> {
    let text = field?.as_ref().trim();
    (!text.is_empty()).then_some(text)
}

/// Why no place holds the payload.
enum Miss {
    Xml(XmlError),
    Wire(WireError),
    Nothing,
}

impl Miss {
    fn fault(self, fault: &impl Fn(&'static str) -> Fault) -> Fault {
        match self {
            Self::Xml(error) => fault(error.reason),
            Self::Wire(error) => fault(error.reason).because(error.cause()),
            Self::Nothing => fault("payload_not_found"),
        }
    }
}

const fn broken(reason: &'static str) -> Fault {
    Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason)
}

fn find<T: DeserializeOwned>(data: Element<'_>, is_it: impl Fn(&T) -> bool) -> Result<T, Miss> {
    if !is_text(data) {
        return find_near(data, &is_it);
    }
    let text = data.text();
    let scanned = Document::scan(text.trim().as_bytes(), &Limits::default()).map_err(Miss::Xml)?;
    find_near(scanned.root(), &is_it)
}

/// Reads the element itself, or else its only child.
fn find_near<T: DeserializeOwned>(
    element: Element<'_>,
    is_it: impl Fn(&T) -> bool,
) -> Result<T, Miss> {
    let mut children = element.children();
    let only = children.next().filter(|_| children.next().is_none());
    let mut miss = Miss::Nothing;
    for place in [Some(element), only].into_iter().flatten() {
        match from_element(place) {
            Ok(payload) if is_it(&payload) => return Ok(payload),
            // A wrapper lacks every field of what it wraps.
            Err(error) if error.reason != "field_missing" => miss = Miss::Wire(error),
            Ok(_) | Err(_) => {}
        }
    }
    Err(miss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::More;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Named {
        #[serde(skip_serializing_if = "Option::is_none")]
        iin: Option<String>,
        #[serde(flatten)]
        more: More,
    }

    fn is_named(found: &Named) -> bool {
        said(found.iin.as_ref()).is_some()
    }

    fn iin_in(data: &str) -> Result<String, Fault> {
        let document = Document::scan(data.as_bytes(), &Limits::default()).expect("well-formed");
        let found = of_answer(Some(document.root()), is_named)?;
        Ok(said(found.iin.as_ref()).expect("named").to_owned())
    }

    #[test]
    fn an_answer_that_fits_nothing_is_told_as_it_stands() {
        for (data, json) in [
            ("<data><a><iin>1</iin><b/></a></data>", r#"{"iin":"1","b":""}"#),
            ("<data/>", "{}"),
            ("<data>none</data>", r##"{"#text":"none"}"##),
            ("<data><a>1</a><a/><b>&#xD;</b></data>", r#"{"a":["1",""],"b":"\r"}"#),
        ] {
            let document = Document::scan(data.as_bytes(), &Limits::default()).expect("XML");
            let told = json_of_answer(document.root(), is_named).expect(data);
            assert_eq!(String::from_utf8(told).expect("UTF-8"), json);
        }
        let twice = Document::scan(b"<data><iin/><iin/></data>", &Limits::default()).expect("XML");
        let fault = json_of_answer(twice.root(), is_named).expect_err("twice");
        assert_eq!((fault.code, fault.reason), (Code::AgencyBrokenAnswer, "repeated_element"));
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
            ("<data><iin>1</iin><iin>2</iin></data>", "repeated_element"),
            ("<data><iin>1<x/></iin></data>", "element_in_value"),
        ] {
            let fault = iin_in(data).expect_err(data);
            assert_eq!((fault.code, fault.reason), (Code::AgencyBrokenAnswer, reason), "{data}");
        }
        let absent = of_answer(None, is_named).map(drop).expect_err("no data");
        assert_eq!(absent.reason, "data_missing");
        assert!(iin_in("<data>neither XML nor empty</data>").is_err());
        assert!(iin_in("<data>&lt;!DOCTYPE r>&lt;r/></data>").is_err());
    }
}
