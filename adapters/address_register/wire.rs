//! The messages of the register of addresses: JSON on the agency's side, elements in `data` on ours.

use qaqpa_kit::payload::field;
use qaqpa_kit::xml::Element;
use qaqpa_kit::xml::writer::{push_element, push_nested};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What a caller asks: the address's registration code (РКА), sixteen digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub rka: String,
}

impl Request {
    /// Reads a request; `None` when the element names no code, so is none.
    #[must_use]
    pub fn read(element: Element<'_>) -> Option<Self> {
        Some(Self { rka: field(element, "rka")? })
    }

    /// Whether the code has sixteen digits, so that it can stand in a path.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.rka.len() == 16 && self.rka.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// An address, the body of a 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address<'a> {
    pub rka: Cow<'a, str>,
    /// Classifier of territorial objects, nine digits.
    pub kato: Cow<'a, str>,
    pub name_kz: Cow<'a, str>,
    pub name_ru: Cow<'a, str>,
    pub postcode: Option<Cow<'a, str>>,
}

impl Address<'_> {
    /// The inside of `data`.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::new();
        push_nested(&mut out, "address", |out| {
            push_element(out, "rka", &self.rka);
            push_element(out, "kato", &self.kato);
            push_element(out, "nameKz", &self.name_kz);
            push_element(out, "nameRu", &self.name_ru);
            if let Some(postcode) = &self.postcode {
                push_element(out, "postcode", postcode);
            }
        });
        out
    }
}

/// A refusal, the body of a 404 or 422.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal<'a> {
    pub code: Cow<'a, str>,
    pub message: Cow<'a, str>,
}
