//! Hard caps of the XML scanner; text is capped by the body's limit alone.

/// Caps on one document. Crossing one refuses the document with `caller.too_large`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open elements at once (default 64); `xml_limit_depth`.
    pub depth_max: usize,
    /// Attributes of one element, namespace declarations not counted (default 64);
    /// `xml_limit_attributes`.
    pub attributes_max: usize,
    /// Prefixes bound at one element, the default namespace included (default 64);
    /// `xml_limit_namespaces`.
    pub namespaces_max: usize,
    /// Bytes of one qualified name (default 256); `xml_limit_name`.
    pub name_bytes_max: usize,
    /// Bytes of one attribute value as written (default 65 536); `xml_limit_value`.
    pub value_bytes_max: usize,
    /// Nodes of one document (default 500 000); `xml_limit_nodes`. An element costs 56 bytes
    /// and any other node 28, so this caps what a body of tiny elements can take.
    pub nodes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 64,
            attributes_max: 64,
            namespaces_max: 64,
            name_bytes_max: 256,
            value_bytes_max: 65_536,
            nodes_max: 500_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, XmlError};
    use super::*;

    fn scan(source: &str, limits: Limits) -> Result<(), XmlError> {
        Document::scan(source.as_bytes(), &limits).map(drop)
    }

    /// The cap lets `at_cap` through, and refuses `above` at that offset.
    fn holds(limits: Limits, at_cap: &str, above: &str, reason: &'static str, at: usize) {
        assert_eq!(scan(at_cap, limits), Ok(()), "{reason}: {at_cap}");
        assert_eq!(scan(above, limits), Err(XmlError { reason, at, is_limit: true }), "{above}");
    }

    #[test]
    fn depth_is_capped_for_empty_elements_too() {
        let limits = Limits { depth_max: 2, ..Limits::default() };
        holds(limits, "<a><b/><b></b></a>", "<a><b><c/></b></a>", "xml_limit_depth", 6);
        holds(limits, "<a><b/></a>", "<a><b><c></c></b></a>", "xml_limit_depth", 6);
    }

    #[test]
    fn attributes_are_capped_without_their_declarations() {
        let limits = Limits { attributes_max: 1, ..Limits::default() };
        let at_cap = "<a xmlns='u' xmlns:p='v' b=''/>";
        holds(limits, at_cap, "<a b='' c=''/>", "xml_limit_attributes", 8);
    }

    #[test]
    fn namespaces_are_capped_by_what_is_in_scope() {
        let limits = Limits { namespaces_max: 2, ..Limits::default() };
        let at_cap =
            "<a xmlns='u'><b xmlns:p='v'/><b xmlns:q='v' xmlns='w'><c xmlns:q='z'/></b></a>";
        let above = "<a xmlns='u'><b xmlns:p='v'><c xmlns:q='w'/></b></a>";
        holds(limits, at_cap, above, "xml_limit_namespaces", 31);
    }

    #[test]
    fn names_are_capped_with_their_prefix() {
        let limits = Limits { name_bytes_max: 7, ..Limits::default() };
        holds(limits, "<xml:abc/>", "<xml:abcd/>", "xml_limit_name", 1);
        holds(limits, "<a bcdefgh=''/>", "<a bcdefghi=''/>", "xml_limit_name", 3);
        holds(limits, "<a><?abcdefg?></a>", "<a><?abcdefgh?></a>", "xml_limit_name", 5);
    }

    #[test]
    fn values_are_capped_as_written() {
        let limits = Limits { value_bytes_max: 5, ..Limits::default() };
        holds(limits, "<a b='&amp;'/>", "<a b='&amp;1'/>", "xml_limit_value", 6);
        holds(limits, "<a xmlns='urn:a'/>", "<a xmlns='urn:ab'/>", "xml_limit_value", 10);
    }

    #[test]
    fn nodes_of_every_kind_are_capped() {
        let limits = Limits { nodes_max: 3, ..Limits::default() };
        for node in ["<b/>", "<!---->", "<?p?>", "<![CDATA[]]>"] {
            let above = format!("<a>1<b/>{node}</a>");
            holds(limits, "<!---->\n<a>1</a>\n", &above, "xml_limit_nodes", 8);
        }
    }

    #[test]
    fn the_defaults_refuse_the_known_bombs() {
        let attributes: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
        let declarations: String = (0..5_000).map(|n| format!(" xmlns:a{n}='u'")).collect();
        let long = "a".repeat(1 << 20);
        for (bomb, reason) in [
            ("<a>".repeat(500_000), "xml_limit_depth"),
            (format!("<a{attributes}/>"), "xml_limit_attributes"),
            (format!("<a{declarations}/>"), "xml_limit_namespaces"),
            (format!("<{long}/>"), "xml_limit_name"),
            (format!("<a {long}=''/>"), "xml_limit_name"),
            (format!("<a b='{long}'/>"), "xml_limit_value"),
            (format!("<a>{}</a>", "<b/>".repeat(1_000_000)), "xml_limit_nodes"),
        ] {
            let refused = scan(&bomb, Limits::default()).unwrap_err();
            assert_eq!((refused.reason, refused.is_limit), (reason, true));
        }
    }
}
