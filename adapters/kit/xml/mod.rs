//! The one XML parser of the house: strict, capped, one pass, every node with its byte offsets.
//!
//! The result is a flat table of nodes over the untouched source, so the node that was verified is the
//! node that is processed, and bytes can leave as they came.
//!
//! Rules: XML 1.0 (fifth edition) without document type declarations, in UTF-8, and Namespaces in
//! XML 1.0 (third edition).

mod attributes;
mod cursor;
mod decode;
mod document;
mod element;
mod ends;
mod limits;
mod markup;
mod namespaces;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
mod rules;
mod scan;
mod tag;
mod text;
pub mod writer;

pub use decode::{decode_attribute, decode_lines, decode_text};
pub use document::{Document, Kind, Node, NodeId, Span, XmlError};
pub use element::{Attribute, Binding, Element, TextError};
pub use limits::Limits;
pub use rules::{is_name, is_text};
