//! What the demo makes and shows: its calls, the table of what became of them, the addresses.

use super::calls::{SCENES, Scene, Speech, Tampering};
use super::installation::{Installation, signer};
use crate::channel::rest::OPENAPI_PATH;
use crate::command::{Failure, client::Posted, now_unix_us, write_output};
use crate::journal::Journal;
use crate::journal::entry::EntryId;
use crate::journal::record::ClosedRecord;
use crate::proxy::trace::Trace;
use crate::sign::wsse;
use comfy_table::{Cell, CellAlignment, Table, presets};
use qaqpa_kit::envelope::write::{RequestHead, request};
use serde_json::{Value, json};
use std::time::Duration;

const CALLS_TO_REFUSAL_MAX: u32 = 10;
const LOOKS: u32 = 400;
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// What became of one scene, as the journal tells it.
struct Shown {
    scene: Scene,
    outcome: String,
    fault: Option<String>,
    http_status: u16,
    ms: f64,
}

impl Shown {
    fn is_as_expected(&self) -> bool {
        self.outcome == self.scene.outcome.word()
            && self.fault.as_deref() == self.scene.fault.map(|code| code.word())
    }
}

/// Makes every call of the programme and shows it; `true` if each ended as expected.
///
/// # Errors
/// A message could not be signed or posted, or its entry is not in the journal.
pub(super) async fn programme(installation: &Installation, is_json: bool) -> Result<bool, Failure> {
    let mut all = Vec::with_capacity(SCENES.len());
    let mut last = Vec::new();
    for scene in SCENES {
        if scene.tampering != Tampering::Repeated {
            last = message(installation, &scene)?;
        }
        let client = installation.client(scene.caller)?;
        let mut posted = match scene.speech {
            Speech::Soap => client.post(last.clone()).await?,
            Speech::Rest => {
                let path = format!("/api/v1/services/{}", scene.service);
                let headers = [("content-type", "application/json")];
                client.post_to(&path, &headers, last.clone()).await?
            }
        };
        for _ in 0..CALLS_TO_REFUSAL_MAX {
            if scene.tampering != Tampering::UntilRefused || posted.fault.is_some() {
                break;
            }
            posted = client.post(message(installation, &scene)?).await?;
        }
        let shown = read_back(installation, scene, &posted).await?;
        if is_json {
            say(&json_line(&shown))?;
        }
        all.push(shown);
    }
    if !is_json {
        say(&table(&all))?;
    }
    Ok(all.iter().all(Shown::is_as_expected))
}

/// The message of a scene, signed on SOAP, tampered with where the scene says so.
fn message(installation: &Installation, scene: &Scene) -> Result<Vec<u8>, Failure> {
    if scene.speech == Speech::Rest {
        return Ok(scene.data.as_bytes().to_vec());
    }
    let member = installation.scratch.member(scene.caller)?;
    let message_id = uuid::Uuid::new_v4().to_string();
    let head = RequestHead {
        message_id: &message_id,
        correlation_id: "",
        service_id: scene.service,
        message_date: &Trace::date(now_unix_us()),
        route_id: "",
        sender_id: member.sender_id,
        password: member.password,
        session_id: "",
    };
    let unsigned = request(&head, scene.data);
    let signed =
        wsse::sign(unsigned.as_bytes(), &signer(member.signing())?).map_err(Failure::work)?;
    if scene.tampering == Tampering::Changed {
        let text = String::from_utf8_lossy(&signed).replace("850312300121", "010702600344");
        return Ok(text.into_bytes());
    }
    Ok(signed)
}

async fn read_back(
    installation: &Installation,
    scene: Scene,
    posted: &Posted,
) -> Result<Shown, Failure> {
    let closed = closed(installation, scene.title, posted).await?;
    Ok(Shown {
        scene,
        outcome: closed.outcome,
        fault: closed.fault_code,
        http_status: posted.http_status,
        ms: posted.elapsed.as_secs_f64() * 1000.0,
    })
}

/// What the journal tells of the call that this answers.
///
/// # Errors
/// The answer names no entry, or one that is not closed in the journal.
pub(super) async fn closed(
    installation: &Installation,
    title: &str,
    posted: &Posted,
) -> Result<ClosedRecord, Failure> {
    let id: EntryId = posted
        .entry
        .as_deref()
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Failure::work(format!("{title}: the answer names no entry")))?;
    settled(&installation.running.gate.journal, id).await
}

/// The closed row of an entry; that of a read rides in the next group, so it may come a moment later.
async fn settled(journal: &Journal, id: EntryId) -> Result<ClosedRecord, Failure> {
    for _ in 0..LOOKS {
        let record = journal.entry(id).await.map_err(Failure::work)?;
        if let Some(closed) = record.and_then(|record| record.closed) {
            return Ok(closed);
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    Err(Failure::work(format!("entry {id} is not closed in the journal")))
}

fn json_line(shown: &Shown) -> Value {
    json!({
        "service": shown.scene.service,
        "caller": shown.scene.caller,
        "outcome": shown.outcome,
        "fault": shown.fault,
        "http_status": shown.http_status,
        "ms": (shown.ms * 1000.0).round() / 1000.0,
    })
}

fn table(all: &[Shown]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "call",
        "caller",
        "face",
        "service",
        "outcome",
        "fault (whose.what)",
        "HTTP",
        "ms",
        "as expected",
    ]);
    for shown in all {
        let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([
            Cell::new(shown.scene.title),
            Cell::new(shown.scene.caller),
            Cell::new(shown.scene.speech.word()),
            Cell::new(shown.scene.service),
            Cell::new(&shown.outcome),
            Cell::new(shown.fault.as_deref().unwrap_or("–")),
            number(shown.http_status.to_string()),
            number(format!("{:.1}", shown.ms)),
            Cell::new(if shown.is_as_expected() { "yes" } else { "NO" }),
        ]);
    }
    table
}

/// What an outside client needs.
///
/// # Errors
/// A participant of the demo is missing.
pub(super) fn ready(installation: &Installation) -> Result<Value, Failure> {
    let mut participants = serde_json::Map::new();
    for id in ["portal", "bank", "agency"] {
        let member = installation.scratch.member(id)?;
        participants.insert(
            id.to_owned(),
            json!({
                "sender_id": member.sender_id,
                "password": member.password,
                "key_pem": member.pair.key_pem,
                "cert_pem": member.pair.cert_pem,
            }),
        );
    }
    let soap_url = installation.soap_url();
    Ok(json!({
        "wsdl_url": format!("{soap_url}?wsdl"),
        "soap_url": soap_url,
        "rest_url": installation.base_url(),
        "openapi_url": format!("{}{OPENAPI_PATH}", installation.base_url()),
        "ops_url": format!("http://{}", installation.running.ops),
        "trust_pem": installation.scratch.trust_pem,
        "known_iin": super::calls::KNOWN_IIN,
        "participants": participants,
    }))
}

/// Prints the addresses and a line to try by hand.
///
/// # Errors
/// A participant of the demo is missing.
pub(super) fn addresses(installation: &Installation, is_json: bool) -> Result<(), Failure> {
    if is_json {
        return say(&ready(installation)?);
    }
    let portal = installation.scratch.member("portal")?;
    let (soap_url, base_url) = (installation.soap_url(), installation.base_url());
    let ops = installation.running.ops;
    let trust = installation.scratch.trust_pem.display();
    let (key, cert) = (portal.pair.key_pem.display(), portal.pair.cert_pem.display());
    let known_iin = super::calls::KNOWN_IIN;
    say(&format_args!(
        "\nSyncChannel  {soap_url}   (mutual TLS; ?wsdl describes it)\n\
         REST         {base_url}{OPENAPI_PATH}\n\
         metrics      http://{ops}/metrics\n\
         ready        http://{ops}/ready\n\n\
         Try it in another terminal (ctrl-c here ends the demo; after `make demo`, qaqpa is \
         target/release/qaqpa):\n\n  \
         qaqpa send --url {soap_url} \\\n    --trust {trust} \\\n    --key {key} \\\n    \
         --cert {cert} \\\n    --sender {} --password-file {} \\\n    \
         --service GBDFL_UniversalServiceSync \\\n    \
         --data '<messageId>1</messageId><messageDate>2026-11-22T10:15:30+05:00</messageDate>\
         <senderCode>DEMO</senderCode><iin>{known_iin}</iin>'\n\n  \
         curl --cacert {trust} \\\n    --key {key} \\\n    --cert {cert} \\\n    \
         --json '{{\"iin\":\"{known_iin}\"}}' \\\n    \
         {base_url}/api/v1/services/GBDFL_UniversalServiceSync\n",
        portal.sender_id,
        installation.scratch.config.join("secrets/portal.password").display(),
    ))
}

/// Prints a line; a reader that went away early is no failure.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn say(line: &dyn std::fmt::Display) -> Result<(), Failure> {
    write_output(format!("{line}\n").as_bytes())
}
