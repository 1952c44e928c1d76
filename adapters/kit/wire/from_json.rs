//! Strict JSON: what two readers might read differently is refused (RFC 7493), and all of it is bounded.

use super::{WireError, escaped};
use crate::xml::is_text;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::collections::HashSet;
use std::fmt;

/// Objects and arrays within each other; `json_limit_depth`.
pub const DEPTH_MAX: usize = 64;
/// Values of one document, objects and arrays among them; a value costs about 50 bytes beside its
/// text, so this caps what a body of tiny ones can take; `json_limit_values`.
pub const VALUES_MAX: usize = 500_000;

/// A JSON document. Of numbers only whole ones of 63 bits are kept, for the amounts that a wire type
/// declares; every other field is text, and a text stays a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    Null,
    Flag(bool),
    /// `None`: with a fraction, an exponent, a minus before zero, or beyond 63 bits.
    Number(Option<i64>),
    Text(String),
    Many(Vec<Tree>),
    Inside(Vec<(String, Tree)>),
}

impl Tree {
    /// Reads a document.
    ///
    /// # Errors
    /// `json_not_utf8`, `json_unreadable` with the byte (RFC 8259), `duplicate_key`,
    /// `forbidden_character` for one that XML 1.0 cannot carry, and the two caps. Numbers beyond the
    /// range of a double are unreadable.
    pub fn read(json: &[u8]) -> Result<Self, WireError> {
        let text = str::from_utf8(json).map_err(|error| WireError {
            at: Some(error.valid_up_to()),
            ..WireError::new("json_not_utf8")
        })?;
        let mut trace = Trace::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        let seed = Strict { trace: &mut trace, depth: 0 };
        let read = seed.deserialize(&mut reader).and_then(|tree| reader.end().map(|()| tree));
        read.map_err(|error| trace.error(&error, text))
    }
}

/// Where the reading stands, and what stopped it.
#[derive(Default)]
struct Trace {
    place: String,
    values: usize,
    reason: Option<&'static str>,
}

impl Trace {
    fn refuse<E: Error>(&mut self, reason: &'static str) -> E {
        self.reason = Some(reason);
        E::custom("")
    }

    fn error(self, error: &serde_json::Error, text: &str) -> WireError {
        let Self { place, reason, .. } = self;
        match reason {
            Some(reason) => {
                WireError { reason, place, at: None, is_limit: reason.starts_with("json_limit") }
            }
            None => {
                let above = text.split_inclusive('\n').take(error.line().saturating_sub(1));
                let at = above.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
                WireError { reason: "json_unreadable", place, at: Some(at), is_limit: false }
            }
        }
    }
}

struct Strict<'t> {
    trace: &'t mut Trace,
    depth: usize,
}

impl Strict<'_> {
    fn inner(&mut self) -> Strict<'_> {
        Strict { trace: &mut *self.trace, depth: self.depth + 1 }
    }

    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        if is_text(text) { Ok(()) } else { Err(self.trace.refuse("forbidden_character")) }
    }

    fn enter<E: Error>(&mut self) -> Result<(), E> {
        if self.depth < DEPTH_MAX { Ok(()) } else { Err(self.trace.refuse("json_limit_depth")) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        self.trace.values += 1;
        if self.trace.values > VALUES_MAX {
            return Err(self.trace.refuse("json_limit_values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(Some(number)))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.try_into().ok()))
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Number(None))
    }
    fn visit_str<E: Error>(mut self, text: &str) -> Result<Tree, E> {
        self.text(text)?;
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_string<E: Error>(mut self, text: String) -> Result<Tree, E> {
        self.text(&text)?;
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Tree, A::Error> {
        self.enter()?;
        let mut many = Vec::new();
        let outer = self.trace.place.len();
        loop {
            self.trace.place.push_str(&format!("/{}", many.len()));
            let Some(item) = items.next_element_seed(self.inner())? else { break };
            many.push(item);
            self.trace.place.truncate(outer);
        }
        self.trace.place.truncate(outer);
        Ok(Tree::Many(many))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Tree, A::Error> {
        self.enter()?;
        let mut inside: Vec<(String, Tree)> = Vec::new();
        let outer = self.trace.place.len();
        while let Some(key) = members.next_key::<String>()? {
            self.trace.place.push('/');
            self.trace.place.push_str(&escaped(&key));
            self.text(&key)?;
            inside.push((key, members.next_value_seed(self.inner())?));
            self.trace.place.truncate(outer);
        }
        let mut seen = HashSet::with_capacity(inside.len());
        if let Some((twice, _)) = inside.iter().find(|(key, _)| !seen.insert(key.as_str())) {
            self.trace.place.push('/');
            self.trace.place.push_str(&escaped(twice));
            return Err(self.trace.refuse("duplicate_key"));
        }
        Ok(Tree::Inside(inside))
    }
}

impl<'de> IntoDeserializer<'de, WireError> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = WireError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Flag(flag) => visitor.visit_bool(flag),
            Self::Number(_) => Err(WireError::new("wrong_type")),
            Self::Text(text) => visitor.visit_string(text),
            Self::Many(items) => visitor.visit_seq(Items { items: items.into_iter(), read: 0 }),
            Self::Inside(members) => {
                visitor.visit_map(Members { members: members.into_iter(), due: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        match self {
            Self::Null => visitor.visit_none(),
            here => visitor.visit_some(here),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_newtype_struct(self)
    }

    /// A text of digits is no number, and a number that is not written whole is none either.
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        match self {
            Self::Number(Some(number)) => visitor.visit_i64(number),
            Self::Number(None) => Err(WireError::new("not_whole_number")),
            _ => Err(WireError::new("wrong_type")),
        }
    }

    /// Derived structs read arrays too, by position; here only an object is one.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireError> {
        match self {
            Self::Inside(_) => self.deserialize_any(visitor),
            _ => Err(WireError::new("wrong_type")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier
    }
}

struct Items {
    items: std::vec::IntoIter<Tree>,
    read: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = WireError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, WireError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.read;
        self.read += 1;
        let read = seed.deserialize(item);
        read.map(Some).map_err(|error| error.within(&index.to_string()))
    }
}

struct Members {
    members: std::vec::IntoIter<(String, Tree)>,
    due: Option<(String, Tree)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = WireError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, WireError> {
        self.due = self.members.next();
        let Some((key, _)) = &self.due else { return Ok(None) };
        let key: serde::de::value::StrDeserializer<'_, WireError> =
            key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, WireError> {
        let (key, value) = self.due.take().ok_or(WireError::new("unreadable"))?;
        seed.deserialize(value).map_err(|error| error.within(&key))
    }
}
