//! Changing a signed document without rebuilding it: cuts and insertions over the untouched source.
//!
//! The password goes out and `sessionId` comes in; every other byte of the Body stays, and every
//! namespace in scope at `data` stays in scope, also where a deviating wrapper must be replaced: a
//! prefix may live only in an `xsi:type`, where no canonical form sees it.

use super::write::{REQUEST_CLOSE, RequestHead, request_open};
use super::{Answer, Request, Wrapper};
use crate::xml::{Document, Element, Span, writer};

/// Replacements over a source, applied in one copy.
#[derive(Debug, Default)]
pub struct Edits {
    edits: Vec<(Span, String)>,
}

impl Edits {
    /// Replaces the bytes of `span` by `text`.
    pub fn replace(&mut self, span: Span, text: String) {
        self.edits.push((span, text));
    }

    /// Inserts `text` before the byte at `offset`.
    pub fn insert(&mut self, offset: usize, text: String) {
        self.replace(Span { start: offset, end: offset }, text);
    }

    /// The source with every edit applied; overlapping edits keep the first.
    #[must_use]
    pub fn apply(mut self, source: &[u8]) -> Vec<u8> {
        self.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let added: usize = self.edits.iter().map(|(_, text)| text.len()).sum();
        let mut out = Vec::with_capacity(source.len() + added);
        let mut copied = 0;
        for (span, text) in &self.edits {
            if let Some(kept) = source.get(copied..span.start) {
                out.extend_from_slice(kept);
                out.extend_from_slice(text.as_bytes());
                copied = span.end;
            }
        }
        out.extend_from_slice(source.get(copied..).unwrap_or_default());
        out
    }
}

/// The request as the agency shall get it, before signing: no password, the gateway's `sessionId`.
#[must_use]
pub fn request(request: &Request<'_>, session_id: &str) -> Vec<u8> {
    match request.wrapper {
        Wrapper::SendMessage => {
            let mut edits = Edits::default();
            if let Some(password) = request.password_element {
                edits.replace(password.span(), String::new());
            }
            set_session(&mut edits, request.request_info, request.session_element, session_id);
            edits.apply(request.payload.document().source())
        }
        Wrapper::Renamed | Wrapper::Bare => rebuilt(request, session_id),
    }
}

/// The answer as the caller shall get it, before signing: the gateway's `sessionId`.
#[must_use]
pub fn answer(document: &Document<'_>, answer: &Answer<'_>, session_id: &str) -> Vec<u8> {
    let mut edits = Edits::default();
    if let Some(holder) = answer.session_holder {
        set_session(&mut edits, holder, answer.session_element, session_id);
    }
    edits.apply(document.source())
}

fn set_session(
    edits: &mut Edits,
    holder: Element<'_>,
    existing: Option<Element<'_>>,
    session_id: &str,
) {
    // Its siblings' prefix keeps it in their namespace, whatever that is.
    let name = match holder.children().next().map_or("", |sibling| sibling.prefix()) {
        "" => "sessionId".to_owned(),
        prefix => format!("{prefix}:sessionId"),
    };
    let mut text = String::with_capacity(80);
    match existing {
        Some(element) if element.is_self_closing() => {
            writer::push_element(&mut text, &qualified(element), session_id);
            edits.replace(element.span(), text);
        }
        Some(element) => {
            writer::push_text(&mut text, session_id);
            edits.replace(element.content(), text);
        }
        None => {
            writer::push_element(&mut text, &name, session_id);
            edits.insert(holder.content().end, text);
        }
    }
}

fn qualified(element: Element<'_>) -> String {
    match element.prefix() {
        "" => element.local().to_owned(),
        prefix => format!("{prefix}:{}", element.local()),
    }
}

/// A standard envelope around the very bytes of `data`, with its namespaces declared on it.
fn rebuilt(request: &Request<'_>, session_id: &str) -> Vec<u8> {
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
    let mut out = request_open(&head, &properties).into_bytes();
    if let Some(data) = request.data {
        out.extend_from_slice(&with_namespaces(data));
    }
    out.extend_from_slice(REQUEST_CLOSE.as_bytes());
    out
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
fn with_namespaces(element: Element<'_>) -> Vec<u8> {
    let own: Vec<&str> = element.declarations().map(|binding| binding.prefix).collect();
    let mut added = String::new();
    for binding in element.namespaces_in_scope() {
        if own.contains(&binding.prefix) {
            continue;
        }
        match binding.prefix {
            "" => added.push_str(" xmlns"),
            prefix => {
                added.push_str(" xmlns:");
                added.push_str(prefix);
            }
        }
        added.push_str("=\"");
        writer::push_attribute(&mut added, binding.uri);
        added.push('"');
    }
    let span = element.span();
    let name_end = element.start_tag().start + 1 + qualified(element).len();
    let mut edits = Edits::default();
    edits.insert(name_end - span.start, added);
    let source = element.document().source().get(span.start..span.end).unwrap_or_default();
    edits.apply(source)
}
