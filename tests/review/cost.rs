//! What a hostile document may cost: no more than its bytes are worth.

use qaqpa::sign::canonical::{self, Options};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};
use std::time::{Duration, Instant};

/// Elements nested in each other, each binding the same prefixes anew and showing them, around leaves.
fn document(depth: usize, prefixes: usize) -> String {
    let (mut open, mut close) = (String::new(), String::new());
    for level in 0..depth {
        open.push_str("<e");
        for prefix in 0..prefixes {
            open.push_str(&format!(" xmlns:p{prefix}=\"urn:{level}\" p{prefix}:a{prefix}=\"\""));
        }
        open.push('>');
        close.push_str("</e>");
    }
    open + &"<x/>".repeat(20_000) + &close
}

fn cost(text: &str) -> Duration {
    let scanned = Document::scan(text.as_bytes(), &Limits::default()).unwrap();
    let once = || {
        let (started, mut bytes) = (Instant::now(), 0);
        canonical::element(scanned.root(), &Options::default(), &mut |part| bytes += part.len());
        assert!(bytes > text.len());
        started.elapsed()
    };
    (0..5).map(|_| once()).min().unwrap()
}

#[test]
fn prefixes_bound_anew_at_every_level_make_no_element_below_dearer() {
    let (plain, hostile) = (cost(&document(1, 60)), cost(&document(60, 60)));
    assert!(hostile < plain * 6, "{hostile:?} against {plain:?}");
}

#[test]
fn many_places_named_as_data_cost_no_more_than_other_names() {
    let envelope = |name: &str| {
        let places = format!("<{name}/>").repeat(20_000);
        let soap = "http://schemas.xmlsoap.org/soap/envelope/";
        format!("<s:Envelope xmlns:s='{soap}'><s:Body><o>{places}</o></s:Body></s:Envelope>")
    };
    let cost = |text: String| {
        let scanned = Document::scan(text.as_bytes(), &Limits::default()).unwrap();
        let once = || {
            let started = Instant::now();
            Envelope::read(&scanned).unwrap();
            started.elapsed()
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (plain, hostile) = (cost(envelope("date")), cost(envelope("data")));
    assert!(hostile < plain * 6, "{hostile:?} against {plain:?}");
}
