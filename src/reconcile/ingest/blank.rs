//! Rows without the requisites that the other side tells in no row, so that equal rows stay equal texts.

use super::row::REQUISITES;

/// Empties fields of a row's content.
pub(super) struct Blank {
    fields: [bool; REQUISITES],
    is_any: bool,
    text: Vec<u8>,
}

impl Blank {
    pub(super) fn new(fields: [bool; REQUISITES]) -> Self {
        Self { fields, is_any: fields.contains(&true), text: Vec::new() }
    }

    /// The content with those fields empty.
    #[inline]
    pub(super) fn content<'a>(&'a mut self, content: &'a [u8]) -> &'a [u8] {
        if !self.is_any {
            return content;
        }
        self.text.clear();
        let mut rest = content;
        for is_blank in self.fields {
            let Some(end) = memchr::memchr(b';', rest) else { break };
            let (field, tail) = rest.split_at_checked(end + 1).unwrap_or_default();
            self.text.extend_from_slice(if is_blank { b";" } else { field });
            rest = tail;
        }
        self.text.extend_from_slice(rest);
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_told_is_emptied() {
        let content = b"900101300017;990140000017;108125;911;1987500;KZT;POSTED";
        let mut blank = Blank::new([true, false, true, false]);
        assert_eq!(blank.content(content), b";990140000017;;911;1987500;KZT;POSTED");
        assert_eq!(Blank::new([false; 4]).content(content), content);
        assert_eq!(Blank::new([true; 4]).content(b";;;;5;KZT;X"), b";;;;5;KZT;X");
    }
}
