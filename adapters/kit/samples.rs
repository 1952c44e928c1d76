//! The test kit of adapters: recorded messages in a folder, and what is to become of them.
//!
//! Only tests call this. An adapter's `samples/` holds one folder for each of its services, named as
//! the service; a service without a sample fails. A sample is a few files that share a name:
//!
//! | file | holds |
//! |---|---|
//! | `<name>.request.xml` | the `data` element of a call |
//! | `<name>.answer.xml` | the agency's answer: the child of the SOAP Body, answer or fault |
//! | `<name>.answer.http` | … or its HTTP answer: a line `200 application/json`, an empty line, the body |
//! | `<name>.expected.txt` | what the adapter makes of both, byte for byte |
//! | `<name>.request.json` | what a REST caller sends to get the very bytes of `request.xml` |
//! | `<name>.answer.json` | what a REST caller gets, byte for byte |
//!
//! ```text
//! -- sent
//! GET /addresses/0201300012345678
//! -- reply
//! Done, written: SCSS001 Message has been processed successfully
//! <address>…</address>
//! ```
//! A call that is refused by `encode` has no answer; its fault stands under `-- sent`, and so does that of
//! JSON that becomes no `request.xml`. The JSON files are twins of some samples, at least one of each
//! for a service whose adapter has a JSON form. A missing file fails, and so does one that belongs to
//! no sample. A bank's dialect has folders of its own, described in `samples/bank.rs`. One line feed at the end of an HTTP body, and of a twin, is not part of it.

use crate::adapter::{
    Adapter, Answer, Call, Content, EnvelopeAnswer, ErrorInfo, HttpAnswer, HttpOutgoing, Outgoing,
    Reply, STATUS_MESSAGE_CHARS_MAX,
};
use crate::fault::Fault;
use crate::xml::{Document, Element, Limits};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fmt, fs};

mod bank;
mod twin;

/// The name and the time of every sample's call.
const MESSAGE_ID: &str = "sample-1";
const RECEIVED_AT: &str = "2025-03-11T10:15:30+05:00";

/// The kinds of files that a sample is made of.
const PARTS: [&str; 10] = [
    "request.xml",
    "request.json",
    "answer.xml",
    "answer.http",
    "answer.json",
    "expected.txt",
    "asked.http",
    "told.toml",
    "order.toml",
    "register.csv",
];

/// What did not hold, readable where a test returns it.
pub struct Failures(Vec<String>);

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|failure| write!(f, "\n* {failure}"))
    }
}

/// The files of one sample, by part.
type Sample = BTreeMap<&'static str, Vec<u8>>;

/// Runs every sample in `folder` through `adapter`.
///
/// # Errors
/// Everything that does not hold: files missing, extra or unreadable, and translations that differ.
pub fn check(adapter: &dyn Adapter, folder: &str) -> Result<(), Failures> {
    let mut failures = Vec::new();
    let folder = Path::new(folder);
    let services = adapter.manifest().services.iter().map(|service| service.id.clone());
    let offered: BTreeSet<_> = services.chain(bank::folders(adapter)).collect();
    let sampled = match names_in(folder) {
        Ok(names) => names,
        Err(error) => return Err(Failures(vec![error])),
    };
    if sampled != offered {
        failures.push(format!("services {offered:?} differ from folders {sampled:?}"));
    }
    for service in sampled.intersection(&offered) {
        match samples_in(&folder.join(service)) {
            Ok(samples) => {
                if adapter.manifest().service(service).is_some() {
                    failures.extend(
                        twin::missing(adapter, samples.values())
                            .map(|failure| format!("{service}: {failure}")),
                    );
                }
                failures.extend(samples.iter().filter_map(|(name, sample)| {
                    let of_bank = bank::run(adapter, service, sample);
                    let held = of_bank.unwrap_or_else(|| run(adapter, service, sample));
                    Some(format!("{service}/{name}: {}", held.err()?))
                }));
            }
            Err(error) => failures.push(error),
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failures(failures)) }
}

fn names_in(folder: &Path) -> Result<BTreeSet<String>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    entries
        .map(|entry| match entry {
            Ok(entry) => Ok(entry.file_name().to_string_lossy().into_owned()),
            Err(error) => Err(format!("{}: {error}", folder.display())),
        })
        .collect()
}

fn samples_in(folder: &Path) -> Result<BTreeMap<String, Sample>, String> {
    let mut samples = BTreeMap::<String, Sample>::new();
    for file in names_in(folder)? {
        let Some((name, part)) = name_and_part(&file) else {
            return Err(format!("{}/{file} is part of no sample", folder.display()));
        };
        let bytes = fs::read(folder.join(&file)).map_err(|error| format!("{file}: {error}"))?;
        samples.entry(name.to_owned()).or_default().insert(part, bytes);
    }
    if samples.is_empty() {
        return Err(format!("{} holds no sample", folder.display()));
    }
    Ok(samples)
}

fn name_and_part(file: &str) -> Option<(&str, &'static str)> {
    PARTS.into_iter().find_map(|part| {
        let name = file.strip_suffix(part)?.strip_suffix('.')?;
        (!name.is_empty()).then_some((name, part))
    })
}

fn run(adapter: &dyn Adapter, service: &str, sample: &Sample) -> Result<(), String> {
    let part = |name| sample.get(name).ok_or_else(|| format!("{name} is missing"));
    let expected = String::from_utf8_lossy(part("expected.txt")?);
    if let Err(fault) = twin::of_request(adapter, service, sample)? {
        return match (sample.get("answer.xml"), sample.get("answer.http")) {
            (None, None) => same(&expected, &format!("-- sent\n{fault}\n")),
            _ => Err("no answer is due when nothing is sent".to_owned()),
        };
    }
    let document = scan(part("request.xml")?)?;
    let call = Call {
        service,
        message_id: MESSAGE_ID,
        session_id: "{3f0c7d2a-9a7b-4f55-8a0e-1c2d3e4f5a6b}",
        received_at: RECEIVED_AT,
        data: Some(document.root()),
    };
    let sent = adapter.encode(&call);
    let mut actual = format!("-- sent\n{}", show_sent(&sent));
    let call = Call { data: call.data.filter(|_| adapter.compares()), ..call };
    let reply = match (sample.get("answer.xml"), sample.get("answer.http")) {
        (None, None) if sent.is_err() => return same(&expected, &actual),
        (Some(xml), None) if sent.is_ok() => decode_xml(adapter, &call, xml)?,
        (None, Some(http)) if sent.is_ok() => {
            adapter.decode(&call, &Answer::Http(read_http(http)?))
        }
        _ => return Err("exactly one answer is due, and none when nothing is sent".to_owned()),
    };
    twin::of_answer(adapter, service, sample, &reply)?;
    actual.push_str(&show_reply(&reply)?);
    same(&expected, &actual)
}

fn same(expected: &str, actual: &str) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("expected:\n{expected}\nactual:\n{actual}"))
    }
}

fn scan(source: &[u8]) -> Result<Document<'_>, String> {
    Document::scan(source, &Limits::default())
        .map_err(|error| format!("{} at byte {}", error.reason, error.at))
}

/// Reads the answer as the gateway would, and has it decoded.
fn decode_xml(
    adapter: &dyn Adapter,
    call: &Call<'_>,
    source: &[u8],
) -> Result<Result<Reply, Fault>, String> {
    let document = scan(source)?;
    let find = |local: &str| document.root().descendants().find(|element| element.local() == local);
    let text = |parent: Option<Element<'_>>, local: &str| {
        parent.and_then(|parent| parent.child(local)).map(|child| child.text().into_owned())
    };
    if let (status, Some(status_code)) = (find("status"), text(find("status"), "code")) {
        let answer = EnvelopeAnswer {
            status_code: &status_code,
            status_message: &text(status, "message").unwrap_or_default(),
            data: find("responseData").and_then(|parent| parent.child("data")),
        };
        return Ok(adapter.decode(call, &Answer::Envelope(answer)));
    }
    let info = find("errorCode").and_then(|element| element.parent());
    let error_code = text(info, "errorCode").ok_or("neither status/code nor errorCode")?;
    let error_message = text(info, "errorMessage").unwrap_or_default();
    let info = ErrorInfo { error_code: &error_code, error_message: &error_message };
    Ok(adapter.decode(call, &Answer::Fault(info)))
}

fn read_http(source: &[u8]) -> Result<HttpAnswer<'_>, String> {
    let text = str::from_utf8(source).map_err(|error| error.to_string())?;
    let (head, body) = text.split_once("\n\n").ok_or("no empty line after the status line")?;
    let (status, content_type) = match head.split_once(' ') {
        Some((status, content_type)) => (status, Some(content_type)),
        None => (head, None),
    };
    Ok(HttpAnswer {
        status: status.parse().map_err(|_| format!("{status:?} is no HTTP status"))?,
        content_type,
        body: body.strip_suffix('\n').unwrap_or(body).as_bytes(),
    })
}

fn show_sent(sent: &Result<Outgoing, Fault>) -> String {
    match sent {
        Ok(Outgoing::Envelope) => "the caller's envelope\n".to_owned(),
        Ok(Outgoing::Http(HttpOutgoing { method, path, content_type, body })) => {
            let content_type = content_type.map(|kind| format!("{kind}\n")).unwrap_or_default();
            let body = String::from_utf8_lossy(body);
            let end = if body.is_empty() { "" } else { "\n" };
            format!("{method} {path}\n{content_type}{body}{end}")
        }
        Err(fault) => format!("{}\n", fault.public_line()),
    }
}

/// Shows a reply; an answer that SyncChannel would not carry fails.
fn show_reply(reply: &Result<Reply, Fault>) -> Result<String, String> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(fault) => return Ok(format!("-- reply\n{}\n", fault.public_line())),
    };
    let outcome = reply.outcome.word();
    let Content::Written(answer) = &reply.content else {
        return Ok(format!("-- reply\n{outcome}, as received\n"));
    };
    if answer.status_message.chars().count() > STATUS_MESSAGE_CHARS_MAX {
        return Err("the status message is longer than SyncChannel allows".to_owned());
    }
    let data = answer.data_xml.as_deref().unwrap_or_default();
    scan(format!("<data>{data}</data>").as_bytes())?;
    let end = if data.is_empty() { "" } else { "\n" };
    let (code, message) = (&answer.status_code, &answer.status_message);
    Ok(format!("-- reply\n{outcome}, written: {code} {message}\n{data}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::WrittenAnswer;
    use crate::fault::{Code, Outcome, Phase};
    use crate::manifest::Manifest;

    /// Sends the text of `data`, unless it is empty, and writes what comes back.
    struct Echo(Manifest);

    impl Adapter for Echo {
        fn manifest(&self) -> &Manifest {
            &self.0
        }
        fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
            let body = call.data.map(|data| data.text().into_owned()).unwrap_or_default();
            if body.is_empty() {
                return Err(Fault::new(Code::CallerMalformed, Phase::Encode, "empty"));
            }
            let (method, content_type) = ("POST", Some("text/plain"));
            let path = "/echo".to_owned();
            let body = body.into_bytes();
            Ok(Outgoing::Http(HttpOutgoing { method, path, content_type, body }))
        }
        fn decode(&self, _: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
            let data = match answer {
                Answer::Http(answer) => String::from_utf8_lossy(answer.body).into_owned(),
                Answer::Envelope(answer) => answer.status_code.to_owned(),
                Answer::Fault(info) => info.error_code.to_owned(),
            };
            let content = Content::Written(WrittenAnswer::new("OK", "done", Some(data)));
            Ok(Reply { outcome: Outcome::Done, content })
        }
    }

    fn run_sample(parts: &[(&'static str, &str)]) -> Result<(), String> {
        let manifest = Manifest::parse(
            r#"
            id = "echo"
            name = { kk = "", ru = "", en = "" }
            wire = "rest"
            service = []
            "#,
        );
        let sample = parts.iter().map(|(part, text)| (*part, text.as_bytes().to_vec())).collect();
        run(&Echo(manifest.expect("valid")), "Echo", &sample)
    }

    const REQUEST: (&str, &str) = ("request.xml", "<data>hello</data>");
    const SENT: &str = "-- sent\nPOST /echo\ntext/plain\nhello\n-- reply\nDone, written: OK done\n";

    #[test]
    fn a_sample_holds_for_each_kind_of_answer() {
        for (part, answer, data) in [
            ("answer.http", "200 text/plain\n\n<a/>\n", "<a/>"),
            ("answer.http", "204\n\n", ""),
            ("answer.xml", "<r><status><code>C</code></status></r>", "C"),
            ("answer.xml", "<f><detail><errorCode>E</errorCode></detail></f>", "E"),
        ] {
            let end = if data.is_empty() { "" } else { "\n" };
            let expected = format!("{SENT}{data}{end}");
            let held = run_sample(&[REQUEST, (part, answer), ("expected.txt", &expected)]);
            assert_eq!(held, Ok(()), "{answer}");
        }
    }

    #[test]
    fn one_wrong_byte_fails_and_is_shown() {
        let parts = [REQUEST, ("answer.http", "200\n\nhi"), ("expected.txt", SENT)];
        let failure = run_sample(&parts).expect_err("the data is missing");
        assert!(failure.ends_with(&format!("actual:\n{SENT}hi\n")), "{failure}");
    }

    #[test]
    fn a_part_missing_or_too_many_fails() {
        let http = ("answer.http", "200\n\nhi");
        let xml = ("answer.xml", "<r><status><code>C</code></status></r>");
        let expected = ("expected.txt", SENT);
        let refused = ("request.xml", "<data/>");
        for parts in [
            vec![http, expected],
            vec![REQUEST, http],
            vec![REQUEST, expected],
            vec![REQUEST, http, xml, expected],
            vec![
                refused,
                http,
                ("expected.txt", "-- sent\ncaller.malformed: empty (phase encode)\n"),
            ],
        ] {
            assert!(run_sample(&parts).is_err(), "{parts:?}");
        }
    }

    #[test]
    fn an_answer_that_is_no_xml_inside_fails() {
        let expected = format!("{SENT}<a>\n");
        let parts = [REQUEST, ("answer.http", "200\n\n<a>"), ("expected.txt", &expected)];
        assert!(run_sample(&parts).is_err());
    }

    #[test]
    fn a_file_is_known_by_its_end() {
        assert_eq!(name_and_part("found.answer.xml"), Some(("found", "answer.xml")));
        for file in ["notes.txt", ".request.xml", "found.xml", "foundrequest.xml"] {
            assert_eq!(name_and_part(file), None, "{file}");
        }
    }
}
