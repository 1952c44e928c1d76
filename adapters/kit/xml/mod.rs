//! The one XML parser of the house: strict, capped, one pass, every node with its byte offsets.
//!
//! quick-xml tokenises; what it lets pass (two roots, undeclared prefixes, control characters …) is
//! refused here. The result is a flat table of nodes over the untouched source, so the node that was
//! verified is the node that is processed, and bytes can leave as they came.

mod element;
mod limits;
mod scan;
pub mod writer;

pub use element::{Attribute, Binding, Element, TextError};
pub use limits::Limits;
pub use scan::{Document, Kind, Node, NodeId, Span, XmlError};
