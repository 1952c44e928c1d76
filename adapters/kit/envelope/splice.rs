//! Changing a signed document without rebuilding it: cuts and insertions over the untouched source.
//!
//! The password goes out and `sessionId` comes in; every other byte of the Body stays, the Header's
//! blocks, which no signature covers, go no further, and every namespace in scope at `data` stays in scope, also where a deviating wrapper must be replaced: a
//! prefix may live only in an `xsi:type`, where no canonical form sees it.

use super::edits::{Edits, Held, Spliced};
use super::write::{REQUEST_CLOSE, RequestHead, request_open};
use super::{Answer, Request, Wrapper};
use crate::xml::{Document, Element, Span, writer};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The request without its password, with the gateway's `sessionId`, and what `edits` holds already. An
/// envelope that is built anew takes none of them.
#[must_use]
pub fn request<'d>(
    request: &Request<'d>,
    session_id: &str,
    mut edits: Edits<'static>,
) -> Spliced<'d> {
    match request.wrapper {
        Wrapper::SendMessage => {
            let source = request.payload.document().source();
            if source.starts_with(BYTE_ORDER_MARK) {
                edits.replace(Span { start: 0, end: BYTE_ORDER_MARK.len() }, "");
            }
            if let Some(password) = request.password_element {
                edits.replace(password.span(), "");
            }
            drop_header_blocks(&mut edits, request.payload.document().root());
            set_session(&mut edits, request.request_info, request.session_element, session_id);
            let held = Held::cut(request.data, &mut edits);
            Spliced { text: edits.apply(source), held }
        }
        Wrapper::Renamed | Wrapper::Bare => rebuilt(request, session_id),
    }
}

/// The answer as the caller shall get it, before signing: the gateway's `sessionId`.
#[must_use]
pub fn answer(document: &Document<'_>, answer: &Answer<'_>, session_id: &str) -> Vec<u8> {
    let mut edits = Edits::default();
    drop_header_blocks(&mut edits, document.root());
    if let Some(holder) = answer.session_holder {
        set_session(&mut edits, holder, answer.session_element, session_id);
    }
    edits.apply(document.source())
}

/// Whoever stands on the way may have put them there (a `ReplyTo`, say): they must not reach anybody
/// under the gateway's name.
fn drop_header_blocks(edits: &mut Edits<'_>, envelope: Element<'_>) {
    if let Some(header) = envelope.child_of(envelope.namespace(), "Header") {
        edits.replace(header.content(), "");
    }
}

fn set_session(
    edits: &mut Edits<'_>,
    holder: Element<'_>,
    existing: Option<Element<'_>>,
    session_id: &str,
) {
    // In the namespace of its forerunner, else of its siblings, whatever that is; who declared its
    // prefix on itself leaves it undeclared here.
    let model = existing.or_else(|| holder.children().next());
    let (prefix, namespace) = model.map_or(("", ""), |model| (model.prefix(), model.namespace()));
    let name = qualified(prefix, "sessionId");
    let mut text = format!("<{name}");
    if holder.resolve(prefix).unwrap_or_default() != namespace {
        push_declaration(&mut text, prefix, namespace);
    }
    text.push('>');
    writer::push_text(&mut text, session_id);
    text.push_str(&format!("</{name}>"));
    match existing {
        Some(element) => edits.replace(element.span(), text),
        None => edits.insert(holder.content().end, text),
    }
}

fn qualified(prefix: &str, local: &str) -> String {
    match prefix {
        "" => local.to_owned(),
        prefix => format!("{prefix}:{local}"),
    }
}

fn push_declaration(out: &mut String, prefix: &str, uri: &str) {
    match prefix {
        "" => writer::push_attribute(out, "xmlns", uri),
        prefix => writer::push_attribute(out, &format!("xmlns:{prefix}"), uri),
    }
}

/// A standard envelope around the very bytes of `data`, with its namespaces declared on it.
fn rebuilt<'d>(request: &Request<'d>, session_id: &str) -> Spliced<'d> {
    let head = RequestHead {
        message_id: &request.message_id,
        correlation_id: &request.correlation_id,
        service_id: &request.service_id,
        message_date: &request.message_date,
        route_id: &request.route_id,
        sender_id: &request.sender_id,
        password: "",
        session_id,
    };
    let properties = properties(request);
    let mut text = request_open(&head, &properties).into_bytes();
    let mut held = None;
    if let Some(data) = request.data {
        // Its offsets are the source's.
        let start = data.span().start;
        let mut edits = bound(data);
        held = Held::cut(request.data, &mut edits)
            .map(|held| Held { at: text.len() + held.at - start, ..held });
        text.extend_from_slice(&applied_to(data, edits));
    }
    text.extend_from_slice(REQUEST_CLOSE.as_bytes());
    Spliced { text, held }
}

fn properties<'d>(request: &Request<'d>) -> Vec<(String, String)> {
    let text = |property: Element<'d>, local| {
        property.child(local).map(|element| element.text().into_owned()).unwrap_or_default()
    };
    request
        .request_info
        .children()
        .filter(|child| child.local() == "properties" && child.child("key").is_some())
        .map(|property| (text(property, "key"), text(property, "value")))
        .collect()
}

/// The element's own bytes, with every binding in scope that it does not declare itself added to its
/// start tag.
#[must_use]
pub fn standing_alone(element: Element<'_>) -> Vec<u8> {
    applied_to(element, bound(element))
}

/// What declares every binding in scope at an element that it does not declare itself.
fn bound(element: Element<'_>) -> Edits<'static> {
    let own: Vec<&str> = element.declarations().map(|binding| binding.prefix).collect();
    let mut added = String::new();
    for binding in element.namespaces_in_scope() {
        if own.contains(&binding.prefix) {
            continue;
        }
        push_declaration(&mut added, binding.prefix, binding.uri);
    }
    let mut edits = Edits::default();
    edits.insert(element.start_tag().start + 1 + element.name().len(), added);
    edits
}

/// The element's bytes with edits in it.
fn applied_to(element: Element<'_>, edits: Edits<'_>) -> Vec<u8> {
    let span = element.span();
    edits.applied(element.document().source().get(..span.end).unwrap_or_default(), span.start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Limits;
    use proptest::prelude::*;

    const SESSION: &str = "{3f0c7d2a-9a7b-4f55-8a0e-1c2d3e4f5a6b}";

    fn payload<'d>(document: &'d Document<'d>) -> Element<'d> {
        match document.root().child("Body") {
            Some(body) => body.children().next().expect("a payload"),
            None => document.root(),
        }
    }

    fn bytes_of(document: &Document<'_>, span: Span) -> Vec<u8> {
        document.source()[span.start..span.end].to_vec()
    }

    /// Splices `source`, and asserts what is sacred about it.
    fn assert_sacred(source: &str) {
        let before = Document::scan(source.as_bytes(), &Limits::default()).expect(source);
        let read = Request::read(payload(&before)).expect(source);
        let spliced = request(&read, SESSION, Edits::default());
        assert!(read.data.is_none_or(|data| spliced.text.len() <= 2048 + data.span().start));
        let spliced = spliced.whole();
        let text = String::from_utf8_lossy(&spliced).into_owned();
        let after = Document::scan(&spliced, &Limits::default()).expect(&text);
        let reread = Request::read(payload(&after)).expect(&text);
        assert_eq!(reread.wrapper, Wrapper::SendMessage);
        assert!(reread.password_element.is_none(), "the password goes out: {text}");
        let session = reread.session_element.expect("sessionId comes in");
        assert_eq!(session.plain_text().expect("text"), SESSION);
        assert_eq!(reread.service_id, read.service_id);
        let (Some(old), Some(new)) = (read.data, reread.data) else {
            panic!("data is lost: {text}")
        };
        assert_eq!(bytes_of(&before, old.content()), bytes_of(&after, new.content()));
        let kept = new.namespaces_in_scope();
        for binding in old.namespaces_in_scope() {
            assert!(kept.contains(&binding), "{binding:?} is lost: {text}");
        }
        assert_eq!((old.namespace(), old.local()), (new.namespace(), new.local()));
    }

    const TYPES: &str = "http://bip.bee.kz/SyncChannel/v10/Types";
    const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

    fn info(extra: &str) -> String {
        format!(
            "<requestInfo>\r\n<messageId>m</messageId><serviceId>S</serviceId>\
             <messageDate>2025-03-11T10:15:30+0600</messageDate><sender><senderId>d</senderId>\
             <password>secret</password></sender>{extra}</requestInfo>"
        )
    }

    /// Wrappers as live clients write them, `@` standing for requestInfo and requestData.
    fn wrappers() -> Vec<String> {
        let soap = |payload: &str| {
            format!(
                "<s:Envelope xmlns:s=\"{SOAP}\" xmlns:outer=\"urn:outer\">\n<s:Body>{payload}</s:Body></s:Envelope>"
            )
        };
        vec![
            soap(&format!(
                "<t:SendMessage xmlns:t=\"{TYPES}\"><request>@</request></t:SendMessage>"
            )),
            soap(&format!(
                "<SendMessage xmlns=\"{TYPES}\"><request xmlns=\"\">@</request></SendMessage>"
            )),
            soap(&format!(
                "<t:SendMessageRequest xmlns:t=\"{TYPES}\"><request>@</request></t:SendMessageRequest>"
            )),
            soap(
                "<k:sendMessageRequest xmlns:k=\"http://service.2fa-chain.kz/ns/kdp\">@</k:sendMessageRequest>",
            ),
            format!(
                "\u{feff}<q:syncSendMessageRequest xmlns:q=\"{TYPES}/Request\" xmlns:outer=\"urn:outer\">@</q:syncSendMessageRequest>"
            ),
            format!("<syncSendMessageRequest xmlns=\"{TYPES}/Request\">@</syncSendMessageRequest>"),
        ]
    }

    fn datas() -> impl Strategy<Value = String> {
        let content = prop_oneof![
            Just("\r\n \t<a  b = '1'\r\n/>\r".to_owned()),
            Just("<![CDATA[<x>&amp;]]>".to_owned()),
            Just("<!-- -x- --><?p q?>".to_owned()),
            Just(
                "<v xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"p:T\"/>"
                    .to_owned()
            ),
            Just("&lt;ns2:Request&gt;&#13;&amp;&quot;".to_owned()),
            Just("<p:x><requestInfo><password>inner</password></requestInfo></p:x>".to_owned()),
            "[a-zәқ ]{0,40}".prop_map(|text| text),
        ];
        proptest::collection::vec(content, 0..6).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn data_leaves_as_it_came_whatever_the_wrapper(
            wrapper in 0_usize..6,
            content in datas(),
            attributes in prop_oneof![Just(""), Just(" xmlns:p=\"urn:p\""), Just("  xmlns:p='urn:p' p:a='&#10;'")],
            session in prop_oneof![Just(""), Just("<sessionId/>"), Just("<sessionId></sessionId>"), Just("<sessionId>x</sessionId>")],
        ) {
            let declared = if attributes.is_empty() { " xmlns:p='urn:other'" } else { attributes };
            let inside = format!(
                "{}<requestData >\n<data{declared}>{content}</data\n></requestData>",
                info(session),
            );
            assert_sacred(&wrappers()[wrapper].replace('@', &inside));
        }
    }

    #[test]
    fn a_prefix_bound_far_outside_stays_in_scope_when_the_wrapper_is_rebuilt() {
        for wrapper in wrappers() {
            let inside = format!("{}<requestData><data/></requestData>", info(""));
            assert_sacred(&wrapper.replace('@', &inside));
        }
    }

    #[test]
    fn session_id_stands_in_its_siblings_namespace_wherever_that_is_declared() {
        let own = " xmlns:e=\"urn:e\"";
        for (sibling, session, namespace) in [
            (format!("<e:messageId{own}>m</e:messageId>"), String::new(), "urn:e"),
            ("<messageId xmlns=\"urn:d\">m</messageId>".to_owned(), String::new(), "urn:d"),
            ("<outer:messageId>m</outer:messageId>".to_owned(), String::new(), "urn:outer"),
            ("<messageId>m</messageId>".to_owned(), format!("<e:sessionId{own}/>"), "urn:e"),
            (
                "<messageId>m</messageId>".to_owned(),
                "<sessionId nil='true'></sessionId>".to_owned(),
                "",
            ),
        ] {
            let inside = info(&session).replace("<messageId>m</messageId>", &sibling);
            let inside = format!("{inside}<requestData><data/></requestData>");
            let source = wrappers()[0].replace('@', &inside);
            assert_sacred(&source);
            let before = Document::scan(source.as_bytes(), &Limits::default()).expect(&source);
            let read = Request::read(payload(&before)).expect(&source);
            let spliced = request(&read, SESSION, Edits::default()).whole();
            let after = Document::scan(&spliced, &Limits::default()).expect("well-formed");
            let read = Request::read(payload(&after)).expect("a request");
            let session = read.session_element.expect("sessionId");
            assert_eq!((session.namespace(), session.attributes().count()), (namespace, 0));
        }
    }

    #[test]
    fn header_blocks_that_nobody_signed_go_no_further() {
        let inside = format!("{}<requestData><data/></requestData>", info(""));
        let header =
            "<s:Header a='1'>\n<w:ReplyTo xmlns:w='urn:w'>http://evil/</w:ReplyTo></s:Header>";
        let source =
            wrappers()[0].replace('@', &inside).replace("<s:Body>", &format!("{header}<s:Body>"));
        assert_sacred(&source);
        let document = Document::scan(source.as_bytes(), &Limits::default()).expect(&source);
        let read = Request::read(payload(&document)).expect(&source);
        let told = format!(
            "<s:Envelope xmlns:s='{SOAP}'>{header}<s:Body><SendMessageResponse><response><responseInfo>\
             <status><code>1</code></status></responseInfo></response></SendMessageResponse></s:Body></s:Envelope>"
        );
        let told = Document::scan(told.as_bytes(), &Limits::default()).expect("well-formed");
        let answered = Answer::read(payload(&told)).expect("an answer");
        for spliced in
            [request(&read, SESSION, Edits::default()).whole(), answer(&told, &answered, SESSION)]
        {
            let text = String::from_utf8(spliced).expect("UTF-8");
            assert!(text.contains("<s:Header a='1'></s:Header><s:Body>"), "{text}");
        }
    }

    #[test]
    fn ten_megabytes_of_data_leave_as_they_came() {
        let content = "0123456789abcde\n".repeat(10 * 1024 * 1024 / 16);
        let inside = format!("{}<requestData><data>{content}</data></requestData>", info(""));
        assert_sacred(&wrappers()[0].replace('@', &inside));
        assert_sacred(&wrappers()[4].replace('@', &inside));
    }
}
