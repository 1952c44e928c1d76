//! A row on its way from a bank's format to the neutral form, its room used again for the next.

/// What a format tells of one payment; what it does not tell is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// The line of the file on which it began.
    pub(super) line: u64,
    /// The payment's end-to-end id.
    pub(super) e2e_id: Vec<u8>,
    /// The bank's own number of it.
    pub(super) receipt: Vec<u8>,
    pub(super) iin: Vec<u8>,
    pub(super) payee_bin: Vec<u8>,
    pub(super) kbk: Vec<u8>,
    pub(super) knp: Vec<u8>,
    pub(super) amount_tiyn: i64,
    pub(super) currency: Vec<u8>,
    /// A state of the neutral form, [`POSTED`] where the format knows no other.
    pub(super) status: Vec<u8>,
    /// A day or a moment, as ISO 8601 has it.
    pub(super) posted_at: Vec<u8>,
    /// A day; empty: that of `posted_at`.
    pub(super) value_date: Vec<u8>,
    pub(super) rail: Vec<u8>,
    /// Money left the account that the file speaks of.
    pub(super) is_debit: bool,
}

/// A booked payment.
pub(super) const POSTED: &[u8] = b"POSTED";
/// One that the bank took and has not booked.
pub(super) const ACCEPTED: &[u8] = b"ACCEPTED";
/// A booking taken back.
pub(super) const REVERSED: &[u8] = b"REVERSED";
/// Money that goes back to its payer.
pub(super) const RETURNED: &[u8] = b"RETURNED";

impl Draft {
    /// Empties it and keeps its room.
    pub(super) fn clear(&mut self) {
        for text in [
            &mut self.e2e_id,
            &mut self.receipt,
            &mut self.iin,
            &mut self.payee_bin,
            &mut self.kbk,
            &mut self.knp,
            &mut self.currency,
            &mut self.status,
            &mut self.posted_at,
            &mut self.value_date,
            &mut self.rail,
        ] {
            text.clear();
        }
        (self.line, self.amount_tiyn, self.is_debit) = (0, 0, false);
    }
}

/// Puts a text in the place of another, in the same room.
#[inline]
pub(super) fn set(place: &mut Vec<u8>, text: &[u8]) {
    place.clear();
    place.extend_from_slice(text);
}

/// An id, where the text is not one of the words that stand for none.
#[must_use]
pub(super) fn id(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let none: [&[u8]; 5] = [b"NOTPROVIDED", b"NONREF", b"NOTAVAILABLE", b"NOT PROVIDED", b"0"];
    if none.iter().any(|word| text.eq_ignore_ascii_case(word)) { &[] } else { text }
}

/// A code of so many digits; anything else is none.
#[must_use]
pub(super) fn code(text: &[u8], digits: usize) -> &[u8] {
    let text = text.trim_ascii();
    let is_code = text.len() == digits && text.iter().all(u8::is_ascii_digit);
    if is_code { text } else { &[] }
}

/// What stands in a free text behind a tag like `/KNP/`, up to the next slash, space or line.
#[must_use]
pub(super) fn tagged<'a>(text: &'a [u8], tag: &[u8]) -> &'a [u8] {
    let Some(at) = memchr::memmem::find(text, tag) else { return &[] };
    let rest = text.get(at + tag.len()..).unwrap_or_default();
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b' ' | b'\n' | b'\r'));
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}
