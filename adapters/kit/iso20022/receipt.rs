//! That a message arrived: admi.007, for those that have no answer of their own.

use super::{body, document, text};
use crate::xml::writer::{push_element, push_nested};
use crate::xml::{Document, Limits};

/// The version that we write.
const ADMI_007: &str = "admi.007.001.01";
/// Characters of `Desc`.
const WORDS_CHARS_MAX: usize = 140;

/// Writes an admi.007 about a message: what was made of it, in a code of four characters and in words.
#[must_use]
pub fn admi007(message_id: &str, code: &str, words: &str) -> String {
    let message_id = if message_id.is_empty() { "NOTPROVIDED" } else { message_id };
    document(ADMI_007, "RctAck", |out| {
        push_nested(out, "MsgId", |out| push_element(out, "MsgId", message_id));
        push_nested(out, "Rpt", |out| {
            push_nested(out, "RltdRef", |out| push_element(out, "Ref", message_id));
            push_nested(out, "ReqHdlg", |out| {
                push_element(out, "StsCd", code);
                let words: String = words.chars().take(WORDS_CHARS_MAX).collect();
                if !words.is_empty() {
                    push_element(out, "Desc", &words);
                }
            });
        });
    })
}

/// The code of an admi.007.
#[must_use]
pub fn read_admi007(source: &[u8]) -> Option<String> {
    let document = Document::scan(source, &Limits::default()).ok()?;
    let body = body(&document, "admi.007", "RctAck").ok()?;
    text(body, "Rpt/ReqHdlg/StsCd").ok()?.map(Into::into)
}

/// Id and time of any message that has a group header; empty where they cannot be read.
#[must_use]
pub fn head(source: &[u8]) -> (String, String) {
    let Ok(document) = Document::scan(source, &Limits::default()) else {
        return Default::default();
    };
    let Some(message) = document.root().children().next() else { return Default::default() };
    let read = |path| text(message, path).ok().flatten().map(Into::into).unwrap_or_default();
    let message_id: String = read("GrpHdr/MsgId");
    (message_id.chars().take(super::ID_CHARS_MAX).collect(), read("GrpHdr/CreDtTm"))
}
