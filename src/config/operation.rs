//! An operation of a REST service, and the template that its paths fit; pure.

use super::settings::Service;
use hyper::Method;
use std::sync::Arc;

/// One operation that may be relayed: a method and the paths it has at its agency.
#[derive(Debug)]
pub struct Operation {
    /// Stands after the service in a participant's grants: `service:operation`.
    pub id: String,
    pub method: Method,
    pub path: Template,
    pub service: Arc<Service>,
}

impl Operation {
    /// Asking twice changes nothing: a safe method (RFC 9110 §9.2.1), or a service declared so.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.method.is_safe() || self.service.manifest.idempotent
    }
}

/// The paths of one operation, such as `/contracts/{number}` or `/files/{name...}`.
///
/// Templates are ordered so that of all that fit a path, the first names it most closely: segment by
/// segment a literal stands before `{name}`, and that before `{rest...}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Template(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    /// Exactly this, in this case.
    Literal(String),
    /// Exactly one segment that is not empty.
    One,
    /// All that is left, at least one segment.
    Rest,
}

impl Template {
    /// Reads a template; `/` alone is the agency's root.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let path = text.strip_prefix('/').ok_or("a path begins with `/`")?;
        if path.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let mut segments = Vec::new();
        let mut names = Vec::new();
        for segment in path.split('/') {
            if segments.last() == Some(&Segment::Rest) {
                return Err("nothing follows what takes all the rest");
            }
            segments.push(match segment.strip_prefix('{') {
                None => literal(segment)?,
                Some(parameter) => {
                    let inner = parameter.strip_suffix('}').ok_or("a `{` is not closed")?;
                    let rest = inner.strip_suffix("...");
                    let name = rest.unwrap_or(inner);
                    if !is_name(name) || names.contains(&name) {
                        return Err("each name is its own, of lower-case letters, digits and `_`");
                    }
                    names.push(name);
                    if rest.is_some() { Segment::Rest } else { Segment::One }
                }
            });
        }
        Ok(Self(segments))
    }

    /// Whether a path fits; it must be in the normal form of `proxy::path`, with its leading `/`.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut segments = (!path.is_empty()).then(|| path.split('/')).into_iter().flatten();
        for wanted in &self.0 {
            let Some(segment) = segments.next() else { return false };
            match wanted {
                Segment::Literal(text) if text != segment => return false,
                Segment::Literal(_) | Segment::One => {}
                Segment::Rest => return true,
            }
        }
        segments.next().is_none()
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.chars().all(is_plain)
}

/// A segment that needs no percent-encoding (RFC 3986 §3.3, `;` left out), so that it can match.
fn literal(segment: &str) -> Result<Segment, &'static str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,=:@".contains(c);
    match segment {
        "" => Err("no segment is empty, and the path does not end with `/`"),
        "." | ".." => Err("dot segments are never relayed"),
        _ if !segment.chars().all(is_path) => {
            Err("a segment is `{name}`, or letters, digits and -._~!$&'()*+,=:@")
        }
        _ => Ok(Segment::Literal(segment.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        Template::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"))
    }

    #[test]
    fn a_path_fits_whole_or_not_at_all() {
        for (text, path, fits) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/contracts", "/contracts", true),
            ("/contracts", "/Contracts", false),
            ("/contracts", "/contracts/1", false),
            ("/contracts/{number}", "/contracts/1", true),
            ("/contracts/{number}", "/contracts", false),
            ("/contracts/{number}", "/contracts/1/2", false),
            ("/contracts/{number}/pages/{page}", "/contracts/1/pages/2", true),
            ("/contracts/{number}/pages/{page}", "/contracts/1/page/2", false),
            ("/files/{name...}", "/files/a", true),
            ("/files/{name...}", "/files/a/b/c", true),
            ("/files/{name...}", "/files", false),
            ("/{all...}", "/", false),
        ] {
            assert_eq!(template(text).matches(path), fits, "{text} {path}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_template() {
        for text in [
            "",
            "contracts",
            "//",
            "/a/",
            "/a//b",
            "/.",
            "/a/../b",
            "/{a",
            "/{a}{b}",
            "/{A}",
            "/{}",
            "/{...}",
            "/{a}/{a}",
            "/{a...}/b",
            "/a;b",
            "/a%2Fb",
            "/a b",
            "/ә",
            "/a?b",
            "/a#b",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_closer_template_stands_first() {
        let mut all = ["/{all...}", "/c/{b}", "/{a}/d", "/c/d", "/c/{b}/e", "/c"].map(template);
        all.sort();
        assert_eq!(all, ["/c", "/c/d", "/c/{b}", "/c/{b}/e", "/{a}/d", "/{all...}"].map(template));
    }
}
