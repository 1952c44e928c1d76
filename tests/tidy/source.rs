//! What the house law reads: the committed files, and Rust code with its comments and literals blanked.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One committed file.
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    /// As it stands; empty for what is not UTF-8.
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Code in a file of its own that never runs in production.
    pub(crate) fn is_test_file(&self) -> bool {
        ["tests/", "benches/"].iter().any(|folder| self.path.starts_with(folder))
            || self.path.ends_with("tests.rs")
            || self.path.contains("/tests/")
    }

    /// The code without comments and literals; each byte and line stays where it was.
    pub(crate) fn code(&self) -> String {
        blank(&self.text)
    }

    /// `code()` in two: what runs, and the tests at the foot.
    pub(crate) fn halves(&self) -> (String, String) {
        let code = self.code();
        if self.is_test_file() {
            return (String::new(), code);
        }
        let foot = code.find("#[cfg(test)]\nmod ").unwrap_or(code.len());
        let (body, tests) = code.split_at(foot);
        let skipped = "\n".repeat(body.matches('\n').count());
        (body.to_owned(), skipped + tests)
    }
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Every file that is committed or about to be.
pub(crate) fn committed() -> Vec<Source> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let listing = listing.expect("git lists the files").stdout;
    let sources: Vec<Source> = String::from_utf8(listing)
        .expect("paths are UTF-8")
        .split_terminator('\0')
        .filter(|path| root().join(path).is_file())
        .map(|path| {
            let bytes = std::fs::read(root().join(path)).expect("a committed file is readable");
            Source { path: path.to_owned(), text: String::from_utf8(bytes).unwrap_or_default() }
        })
        .collect();
    assert!(sources.len() > 20, "only {} files: the law would judge nothing", sources.len());
    sources
}

/// `(line number from 1, line)` of a text.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Replaces comments and the insides of literals by spaces, byte for byte; keeps line ends.
pub(crate) fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let follows_name = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = literal_length(rest, follows_name);
        if length == 0 {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (gone, kept) = rest.split_at(length);
        out.extend(gone.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        rest = kept;
    }
    out
}

/// Bytes of the comment or literal at the head of `rest`; 0 where code begins.
fn literal_length(rest: &str, follows_name: bool) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    if rest.starts_with('\'') {
        return char_length(rest);
    }
    let prefix = rest.find(|c: char| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(0);
    if prefix > 0 && follows_name || prefix > 2 {
        return 0;
    }
    let (prefix, body) = rest.split_at(prefix);
    let hashes = body.len() - body.trim_start_matches('#').len();
    match body.trim_start_matches('#').strip_prefix('"') {
        Some(inside) if prefix.ends_with('r') => {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside_length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
            prefix.len() + hashes + 1 + inside_length
        }
        Some(inside) if hashes == 0 => prefix.len() + 1 + quoted_length(inside),
        _ => 0,
    }
}

/// Bytes up to and with the closing quote.
fn quoted_length(inside: &str) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// Bytes of a char literal; 0 for a lifetime.
fn char_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            let from = chars.next().map_or(rest.len(), |(at, c)| at + c.len_utf8());
            rest.get(from..).and_then(|tail| tail.find('\'')).map_or(0, |at| from + at + 1)
        }
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// Bytes of a block comment; Rust's nest.
fn block_comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = rest.get(at..).unwrap_or_default();
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

mod tests {
    use super::{Source, blank};

    #[test]
    fn comments_and_literals_are_blanked_and_every_line_stays_where_it_was() {
        for (text, code) in [
            ("a // fs\nb", "a      \nb"),
            ("a /* x /* y */ \n z */ b", "a              \n      b"),
            (r#"f("x \" // y", 1)"#, r"f(           , 1)"),
            (r###"f(r#"a " b"#)"###, "f(          )"),
            (r#"f(b"x", br"\")"#, "f(    ,      )"),
            (r"f('\'', 'x', b'\n')", "f(    ,    , b    )"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("var\"x\"", "var   "),
            ("r#type", "r#type"),
        ] {
            assert_eq!(blank(text), code, "{text}");
        }
    }

    #[test]
    fn the_tests_at_the_foot_are_told_from_what_runs() {
        let source = Source::new("src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\n");
        let (body, foot) = source.halves();
        assert!(body.contains("fn a") && !body.contains("fn b"));
        assert!(!foot.contains("fn a") && foot.contains("fn b"));
        assert_eq!(foot.lines().count(), 3, "line numbers hold");
    }
}
