//! Character data, comments and instructions in canonical form.

use super::Writer;
use memchr::{memchr3, memchr3_iter};
use qaqpa_kit::xml::{Node, Span, decode_lines, decode_text};

impl<S: FnMut(&[u8])> Writer<'_, '_, S> {
    pub(super) fn text(&mut self, span: Span) {
        let raw = self.document.slice(span);
        let mut copied = 0;
        for at in memchr3_iter(b'&', b'>', b'\r', raw.as_bytes()) {
            let Some(special) = raw.get(at..) else { break };
            let canonical = ["&lt;", "&gt;", "&amp;", "&#xD;"];
            if at < copied || canonical.iter().any(|reference| special.starts_with(reference)) {
                continue;
            }
            let used = match special.as_bytes() {
                [b'&', ..] => special.find(';').map_or(1, |end| end + 1),
                [b'\r', b'\n', ..] => 2,
                _ => 1,
            };
            self.output.copy(Span { start: span.start + copied, end: span.start + at });
            self.output.escaped_text(&decode_text(special.get(..used).unwrap_or_default()));
            copied = at + used;
        }
        self.output.copy(Span { start: span.start + copied, end: span.end });
    }

    pub(super) fn cdata(&mut self, node: &Node) {
        let raw = self.document.node_text(node);
        if memchr3(b'&', b'<', b'>', raw.as_bytes()).is_none() && !raw.contains('\r') {
            self.output.copy(node.content());
        } else {
            self.output.escaped_text(&decode_lines(raw));
        }
    }

    pub(super) fn comment(&mut self, node: &Node) {
        if self.options.with_comments {
            self.output.write(b"<!--");
            self.output.write(decode_lines(self.document.node_text(node)).as_bytes());
            self.output.write(b"-->");
        }
    }

    pub(super) fn instruction(&mut self, node: &Node) {
        let Some((target, data)) = self.document.instruction(node) else { return };
        self.output.write(b"<?");
        self.output.write(target.as_bytes());
        if !data.is_empty() {
            self.output.write(b" ");
            self.output.write(decode_lines(data).as_bytes());
        }
        self.output.write(b"?>");
    }
}
