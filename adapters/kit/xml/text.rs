//! The character data of an element: all that is below it, what stands in it directly, or a plain value.

use super::{Element, Kind, Node, TextError, decode_lines, decode_text};
use std::borrow::Cow;

impl<'d> Element<'d> {
    /// Its text, references resolved and line ends normalised; refuses any other node inside.
    ///
    /// # Errors
    /// An element, comment, instruction or CDATA section inside it.
    pub fn plain_text(&self) -> Result<Cow<'d, str>, TextError> {
        let mut text = Cow::Borrowed("");
        for node in self.nodes_below() {
            let reason = match node.kind {
                Kind::Text => {
                    text = decode_text(self.document.node_text(node));
                    continue;
                }
                Kind::Element => "element_in_value",
                Kind::Comment => "comment_in_value",
                Kind::Instruction => "instruction_in_value",
                Kind::CData => "cdata_in_value",
            };
            return Err(TextError { reason, at: node.span().start });
        }
        Ok(text)
    }

    /// All character data below it, CDATA included, comments and instructions left out.
    #[must_use]
    pub fn text(&self) -> Cow<'d, str> {
        self.joined(self.nodes_below().iter())
    }

    /// The character data that stands in it directly, as one; that of the elements within is left out.
    #[must_use]
    pub fn own_text(&self) -> Cow<'d, str> {
        let (nodes, first) = (self.nodes_below(), self.id.index() + 1);
        let own = std::iter::successors(nodes.first().map(|node| (0, node)), |(at, node)| {
            let next = (node.subtree_end as usize).saturating_sub(first).max(at + 1);
            Some((next, nodes.get(next)?))
        });
        self.joined(own.map(|(_, node)| node))
    }

    fn joined(&self, nodes: impl Iterator<Item = &'d Node>) -> Cow<'d, str> {
        let mut text = Cow::Borrowed("");
        for node in nodes {
            let piece = match node.kind {
                Kind::Text => decode_text(self.document.node_text(node)),
                Kind::CData => decode_lines(self.document.node_text(node)),
                Kind::Element | Kind::Comment | Kind::Instruction => continue,
            };
            if text.is_empty() {
                text = piece;
            } else {
                text.to_mut().push_str(&piece);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::xml::{Document, Limits};

    #[test]
    fn the_text_of_an_element_is_all_of_it_or_its_own() {
        let xml = b"<a>1&amp;<b>2<c>3</c></b><!-- 4 --><![CDATA[<5]]><d/>6</a>";
        let document = Document::scan(xml, &Limits::default()).expect("XML");
        let root = document.root();
        assert_eq!(root.text(), "1&23<56");
        assert_eq!(root.own_text(), "1&<56");
        let inner = root.child("b").expect("b");
        assert_eq!((inner.text(), inner.own_text()), ("23".into(), "2".into()));
        assert_eq!(root.child("d").expect("d").own_text(), "");
    }
}
