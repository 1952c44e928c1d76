//! What is fed: each target reads one input as strangers' bytes are read, and says whether it took it.

use crate::fuzz::seeds::NOW_UNIX_S;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use qaqpa::sign::business::enveloped;
use qaqpa::sign::business::root::Root;
use qaqpa::sign::canonical::{self, Method, Options};
use qaqpa::sign::certificate::{Certificate, CertificateCache};
use qaqpa::sign::explain;
use qaqpa::sign::rest::{Parts, http, jws};
use qaqpa::sign::{cms, wsse};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};

pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]) -> bool,
}

pub(crate) const TARGETS: [Target; 8] = [
    Target { name: "xml", run: xml },
    Target { name: "canonical", run: canonical_form },
    Target { name: "signature_header", run: signature_header },
    Target { name: "business", run: business },
    Target { name: "certificate", run: certificate },
    Target { name: "cms", run: cms_message },
    Target { name: "jws", run: compact },
    Target { name: "http_signature", run: http_message },
];

fn xml(input: &[u8]) -> bool {
    Document::scan(input, &Limits::default()).is_ok()
}

/// A canonical form is well-formed, and its own canonical form.
fn canonical_form(input: &[u8]) -> bool {
    let Ok(document) = Document::scan(input, &Limits::default()) else { return false };
    for method in [Method::Inclusive, Method::Exclusive] {
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
    true
}

fn signature_header(input: &[u8]) -> bool {
    let Ok(document) = Document::scan(input, &Limits::default()) else { return false };
    let Ok(envelope) = Envelope::read(&document) else { return false };
    let told = explain::transport(&envelope, &[], NOW_UNIX_S);
    let verified = wsse::verify(&envelope, &[], &CertificateCache::default(), NOW_UNIX_S);
    assert_eq!(
        told.refused.is_none(),
        verified.is_ok(),
        "an explanation says what the verifier says"
    );
    verified.is_ok()
}

fn business(input: &[u8]) -> bool {
    let Ok(document) = Document::scan(input, &Limits::default()) else { return false };
    enveloped::verify(&Root::of_document(&document), &CertificateCache::default()).is_ok()
}

fn certificate(input: &[u8]) -> bool {
    Certificate::parse(input).is_ok()
}

fn cms_message(input: &[u8]) -> bool {
    let cache = CertificateCache::default();
    let attached = cms::verify(input, None, &cache);
    let detached = cms::verify(input, Some(b"<a><iin>1</iin></a>"), &cache);
    drop(cms::stamp::verify(input, b"x", &cache));
    attached.is_ok() || detached.is_ok()
}

fn compact(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let cache = CertificateCache::default();
    drop(jws::payload(input));
    jws::verify(text, None, &cache).is_ok() || jws::verify(text, Some(b"{}"), &cache).is_ok()
}

/// Lines of headers, as far as they are any.
fn http_message(input: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("gate.kz"));
    for line in input.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = halves.next().and_then(|name| HeaderName::from_bytes(name).ok());
        let value = halves.next().and_then(|value| HeaderValue::from_bytes(value).ok());
        if let (Some(name), Some(value)) = (name, value)
            && headers.try_append(name, value).is_err()
        {
            return false;
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
    http::verify(&parts, &[], &CertificateCache::default(), NOW_UNIX_S).is_ok()
}
