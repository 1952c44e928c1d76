//! Start tags: the element's name, its attributes and declarations, resolved and free of twins.

use super::cursor::{Cursor, offset};
use super::decode::decode_attribute;
use super::document::{AttributeRow, DeclarationRow, ElementRow, Name, XmlError};
use super::namespaces::{Declared, NO_URI};
use super::scan::Scanner;

impl<'s> Scanner<'s, '_> {
    /// Reads the inside of a start tag (from the name to before `>` or `/>`) into the tables and
    /// returns the element's row; its declarations are in scope afterwards.
    pub(super) fn read_start_tag(
        &mut self,
        mut cursor: Cursor<'s>,
    ) -> Result<ElementRow, XmlError> {
        let node = offset(self.document.nodes.len());
        let attributes_start = self.document.attributes.len();
        let declarations_start = self.document.declarations.len();
        let name = cursor.name(self.limits)?;
        loop {
            let is_separated = cursor.skip_space();
            if cursor.is_done() {
                break;
            }
            if !is_separated {
                return Err(cursor.refuse("malformed_attribute"));
            }
            self.read_attribute(&mut cursor, node, attributes_start)?;
        }
        let uri = self.resolve_names(name, attributes_start)?;
        self.refuse_twins(attributes_start)?;
        Ok(ElementRow {
            parent: self.parent(),
            name,
            uri,
            attributes_start: offset(attributes_start),
            attributes_end: offset(self.document.attributes.len()),
            declarations_start: offset(declarations_start),
            declarations_end: offset(self.document.declarations.len()),
        })
    }

    fn read_attribute(
        &mut self,
        cursor: &mut Cursor<'s>,
        node: u32,
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
        let declared = Declared { prefix, uri, element: node, at };
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
    fn resolve_names(&mut self, name: Name, attributes_start: usize) -> Result<u32, XmlError> {
        let refuse = |name: Name| XmlError::rule("undeclared_prefix", name.start as usize);
        let prefix = self.document.prefix(name);
        if prefix == "xmlns" {
            return Err(XmlError::rule("reserved_namespace", name.start as usize));
        }
        let uri = self.scope.resolve(prefix).ok_or_else(|| refuse(name))?;
        for at in attributes_start..self.document.attributes.len() {
            let Some(name) = self.document.attributes.get(at).map(|row| row.name) else { break };
            if name.prefix_bytes == 0 {
                continue;
            }
            let uri = self.scope.resolve(self.document.prefix(name)).ok_or_else(|| refuse(name))?;
            if let Some(row) = self.document.attributes.get_mut(at) {
                row.uri = uri;
            }
        }
        Ok(uri)
    }

    /// Refuses two attributes with one expanded name (Namespaces §6.3), which covers two with one
    /// written name. Sorting keeps the work far from quadratic whatever the cap is set to.
    fn refuse_twins(&mut self, attributes_start: usize) -> Result<(), XmlError> {
        let document = &self.document;
        let rows = document.attributes.get(attributes_start..).unwrap_or_default();
        if rows.len() < 2 {
            return Ok(());
        }
        let order = &mut self.attribute_order;
        order.clear();
        order.extend(rows.iter().map(|row| (row.uri, document.local(row.name), row.name.start)));
        order.sort_unstable();
        let twins = order.iter().zip(order.iter().skip(1));
        match twins.filter(|(a, b)| (a.0, a.1) == (b.0, b.1)).map(|(_, b)| b.2).min() {
            Some(at) => Err(XmlError::rule("duplicate_attribute", at as usize)),
            None => Ok(()),
        }
    }
}
