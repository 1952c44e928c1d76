//! What is fed: each target reads one input as strangers' bytes are read, and says what it made of it.

use crate::fuzz::seeds::NOW_UNIX_S;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use qaqpa::sign::business::enveloped;
use qaqpa::sign::business::root::Root;
use qaqpa::sign::canonical::{self, Method, Options};
use qaqpa::sign::certificate::{Certificate, CertificateCache};
use qaqpa::sign::explain;
use qaqpa::sign::rest::{Parts, http, jws};
use qaqpa::sign::trust::Link;
use qaqpa::sign::trust::crl::{Crl, CrlError};
use qaqpa::sign::{Reason, cms, wsse};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};

/// What became of an input: the word of the first thing against it; empty where it was taken.
pub(crate) type Word = String;

pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]) -> Word,
}

pub(crate) const TARGETS: [Target; 9] = [
    Target { name: "xml", run: xml },
    Target { name: "canonical", run: canonical_form },
    Target { name: "signature_header", run: signature_header },
    Target { name: "business", run: business },
    Target { name: "certificate", run: certificate },
    Target { name: "cms", run: cms_message },
    Target { name: "crl", run: revocation_list },
    Target { name: "jws", run: compact },
    Target { name: "http_signature", run: http_message },
];

fn word<T>(found: Result<T, Reason>) -> Word {
    found.err().map_or("", Reason::word).to_owned()
}

fn scan(input: &[u8]) -> Result<Document<'_>, Word> {
    Document::scan(input, &Limits::default()).map_err(|error| error.reason.to_owned())
}

fn xml(input: &[u8]) -> Word {
    scan(input).err().unwrap_or_default()
}

/// A canonical form is well-formed, and its own canonical form.
fn canonical_form(input: &[u8]) -> Word {
    let document = match scan(input) {
        Ok(document) => document,
        Err(word) => return word,
    };
    for method in [Method::Inclusive, Method::Inclusive11, Method::Exclusive] {
        for with_comments in [false, true] {
            let options = Options { method, with_comments, ..Options::default() };
            let form = |document: &Document<'_>| {
                let mut out = Vec::new();
                canonical::document(document, &options, &mut |bytes| out.extend_from_slice(bytes));
                out
            };
            let first = form(&document);
            // A value may outgrow its cap by escapes.
            let limits = Limits { value_bytes_max: usize::MAX, ..Limits::default() };
            let again = Document::scan(&first, &limits).expect("a canonical form is a document");
            assert_eq!(form(&again), first, "a canonical form is its own");
        }
    }
    Word::new()
}

fn signature_header(input: &[u8]) -> Word {
    let document = match scan(input) {
        Ok(document) => document,
        Err(word) => return word,
    };
    let envelope = match Envelope::read(&document) {
        Ok(envelope) => envelope,
        Err(error) => return error.reason.to_owned(),
    };
    let told = explain::transport(&envelope, &[], NOW_UNIX_S);
    let verified = wsse::verify(&envelope, &[], &CertificateCache::default(), NOW_UNIX_S);
    let refused = verified.err().map(|refusal| refusal.reason);
    let explained = told.refused.map(|refusal| refusal.reason);
    assert_eq!(explained, refused, "an explanation says what the verifier says");
    refused.map_or("", Reason::word).to_owned()
}

fn business(input: &[u8]) -> Word {
    let document = match scan(input) {
        Ok(document) => document,
        Err(word) => return word,
    };
    let found = enveloped::verify(&Root::of_document(&document), &CertificateCache::default());
    word(found.map_err(|refusal| refusal.reason))
}

fn certificate(input: &[u8]) -> Word {
    drop(Link::read(input));
    word(Certificate::parse(input))
}

fn cms_message(input: &[u8]) -> Word {
    let cache = CertificateCache::default();
    let attached = cms::verify(input, None, &[], &cache);
    let detached = cms::verify(input, Some(b"<a><iin>1</iin></a>"), &[], &cache);
    drop(cms::stamp::verify(input, b"x", &cache));
    word(if detached.is_ok() { detached } else { attached })
}

/// Everything of a list is read before anybody asks whose it is.
fn revocation_list(input: &[u8]) -> Word {
    match Crl::read(input, []) {
        Err(CrlError::UnknownIssuer) | Ok(_) => Word::new(),
        Err(error) => format!("{error:?}"),
    }
}

fn compact(input: &[u8]) -> Word {
    let Ok(text) = std::str::from_utf8(input) else { return "not_text".to_owned() };
    let cache = CertificateCache::default();
    drop(jws::payload(input));
    let detached = jws::verify(text, Some(b"{}"), &[], &cache);
    word(if detached.is_ok() { detached } else { jws::verify(text, None, &[], &cache) })
}

/// Lines of headers, as far as they are any.
fn http_message(input: &[u8]) -> Word {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("gate.kz"));
    for line in input.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = halves.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = halves.next().and_then(|value| HeaderValue::from_bytes(value).ok());
        if let (Some(name), Some(value)) = (name, value)
            && headers.try_append(name, value).is_err()
        {
            return "too_many_headers".to_owned();
        }
    }
    let parts = Parts {
        method: "POST",
        scheme: "https",
        authority: None,
        target: "/x",
        headers: &headers,
        body: b"{}",
    };
    word(http::verify(&parts, &[], &CertificateCache::default(), NOW_UNIX_S))
}
