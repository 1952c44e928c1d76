//! Start tags: the element's name, its attributes and declarations, resolved and free of twins.

use super::cursor::{Cursor, offset};
use super::decode::decode_attribute;
use super::document::{AttributeRow, DeclarationRow, ElementRow, Name, XmlError};
use super::namespaces::{Declared, NO_URI};
use super::scan::Scanner;
use super::{Kind, Span};
use crate::same::same;

/// Up to so many attributes are held against each other; more are sorted.
const PAIRED_MAX: usize = 8;

impl<'s> Scanner<'s, '_> {
    /// Reads a start tag into the tables as if its element were empty; its end, and whether the
    /// element is. Its declarations are in scope afterwards.
    pub(super) fn read_start_tag(&mut self, start: usize) -> Result<(usize, bool), XmlError> {
        let mut cursor = Cursor { text: self.document.text, at: start + 1 };
        let attributes_start = self.document.attributes.len();
        let declarations_start = self.document.declarations.len();
        let name = cursor.name(self.limits)?;
        let (end, is_empty) = loop {
            let is_separated = cursor.skip_space();
            if let Some(end) = cursor.tag_end() {
                break end;
            }
            if !is_separated {
                return Err(cursor.refuse("malformed_attribute"));
            }
            self.read_attribute(&mut cursor, attributes_start)?;
        };
        let is_declaring = self.document.declarations.len() > declarations_start;
        let uri = self.resolve_names((name, is_declaring), attributes_start)?;
        self.refuse_twins(attributes_start)?;
        let (span, content) = (Span { start, end }, Span { start: end, end });
        self.push(Kind::Element, (span, content), false)?;
        self.document.elements.push(ElementRow {
            parent: self.parent(),
            name,
            uri,
            attributes_start: offset(attributes_start),
            declarations_start: offset(declarations_start),
        });
        Ok((end, is_empty))
    }

    fn read_attribute(
        &mut self,
        cursor: &mut Cursor<'s>,
        attributes_start: usize,
    ) -> Result<(), XmlError> {
        let at = cursor.at;
        let name = cursor.name(self.limits)?;
        cursor.equals()?;
        let value = cursor.value(self.limits)?;
        let prefix = self.document.prefix(name);
        let is_default = prefix.is_empty() && self.document.local(name) == "xmlns";
        if !is_default && prefix != "xmlns" {
            if self.document.attributes.len() - attributes_start >= self.limits.attributes_max {
                return Err(XmlError::limit("xml_limit_attributes", at));
            }
            self.document.attributes.push(AttributeRow {
                name,
                uri: NO_URI,
                value_start: offset(value.start),
                value_end: offset(value.end),
            });
            return Ok(());
        }
        let prefix = if is_default { "" } else { self.document.local(name) };
        let uri = decode_attribute(self.document.slice(value));
        let element = offset(self.document.nodes.len());
        let declared = Declared { prefix, uri, element, at };
        let uri =
            self.scope.declare(declared, &mut self.document.uris, self.limits.namespaces_max)?;
        self.document.declarations.push(DeclarationRow {
            prefix_start: name.end - offset(prefix.len()),
            prefix_end: name.end,
            uri,
        });
        Ok(())
    }

    /// Resolves the element's prefix, whose URI it returns, and those of its attributes.
    fn resolve_names(
        &mut self,
        (name, is_declaring): (Name, bool),
        attributes_start: usize,
    ) -> Result<u32, XmlError> {
        let refuse = |name: Name| XmlError::rule("undeclared_prefix", name.start as usize);
        let prefix = self.document.prefix(name);
        if prefix == "xmlns" {
            return Err(XmlError::rule("reserved_namespace", name.start as usize));
        }
        // Most elements have the prefix of the one around them, and it means the same.
        let known = if is_declaring { None } else { self.uri_around(prefix) };
        let uri = known.or_else(|| self.scope.resolve(prefix)).ok_or_else(|| refuse(name))?;
        let text = self.document.text;
        for row in self.document.attributes.iter_mut().skip(attributes_start) {
            if row.name.prefix_bytes > 0 {
                let prefix = row.name.prefix(text);
                row.uri = self.scope.resolve(prefix).ok_or_else(|| refuse(row.name))?;
            }
        }
        Ok(uri)
    }

    /// Refuses two attributes with one expanded name (Namespaces §6.3), which covers two with one
    /// written name. Sorting keeps the work far from quadratic whatever the cap is set to.
    fn refuse_twins(&mut self, attributes_start: usize) -> Result<(), XmlError> {
        let refuse = |at: u32| Err(XmlError::rule("duplicate_attribute", at as usize));
        let text = self.document.text;
        let rows = self.document.attributes.get(attributes_start..).unwrap_or_default();
        if rows.len() <= PAIRED_MAX {
            let twin = rows.iter().enumerate().find(|(at, row)| {
                let is_twin = |other: &AttributeRow| {
                    other.uri == row.uri && same(other.name.local(text), row.name.local(text))
                };
                rows.iter().take(*at).any(is_twin)
            });
            return twin.map_or(Ok(()), |(_, row)| refuse(row.name.start));
        }
        let order = &mut self.attribute_order;
        order.clear();
        order.extend(rows.iter().map(|row| (row.uri, row.name.local(text), row.name.start)));
        order.sort_unstable();
        let twins = order.iter().zip(order.iter().skip(1));
        let second = twins.filter(|(a, b)| (a.0, a.1) == (b.0, b.1)).map(|(_, b)| b.2).min();
        second.map_or(Ok(()), refuse)
    }
}
