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
    /// Nodes of one document, so that memory stays within a factor of the body (default 500 000);
    /// `xml_limit_nodes`.
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
