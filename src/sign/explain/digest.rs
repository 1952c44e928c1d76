//! A digest that does not come out right, tried again under the mistakes that senders make.

use super::hint::Hint;
use crate::sign::algorithm::DigestAlgorithm;
use crate::sign::canonical::{self, Method, Options};
use crate::sign::xmldsig::Reference;
use qaqpa_kit::xml::{Element, NodeId};

/// Elements tried as the one that was meant.
const ELEMENTS_MAX: usize = 256;

/// What a reference covers, as we see it.
pub(super) struct Seen<'d> {
    digest: Vec<u8>,
    algorithm: DigestAlgorithm,
    method: (Method, bool),
    pub target: Option<Element<'d>>,
    top: Element<'d>,
    left_out: Vec<NodeId>,
    pub canonical: Vec<u8>,
    pub is_right: bool,
}

impl<'d> Seen<'d> {
    pub(super) fn of_element(
        reference: &Reference<'_>,
        target: Option<Element<'d>>,
        top: Element<'d>,
        left_out: &[NodeId],
    ) -> Self {
        let mut canonical = Vec::new();
        if let Some(target) = target {
            reference.form.with_options(left_out, None, |options| {
                canonical::element(target, options, &mut |bytes| canonical.extend_from_slice(bytes))
            });
        }
        let is_right = reference.compare(reference.algorithm.digest(&canonical).as_ref()).is_ok();
        Self {
            digest: reference.digest().to_vec(),
            algorithm: reference.algorithm,
            method: (reference.form.method, reference.form.with_comments),
            target,
            top,
            left_out: left_out.to_vec(),
            canonical,
            is_right,
        }
    }

    fn fits(&self, bytes: &[u8]) -> bool {
        self.algorithm.digest(bytes).as_ref() == self.digest
    }

    /// Under which mistakes the digest comes out right; the general advice where under none.
    pub(super) fn hints(&self) -> Vec<Hint> {
        let Some(target) = self.target else { return vec![Hint::WrongId] };
        if self.digest.len() != self.algorithm.digest(b"").as_ref().len()
            || self.is_of_other_digest()
        {
            return vec![Hint::DigestAlgorithm];
        }
        if self.other_canonicalization(target) {
            return vec![Hint::WrongCanonicalization];
        }
        if self.fits(target.span_str().as_bytes()) {
            return vec![Hint::NotCanonicalized];
        }
        if let Some(hint) = self.other_text() {
            return vec![hint];
        }
        if let Some(hint) = self.without_fields(target) {
            return vec![hint];
        }
        if self.other_element(target) {
            return vec![Hint::WrongElement];
        }
        vec![Hint::Changed]
    }

    /// A digest of the right bytes by another algorithm.
    fn is_of_other_digest(&self) -> bool {
        let others = DigestAlgorithm::ALL.into_iter().filter(|one| *one != self.algorithm);
        let mut digests = others.map(|one| one.digest(&self.canonical));
        digests.any(|digest| digest.as_ref() == self.digest)
    }

    fn other_canonicalization(&self, target: Element<'_>) -> bool {
        let forms = [Method::Inclusive, Method::Exclusive]
            .into_iter()
            .flat_map(|method| [(method, false), (method, true)]);
        for (method, with_comments) in forms.filter(|form| *form != self.method) {
            let excluded = &self.left_out[..];
            let options = Options { method, with_comments, excluded, ..Options::default() };
            if self.fits(&form(target, &options)) {
                return true;
            }
        }
        false
    }

    /// Line ends and white space that were put in or taken out on the way.
    fn other_text(&self) -> Option<Hint> {
        let text = String::from_utf8_lossy(&self.canonical);
        let line_ends = [
            text.replace("&#xD;", ""),
            text.replace('\n', "&#xD;\n"),
            text.replace("&#xD;\n", "\r\n"),
            text.replace("&#xD;", "\r"),
        ];
        if line_ends.iter().any(|text| self.fits(text.as_bytes())) {
            return Some(Hint::LineEnds);
        }
        let dense = dense(&text);
        if self.fits(dense.as_bytes()) || self.fits(text.trim().as_bytes()) {
            return Some(Hint::WhiteSpace);
        }
        None
    }

    /// What gateways put into a head after it was signed.
    fn without_fields(&self, target: Element<'_>) -> Option<Hint> {
        for field in ["sessionId", "password", "correlationId", "Security"] {
            let mut excluded = self.left_out.clone();
            excluded.extend(
                target.descendants().filter(|one| one.local() == field).map(|one| one.id()),
            );
            let options = Options {
                method: self.method.0,
                with_comments: self.method.1,
                excluded: &excluded,
                ..Options::default()
            };
            if excluded.len() > self.left_out.len() && self.fits(&form(target, &options)) {
                return Some(Hint::FieldAdded);
            }
        }
        None
    }

    /// Another element of the document, such as the Body's child in place of the Body.
    fn other_element(&self, target: Element<'_>) -> bool {
        let options =
            Options { method: self.method.0, with_comments: self.method.1, ..Options::default() };
        let mut others = self.top.descendants().filter(|one| *one != target).take(ELEMENTS_MAX);
        others.any(|one| self.fits(&form(one, &options)))
    }
}

fn form(element: Element<'_>, options: &Options<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    canonical::element(element, options, &mut |bytes| out.extend_from_slice(bytes));
    out
}

/// A canonical form without white space between tags.
pub(super) fn dense(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = rest.find('>') {
        let (head, tail) = rest.split_at_checked(end + 1).unwrap_or((rest, ""));
        out.push_str(head);
        let next = tail.find('<').unwrap_or(tail.len());
        let (between, after) = tail.split_at_checked(next).unwrap_or((tail, ""));
        if !between.chars().all(|c| c.is_ascii_whitespace()) {
            out.push_str(between);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
