//! Writing XML by hand: escaping, and elements that close themselves.

/// Appends `text` as character data (`&`, `<`, `>`, CR escaped).
pub fn push_text(out: &mut String, text: &str) {
    let _ = (out, text);
    todo!()
}

/// Appends `<name>text</name>`, the text escaped.
pub fn push_element(out: &mut String, name: &str, text: &str) {
    let _ = (out, name, text);
    todo!()
}

/// Appends `value` as an attribute value between double quotes.
pub fn push_attribute(out: &mut String, value: &str) {
    let _ = (out, value);
    todo!()
}
