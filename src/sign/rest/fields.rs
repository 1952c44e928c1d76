//! The little of Structured Fields (RFC 9651) that signatures are written in, read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of one field that is read.
const FIELD_BYTES_MAX: usize = 32 * 1024;
/// Members, items or parameters that are read.
const PARTS_MAX: usize = 64;

/// A bare item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Integer(i64),
    Text(String),
    Token(String),
    Bytes(Vec<u8>),
    Flag(bool),
}

impl Item {
    /// As RFC 9651 §4.1.3 writes it.
    fn write(&self, out: &mut String) {
        match self {
            Self::Integer(value) => out.push_str(&value.to_string()),
            Self::Text(text) => {
                out.push('"');
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        out.push('\\');
                    }
                    out.push(c);
                }
                out.push('"');
            }
            Self::Token(token) => out.push_str(token),
            Self::Bytes(bytes) => {
                out.push(':');
                STANDARD.encode_string(bytes, out);
                out.push(':');
            }
            Self::Flag(flag) => out.push_str(if *flag { "?1" } else { "?0" }),
        }
    }
}

/// Parameters in their order; no key twice.
pub type Parameters = Vec<(String, Item)>;

/// A list in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerList {
    pub items: Vec<(Item, Parameters)>,
    pub parameters: Parameters,
}

impl InnerList {
    /// As RFC 9651 §4.1.1.1 writes it.
    #[must_use]
    pub fn written(&self) -> String {
        let mut out = String::from("(");
        for (index, (item, parameters)) in self.items.iter().enumerate() {
            if index > 0 {
                out.push(' ');
            }
            item.write(&mut out);
            write_parameters(parameters, &mut out);
        }
        out.push(')');
        write_parameters(&self.parameters, &mut out);
        out
    }
}

fn write_parameters(parameters: &[(String, Item)], out: &mut String) {
    for (key, value) in parameters {
        out.push(';');
        out.push_str(key);
        if *value != Item::Flag(true) {
            out.push('=');
            value.write(out);
        }
    }
}

/// A member of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    Item(Item, Parameters),
    List(InnerList),
}

/// A dictionary; `None` for what is none, or names a key twice.
#[must_use]
pub fn dictionary(text: &str) -> Option<Vec<(String, Member)>> {
    if text.len() > FIELD_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let mut reader = Reader { rest: text.trim_matches(' ') };
    let mut members: Vec<(String, Member)> = Vec::new();
    loop {
        let key = reader.key()?;
        let member = match reader.eat('=') {
            true => reader.member()?,
            false => Member::Item(Item::Flag(true), reader.parameters()?),
        };
        if members.iter().any(|(known, _)| *known == key) || members.len() >= PARTS_MAX {
            return None;
        }
        members.push((key, member));
        reader.rest = reader.rest.trim_start_matches([' ', '\t']);
        if reader.rest.is_empty() {
            return Some(members);
        }
        if !reader.eat(',') {
            return None;
        }
        reader.rest = reader.rest.trim_start_matches([' ', '\t']);
    }
}

/// One item that is bytes, without parameters.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() > FIELD_BYTES_MAX {
        return None;
    }
    let mut reader = Reader { rest: text.trim_matches(' ') };
    match reader.item()? {
        Item::Bytes(bytes) if reader.rest.is_empty() => Some(bytes),
        _ => None,
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn eat(&mut self, c: char) -> bool {
        let after = self.rest.strip_prefix(c);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// What stands before the first character that does not fit.
    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        taken
    }

    fn key(&mut self) -> Option<String> {
        let key = self.take(|c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '*')
        });
        let first = key.chars().next()?;
        (first.is_ascii_lowercase() || first == '*').then(|| key.to_owned())
    }

    fn member(&mut self) -> Option<Member> {
        if !self.eat('(') {
            let item = self.item()?;
            return Some(Member::Item(item, self.parameters()?));
        }
        let mut items = Vec::new();
        loop {
            self.take(|c| c == ' ');
            if self.eat(')') {
                break;
            }
            let item = self.item()?;
            items.push((item, self.parameters()?));
            if items.len() > PARTS_MAX || !self.rest.starts_with([' ', ')']) {
                return None;
            }
        }
        Some(Member::List(InnerList { items, parameters: self.parameters()? }))
    }

    fn parameters(&mut self) -> Option<Parameters> {
        let mut found: Parameters = Vec::new();
        while self.eat(';') {
            self.take(|c| c == ' ');
            let key = self.key()?;
            let value = if self.eat('=') { self.item()? } else { Item::Flag(true) };
            if found.iter().any(|(known, _)| *known == key) || found.len() >= PARTS_MAX {
                return None;
            }
            found.push((key, value));
        }
        Some(found)
    }

    fn item(&mut self) -> Option<Item> {
        match self.rest.chars().next()? {
            '"' => self.text().map(Item::Text),
            ':' => {
                self.eat(':');
                let base64 =
                    self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='));
                if !self.eat(':') {
                    return None;
                }
                STANDARD.decode(base64).ok().map(Item::Bytes)
            }
            '?' => {
                self.eat('?');
                match self.take(|c| c.is_ascii_digit()) {
                    "1" => Some(Item::Flag(true)),
                    "0" => Some(Item::Flag(false)),
                    _ => None,
                }
            }
            '-' | '0'..='9' => {
                let digits = self.take(|c| c == '-' || c.is_ascii_digit());
                // §3.3.1: at most fifteen digits; a decimal has no place in a signature.
                let is_short = digits.trim_start_matches('-').len() <= 15;
                let value = digits.parse().ok().filter(|_| is_short && !self.rest.starts_with('.'));
                value.map(Item::Integer)
            }
            'a'..='z' | 'A'..='Z' | '*' => {
                let token = self.take(|c| c.is_ascii_graphic() && !"\"(),;<=>?@[\\]{}".contains(c));
                Some(Item::Token(token.to_owned()))
            }
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        self.eat('"');
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(text);
                }
                '\\' => match chars.next()?.1 {
                    escaped @ ('"' | '\\') => text.push(escaped),
                    _ => return None,
                },
                ' '..='~' => text.push(c),
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_input_is_read_and_written_as_the_standard_writes_it() {
        let text =
            "sig1=( \"@method\"   \"content-digest\";sf );created=1618884473; keyid=\"a\\\"b\";x";
        let members = dictionary(text).expect("dictionary");
        let [(label, Member::List(list))] = &members[..] else { panic!("{members:?}") };
        assert_eq!(label, "sig1");
        assert_eq!(
            list.written(),
            "(\"@method\" \"content-digest\";sf);created=1618884473;keyid=\"a\\\"b\";x"
        );
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for text in [
            "",
            "a=",
            "a=1,",
            "a=1 b=2",
            "A=1",
            "a=1, a=2",
            "a=(\"b\"\"c\")",
            "a=(1",
            "a=\"b",
            "a=\"\\n\"",
            "a=:AA:",
            "a=:AA==",
            "a=1.5",
            "a=--1",
            "a=1234567890123456",
            "a=?2",
            "a=1;b=1;b=2",
            "a=\"қ\"",
        ] {
            assert_eq!(dictionary(text), None, "{text}");
        }
        assert_eq!(bytes(":AAEC:"), Some(vec![0, 1, 2]));
        assert_eq!(bytes(":AAEC:;a"), None);
        assert_eq!(bytes("AAEC"), None);
    }
}
