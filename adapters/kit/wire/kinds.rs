//! The kinds of text that agencies' messages share, each with its pattern, and what no type knows.

use crate::bank::biller::days_of;
use crate::redact;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A kind: text to the letter, because live systems write what its pattern does not allow. Who acts
/// on it judges it; `Debug` masks IIN and BIN.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", redact::ids(&self.0))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

kind! {
    /// IIN, a person's number: twelve digits.
    Iin, "^[0-9]{12}$", "850312300121"
}
kind! {
    /// BIN, an organisation's number: twelve digits.
    Bin, "^[0-9]{12}$", "171140001235"
}
kind! {
    /// `xsd:date`; several agencies add the zone.
    Date, "^-?[0-9]{4,}-[0-9]{2}-[0-9]{2}(Z|[+-][0-9]{2}:?[0-9]{2})?$", "1985-03-12"
}
kind! {
    /// `xsd:dateTime`; live systems write the zone with and without a colon.
    DateTime,
    "^-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?$",
    "2025-03-11T10:15:30+05:00"
}

impl DateTime {
    /// Whether it is a moment that a clock shows, of this century or the one before.
    #[must_use]
    pub fn is_moment(&self) -> bool {
        let number = |from: usize, to: usize| -> Option<u32> {
            let digits = self.0.get(from..to)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
        let has_marks = marks.iter().all(|(at, mark)| self.0.get(*at..at + 1) == Some(*mark));
        let parts = [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)];
        let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] =
            parts.map(|(from, to)| number(from, to))
        else {
            return false;
        };
        let zone = self.0.get(19..).unwrap_or_default().trim_start_matches(['.']);
        let zone = zone.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_zone = matches!(zone, "" | "Z")
            || zone.strip_prefix(['+', '-']).is_some_and(|offset| {
                let digits = offset.replacen(':', "", 1);
                digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
            });
        has_marks
            && is_zone
            && (1900..2100).contains(&year)
            && (1..=days_of(year, month)).contains(&day)
            && (hour, minute, second) < (24, 0, 0)
            && minute < 60
            && second < 60
    }
}

/// `xsd:boolean`: `true` and `false` are JSON's own; any other text (`1`, `0`) stays that text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flag {
    Known(bool),
    Other(String),
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(flag) => serializer.serialize_bool(*flag),
            Self::Other(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flag")
            }
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag::Known(flag))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                Ok(text.parse().map_or_else(|_| Flag::Other(text.to_owned()), Flag::Known))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for Flag {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Flag".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["boolean", "string"] })
    }
}

/// Elements that a wire type does not know, by name; flattened into it, so that none is lost.
pub type More = BTreeMap<String, Unlisted>;

/// What stands in an element that no wire type describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Unlisted {
    Text(String),
    /// The same element repeated.
    Many(Vec<Unlisted>),
    Inside(More),
}

impl<'de> Deserialize<'de> for Unlisted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Unlisted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a list or an object")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Unlisted, E> {
                Ok(Unlisted::Text(text.to_owned()))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Unlisted, E> {
                Ok(Unlisted::Text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unlisted, A::Error> {
                let mut many = Vec::new();
                while let Some(item) = items.next_element()? {
                    many.push(item);
                }
                Ok(Unlisted::Many(many))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unlisted, A::Error> {
                let mut inside = More::new();
                while let Some((key, value)) = members.next_entry()? {
                    inside.insert(key, value);
                }
                Ok(Unlisted::Inside(inside))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for Unlisted {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Unlisted".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array", "object"], "items": {} })
    }
}
