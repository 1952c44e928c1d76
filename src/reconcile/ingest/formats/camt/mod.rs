//! camt.053, camt.054 and camt.052 of any version: one pass over tags and texts, no tree.
//!
//! Names are read without their namespace, so version and prefix are of no account. The document is
//! judged strictly: no DTD, no entity but the five of XML, no open element at the end. Plain stretches,
//! which are nearly everything, are gone over here; the rest a general XML reader tells, event by event.

mod entry;
mod plain;
mod promise;
mod source;
mod start;
mod tag;
mod walk;

use super::Sink;
use crate::reconcile::ingest::intake::Stop;
use crate::reconcile::ingest::row::Reason;
use plain::{Lines, Way};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader};
use source::Counted;
use std::io::Read;
use tag::Tag;
use walk::Walk;

/// A document on its way.
struct Document<'a> {
    source: Counted<'a>,
    way: Way,
}

/// Reads all statements and notifications of a document.
pub(super) fn read(from: &mut dyn Read, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
    let source = Counted::new(from)?;
    let mut document = Document { source, way: Way::default() };
    loop {
        if !is_general() {
            document.plain(sink)?;
        }
        // Plain is only what is there as a whole.
        let is_more = document.source.is_short() && document.source.fill()?;
        if !is_more && !document.event(sink)? {
            break;
        }
    }
    if document.way.walk.is_open() {
        return Err(Stop::Whole(Reason::new("cut off: elements are open at the end")));
    }
    document.way.walk.finish(sink)
}

impl Document<'_> {
    /// What is plain of the bytes that are held.
    fn plain(&mut self, sink: &mut Sink<'_, '_>) -> Result<(), Stop> {
        let lines = Lines::new(self.source.held(), self.source.line);
        let (bytes, line) = self.way.plain(lines, self.source.is_ascii, sink)?;
        self.source.pass(bytes, line);
        Ok(())
    }

    /// One event by the general reader; false at the end of the document. What is open already it is told
    /// before, behind something that lets it look for no mark of an encoding.
    fn event(&mut self, sink: &mut Sink<'_, '_>) -> Result<bool, Stop> {
        self.source.ahead(&self.way.names.tags());
        let mut reader = Reader::from_reader(&mut self.source);
        let mut buffer = Vec::new();
        for _ in 0..=self.way.names.count() {
            buffer.clear();
            // It was read before.
            let _told = reader.read_event_into(&mut buffer);
        }
        buffer.clear();
        reader.get_mut().begin();
        let event = reader.read_event_into(&mut buffer);
        let line = reader.get_ref().line;
        let event = match event {
            Ok(event) => event,
            Err(Error::Io(error)) if error.kind() != std::io::ErrorKind::FileTooLarge => {
                return Err(std::io::Error::new(error.kind(), error.to_string()).into());
            }
            Err(error) => return Err(sink.wrong(line, format!("no well-formed XML: {error}"))),
        };
        let walk = &mut self.way.walk;
        match &event {
            Event::Start(start) => {
                open(walk, start, line).map_err(|reason| sink.wrong(line, reason))?;
                self.way.names.push(start.name().into_inner().as_bytes());
            }
            Event::Empty(start) => {
                open(walk, start, line).map_err(|reason| sink.wrong(line, reason))?;
                walk.close(|| line, sink)?;
            }
            Event::End(_) => {
                walk.close(|| line, sink)?;
                self.way.names.pop();
            }
            // Behind the root nothing may stand, and before it nothing but the declaration.
            Event::Text(text) if !walk.is_open() && !text.as_bytes().trim_ascii().is_empty() => {
                return Err(sink.wrong(line, OUTSIDE));
            }
            Event::Text(text) => walk.text(text.as_bytes()),
            Event::CData(text) => walk.text(text.as_bytes()),
            Event::GeneralRef(reference) => match character(reference) {
                Some(character) => walk.text(character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => return Err(sink.wrong(line, "an entity that XML does not define itself")),
            },
            Event::DocType(_) => return Err(sink.wrong(line, "a DTD is not taken")),
            Event::Eof => return Ok(false),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
        Ok(true)
    }
}

/// Whether the general reader is to read everything.
#[cfg(not(test))]
const fn is_general() -> bool {
    false
}

#[cfg(test)]
fn is_general() -> bool {
    GENERAL.get()
}

#[cfg(test)]
thread_local! {
    /// Set by a test that holds the two against each other.
    pub(super) static GENERAL: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

const OUTSIDE: &str = "a text outside the root element";

fn open(walk: &mut Walk, start: &BytesStart<'_>, line: u64) -> Result<(), String> {
    let tag = Tag::of(start.local_name().into_inner().as_bytes());
    walk.open(tag, || line)?;
    if tag.has_currency() {
        let found = start.try_get_attribute("Ccy").map_err(|error| error.to_string())?;
        if let Some(attribute) = found {
            walk.currency(attribute.value.trim().as_bytes());
        }
    }
    Ok(())
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
