//! All attributes of a subtree, read off their table: most elements have none and are passed over unseen.

use super::document::ElementRow;
use super::element::attribute;
use super::{Attribute, Document, Element};

impl<'d> Element<'d> {
    /// The attributes of this element and of all below it, in document order.
    pub fn attributes_below(&self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        let document = self.document;
        // A node knows how many elements stand before it.
        let next = document.nodes.get(self.subtree_end() as usize).map(|node| node.element);
        let next = next.and_then(|index| document.elements.get(index as usize));
        let end = next.map_or(document.attributes.len(), |row| row.attributes_start as usize);
        let range = self.row().attributes_start as usize..end;
        let rows = document.attributes.get(range).unwrap_or_default();
        rows.iter().map(move |row| attribute(document, row))
    }

    /// This element's part of a table, which lies between two beginnings.
    pub(super) fn rows_of<T>(&self, table: &'d [T], start: impl Fn(&ElementRow) -> u32) -> &'d [T] {
        let mut rows = self.document.elements.get(self.index()..).unwrap_or_default().iter();
        let first = rows.next().map_or(0, |row| start(row) as usize);
        let end = rows.next().map_or(table.len(), |row| start(row) as usize);
        table.get(first..end).unwrap_or_default()
    }
}

impl Document<'_> {
    /// The element whose start tag holds this attribute.
    #[must_use]
    pub fn carrier(&self, attribute: &Attribute<'_>) -> Option<Element<'_>> {
        let begun = self.nodes.partition_point(|node| node.span().start < attribute.span.start);
        self.element_at(begun.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    #[test]
    fn attributes_below_an_element_are_those_of_its_subtree_each_with_its_carrier() {
        let source = b"<!--a='0'--><a a='1'>t<b/><c b='2' xmlns:p='u' p:c='3'>t<d d='4'/></c>t<e/><f e='5'></f></a>";
        let document = Document::scan(source, &Limits::default()).unwrap();
        for element in document.root().descendants() {
            let found: Vec<_> = element
                .attributes_below()
                .map(|found| (document.carrier(&found).unwrap().local(), found.local, found.raw))
                .collect();
            let walked: Vec<_> = element
                .descendants()
                .flat_map(|carrier| carrier.attributes().map(move |one| (carrier, one)))
                .map(|(carrier, found)| (carrier.local(), found.local, found.raw))
                .collect();
            assert_eq!(found, walked, "{}", element.local());
        }
        assert_eq!(document.root().attributes_below().count(), 5);
    }
}
