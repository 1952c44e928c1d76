//! Finding what an id names, over every attribute that anybody might take for an id.

use qaqpa_kit::soap::WSU;
use qaqpa_kit::xml::{Document, Element};

/// Namespace of `xml:id`.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Where the value of an id stands in a document.
#[derive(Clone, Copy, Debug)]
pub(in crate::sign) struct Found<'d> {
    /// How many id-like attributes carry the value, white space around it not counted.
    pub count: usize,
    /// The last element that carries it.
    pub element: Option<Element<'d>>,
    /// That element carries it exactly, white space counted.
    pub is_exact: bool,
    /// The attribute is `wsu:Id`, `xml:id` or has no namespace.
    pub is_known_attribute: bool,
}

impl Found<'_> {
    const NOTHING: Self =
        Self { count: 0, element: None, is_exact: false, is_known_attribute: false };
}

/// Looks for all `wanted` ids in one pass over the whole document.
///
/// `wsu:Id`, `Id`, `ID`, `id`, `xml:id`, `AssertionID`, in whatever namespace: two readers may take
/// two of them for the id, so a wanted value may stand in one of them only.
pub(super) fn find<'d>(document: &'d Document<'_>, wanted: &[&str]) -> Vec<Found<'d>> {
    find_below(document.root(), wanted)
}

/// The same in one element and all below it.
pub(in crate::sign) fn find_below<'d>(top: Element<'d>, wanted: &[&str]) -> Vec<Found<'d>> {
    let mut found = vec![Found::NOTHING; wanted.len()];
    for attribute in top.attributes_below() {
        if !matches!(attribute.local, "Id" | "ID" | "id" | "AssertionID") {
            continue;
        }
        let value = attribute.value();
        for (slot, wanted) in found.iter_mut().zip(wanted) {
            if value.trim() == *wanted {
                slot.count += 1;
                slot.element = top.document().carrier(&attribute);
                slot.is_exact = value == *wanted;
                slot.is_known_attribute = match attribute.namespace {
                    "" => true,
                    WSU => attribute.local == "Id",
                    XML => attribute.local == "id",
                    _ => false,
                };
            }
        }
    }
    found
}
