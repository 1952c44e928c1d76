//! `qaqpa evidence`: what the journal holds of one entry, or the entries that somebody must look after.

use super::migrate::StoreArgs;
use super::{Failure, check};
use crate::journal::entry::EntryId;
use crate::journal::record::{ClosedRecord, Listing, Record};
use crate::journal::{JournalError, Reader};
use crate::proxy::trace::Trace;
use std::process::ExitCode;

/// What to show.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The entry with this id (sessionId without braces, or the header Qaqpa-Entry).
    #[arg(value_name = "ID")]
    id: Option<EntryId>,
    /// Entries under way, or left by a node that has not started again.
    #[arg(long)]
    open: bool,
    /// Entries left Unknown, which wait for an inquiry, a register or an operator (`qaqpa resolve`).
    #[arg(long)]
    unknown: bool,
}

/// Show what the journal holds of an entry, or which entries wait for evidence.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    store: StoreArgs,
    /// At most so many entries, oldest first.
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: u32,
    /// Answer in JSON, one line an entry.
    #[arg(long)]
    json: bool,
}

/// Reads the journal; a gateway that runs on it is not disturbed.
///
/// # Errors
/// The store cannot be read, or there is no such entry (1).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let store = args.store.store()?;
    let records = super::block_on(async {
        let reader = Reader::new(&store)?;
        let listing = if args.what.open { Listing::Open } else { Listing::Unknown };
        match args.what.id {
            Some(id) => reader.entry(id).await.map(Vec::from_iter),
            None => reader.list(listing, args.limit).await,
        }
        .map_err(|down| JournalError::Store { store: "the journal".to_owned(), cause: down.cause })
    })?;
    let records = records.map_err(Failure::work)?;
    if let (Some(id), true) = (args.what.id, records.is_empty()) {
        return Err(Failure::work(format!("there is no entry {id}")));
    }
    let text = match &args.what.id {
        _ if args.json => lines(&records)?,
        Some(_) => records.iter().map(page).collect(),
        None => list(&records),
    };
    check::print(&text);
    Ok(ExitCode::SUCCESS)
}

fn lines(records: &[Record]) -> Result<String, Failure> {
    let lines = records.iter().map(serde_json::to_string);
    Ok(lines.collect::<Result<Vec<_>, _>>().map_err(Failure::work)?.join("\n"))
}

/// Several entries, a line each.
fn list(records: &[Record]) -> String {
    if records.is_empty() {
        return "none".to_owned();
    }
    let mut table =
        check::table(["entry", "opened", "participant", "service", "messageId", "left by"]);
    for record in records {
        let left_by = record.closed.as_ref().map_or_else(String::new, end);
        table.add_row([
            record.entry.clone(),
            Trace::date(record.opened_at_us),
            record.participant.clone(),
            format!("{} at {}", record.service, record.agency),
            record.message_id.clone(),
            left_by,
        ]);
    }
    table.trim_fmt()
}

/// How an entry ended, in a few words.
fn end(closed: &ClosedRecord) -> String {
    let fault = closed.fault_code.as_deref().unwrap_or(&closed.evidence);
    match &closed.fault_phase {
        Some(phase) => format!("{fault} in {phase}"),
        None => fault.to_owned(),
    }
}

/// One entry, a line for everything that is known.
fn page(record: &Record) -> String {
    let mut table = check::table(["", record.entry.as_str()]);
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            table.add_row([name, value]);
        }
    };
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    row("opened", &Trace::date(record.opened_at_us));
    row("node", &record.node);
    row("participant", &record.participant);
    row("senderId", &record.sender_id);
    row("agency", &record.agency);
    row("serviceId", &record.service);
    row("routeId", &record.route_id);
    row("messageId", &record.message_id);
    row("correlationId", &record.correlation_id);
    row("caller's certificate, SHA-256", &or_empty(&record.caller_certificate));
    row("revocation", &or_empty(&record.revocation));
    row("request, bytes", &record.request_bytes.to_string());
    row("request, SHA-256", &or_empty(&record.request_digest));
    let Some(closed) = &record.closed else {
        row("closed", "not yet");
        return table.trim_fmt();
    };
    row("closed", &Trace::date(closed.closed_at_us));
    row("outcome", &closed.outcome);
    row("closed by", &end(closed));
    row("waits for evidence", if record.is_waiting() { "yes" } else { "no" });
    row("HTTP status", &closed.http_status.map_or_else(String::new, |status| status.to_string()));
    row("agency's answer, SHA-256", &or_empty(&closed.agency_digest));
    row("agency's certificate, SHA-256", &or_empty(&closed.agency_certificate));
    let body_bytes = closed.body_bytes.map_or_else(String::new, |bytes| bytes.to_string());
    row("relayed body, bytes", &body_bytes);
    row("relayed body, SHA-256", &or_empty(&closed.body_digest));
    row("answer, bytes", &closed.answer_bytes.to_string());
    row("answer, SHA-256", &or_empty(&closed.answer_digest));
    row("end of each phase, µs", &closed.phases);
    if let Some(resolved) = &record.resolved {
        row("resolved", &Trace::date(resolved.resolved_at_us));
        row("resolved as", &resolved.outcome);
        row("evidence", &format!("{}: {}", resolved.evidence, resolved.note));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::ResolvedRecord;

    fn record() -> Record {
        Record {
            entry: "0199b2c4-7d8e-7000-8000-000000000001".to_owned(),
            node: "node-1".to_owned(),
            opened_at_us: 1_741_670_130_125_000,
            participant: "portal".to_owned(),
            sender_id: "EGOV".to_owned(),
            agency: "gbd_fl".to_owned(),
            service: "FLInfo".to_owned(),
            route_id: String::new(),
            message_id: "m-1".to_owned(),
            correlation_id: String::new(),
            caller_certificate: None,
            revocation: None,
            request_digest: Some("ab".repeat(32)),
            request_bytes: 7,
            closed: Some(ClosedRecord {
                closed_at_us: 1_741_670_130_925_000,
                outcome: "Unknown".to_owned(),
                needs_evidence: true,
                fault_code: Some("agency.timeout".to_owned()),
                fault_phase: Some("send".to_owned()),
                evidence: "fault".to_owned(),
                http_status: Some(500),
                agency_digest: None,
                agency_certificate: None,
                answer_digest: None,
                answer_bytes: 0,
                phases: "receive=1 send=800000".to_owned(),
                body_digest: None,
                body_bytes: None,
            }),
            resolved: None,
        }
    }

    #[test]
    fn a_list_tells_who_waits_since_when_and_why() {
        let text = list(&[record()]);
        for word in ["0199b2c4-7d8e", "2025-03-11T10:15:30.125+05:00", "FLInfo at gbd_fl", "m-1"] {
            assert!(text.contains(word), "{word} is missing:\n{text}");
        }
        assert!(text.contains("agency.timeout in send"), "{text}");
        assert_eq!(list(&[]), "none");
    }

    #[test]
    fn a_page_shows_every_row_of_the_entry_and_nothing_that_is_not_there() {
        let words = |record: &Record| page(record).split_whitespace().collect::<Vec<_>>().join(" ");
        let mut record = record();
        let text = words(&record);
        assert!(text.contains("waits for evidence yes"), "{text}");
        assert!(!text.contains("routeId") && !text.contains("resolved"), "{text}");
        record.resolved = Some(ResolvedRecord {
            resolved_at_us: 1_741_756_530_000_000,
            outcome: "Done".to_owned(),
            evidence: "register".to_owned(),
            note: "row 7".to_owned(),
        });
        let text = words(&record);
        assert!(text.contains("register: row 7") && text.contains("evidence no"), "{text}");
        record.closed = None;
        assert!(words(&record).contains("closed not yet"));
    }

    #[test]
    fn json_is_one_line_an_entry() {
        let text = lines(&[record(), record()]).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["closed"]["fault_code"], "agency.timeout");
    }
}
