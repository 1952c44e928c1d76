//! One description of an agency's messages for three languages: XML, JSON and JSON Schema.
//!
//! A wire type is a plain struct with `#[derive(Serialize, Deserialize, JsonSchema)]`. [`from_element()`]
//! and [`inside()`] are the XML half of serde, [`from_json()`] reads JSON strictly, and serde_json writes
//! it. The rules of the XML form:
//!
//! - a field is a child element of that local name, whatever its namespace; fields are written
//!   unqualified and in the order of the struct;
//! - a `Vec` is the same element repeated, `None` is an element left out, an empty element is `""`;
//! - `@name` is an attribute, `#text` the text beside child elements; values are text, kept to the letter;
//! - a struct skips elements that it does not know, unless it holds a flattened [`More`]: then it
//!   keeps them. Their attributes, prefixes and order are not kept.

mod from_element;
mod from_json;
mod into_element;
mod kinds;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
mod schema;

pub use from_element::from_element;
pub use from_json::{DEPTH_MAX, Tree, VALUES_MAX};
pub use into_element::{inside, push_wrapped};
pub use kinds::{Bin, Date, DateTime, Flag, Iin, More, Unlisted};
pub use schema::{schema_of_answer, schema_of_request};

use crate::fault::{Code, Fault, Phase};
use crate::redact;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;

/// Why a message does not fit its wire type. It holds names and never a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireError {
    /// `wrong_type`, `unknown_field`, `field_missing`, `repeated_element`, `element_in_value` …
    pub reason: &'static str,
    /// The place as a JSON pointer (RFC 6901); empty for the whole.
    pub place: String,
    /// Byte offset of what is no JSON.
    pub at: Option<usize>,
    /// A cap was crossed, not a rule broken.
    pub is_limit: bool,
}

impl WireError {
    const fn new(reason: &'static str) -> Self {
        Self { reason, place: String::new(), at: None, is_limit: false }
    }

    fn of_field(reason: &'static str, field: &str) -> Self {
        Self::new(reason).within(field)
    }

    /// The place for a fault's cause: names are the caller's too, so ids are masked and it is cut.
    #[must_use]
    pub fn cause(&self) -> String {
        const PLACE_CHARS_MAX: usize = 256;
        let place: String = redact::ids(&self.place).chars().take(PLACE_CHARS_MAX).collect();
        format!("at {place:?}")
    }

    /// The same one level further out.
    fn within(mut self, key: &str) -> Self {
        self.place = format!("/{}{}", escaped(key), self.place);
        self
    }
}

/// A key as a part of a JSON pointer (RFC 6901 §3), masked first: the digits of an escape would hide
/// where an identifier begins.
fn escaped(key: &str) -> String {
    // A run too long for an IIN may be a card's number, which no log may hold.
    let longest = key.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
    if longest.is_some_and(|digits| digits > 12) {
        return "***".to_owned();
    }
    redact::ids(key).replace('~', "~0").replace('/', "~1")
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.reason, self.cause())
    }
}

impl std::error::Error for WireError {}

/// What serde says of a value may quote it, so only its kind is kept.
impl serde::de::Error for WireError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("unreadable")
    }
    fn invalid_type(_: serde::de::Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self::new("wrong_type")
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::new("unknown_value")
    }
    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::of_field("unknown_field", field)
    }
    fn missing_field(field: &'static str) -> Self {
        Self::of_field("field_missing", field)
    }
    fn duplicate_field(field: &'static str) -> Self {
        Self::of_field("duplicate_field", field)
    }
}

impl serde::ser::Error for WireError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("unwritable")
    }
}

/// Reads a caller's JSON: strict, within [`DEPTH_MAX`] and [`VALUES_MAX`].
///
/// # Errors
/// Phase Receive: `caller.malformed`, or `caller.too_large` for a cap; the cause names the place.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Fault> {
    let tree = Tree::read(json).map_err(|error| refused(&error))?;
    T::deserialize(tree).map_err(|error| refused(&error))
}

/// The fault of a caller's JSON that does not fit.
#[must_use]
pub fn refused(error: &WireError) -> Fault {
    let code = if error.is_limit { Code::CallerTooLarge } else { Code::CallerMalformed };
    let fault = Fault::new(code, Phase::Receive, error.reason).because(error.cause());
    match error.at {
        Some(at) => fault.at(at),
        None => fault,
    }
}

/// What a caller's wire type becomes in XML cannot fail once [`from_json()`] has read it, so it is ours.
impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        Self::new(Code::GatewayBug, Phase::Receive, "xml_unwritable").because(error)
    }
}

/// JSON text of a wire type.
///
/// # Errors
/// `gateway.bug` for a type that JSON cannot hold; none of the house's is.
pub fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value)
        .map_err(|_| Fault::new(Code::GatewayBug, Phase::Decode, "json_unwritable"))
}

/// A wire type as an example beside its schema; `null` for a type that JSON cannot hold.
#[must_use]
pub fn to_example<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
