//! Writing XML by hand: escaping, and elements that close themselves.
//!
//! Whatever is pushed, the output stays well-formed: a character that no document may contain
//! (XML 1.0 production \[2\]) is written as U+FFFD, the replacement character.

use super::rules::is_char;

/// Appends `text` as character data (`&`, `<`, `>`, CR escaped).
pub fn push_text(out: &mut String, text: &str) {
    push_escaped(out, text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Appends ` name="value"` with its leading space (`&`, `<`, `"`, TAB, LF, CR escaped).
///
/// `name` is written as it is: a qualified name known to the program, never input.
pub fn push_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_escaped(out, value, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#x9;"),
        '\n' => Some("&#xA;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
    out.push('"');
}

/// Appends `<name>text</name>`, the text escaped.
///
/// `name` is written as it is: a qualified name known to the program, never input.
pub fn push_element(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    push_text(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends `<name>…</name>` around whatever `inside` appends.
///
/// `name` is written as it is: a qualified name known to the program, never input.
pub fn push_nested(out: &mut String, name: &str, inside: impl FnOnce(&mut String)) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    inside(out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn push_escaped(out: &mut String, text: &str, escape: impl Fn(char) -> Option<&'static str>) {
    let mut rest = text;
    while let Some(at) = rest.find(|c| escape(c).is_some() || !is_char(c)) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = special.chars();
        if let Some(c) = chars.next() {
            out.push_str(escape(c).unwrap_or("\u{FFFD}"));
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Limits};
    use super::*;

    #[test]
    fn an_element_escapes_its_text() {
        let mut out = String::new();
        push_element(&mut out, "name", "Айым & <Ко> \"ТОО\"\r\n");
        assert_eq!(out, "<name>Айым &amp; &lt;Ко&gt; \"ТОО\"&#xD;\n</name>");
    }

    #[test]
    fn an_attribute_escapes_its_quote_and_white_space() {
        let mut out = String::from("<a");
        push_attribute(&mut out, "b", "'&<\">\t\n\r");
        assert_eq!(out, "<a b=\"'&amp;&lt;&quot;>&#x9;&#xA;&#xD;\"");
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = "]]> & \u{1}\r\n\t<b/> қ";
        let mut out = String::from("<a");
        push_attribute(&mut out, "b", text);
        out.push('>');
        push_text(&mut out, text);
        out.push_str("</a>");
        let document = Document::scan(out.as_bytes(), &Limits::default()).unwrap();
        let expected = text.replace('\u{1}', "\u{FFFD}");
        assert_eq!(document.root().plain_text().unwrap(), expected);
        assert_eq!(document.root().attribute("", "b").unwrap().value(), expected);
    }
}
