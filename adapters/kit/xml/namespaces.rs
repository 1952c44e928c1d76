//! The namespace bindings in scope during a scan (Namespaces in XML 1.0, third edition).

use super::document::XmlError;
use crate::same::same;
use std::borrow::Cow;

/// Namespace of the prefix `xml`, bound everywhere (Namespaces §3).
pub(super) const XML_URI: &str = "http://www.w3.org/XML/1998/namespace";
/// Namespace of declarations, which nothing may be bound to.
const XMLNS_URI: &str = "http://www.w3.org/2000/xmlns/";
/// Index of "no namespace" among the URIs.
pub(super) const NO_URI: u32 = 0;
/// Index of [`XML_URI`] among the URIs.
const XML_URI_INDEX: u32 = 1;

/// What a prefix means now, and the last element whose tag said so.
#[derive(Clone, Copy, Debug)]
struct Slot<'s> {
    prefix: &'s str,
    uri: u32,
    element: u32,
}

/// How to take one declaration back: the slot, and its URI before (none: the slot was new).
#[derive(Clone, Copy, Debug)]
struct Undo {
    slot: usize,
    uri_before: Option<u32>,
}

/// One slot a prefix, so that a look-up costs at most `namespaces_max` comparisons however often
/// prefixes are bound anew.
#[derive(Debug)]
pub(super) struct Scope<'s> {
    slots: Vec<Slot<'s>>,
    undo: Vec<Undo>,
}

/// One declaration as it was read.
pub(super) struct Declared<'s> {
    /// Empty for the default namespace.
    pub prefix: &'s str,
    pub uri: Cow<'s, str>,
    /// Node of the element that carries it.
    pub element: u32,
    /// Offset of its name, for errors.
    pub at: usize,
}

impl<'s> Scope<'s> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::with_capacity(8), undo: Vec::with_capacity(8) }
    }

    /// URIs that every document starts with.
    pub(super) fn first_uris() -> Vec<Cow<'s, str>> {
        let mut uris = Vec::with_capacity(8);
        uris.extend([Cow::Borrowed(""), Cow::Borrowed(XML_URI)]);
        uris
    }

    /// Binds a prefix and returns the index of its URI in `uris`, equal to that of any other
    /// binding in scope with the same URI.
    pub(super) fn declare(
        &mut self,
        declared: Declared<'s>,
        uris: &mut Vec<Cow<'s, str>>,
        slots_max: usize,
    ) -> Result<u32, XmlError> {
        let Declared { prefix, uri, element, at } = declared;
        check_reserved(prefix, &uri).map_err(|reason| XmlError::rule(reason, at))?;
        let index = self.intern(uri, uris);
        if let Some(slot) = self.slots.iter().position(|slot| same(slot.prefix, prefix)) {
            let Some(held) = self.slots.get_mut(slot) else { return Ok(index) };
            if held.element == element {
                return Err(XmlError::rule("duplicate_attribute", at));
            }
            self.undo.push(Undo { slot, uri_before: Some(held.uri) });
            held.uri = index;
            held.element = element;
        } else {
            if self.slots.len() >= slots_max {
                return Err(XmlError::limit("xml_limit_namespaces", at));
            }
            self.undo.push(Undo { slot: self.slots.len(), uri_before: None });
            self.slots.push(Slot { prefix, uri: index, element });
        }
        Ok(index)
    }

    /// Index of an equal URI in scope, else of a new one.
    ///
    /// Only what is in scope is searched: the cost stays bounded, and equality inside one element
    /// is all that the check for duplicate attributes needs.
    fn intern(&self, uri: Cow<'s, str>, uris: &mut Vec<Cow<'s, str>>) -> u32 {
        if uri.is_empty() {
            return NO_URI;
        }
        if same(&uri, XML_URI) {
            return XML_URI_INDEX;
        }
        let means_it =
            |slot: &&Slot<'_>| uris.get(slot.uri as usize).is_some_and(|held| same(held, &uri));
        if let Some(slot) = self.slots.iter().find(means_it) {
            return slot.uri;
        }
        uris.push(uri);
        super::cursor::offset(uris.len() - 1)
    }

    /// Index of the URI that a prefix (empty: default) is bound to.
    #[inline]
    pub(super) fn resolve(&self, prefix: &str) -> Option<u32> {
        match self.slots.iter().find(|slot| same(slot.prefix, prefix)) {
            Some(slot) => Some(slot.uri),
            None if prefix.is_empty() => Some(NO_URI),
            None => (prefix == "xml").then_some(XML_URI_INDEX),
        }
    }

    /// Marks the state before an element's declarations.
    pub(super) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Takes back every declaration since the mark.
    pub(super) fn close(&mut self, mark: usize) {
        while self.undo.len() > mark {
            let Some(Undo { slot, uri_before }) = self.undo.pop() else { return };
            match (uri_before, self.slots.get_mut(slot)) {
                (Some(uri), Some(held)) => held.uri = uri,
                _ => self.slots.truncate(slot),
            }
        }
    }
}

/// Namespaces §3, constraint "Reserved Prefixes and Namespace Names", and §5 "No Prefix Undeclaring".
fn check_reserved(prefix: &str, uri: &str) -> Result<(), &'static str> {
    let is_reserved = match prefix {
        "xml" => uri != XML_URI,
        "xmlns" => true,
        _ => uri == XML_URI || uri == XMLNS_URI,
    };
    if is_reserved {
        return Err("reserved_namespace");
    }
    if uri.is_empty() && !prefix.is_empty() {
        return Err("empty_namespace");
    }
    Ok(())
}
