//! Our canonical form is libxml2's, byte for byte, over thousands of generated documents.

use crate::signatures::documents::{Dice, document};
use crate::signatures::oracles::python;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::canonical::{self, Detached, Method, Options};
use qaqpa_kit::xml::{Binding, Document, Limits, NodeId};
use serde_json::json;

/// One thing to canonicalize.
struct Task {
    text: String,
    /// The element in document order; none for the whole document.
    element: Option<usize>,
    method: Method,
    with_comments: bool,
    prefixes: Vec<&'static str>,
}

impl Task {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let (text, count) = document(&mut dice);
        let element = (dice.roll(2) > 0).then(|| dice.roll(count));
        let with_comments = dice.roll(3) == 0;
        let choices: [&[&str]; 6] = [
            &[],
            &[],
            &["a"],
            &["#default"],
            &["b", "ns1", "none"],
            &["a", "b", "#default", "ns1"],
        ];
        let method = [Method::Exclusive, Method::Inclusive, Method::Inclusive11][dice.roll(3)];
        let prefixes = match method {
            Method::Exclusive => choices[dice.roll(6)].to_vec(),
            Method::Inclusive | Method::Inclusive11 => Vec::new(),
        };
        Self { text, element, method, with_comments, prefixes }
    }

    fn ours(&self) -> Vec<u8> {
        let scanned = Document::scan(self.text.as_bytes(), &Limits::default());
        let scanned = scanned.unwrap_or_else(|error| panic!("{error:?}: {}", self.text));
        let prefixes: Vec<&str> =
            self.prefixes.iter().map(|one| if *one == "#default" { "" } else { one }).collect();
        let options = Options {
            method: self.method,
            with_comments: self.with_comments,
            inclusive_prefixes: &prefixes,
            ..Options::default()
        };
        let mut out = Vec::new();
        let mut sink = |bytes: &[u8]| out.extend_from_slice(bytes);
        match self.element {
            Some(index) => {
                let element = scanned.root().descendants().nth(index).expect("element");
                canonical::element(element, &options, &mut sink)
            }
            None => canonical::document(&scanned, &options, &mut sink),
        };
        out
    }
}

/// Documents in one run of `make test`; `make canonical` sets more.
fn documents_count() -> u64 {
    let set = std::env::var("QAQPA_C14N_DOCUMENTS").ok();
    set.map_or(4000, |count| count.parse().expect("a number"))
}

#[test]
fn our_canonical_form_is_libxml2s_byte_for_byte() {
    let count = documents_count();
    let mut bytes = 0;
    for first in (1..=count).step_by(5000) {
        let tasks: Vec<Task> = (first..=count.min(first + 4999)).map(Task::new).collect();
        bytes += compare(&tasks);
    }
    println!("{count} documents, {bytes} bytes");
}

/// Holds our forms against libxml2's; how many bytes they are.
fn compare(tasks: &[Task]) -> usize {
    let mut input = String::new();
    for task in tasks {
        let line = json!({
            "document": STANDARD.encode(&task.text),
            "element": task.element,
            "mode": match task.method { Method::Inclusive => 0, Method::Exclusive => 1, Method::Inclusive11 => 2 },
            "with_comments": task.with_comments,
            "prefixes": task.prefixes,
        });
        input.push_str(&line.to_string());
        input.push('\n');
    }
    let output = String::from_utf8(python("c14n.py", &[], input.as_bytes())).expect("base64");
    let theirs: Vec<&str> = output.lines().collect();
    assert_eq!(theirs.len(), tasks.len());
    let mut bytes = 0;
    for (task, theirs) in tasks.iter().zip(theirs) {
        let theirs = STANDARD.decode(theirs).expect("base64");
        let ours = task.ours();
        bytes += ours.len();
        assert_eq!(
            String::from_utf8_lossy(&ours),
            String::from_utf8_lossy(&theirs),
            "{:?}, element {:?}, comments {}, prefixes {:?} of\n{}",
            task.method,
            task.element,
            task.with_comments,
            task.prefixes,
            task.text
        );
    }
    bytes
}

#[test]
fn a_canonical_form_is_its_own_canonical_form() {
    for seed in 1..=500 {
        let mut task = Task::new(seed);
        task.element = None;
        let first = String::from_utf8(task.ours()).expect("text");
        let again = Task { text: first.clone(), ..task };
        assert_eq!(String::from_utf8(again.ours()).expect("text"), first);
    }
}

#[test]
fn attributes_of_xml_come_down_to_a_subset_by_the_rules_of_each_version() {
    let mut tasks = Vec::new();
    for text in [
        "<a xml:lang=\"kk\" xml:space=\"preserve\" xml:id=\"i\" xml:base=\"http://a/\"><b><c/></b></a>",
        "<a xml:lang=\"kk\" xml:id=\"i\"><b xml:lang=\"ru\" xml:id=\"j\"><c/></b></a>",
        "<a xml:id=\"i\"><b xml:base=\"http://a/\"><c xml:space=\"default\"/></b></a>",
    ] {
        for element in 0..3 {
            for method in [Method::Inclusive, Method::Inclusive11, Method::Exclusive] {
                tasks.push(Task {
                    text: text.into(),
                    element: Some(element),
                    method,
                    with_comments: false,
                    prefixes: vec![],
                });
            }
        }
    }
    assert!(compare(&tasks) > 0);
}

#[test]
fn a_base_upon_a_base_has_no_form_by_version_11() {
    let text = "<a xml:base=\"http://a/\"><b xml:base=\"c\"/></a>";
    let scanned = Document::scan(text.as_bytes(), &Limits::default()).expect("document");
    let inner = scanned.root().children().next().expect("b");
    for (method, at) in [(Method::Inclusive, None), (Method::Inclusive11, Some(0))] {
        let options = Options { method, ..Options::default() };
        assert_eq!(canonical::element(inner, &options, &mut |_| ()).formless_at, at);
        let whole = canonical::element(scanned.root(), &options, &mut |_| ());
        assert_eq!(whole.formless_at, None, "nothing comes down");
    }
}

#[test]
fn a_namespace_is_escaped_like_any_attribute() {
    let text = "<a xmlns='http://x?y=1&amp;z=&quot;2&lt;'/>";
    let task = Task {
        text: text.into(),
        element: None,
        method: Method::Exclusive,
        with_comments: false,
        prefixes: vec![],
    };
    let expected = "<a xmlns=\"http://x?y=1&amp;z=&quot;2&lt;\"></a>";
    assert_eq!(String::from_utf8_lossy(&task.ours()), expected);
}

#[test]
fn what_is_left_out_is_left_out_and_nothing_else() {
    let text = "<a xmlns:p=\"urn:p\"> <b>1<c/></b>&#13;<p:d><b/></p:d><e x='1'/> </a>";
    let scanned = Document::scan(text.as_bytes(), &Limits::default()).expect("document");
    let excluded: Vec<NodeId> =
        scanned.root().children().filter(|one| one.local() == "b").map(|one| one.id()).collect();
    let mut out = Vec::new();
    canonical::exclusive_without(scanned.root(), &excluded, &mut |bytes| {
        out.extend_from_slice(bytes)
    });
    assert_eq!(
        String::from_utf8_lossy(&out),
        "<a> &#xD;<p:d xmlns:p=\"urn:p\"><b></b></p:d><e x=\"1\"></e> </a>"
    );
}

#[test]
fn a_relative_namespace_is_told_and_the_form_is_complete() {
    for (text, at) in [
        ("<a><b xmlns='urn:x'/></a>", None),
        ("<a><b xmlns:r='rel/ative'/></a>", Some(3)),
        ("<a><b xmlns='x'/></a>", Some(3)),
        ("<a xmlns:r='1a:b'><b/></a>", Some(0)),
    ] {
        let scanned = Document::scan(text.as_bytes(), &Limits::default()).expect("document");
        let mut out = Vec::new();
        let report = canonical::document(&scanned, &Options::default(), &mut |bytes| {
            out.extend_from_slice(bytes);
        });
        assert_eq!(report.formless_at, at, "{text}");
        assert!(out.ends_with(b"</a>"));
    }
}

/// A signed document that was put into another one is read as it was before.
#[test]
fn what_is_detached_sees_nothing_above_it_but_what_it_keeps() {
    let text = "<o xmlns='urn:o' xmlns:p='urn:p' xmlns:q='urn:q' xml:lang='kk'><a xmlns='' q:z=''>\
                <b/></a></o>";
    let scanned = Document::scan(text.as_bytes(), &Limits::default()).expect("document");
    let top = scanned.root().children().next().expect("child");
    let form = |method, above: Option<&[Binding<'_>]>, prefixes: &[&str]| {
        let detached = above.map(|above| Detached { top: top.id(), above });
        let options =
            Options { method, detached, inclusive_prefixes: prefixes, ..Options::default() };
        let mut out = Vec::new();
        canonical::element(top, &options, &mut |bytes| out.extend_from_slice(bytes));
        String::from_utf8(out).expect("text")
    };
    let q = [Binding { prefix: "q", uri: "urn:q" }];
    assert_eq!(
        form(Method::Inclusive, None, &[]),
        "<a xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" xml:lang=\"kk\" q:z=\"\"><b></b></a>"
    );
    let own = "<a xmlns:q=\"urn:q\" q:z=\"\"><b></b></a>";
    assert_eq!(form(Method::Inclusive, Some(&q), &[]), own);
    assert_eq!(form(Method::Exclusive, Some(&[]), &["p"]), own);
    assert!(form(Method::Exclusive, None, &["p"]).contains("xmlns:p"));
}
