//! Bytes on their way to the digest: slices of the source joined where they are neighbours, short pieces gathered.

use qaqpa_kit::xml::{Document, Span};

/// Pieces at least this long go to the sink without being copied.
const PIECE_BYTES_DIRECT: usize = 256;
/// Short pieces are gathered up to this size before they go to the sink.
const BUFFER_BYTES: usize = 2048;

pub(super) struct Output<'d, 'k, S> {
    document: &'d Document<'d>,
    sink: &'k mut S,
    buffer: Vec<u8>,
    /// Source bytes that are to follow the buffer.
    run: Span,
}

impl<'d, 'k, S: FnMut(&[u8])> Output<'d, 'k, S> {
    pub(super) fn new(document: &'d Document<'d>, sink: &'k mut S) -> Self {
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        Self { document, sink, buffer, run: Span::default() }
    }

    pub(super) fn escaped_text(&mut self, text: &str) {
        self.escaped(text, |byte| match byte {
            b'&' => Some(b"&amp;"),
            b'<' => Some(b"&lt;"),
            b'>' => Some(b"&gt;"),
            b'\r' => Some(b"&#xD;"),
            _ => None,
        });
    }

    pub(super) fn escaped_attribute(&mut self, value: &str) {
        self.escaped(value, |byte| match byte {
            b'&' => Some(b"&amp;"),
            b'<' => Some(b"&lt;"),
            b'"' => Some(b"&quot;"),
            b'\t' => Some(b"&#x9;"),
            b'\n' => Some(b"&#xA;"),
            b'\r' => Some(b"&#xD;"),
            _ => None,
        });
    }

    fn escaped(&mut self, text: &str, escape: impl Fn(u8) -> Option<&'static [u8]>) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|&byte| escape(byte).is_some()) {
            let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            let Some((&byte, after)) = special.split_first() else { break };
            self.write(plain);
            self.write(escape(byte).unwrap_or_default());
            rest = after;
        }
        self.write(rest);
    }

    /// Appends bytes of the source.
    pub(super) fn copy(&mut self, span: Span) {
        if self.run.end == span.start {
            self.run.end = span.end;
        } else {
            self.flush_run();
            self.run = span;
        }
    }

    /// Appends bytes that do not stand in the source as they are.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.flush_run();
        self.push(bytes);
    }

    /// What is copied from now on stands in that document.
    pub(super) fn turn_to(&mut self, document: &'d Document<'d>) {
        self.flush_run();
        self.document = document;
    }

    fn flush_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        self.push(self.document.slice(run).as_bytes());
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush_buffer();
        }
        if bytes.len() >= PIECE_BYTES_DIRECT {
            self.flush_buffer();
            (self.sink)(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    fn flush_buffer(&mut self) {
        if !self.buffer.is_empty() {
            (self.sink)(&self.buffer);
            self.buffer.clear();
        }
    }

    /// Hands over what is left.
    pub(super) fn finish(mut self) {
        self.flush_run();
        self.flush_buffer();
    }
}
