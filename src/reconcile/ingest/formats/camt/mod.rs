//! camt.053, camt.054 and camt.052 of any version: one pass over the events of an XML reader, no tree.
//!
//! Names are read without their namespace, so version and prefix are of no account. The document is
//! judged strictly: no DTD, no entity but the five of XML, no open element at the end.

mod entry;
mod promise;
mod source;
mod tag;
mod walk;

use super::Sink;
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use quick_xml::events::{BytesRef, Event};
use quick_xml::{Error, Reader};
use source::Counted;
use std::io::Read;
use walk::Walk;

/// Reads all statements and notifications of a document.
pub(super) fn read(from: &mut dyn Read, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
    let mut reader = Reader::from_reader(Counted::new(from));
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut walk = Walk::default();
    loop {
        buffer.clear();
        reader.get_mut().begin();
        let event = reader.read_event_into(&mut buffer);
        let event = match event {
            Ok(event) => event,
            Err(Error::Io(error)) if error.kind() != std::io::ErrorKind::FileTooLarge => {
                return Err(std::io::Error::new(error.kind(), error.to_string()).into());
            }
            Err(error) => {
                let line = reader.get_ref().line;
                return Err(sink.wrong(line, format!("no well-formed XML: {error}")));
            }
        };
        let line = reader.get_ref().line;
        match &event {
            Event::Start(start) => walk.open(start, line).map_err(|r| sink.wrong(line, r))?,
            Event::End(_) => {
                sink.at(line);
                walk.close(line, sink)?;
            }
            // Behind the root nothing may stand, and before it nothing but the declaration.
            Event::Text(text) if !walk.is_open() && !text.as_bytes().trim_ascii().is_empty() => {
                return Err(sink.wrong(line, "a text outside the root element"));
            }
            Event::Text(text) => walk.text(text.as_bytes()),
            Event::CData(text) => walk.text(text.as_bytes()),
            Event::GeneralRef(reference) => match character(reference) {
                Some(character) => walk.text(character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => return Err(sink.wrong(line, "an entity that XML does not define itself")),
            },
            Event::DocType(_) => return Err(sink.wrong(line, "a DTD is not taken")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
        }
    }
    if walk.is_open() {
        return Err(Stop::Whole(Reason::new("cut off: elements are open at the end")));
    }
    walk.finish(sink)
}

fn character(reference: &BytesRef<'_>) -> Option<char> {
    match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => reference.resolve_char_ref().ok().flatten(),
    }
}
