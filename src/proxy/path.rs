//! The one reading of a relayed path: what is checked is byte for byte what the agency gets; pure.
//!
//! Access is granted by path, so no two readers may read one path differently. What could be read in
//! two ways is refused, never repaired; the one repair is that of RFC 3986 §6.2.2: unreserved
//! characters stand for themselves, and hexadecimal digits are capital.

use qaqpa_kit::fault::{Code, Fault, Phase};
use qaqpa_kit::hex;
use std::borrow::Cow;

/// A target in its normal form, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The agency's id, as written.
    pub agency: String,
    /// Path at the agency; begins with `/`.
    pub path: String,
    /// As it came, without `?`.
    pub query: Option<String>,
}

/// Characters beyond ASCII that some servers fold to `.`, `/`, `\`, `%` or `;`.
const FOLDED: [char; 17] = [
    '\u{2024}', '\u{2025}', '\u{2026}', '\u{fe52}', '\u{ff0e}', '\u{2044}', '\u{2215}', '\u{29f8}',
    '\u{ff0f}', '\u{2216}', '\u{29f5}', '\u{fe68}', '\u{ff3c}', '\u{fe6a}', '\u{ff05}', '\u{fe54}',
    '\u{ff1b}',
];

fn malformed(reason: &'static str) -> Fault {
    Fault::new(Code::CallerMalformed, Phase::Receive, reason)
}

/// The first segment, which says who answers: read so that no spelling of an agency's id escapes the
/// strict reading of [`Target::read`].
#[must_use]
pub fn first_segment(path: &str) -> Cow<'_, str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let segment = path.split('/').next().unwrap_or_default();
    if segment.contains('%') {
        normal(segment).map_or(segment.into(), Cow::Owned)
    } else {
        segment.into()
    }
}

impl Target {
    /// Reads `/{agency}/path?query`; `/{agency}` is its root.
    ///
    /// # Errors
    /// `caller.malformed` with the reason `path_encoding` (broken escapes, bytes that are no UTF-8),
    /// `path_double_encoding`, `path_slash` (an encoded `/` or `\`), `path_dots`, `path_control`,
    /// `path_segment_empty`, `path_parameters` (`;`), `path_character`, or `query`.
    pub fn read(path: &str, query: Option<&str>) -> Result<Self, Fault> {
        let whole = normal(path).map_err(malformed)?;
        check(&whole).map_err(malformed)?;
        if let Some(query) = query
            && (query.bytes().any(|byte| !(0x21..0x7f).contains(&byte)) || query.contains("%00"))
        {
            return Err(malformed("query"));
        }
        let below = whole.strip_prefix('/').unwrap_or(&whole);
        let (agency, path) = below.split_once('/').unwrap_or((below, ""));
        if agency.is_empty() || path.split('/').any(str::is_empty) && !path.is_empty() {
            return Err(malformed("path_segment_empty"));
        }
        let path = format!("/{path}");
        Ok(Self { agency: agency.to_owned(), path, query: query.map(str::to_owned) })
    }

    /// Path and query as they are sent.
    #[must_use]
    pub fn sent(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// Decodes what is unreserved and writes all other escapes with capital digits.
fn normal(path: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        match after.get(..2).and_then(hex::byte).ok_or("path_encoding")? {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
        rest = after.get(2..).ok_or("path_encoding")?;
    }
    out.push_str(rest);
    Ok(out)
}

/// Refuses a path in normal form that two readers could read differently.
fn check(path: &str) -> Result<(), &'static str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@/%".contains(c);
    match path.chars().find(|c| !is_path(*c)) {
        Some('\\') => return Err("path_slash"),
        Some(';') => return Err("path_parameters"),
        Some(_) => return Err("path_character"),
        None => {}
    }
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err("path_dots");
    }
    let decoded = decode(path)?;
    if decoded.contains(char::is_control) {
        return Err("path_control");
    }
    if decoded.contains(FOLDED) {
        return Err("path_character");
    }
    Ok(())
}

/// What the escapes stand for, each judged as the character that it is.
fn decode(path: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let (digits, left) = after.split_at_checked(2).ok_or("path_encoding")?;
        let byte = hex::byte(digits).ok_or("path_encoding")?;
        let is_escape = |text: &str| text.get(..2).and_then(hex::byte).is_some();
        match byte {
            b'/' | b'\\' => return Err("path_slash"),
            b';' => return Err("path_parameters"),
            b'%' if is_escape(left) || left.starts_with('%') => return Err("path_double_encoding"),
            byte => bytes.push(byte),
        }
        rest = left;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| "path_encoding")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(path: &str) -> Result<Target, &'static str> {
        Target::read(path, None).map_err(|fault| fault.reason)
    }

    #[test]
    fn an_ordinary_path_is_taken_apart_and_stays_as_it_is() {
        let target =
            Target::read("/labour/contracts/12-3", Some("from=2026-01-01&q=%D3%99")).expect("read");
        assert_eq!((target.agency.as_str(), target.path.as_str()), ("labour", "/contracts/12-3"));
        assert_eq!(target.sent(), "/contracts/12-3?from=2026-01-01&q=%D3%99");
        for root in ["/labour", "/labour/"] {
            assert_eq!(read(root).map(|target| target.path), Ok("/".to_owned()));
        }
    }

    #[test]
    fn only_what_is_unreserved_is_decoded_and_the_rest_is_spelled_one_way() {
        for (written, path) in [
            ("/a/se%61rch", "/search"),
            ("/%61/x%2dy%7Ez", "/x-y~z"),
            ("/a/%d3%99", "/%D3%99"),
            ("/a/100%25", "/100%25"),
            ("/a/x%2Ay%3a", "/x%2Ay%3A"),
            ("/a/x.y..z/...", "/x.y..z/..."),
        ] {
            assert_eq!(read(written).map(|target| target.path), Ok(path.to_owned()), "{written}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for (written, reason) in [
            ("/a/b%2Fc", "path_slash"),
            ("/a/b%5cc", "path_slash"),
            ("/a/b\\c", "path_slash"),
            ("/a/../b", "path_dots"),
            ("/a/./b", "path_dots"),
            ("/a/%2e%2E/b", "path_dots"),
            ("/a/.%2e", "path_dots"),
            ("/..", "path_dots"),
            ("/a/%252e%252e/b", "path_double_encoding"),
            ("/a/%25%32%65", "path_double_encoding"),
            ("/a/%25252f", "path_double_encoding"),
            ("/a/%%32e", "path_encoding"),
            ("/a/%2", "path_encoding"),
            ("/a/%", "path_encoding"),
            ("/a/%+1", "path_encoding"),
            ("/a/%zz", "path_encoding"),
            ("/a/%ә", "path_encoding"),
            ("/a/%c0%ae%c0%ae/b", "path_encoding"),
            ("/a/%ff", "path_encoding"),
            ("/a/%ed%a0%80", "path_encoding"),
            ("/a/b%00", "path_control"),
            ("/a/b%0d%0a", "path_control"),
            ("/a/b%7f", "path_control"),
            ("/a/b%c2%85", "path_control"),
            ("/a//b", "path_segment_empty"),
            ("//a/b", "path_segment_empty"),
            ("/", "path_segment_empty"),
            ("/a/b/", "path_segment_empty"),
            ("/a/b;v=1", "path_parameters"),
            ("/a/b%3bv=1", "path_parameters"),
            ("/a/ә", "path_character"),
            ("/a/{b}", "path_character"),
            ("/a/%ef%bc%8e%ef%bc%8e/b", "path_character"),
            ("/a/b%ef%bc%8fc", "path_character"),
        ] {
            assert_eq!(read(written), Err(reason), "{written}");
        }
        assert!(Target::read("/a/b", Some("x=%00")).is_err());
    }

    #[test]
    fn no_spelling_of_an_agency_escapes_the_strict_reading() {
        for path in ["/fines", "/fines/x", "/%66ines/x", "/fine%73%2e%2e"] {
            assert!(first_segment(path).starts_with("fines"), "{path}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_its_own_normal_form(path in "/[a-c.%2eEfF/;\\\\0-9ә]{0,24}") {
            if let Ok(target) = read(&path) {
                let again = format!("/{}{}", target.agency, target.path);
                prop_assert_eq!(read(&again), Ok(target));
            }
        }

        #[test]
        fn what_passes_has_no_dots_and_no_slashes_however_often_it_is_decoded(
            path in "/a/(%2[eEfF5]|%5[cC]|%25|[.2eEfF5/ab]){0,12}"
        ) {
            if let Ok(target) = read(&path) {
                let mut once = target.path.clone();
                for _ in 0..4 {
                    prop_assert!(!once.contains("/../") && !once.ends_with("/.."), "{}", once);
                    prop_assert_eq!(once.matches('/').count(), target.path.matches('/').count());
                    let Ok(decoded) = decode(&once) else { break };
                    once = decoded;
                }
            }
        }
    }
}
