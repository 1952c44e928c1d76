//! The reading half of serde for XML: a wire type out of an element of a scanned document.

use super::WireError;
use crate::same::same;
use crate::xml::{Element, Kind, decode_lines, decode_text};
use serde::de::value::{CowStrDeserializer, StringDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;

/// Reads a wire type whose fields are the children of `element`.
///
/// It recurses no deeper than the document, which its scan has capped.
///
/// # Errors
/// What does not fit: `field_missing`, `repeated_element` where one is due, `element_in_value` where
/// text is due, `wrong_type` where children are.
pub fn from_element<'d, T: Deserialize<'d>>(element: Element<'d>) -> Result<T, WireError> {
    T::deserialize(Values(&[element]))
}

/// All children of one name: a list, or one value where they are one.
#[derive(Clone, Copy)]
struct Values<'a, 'd>(&'a [Element<'d>]);

impl<'d> Values<'_, 'd> {
    fn only(self) -> Result<Element<'d>, WireError> {
        match self.0 {
            [only] => Ok(*only),
            _ => Err(WireError::new("repeated_element")),
        }
    }
}

fn text_of(element: Element<'_>) -> Result<Cow<'_, str>, WireError> {
    match element.children().next() {
        None => Ok(element.text()),
        Some(_) => Err(WireError::new("element_in_value")),
    }
}

impl<'de> Deserializer<'de> for Values<'_, 'de> {
    type Error = WireError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        match self.0 {
            [only] if only.children().next().is_some() => self.deserialize_map(visitor),
            [_] => self.deserialize_str(visitor),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        Text(text_of(self.only()?)?).deserialize_any(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        self.deserialize_str(visitor)
    }

    /// Digits alone, perhaps after a minus, without zeros before them: one number has one text.
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        let text = text_of(self.only()?)?;
        let number = text.trim().parse::<i64>().ok();
        let number = number.filter(|number| number.to_string() == text.trim());
        visitor.visit_i64(number.ok_or(WireError::new("not_whole_number"))?)
    }

    /// What is absent is never asked for, so what is here is something.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        visitor.visit_seq(Items(self.0))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        let element = self.only()?;
        let mut children: Vec<_> = element.children().collect();
        children.sort_by_key(Element::local);
        visitor.visit_map(Parts::of(element, children, |_| true))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireError> {
        let element = self.only()?;
        let place = |name: &str| fields.iter().position(|field| same(field, name));
        let children = of_fields(element, place);
        visitor.visit_map(Parts::of(element, children, |name| place(name).is_some()))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        tuple tuple_struct enum identifier
    }
}

struct Items<'a, 'd>(&'a [Element<'d>]);

impl<'d> SeqAccess<'d> for Items<'_, 'd> {
    type Error = WireError;

    fn next_element_seed<T: DeserializeSeed<'d>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, WireError> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
        self.0 = rest;
        seed.deserialize(Values(std::slice::from_ref(first))).map(Some)
    }
}

/// The children that a struct has fields for, in the order of the fields.
fn of_fields<'d>(element: Element<'d>, place: impl Fn(&str) -> Option<usize>) -> Vec<Element<'d>> {
    // Lists are long: the next child mostly has the name of the one before.
    let mut last = ("", None);
    let placed = element.children().filter_map(|child| {
        let name = child.local();
        if !same(name, last.0) {
            last = (name, place(name));
        }
        last.1.map(|place| (place, child))
    });
    let mut placed: Vec<_> = placed.collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, child)| child).collect()
}

/// What a struct is read from: attributes without a namespace, text beside children, and the
/// children, those of one name together.
struct Parts<'d> {
    texts: Vec<(String, Cow<'d, str>)>,
    /// Those of one name beside each other.
    children: Vec<Element<'d>>,
    /// Children read so far.
    read: usize,
    due: Due<'d>,
}

/// The value whose key was read last.
enum Due<'d> {
    Nothing,
    Text(String, Cow<'d, str>),
    Children { start: usize },
}

impl<'d> Parts<'d> {
    fn of(
        element: Element<'d>,
        children: Vec<Element<'d>>,
        is_asked: impl Fn(&str) -> bool,
    ) -> Self {
        let mut texts: Vec<_> = element
            .attributes()
            .filter(|attribute| attribute.namespace.is_empty())
            .map(|attribute| (format!("@{}", attribute.local), attribute.value()))
            .filter(|(key, _)| is_asked(key))
            .collect();
        if is_asked("#text") {
            let text = own_text(element);
            if !text.trim().is_empty() {
                texts.push(("#text".to_owned(), text.into()));
            }
        }
        Self { texts, children, read: 0, due: Due::Nothing }
    }
}

impl<'d> MapAccess<'d> for Parts<'d> {
    type Error = WireError;

    fn next_key_seed<K: DeserializeSeed<'d>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, WireError> {
        if let Some((key, text)) = self.texts.pop() {
            let read: StringDeserializer<WireError> = key.clone().into_deserializer();
            self.due = Due::Text(key, text);
            return seed.deserialize(read).map(Some);
        }
        let Some(first) = self.children.get(self.read) else { return Ok(None) };
        let name = first.local();
        let rest = self.children.iter().skip(self.read);
        let alike = rest.take_while(|child| same(child.local(), name)).count();
        self.due = Due::Children { start: self.read };
        self.read += alike;
        let read: CowStrDeserializer<'_, WireError> = Cow::Borrowed(name).into_deserializer();
        seed.deserialize(read).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'d>>(&mut self, seed: V) -> Result<V::Value, WireError> {
        match std::mem::replace(&mut self.due, Due::Nothing) {
            Due::Nothing => Err(WireError::custom("no key was read")),
            Due::Text(key, text) => {
                seed.deserialize(Text(text)).map_err(|error| error.within(&key))
            }
            Due::Children { start } => {
                let children = self.children.get(start..self.read).unwrap_or_default();
                let name = children.first().map_or("", Element::local);
                seed.deserialize(Values(children)).map_err(|error| error.within(name))
            }
        }
    }
}

/// An attribute's value, or the text beside children.
struct Text<'d>(Cow<'d, str>);

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = WireError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The text that stands in the element itself, not in its children.
fn own_text(element: Element<'_>) -> String {
    let document = element.document();
    let content = element.content();
    let mut text = String::new();
    let mut next = element.id().index() + 1;
    while let Some(node) = document.nodes().get(next)
        && node.span().start < content.end
    {
        match node.kind {
            Kind::Text => text.push_str(&decode_text(document.node_text(node))),
            Kind::CData => text.push_str(&decode_lines(document.node_text(node))),
            Kind::Element | Kind::Comment | Kind::Instruction => {}
        }
        next = node.subtree_end as usize;
    }
    text
}
