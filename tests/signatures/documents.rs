//! Generated documents: namespaces, attributes and character data in every odd but well-formed spelling.

/// A small generator of numbers (xorshift64*): the same seed yields the same documents.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `count`.
    pub(crate) fn roll(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % count
    }

    pub(crate) fn one_of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.roll(choices.len())]
    }
}

const PREFIXES: [&str; 4] = ["", "a", "b", "ns1"];
/// No `&`: libxml2 writes it unescaped in a namespace, which is no well-formed canonical form.
const URIS: [&str; 4] = ["urn:1", "urn:2", "http://x?y=1;z=2#a", "urn:3"];
const LOCALS: [&str; 5] = ["x", "y", "Z", "data", "ж"];
const TEXTS: [&str; 14] = [
    "text",
    " ",
    "\n",
    "\r\n",
    "\r",
    "a > b",
    "&lt;&gt;&amp;",
    "&apos;&quot;",
    "&#13;&#10;&#9;",
    "&#x10FFFF;",
    "Қазақ",
    "\u{1F600}",
    "\t",
    "x&#xD;\r\ny",
];
const VALUES: [&str; 10] = [
    "v",
    "",
    " a  b ",
    "&lt;&amp;&gt;",
    ">",
    "\n\t\r",
    "&#10;&#9;&#13;",
    "&apos;",
    "\r\n",
    "Ә&quot;",
];
const SPACES: [&str; 4] = [" ", "  ", "\n", "\t "];
const OUTSIDE: [&str; 5] = ["", "<!-- out\r\nside -->", "<?pi  some\r\ndata?>", "<?pi?>\n", " \n"];

/// A binding in scope: prefix and URI as written.
type Scope = Vec<(&'static str, &'static str)>;

/// A document of some elements, and how many they are.
pub(crate) fn document(dice: &mut Dice) -> (String, usize) {
    let mut out = String::new();
    if dice.roll(4) == 0 {
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    }
    let (before, after) = (dice.one_of(&OUTSIDE), dice.one_of(&OUTSIDE));
    out.push_str(before);
    let mut count = 0;
    element(dice, &mut out, &Vec::new(), 0, &mut count);
    out.push_str(after);
    (out, count)
}

fn element(dice: &mut Dice, out: &mut String, scope: &Scope, depth: usize, count: &mut usize) {
    *count += 1;
    let mut scope = scope.clone();
    // As most documents are: what stands in such an element is written as it came.
    let is_calm = depth > 0 && dice.roll(2) == 0;
    let mut pieces = if is_calm { Vec::new() } else { declarations(dice, &mut scope) };
    let bound: Vec<&str> = scope.iter().map(|(prefix, _)| *prefix).collect();
    let prefix = if bound.is_empty() { "" } else { bound[dice.roll(bound.len())] };
    let name = qualified(prefix, dice.one_of(&LOCALS));
    if !is_calm {
        pieces.extend(attributes(dice, &scope));
    }
    for index in (1..pieces.len()).rev() {
        pieces.swap(index, dice.roll(index + 1));
    }
    out.push('<');
    out.push_str(&name);
    for piece in &pieces {
        out.push_str(dice.one_of(&SPACES));
        out.push_str(piece);
    }
    let tail = dice.one_of(&["", "", "", " ", "\r\n"]);
    out.push_str(tail);
    let children = if depth > 5 || *count > 30 { 0 } else { dice.roll(5) };
    if children == 0 && dice.roll(2) == 0 {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for _ in 0..children {
        match dice.roll(6) {
            0..3 => element(dice, out, &scope, depth + 1, count),
            3 => out.push_str(dice.one_of(&TEXTS)),
            4 => out.push_str(dice.one_of(&[
                "<![CDATA[<&>\r\n]]>",
                "<![CDATA[]]>",
                "<![CDATA[plain]]>",
            ])),
            _ => out.push_str(dice.one_of(&["<!-- in\r\nside -->", "<?in side?>", "<!---->"])),
        }
        out.push_str(dice.one_of(&TEXTS));
    }
    out.push_str("</");
    out.push_str(&name);
    out.push_str(tail);
    out.push('>');
}

fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

/// Up to three declarations, each prefix once; the default namespace may be undeclared.
fn declarations(dice: &mut Dice, scope: &mut Scope) -> Vec<String> {
    let mut written = Vec::new();
    let mut used = Vec::new();
    for _ in 0..dice.roll(4) {
        let prefix = PREFIXES[dice.roll(PREFIXES.len())];
        if used.contains(&prefix) {
            continue;
        }
        used.push(prefix);
        scope.retain(|(known, _)| *known != prefix);
        if prefix.is_empty() && dice.roll(3) == 0 {
            written.push("xmlns=\"\"".to_owned());
            continue;
        }
        let uri = URIS[dice.roll(URIS.len())];
        scope.push((prefix, uri));
        let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        written.push(format!("{name}='{uri}'"));
    }
    written
}

/// Some attributes, no two with one expanded name.
fn attributes(dice: &mut Dice, scope: &Scope) -> Vec<String> {
    let mut written = Vec::new();
    let mut used = Vec::new();
    for _ in 0..dice.roll(4) {
        let prefixed: Vec<_> = scope.iter().filter(|(prefix, _)| !prefix.is_empty()).collect();
        let (prefix, uri) = match dice.roll(4) {
            0 | 1 => ("", ""),
            2 => ("xml", "xml"),
            _ if prefixed.is_empty() => ("", ""),
            _ => *prefixed[dice.roll(prefixed.len())],
        };
        let local = if prefix == "xml" { "lang" } else { dice.one_of(&LOCALS) };
        if used.contains(&(uri, local)) {
            continue;
        }
        used.push((uri, local));
        let (equals, quote) = (dice.one_of(&["=", "=", " = "]), dice.one_of(&["\"", "'"]));
        let value = dice.one_of(&VALUES);
        written.push(format!("{}{equals}{quote}{value}{quote}", qualified(prefix, local)));
    }
    written
}
