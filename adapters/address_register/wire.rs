//! The messages of the register of addresses: JSON on the agency's side, elements in `data` on ours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// What a caller asks: the address's registration code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The registration code (РКА), sixteen digits.
    #[schemars(regex(pattern = r"^[0-9]{16}$"))]
    pub rka: String,
}

impl Request {
    /// The code, trimmed.
    #[must_use]
    pub fn code(&self) -> &str {
        self.rka.trim()
    }

    /// Whether the code has sixteen digits, so that it can stand in a path.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.code().len() == 16 && self.code().bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// An address, the body of a 200, and `address` in the caller's `data`.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The registration code (РКА), sixteen digits.
    pub rka: String,
    /// Classifier of territorial objects, nine digits.
    pub kato: String,
    pub name_kz: String,
    pub name_ru: String,
    pub postcode: Option<String>,
}

/// A refusal, the body of a 404 or 422.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    pub code: String,
    pub message: String,
}
