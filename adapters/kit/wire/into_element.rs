//! The writing half of serde for XML: a wire type as the content of an element.

use super::WireError;
use crate::xml::writer::{push_attribute, push_element, push_text};
use crate::xml::{is_name, is_text};
use serde::ser::{
    Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer,
};
use serde_json::Value;

/// The fields of a wire type as child elements, to stand inside any element.
///
/// # Errors
/// `forbidden_character` for one that no XML document may contain, `wrong_name` for a key that is no
/// name, `list_in_list`, and `wrong_type` for what is neither struct nor map.
pub fn inside<T: Serialize>(value: &T) -> Result<String, WireError> {
    let mut out = String::new();
    value.serialize(Place { out: &mut out, name: None, is_item: false })?;
    Ok(out)
}

/// Appends a wire type as `<name>…</name>`; `attributes` stand first and are written as they are.
///
/// # Errors
/// As [`inside`].
pub fn push_wrapped<T: Serialize>(
    out: &mut String,
    name: &str,
    attributes: &str,
    value: &T,
) -> Result<(), WireError> {
    let content = inside(value)?;
    out.push_str(&format!("<{name}{attributes}>{content}</{name}>"));
    Ok(())
}

/// Where a value goes: into elements of that name; `None` is the content of one that stands already.
struct Place<'o> {
    out: &'o mut String,
    name: Option<&'o str>,
    is_item: bool,
}

impl<'o> Place<'o> {
    const fn named(out: &'o mut String, name: &'o str) -> Self {
        Self { out, name: Some(name), is_item: false }
    }
}

fn checked(text: &str) -> Result<&str, WireError> {
    if is_text(text) { Ok(text) } else { Err(WireError::new("forbidden_character")) }
}

impl<'o> Place<'o> {
    fn text(self, text: &str) -> Result<(), WireError> {
        let name = self.name.ok_or(WireError::new("wrong_type"))?;
        push_element(self.out, name, checked(text)?);
        Ok(())
    }

    fn fields(self) -> Fields<'o> {
        if let Some(name) = self.name {
            self.out.push('<');
            self.out.push_str(name);
        }
        Fields { out: self.out, name: self.name, is_open: self.name.is_some(), key: String::new() }
    }
}

/// Types that no message of an agency needs; a float above all has no one text.
macro_rules! refuse {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, _: $type) -> Result<(), WireError> {
            Err(WireError::new("wrong_type"))
        })*
    };
}

impl<'o> Serializer for Place<'o> {
    type Ok = ();
    type Error = WireError;
    type SerializeSeq = Items<'o>;
    type SerializeTuple = Impossible<(), WireError>;
    type SerializeTupleStruct = Impossible<(), WireError>;
    type SerializeTupleVariant = Impossible<(), WireError>;
    type SerializeMap = Fields<'o>;
    type SerializeStruct = Fields<'o>;
    type SerializeStructVariant = Impossible<(), WireError>;

    fn serialize_str(self, text: &str) -> Result<(), WireError> {
        self.text(text)
    }
    fn serialize_bool(self, flag: bool) -> Result<(), WireError> {
        self.text(if flag { "true" } else { "false" })
    }
    fn serialize_i64(self, number: i64) -> Result<(), WireError> {
        self.text(&number.to_string())
    }
    fn serialize_none(self) -> Result<(), WireError> {
        // A list without it would read back shorter, its later items moved.
        if self.is_item { Err(WireError::new("empty_item")) } else { Ok(()) }
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WireError> {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), WireError> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'o>, WireError> {
        match self.name {
            // It would read back as one list.
            _ if self.is_item => Err(WireError::new("list_in_list")),
            Some(name) => Ok(Items { out: self.out, name }),
            None => Err(WireError::new("wrong_type")),
        }
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'o>, WireError> {
        Ok(self.fields())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'o>, WireError> {
        Ok(self.fields())
    }

    refuse! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_f32(f32) serialize_f64(f64) serialize_char(char) serialize_bytes(&[u8])
        serialize_unit_struct(&'static str)
    }
    fn serialize_unit(self) -> Result<(), WireError> {
        Err(WireError::new("wrong_type"))
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), WireError> {
        self.text(variant)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), WireError> {
        Err(WireError::new("wrong_type"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, WireError> {
        Err(WireError::new("wrong_type"))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, WireError> {
        Err(WireError::new("wrong_type"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, WireError> {
        Err(WireError::new("wrong_type"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, WireError> {
        Err(WireError::new("wrong_type"))
    }
}

/// One element for each item.
struct Items<'o> {
    out: &'o mut String,
    name: &'o str,
}

impl SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = WireError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WireError> {
        value.serialize(Place { out: &mut *self.out, name: Some(self.name), is_item: true })
    }
    fn end(self) -> Result<(), WireError> {
        Ok(())
    }
}

/// The fields of one element; its start tag is open as long as attributes may come.
struct Fields<'o> {
    out: &'o mut String,
    name: Option<&'o str>,
    is_open: bool,
    key: String,
}

impl Fields<'_> {
    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), WireError> {
        self.push(key, value).map_err(|error| error.within(key))
    }

    fn push<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), WireError> {
        if let Some(name) = key.strip_prefix('@') {
            let Some(text) = text_of(value)? else { return Ok(()) };
            if !self.is_open || !is_name(name) || name.starts_with("xmlns") {
                return Err(WireError::new("wrong_name"));
            }
            push_attribute(self.out, name, &text);
            return Ok(());
        }
        self.close_tag();
        if key == "#text" {
            push_text(self.out, &text_of(value)?.unwrap_or_default());
            return Ok(());
        }
        if !is_name(key) {
            return Err(WireError::new("wrong_name"));
        }
        value.serialize(Place::named(&mut *self.out, key))
    }

    fn close_tag(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.out.push('>');
        }
    }

    fn finish(mut self) {
        self.close_tag();
        if let Some(name) = self.name {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }
}

/// The text of a value that is one.
fn text_of<T: Serialize + ?Sized>(value: &T) -> Result<Option<String>, WireError> {
    match serde_json::to_value(value).map_err(WireError::custom)? {
        Value::Null => Ok(None),
        Value::String(text) => {
            checked(&text)?;
            Ok(Some(text))
        }
        _ => Err(WireError::new("wrong_type")),
    }
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = WireError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), WireError> {
        self.field(key, value)
    }
    fn end(self) -> Result<(), WireError> {
        self.finish();
        Ok(())
    }
}

impl SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = WireError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WireError> {
        self.key = text_of(key)?.ok_or(WireError::new("wrong_name"))?;
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WireError> {
        let key = std::mem::take(&mut self.key);
        self.field(&key, value)
    }
    fn end(self) -> Result<(), WireError> {
        self.finish();
        Ok(())
    }
}
