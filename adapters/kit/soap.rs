//! Reading a SOAP envelope so that there is exactly one Body, one Security header and one payload to speak of.
//!
//! Signature wrapping lives on a second element of the same name that one reader takes and another
//! does not. So whatever carries a structural name (`Envelope`, `Body`, `wsse:Security`,
//! `ds:Signature`) stands in its one place or the document is refused; only inside the business
//! `data` is any well-formed XML content.

use crate::fault::{Code, Fault, Phase};
use crate::xml::{Document, Element, Kind, Node, NodeId};

/// SOAP 1.1 (W3C Note, 8 May 2000).
pub const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// SOAP 1.2 (W3C Recommendation, part 1).
pub const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// OASIS WS-Security 1.0 secext.
pub const WSSE: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// OASIS WS-Security 1.0 utility.
pub const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
/// W3C XML Signature.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

/// The SOAP version, told by the Envelope's namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Soap11,
    Soap12,
}

impl Version {
    /// The envelope's namespace.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Soap11 => SOAP11,
            Self::Soap12 => SOAP12,
        }
    }

    /// Attribute that addresses a header block: `actor` (1.1 §4.2.2) or `role` (1.2 §5.2.2).
    const fn role_attribute(self) -> &'static str {
        match self {
            Self::Soap11 => "actor",
            Self::Soap12 => "role",
        }
    }
}

/// Why a document is not an envelope that can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoapError {
    /// Closed list: [`SoapError::REASONS`].
    pub reason: &'static str,
    /// Byte offset of the offending node.
    pub at: usize,
}

impl SoapError {
    /// Every reason that [`Envelope::read`] gives.
    pub const REASONS: [&'static str; 14] = [
        "no_envelope",
        "soap_version",
        "header_count",
        "duplicate_body",
        "body_missing",
        "body_child_count",
        "unexpected_element",
        "unexpected_text",
        "nested_envelope",
        "security_header_count",
        "signature_misplaced",
        "unexpected_object",
        "ref_target_not_body",
        "instruction_outside_data",
    ];

    const fn new(reason: &'static str, at: usize) -> Self {
        Self { reason, at }
    }

    /// The caller's fault: a broken structure is malformed, a misplaced signed part a bad signature.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let code = match self.reason {
            "security_header_count"
            | "signature_misplaced"
            | "unexpected_object"
            | "ref_target_not_body" => Code::CallerBadSignature,
            _ => Code::CallerMalformed,
        };
        Fault::new(code, Phase::Receive, self.reason).at(self.at)
    }
}

/// A SOAP envelope whose structural elements are each in their one place.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'d> {
    pub version: Version,
    /// The `Envelope` element.
    pub root: Element<'d>,
    pub header: Option<Element<'d>>,
    /// The `wsse:Security` header block, addressed to us.
    pub security: Option<Element<'d>>,
    pub body: Element<'d>,
    /// The Body's single child element.
    pub payload: Element<'d>,
}

impl<'d> Envelope<'d> {
    /// Finds the parts of an envelope and refuses every second place where one could be looked for.
    ///
    /// # Errors
    /// `no_envelope` when the root is no `Envelope` at all (a bare form, perhaps); else the broken
    /// rule with its byte offset.
    pub fn read(document: &'d Document<'_>) -> Result<Self, SoapError> {
        let root = document.root();
        let version = match (root.local(), root.namespace()) {
            ("Envelope", SOAP11) => Version::Soap11,
            ("Envelope", SOAP12) => Version::Soap12,
            ("Envelope", _) => return Err(SoapError::new("soap_version", root.span().start)),
            _ => return Err(SoapError::new("no_envelope", root.span().start)),
        };
        let (header, body) = header_and_body(root, version)?;
        let payload = only_child(body)?;
        let security = security_of(header, version)?;
        let envelope = Self { version, root, header, security, body, payload };
        envelope.refuse_strays()?;
        Ok(envelope)
    }

    /// The element whose `requestData/data` (or its siblings of the other channels) is the business
    /// content: there an agency looks for it, and elsewhere the name is a hiding place.
    fn data_holder(&self) -> Element<'d> {
        let mut children = self.payload.children();
        let wrapped = children.find(|child| matches!(child.local(), "request" | "response"));
        wrapped.unwrap_or(self.payload)
    }

    fn is_data(element: Element<'_>, holder: Element<'_>) -> bool {
        element.local() == "data"
            && element.parent().is_some_and(|parent| {
                matches!(parent.local(), "requestData" | "responseData" | "messageData")
                    && parent.parent() == Some(holder)
            })
    }

    /// One pass over every node outside `data`: no structural name in a second place, no instruction.
    fn refuse_strays(&self) -> Result<(), SoapError> {
        let nodes = self.root.document().nodes();
        let holder = self.data_holder();
        let mut index = self.root.id().0;
        while let Some(node) = nodes.get(index as usize) {
            let next = match node.kind {
                Kind::Instruction => {
                    return Err(SoapError::new("instruction_outside_data", node.span().start));
                }
                Kind::Element => self.stray(NodeId(index), node, holder)?,
                _ => None,
            };
            index = next.unwrap_or(index + 1);
        }
        Ok(())
    }

    /// Judges one element; `Some` is the node to go on with, past `data`.
    fn stray(
        &self,
        id: NodeId,
        node: &Node,
        holder: Element<'_>,
    ) -> Result<Option<u32>, SoapError> {
        let Some(element) = self.root.document().element(id) else { return Ok(None) };
        let is_soap = || matches!(element.namespace(), SOAP11 | SOAP12);
        let reason = match element.local() {
            "data" if Self::is_data(element, holder) => return Ok(Some(node.subtree_end)),
            "Envelope" if is_soap() && element != self.root => "nested_envelope",
            "Body" if is_soap() && element != self.body => self.stray_body_reason(element),
            "Header" if is_soap() && Some(element) != self.header => "header_count",
            "Security" if element.namespace() == WSSE && Some(element) != self.security => {
                "security_header_count"
            }
            "Signature" if element.namespace() == DS && element.parent() != self.security => {
                "signature_misplaced"
            }
            _ => return Ok(None),
        };
        Err(SoapError::new(reason, element.span().start))
    }

    /// Names what a second Body is for: hidden in the Security header, in another header, or beside the first.
    fn stray_body_reason(&self, body: Element<'_>) -> &'static str {
        let lies_in = |outer: Option<Element<'_>>| {
            outer.is_some_and(|outer| {
                outer.span().start < body.span().start && body.span().end < outer.span().end
            })
        };
        if lies_in(self.security) {
            "unexpected_object"
        } else if lies_in(self.header) {
            "ref_target_not_body"
        } else {
            "duplicate_body"
        }
    }
}

/// `Header?` then `Body`, and nothing else, as the Envelope's children (SOAP 1.2 part 1 §5.1).
fn header_and_body<'d>(
    root: Element<'d>,
    version: Version,
) -> Result<(Option<Element<'d>>, Element<'d>), SoapError> {
    refuse_text(root)?;
    let (mut header, mut body) = (None, None);
    for child in root.children() {
        let at = child.span().start;
        let is_ours = child.namespace() == version.namespace();
        match child.local() {
            "Header" if is_ours && header.is_none() && body.is_none() => header = Some(child),
            "Header" if is_ours => return Err(SoapError::new("header_count", at)),
            "Body" if is_ours && body.is_none() => body = Some(child),
            "Body" if is_ours => return Err(SoapError::new("duplicate_body", at)),
            "Envelope" if is_ours => return Err(SoapError::new("nested_envelope", at)),
            _ => return Err(SoapError::new("unexpected_element", at)),
        }
    }
    let body = body.ok_or(SoapError::new("body_missing", root.span().start))?;
    if let Some(header) = header {
        refuse_text(header)?;
    }
    Ok((header, body))
}

fn only_child(body: Element<'_>) -> Result<Element<'_>, SoapError> {
    refuse_text(body)?;
    let mut children = body.children();
    match (children.next(), children.next()) {
        (Some(child), None) => Ok(child),
        (None, _) => Err(SoapError::new("body_child_count", body.span().start)),
        (Some(_), Some(second)) => {
            let is_body = second.local() == "Body" && second.namespace() == body.namespace();
            let reason = if is_body { "duplicate_body" } else { "body_child_count" };
            Err(SoapError::new(reason, second.span().start))
        }
    }
}

/// The one Security header block; one addressed to another node is none of ours and is refused.
fn security_of(
    header: Option<Element<'_>>,
    version: Version,
) -> Result<Option<Element<'_>>, SoapError> {
    let Some(header) = header else { return Ok(None) };
    let mut blocks =
        header.children().filter(|child| child.local() == "Security" && child.namespace() == WSSE);
    let Some(security) = blocks.next() else { return Ok(None) };
    if let Some(second) = blocks.next() {
        return Err(SoapError::new("security_header_count", second.span().start));
    }
    if let Some(role) = security.attribute(version.namespace(), version.role_attribute()) {
        let is_for_us = matches!(
            role.value().as_ref(),
            "" | "http://schemas.xmlsoap.org/soap/actor/next"
                | "http://www.w3.org/2003/05/soap-envelope/role/next"
                | "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"
        );
        if !is_for_us {
            return Err(SoapError::new("security_header_count", role.span.start));
        }
    }
    Ok(Some(security))
}

/// Refuses character data directly below an element that holds elements only.
fn refuse_text(parent: Element<'_>) -> Result<(), SoapError> {
    let document = parent.document();
    let nodes = document.nodes();
    let end = nodes.get(parent.id().0 as usize).map_or(0, |node| node.subtree_end);
    let mut index = parent.id().0 + 1;
    while index < end {
        let Some(node) = nodes.get(index as usize) else { break };
        if matches!(node.kind, Kind::Text | Kind::CData) {
            let text =
                document.source().get(node.span().start..node.span().end).unwrap_or_default();
            if !text.iter().all(u8::is_ascii_whitespace) {
                return Err(SoapError::new("unexpected_text", node.span().start));
            }
        }
        index = node.subtree_end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Limits;

    fn read(inside: &str) -> Result<(Version, String), &'static str> {
        let text =
            format!("<s:Envelope xmlns:s=\"{SOAP11}\" xmlns:w=\"{WSSE}\">{inside}</s:Envelope>");
        let document = Document::scan(text.as_bytes(), &Limits::default()).expect("well-formed");
        let envelope = Envelope::read(&document).map_err(|error| error.reason)?;
        Ok((envelope.version, envelope.payload.local().to_owned()))
    }

    #[test]
    fn an_envelope_gives_its_one_payload() {
        for inside in [
            "<s:Body><call/></s:Body>",
            " <!-- x --> <s:Header/>\n<s:Body>\n<call>text</call></s:Body> ",
            "<s:Header><w:Security s:actor=\"\"/><x/></s:Header><s:Body><call/></s:Body>",
            "<s:Body><call><requestData><data><s:Body/><w:Security/><?x?></data></requestData></call></s:Body>",
        ] {
            assert_eq!(read(inside), Ok((Version::Soap11, "call".to_owned())), "{inside}");
        }
    }

    #[test]
    fn every_reason_is_on_the_list_and_given() {
        let cases = [
            ("<s:Body><c/></s:Body><s:Body><c/></s:Body>", "duplicate_body"),
            ("<s:Header/><s:Header/><s:Body><c/></s:Body>", "header_count"),
            ("<s:Header/>", "body_missing"),
            ("<s:Body/>", "body_child_count"),
            ("<s:Body><a/><b/></s:Body>", "body_child_count"),
            ("<x/><s:Body><c/></s:Body>", "unexpected_element"),
            ("<s:Body>x<c/></s:Body>", "unexpected_text"),
            ("<s:Body><c><s:Envelope/></c></s:Body>", "nested_envelope"),
            ("<s:Header><x><s:Body/></x></s:Header><s:Body><c/></s:Body>", "ref_target_not_body"),
            ("<s:Body><c><w:Security/></c></s:Body>", "security_header_count"),
            (
                "<s:Body><c><Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/></c></s:Body>",
                "signature_misplaced",
            ),
            (
                "<s:Header><w:Security><s:Body/></w:Security></s:Header><s:Body><c/></s:Body>",
                "unexpected_object",
            ),
            ("<s:Body><c><?x?></c></s:Body>", "instruction_outside_data"),
            (
                "<s:Header><requestData><data><s:Body/></data></requestData></s:Header><s:Body><c/></s:Body>",
                "ref_target_not_body",
            ),
        ];
        for (inside, reason) in cases {
            assert_eq!(read(inside), Err(reason), "{inside}");
            assert!(SoapError::REASONS.contains(&reason));
        }
    }

    #[test]
    fn what_is_no_envelope_is_told_apart_from_a_broken_one() {
        for (text, reason) in [
            ("<syncSendMessageRequest/>", "no_envelope"),
            ("<Envelope/>", "soap_version"),
            ("<Envelope xmlns=\"urn:x\"/>", "soap_version"),
        ] {
            let document =
                Document::scan(text.as_bytes(), &Limits::default()).expect("well-formed");
            let error = Envelope::read(&document).expect_err(text);
            assert_eq!(error.reason, reason);
            assert_eq!(error.fault().code, Code::CallerMalformed);
        }
    }

    fn reason(payload: &str) -> Option<&'static str> {
        let source =
            format!("<s:Envelope xmlns:s='{SOAP11}'><s:Body>{payload}</s:Body></s:Envelope>");
        let document = Document::scan(source.as_bytes(), &Limits::default()).expect(payload);
        Envelope::read(&document).err().map(|error| error.reason)
    }

    #[test]
    fn only_in_the_one_data_that_agencies_read_may_a_structural_name_stand_again() {
        let hidden = "<data><s:Body/><?p?></data>";
        for payload in [
            format!("<o><request><requestData>{hidden}</requestData></request></o>"),
            format!("<o><response><responseData>{hidden}</responseData></response></o>"),
            format!("<o><request><messageData>{hidden}</messageData></request></o>"),
            format!("<o><requestData>{hidden}</requestData></o>"),
        ] {
            assert_eq!(reason(&payload), None, "{payload}");
        }
        for payload in [
            format!("<o><request><i><requestData>{hidden}</requestData></i></request></o>"),
            format!("<o><z><requestData>{hidden}</requestData></z><request/></o>"),
            format!("<o><request/><requestData>{hidden}</requestData></o>"),
            format!("<o><request><requestData><i>{hidden}</i></requestData></request></o>"),
            format!("<requestData>{hidden}</requestData>"),
        ] {
            assert_eq!(reason(&payload), Some("duplicate_body"), "{payload}");
        }
    }
}
