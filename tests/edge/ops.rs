//! What operations see: metrics that promtool accepts, health and readiness, a log without identifiers.

use super::callers::Caller;
use super::house::{self, AGENCY, PARTICIPANT, SERVICE};
use qaqpa::config::settings::{self, Settings};
use qaqpa::ops::http::Ops;
use qaqpa::ops::log::{self, Access, Mask};
use qaqpa::ops::metrics::{CallFigures, LIMITS, Metrics};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use std::borrow::Cow;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

fn installation() -> Settings {
    house::settings(house::agency("http://127.0.0.1:1"), house::participant(house::quota(1, 1, 1)))
}

/// Metrics of a node that has seen a little of everything.
fn used() -> Metrics {
    let metrics = Metrics::new(&installation(), &["digest_mismatch"]).unwrap();
    let ends_us = [10, 20, 30, 40, 150, 400, 410, 2000, 2100, 2300, 2400];
    for (service, outcome) in [(SERVICE, Outcome::Done), ("chosen-by-a-caller", Outcome::Refused)] {
        metrics.observe(&CallFigures { service, outcome, fault: None, ends_us });
    }
    for (code, reason) in [
        (Code::CallerTooFast, "quota_agency"),
        (Code::CallerTooLarge, "depth"),
        (Code::CallerBadSignature, "digest_mismatch"),
        (Code::CallerBadSignature, "chosen-by-a-caller"),
    ] {
        let fault = Fault::new(code, Phase::Admit, reason);
        let (service, outcome) = (SERVICE, Outcome::Refused);
        let ends_us = [10, 20, 0, 0, 0, 0, 0, 0, 0, 0, 30];
        metrics.observe(&CallFigures { service, outcome, fault: Some(&fault), ends_us });
    }
    metrics.certificate_expires(PARTICIPANT, 1_800_000_000);
    metrics
        .watch("qaqpa_journal_queue_entries", "Entries that wait for a commit.", || 7.0)
        .unwrap();
    let agency = metrics.agency(AGENCY).unwrap();
    agency.seconds.observe(0.1);
    agency.fault(Code::AgencyTimeout);
    metrics
}

#[test]
fn promtool_accepts_every_metric() {
    let text = used().text().unwrap();
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = started.expect("promtool is not installed: run `make tools`");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "promtool says: {said}");
}

#[test]
fn every_metric_is_ours_or_the_processs_and_has_help() {
    let text = used().text().unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("qaqpa_") || line.starts_with("process_"), "{line}");
        let name = line.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| name.strip_suffix(part))
            .filter(|family| text.contains(&format!("# TYPE {family} histogram")))
            .unwrap_or(name);
        let help = text.lines().find(|line| line.starts_with(&format!("# HELP {family} ")));
        assert!(help.is_some_and(|help| help.ends_with('.')), "{name}: {help:?}");
    }
}

#[test]
fn calls_are_counted_under_closed_labels_only() {
    let text = used().text().unwrap();
    for line in [
        r#"qaqpa_calls_total{outcome="Done",service="EchoService"} 1"#,
        r#"qaqpa_calls_total{outcome="Refused",service="none"} 1"#,
        r#"qaqpa_limits_refused_total{limit="quota_agency"} 1"#,
        r#"qaqpa_limits_refused_total{limit="other"} 1"#,
        r#"qaqpa_signature_refused_total{reason="digest_mismatch"} 1"#,
        r#"qaqpa_signature_refused_total{reason="other"} 1"#,
        r#"qaqpa_faults_total{code="caller.bad_signature"} 2"#,
        r#"qaqpa_upstream_faults_total{agency="echo",code="agency.timeout"} 1"#,
        r#"qaqpa_phase_seconds_count{phase="receive"} 6"#,
        r#"qaqpa_phase_seconds_count{phase="send"} 2"#,
        r#"qaqpa_journal_queue_entries 7"#,
        r#"qaqpa_certificate_expiry_timestamp_seconds{participant="portal"} 1800000000"#,
    ] {
        assert!(text.contains(line), "missing: {line}\n{text}");
    }
    assert!(!text.contains("chosen-by-a-caller"), "a caller writes no labels");
    for limit in LIMITS {
        assert!(
            text.contains(&format!(r#"limit="{limit}""#)),
            "{limit} stands at zero from the start"
        );
    }
}

#[test]
fn a_phases_time_is_its_own() {
    let text = used().text().unwrap();
    // send: from 410 to 2000 microseconds, twice.
    assert!(text.contains(r#"qaqpa_phase_seconds_sum{phase="send"} 0.00318"#), "{text}");
    // A fault at identify: the time up to the reply belongs to reply.
    assert!(text.contains(r#"qaqpa_phase_seconds_count{phase="verify"} 2"#), "{text}");
}

#[tokio::test]
async fn health_readiness_and_metrics_are_told_and_nothing_else() {
    let is_down = Arc::new(AtomicBool::new(false));
    let metrics = Arc::new(used());
    let door = Ops::bind(&installation(), &metrics).await.unwrap();
    let reasons = Arc::clone(&is_down);
    let unready = move || if reasons.load(Ordering::SeqCst) { vec!["journal"] } else { Vec::new() };
    let address = door.address();
    let (drain, draining) = watch::channel(false);
    let served =
        tokio::spawn(door.serve(Arc::new(Ops::new(Arc::clone(&metrics), unready)), draining));

    let mut caller = Caller::connect(address).await;
    let mut ask = async |line: &str| {
        caller.say(&format!("{line} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        let (head, body) = caller.answer().await.unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body)
    };
    assert_eq!(ask("GET /health").await, ("200".to_owned(), "alive\n".to_owned()));
    assert_eq!(
        ask("GET /ready").await,
        ("200".to_owned(), r#"{"ready":true,"reasons":[]}"#.to_owned())
    );
    is_down.store(true, Ordering::SeqCst);
    let down = r#"{"ready":false,"reasons":["journal"]}"#;
    assert_eq!(ask("GET /ready").await, ("503".to_owned(), down.to_owned()));
    let (status, text) = ask("GET /metrics").await;
    assert_eq!(status, "200");
    assert!(text.contains(r#"qaqpa_connections{door="ops"} 1"#), "{text}");
    assert_eq!(ask("GET /").await.0, "404");
    assert_eq!(ask("POST /health").await.0, "405");
    drain.send(true).unwrap();
    served.await.unwrap();
}

/// A sink that the test can read.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hide(text: &str) -> Cow<'_, str> {
    if text.contains("850312300121") {
        Cow::Owned(text.replace("850312300121", "8503****0121"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What stands in the log after `events`.
fn logged(is_json: bool, events: impl FnOnce()) -> String {
    let settings = settings::Ops { log_json: is_json, ..installation().ops };
    let (paper, dropped) = (Paper::default(), used().log_lines_dropped);
    let mask: Mask = hide;
    let (subscriber, log) = log::make(&settings, mask, dropped, paper.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, events);
    drop(log);
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_identifier_reaches_the_log_by_any_kind_of_field() {
    let events = || {
        let iin = "850312300121";
        let number = 850_312_300_121_u64;
        let cause = io::Error::other("person 850312300121 is unknown");
        tracing::info!(
            target: "qaqpa::test",
            text = iin,
            shown = %iin,
            told = ?Some(iin),
            number,
            cause = &cause as &dyn std::error::Error,
            "call of {iin}"
        );
    };
    for is_json in [true, false] {
        let text = logged(is_json, events);
        assert!(!text.contains("850312300121"), "{text}");
        assert_eq!(text.matches("8503****0121").count(), 6, "{text}");
    }
}

#[test]
fn every_line_is_one_json_object_whatever_the_text() {
    let text = logged(true, || {
        tracing::warn!(target: "qaqpa::test", odd = "a\"b\\c\nd\u{1}", yes = true, n = -5, "қақпа");
        tracing::debug!(target: "qaqpa::test", "below the level");
        tracing::info!(target: "hyper::proto", "not of the house");
    });
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{text}");
    let line = &lines[0];
    assert_eq!(line["message"], "қақпа");
    assert_eq!(line["odd"], "a\"b\\c\nd\u{1}");
    assert_eq!(
        (&line["level"], &line["yes"], &line["n"]),
        (&"warn".into(), &true.into(), &(-5).into())
    );
    assert!(line["time"].as_str().unwrap().ends_with('Z'), "{text}");
}

#[test]
fn a_line_for_people_stays_one_line() {
    let text =
        logged(false, || tracing::info!(target: "qaqpa::test", odd = "a\nb", "forged\nline"));
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(r"forged\nline odd=a\nb"), "{text}");
}

#[test]
fn a_call_leaves_one_line_with_its_entry_findable() {
    let entry = uuid::Uuid::parse_str("0193f0a1-7c3b-7000-8000-850312300121").unwrap();
    let fault =
        Fault::new(Code::AgencyTimeout, Phase::Send, "deadline").because("no answer in time");
    let text = logged(true, || {
        log::access(&Access {
            entry,
            peer: "127.0.0.1:1".parse().ok(),
            participant: PARTICIPANT,
            service: SERVICE,
            agency: AGENCY,
            outcome: Outcome::Unknown,
            fault: Some(&fault),
            http_status: 500,
            took: Duration::from_micros(1500),
        });
    });
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["entry"], entry.to_string());
    assert_eq!(line["outcome"], "Unknown");
    assert_eq!(line["fault"], "agency.timeout: deadline (phase send)");
    assert_eq!(line["took_us"], 1500);
}

/// A sink that takes nothing until the test is over.
struct Stuck(std::sync::mpsc::Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.recv().ok();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_hangs_costs_lines_and_no_call() {
    let settings = installation().ops;
    let dropped = used().log_lines_dropped;
    let (end, stuck) = std::sync::mpsc::channel();
    let (subscriber, log) = log::make(&settings, hide, dropped.clone(), Stuck(stuck)).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..20_000 {
            tracing::info!(target: "qaqpa::test", "a line");
        }
    });
    assert!(dropped.get() > 0);
    drop(end);
    drop(log);
}
