//! Registers of banks over REST: one is streamed to disk, capped, and known by its digest; its run is looked up.
//!
//! `POST /api/v1/registers/{bank}` takes a register of the bank whose certificate the caller bears, and
//! answers with the run that will take it in: the same file again gets the same run. `GET
//! /api/v1/registers/{run}` tells how far it has come. Nothing is matched here.

use super::admit::Permit;
use super::front::response;
use super::listener::{AnswerBody, Arriving, Received, RequestBody};
use super::reply::Reply;
use super::trace::Trace;
use super::{Gateway, handle, identify, route, verify};
use crate::channel::Face;
use crate::channel::rest::problem;
use crate::config::settings::{Bank, Reconcile, Service};
use crate::durable;
use crate::journal::entry::{CallKey, EntryId, Opening, SameCall};
use crate::payments::Payments;
use crate::payments::breaks::record::{Origin, Run, RunState};
use crate::payments::breaks::{Command as Reconciling, Outcome as Reconciled, Taking, run_id};
use crate::payments::calendar::OperatingDay;
use crate::payments::command::{Command, Reply as Paid};
use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::hex;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Instant;
use tempfile::NamedTempFile;

/// Where registers come in.
pub const PREFIX: &str = "/api/v1/registers/";
/// Whoever may tell us of payments may bring the register of a day.
const RIGHT: &str = "PAY_BankNotice";
/// Bytes written to disk at once.
const PIECE_BYTES: usize = 256 * 1_024;
/// Seconds after which a register may come again that finds no room.
const PAUSE_S: u32 = 60;

/// Whether a request brings a register, so that its body is taken as it arrives.
#[must_use]
pub fn is_upload(head: &Parts) -> bool {
    head.method == Method::POST && head.uri.path().starts_with(PREFIX)
}

/// Takes a register in.
pub async fn upload(gate: &Arc<Gateway>, face: Face, arriving: Arriving) -> Response<AnswerBody> {
    let mut trace = Trace::start(face, arriving.received_at, arriving.received_at_us);
    let peer_address = arriving.peer_address;
    let line = format!("POST {}\n", arriving.uri.path());
    let reply = match take(gate, &mut trace, arriving, &line).await {
        Ok(reply) => reply,
        Err(fault) => refused(gate, &mut trace, fault, line),
    };
    trace.mark(Phase::Reply);
    handle::observe(gate, &trace, &reply, Some(peer_address));
    response(face, reply)
}

/// Tells how far a run has come.
pub async fn look_up(gate: &Gateway, face: Face, received: &Received) -> Response<AnswerBody> {
    let mut trace = Trace::start(face, received.received_at, received.received_at_us);
    let line = format!("{} {}\n", received.method, received.uri.path());
    let reply = match told(gate, &mut trace, received).await {
        Ok(reply) => {
            trace.mark(Phase::Close);
            gate.journal.record(trace.opened(&Bytes::from(line)), trace.closed(&reply));
            reply
        }
        Err(fault) => refused(gate, &mut trace, fault, line),
    };
    trace.mark(Phase::Reply);
    handle::observe(gate, &trace, &reply, Some(received.peer_address));
    // No fault, but no run either: said as a problem, as faults are.
    let is_none = reply.http_status >= 400;
    let mut answer = response(face, reply);
    if is_none {
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(problem::PROBLEM_JSON));
    }
    if received.method != Method::GET {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    answer
}

fn refused(gate: &Gateway, trace: &mut Trace, fault: Fault, line: String) -> Reply {
    trace.mark(fault.phase);
    let reply = Reply::refused(gate, fault, trace);
    gate.journal.record(trace.opened(&Bytes::from(line)), trace.closed(&reply));
    reply
}

/// What both requests have in common: who asks, and whether they may.
fn admitted<'g>(
    gate: &'g Gateway,
    trace: &mut Trace,
    peer: Option<&super::listener::Peer>,
) -> Result<(identify::Caller, &'g Arc<Service>, &'g Payments), Fault> {
    let now_unix_s = trace.received_at_us / 1_000_000;
    trace.mark(Phase::Receive);
    let caller =
        gate.callers.identify_by_certificate(peer, gate.trust.certificates(), now_unix_s)?;
    trace.identify(&caller);
    trace.mark(Phase::Identify);
    let unserved = || Fault::new(Code::CallerUnknownService, Phase::Route, "registers_not_taken");
    let service = route::find(&gate.settings, RIGHT, "").ok_or_else(unserved)?;
    let payments = gate.payments().ok_or_else(unserved)?;
    if !caller.participant.may_call(RIGHT) {
        return Err(Fault::new(Code::CallerForbidden, Phase::Route, "service_not_granted"));
    }
    trace.route(service);
    RIGHT.clone_into(&mut trace.service);
    trace.key = CallKey(sha256(trace.id.as_bytes()));
    caller.judge(&gate.trust, now_unix_s)?;
    trace.prove(&caller, None);
    trace.mark(Phase::Route);
    Ok((caller, service, payments))
}

/// Takes a place, and asks whether the certificate was revoked. What that means says the service whose
/// right brings registers, as it does for the bank's notices: no other service stands behind this path.
async fn enter(
    gate: &Gateway,
    trace: &mut Trace,
    (caller, service): (&identify::Caller, &Service),
    received_at: Instant,
) -> Result<Permit, Fault> {
    let deadline = received_at + service.deadline;
    let permit = gate.admission.admit(&caller.participant, service, deadline).await?;
    trace.mark(Phase::Admit);
    verify::revocation(gate, (caller, None), service, deadline, trace).await?;
    Ok(permit)
}

async fn take(
    gate: &Arc<Gateway>,
    trace: &mut Trace,
    arriving: Arriving,
    line: &str,
) -> Result<Reply, Fault> {
    let (caller, service, payments) = admitted(gate, trace, arriving.peer.as_deref())?;
    let unserved = || Fault::new(Code::CallerUnknownService, Phase::Route, "registers_not_taken");
    let settings = gate.settings.reconcile.as_ref().ok_or_else(unserved)?;
    let name = arriving.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let bank = gate.settings.payments.banks.get(name);
    let is_own = |bank: &&Arc<Bank>| bank.participant.as_ref() == Some(&caller.participant.id);
    let bank = bank
        .filter(is_own)
        .ok_or_else(|| Fault::new(Code::CallerForbidden, Phase::Route, "not_this_bank"))?;
    let permit = enter(gate, trace, (&caller, service), arriving.received_at).await?;
    check_room(settings).await?;
    let day = day(arriving.uri.query())?;
    let spooled = spool(settings, arriving.body).await?;
    trace.mark(Phase::Verify);

    let line = format!("{line}sha256={};bytes={}\n", spooled.sha256, spooled.bytes);
    // Same calls are told by the file's digest, in the store of payments.
    let same_call = SameCall::alone(trace.received_at_us, true);
    match gate.journal.open(trace.opened(&Bytes::from(line)), same_call).await {
        Ok(Opening::Fresh) => trace.mark(Phase::Open),
        Ok(_) => return Err(Fault::new(Code::GatewayBug, Phase::Open, "entry_not_fresh")),
        Err(down) => return Err(journal_down(Phase::Open).because(down)),
    }
    let taken = run(payments, (bank, day), spooled, trace, settings).await;
    trace.mark(Phase::Send);
    let reply = match taken {
        Ok(run) => answer(trace, 202, &run),
        Err(fault) => Reply::refused(gate, fault, trace),
    };
    let closed = gate.journal.close(trace.closed(&reply)).await;
    drop(permit);
    trace.mark(Phase::Close);
    closed.map_err(|down| journal_down(Phase::Close).because(down))?;
    Ok(reply)
}

/// `day=YYYY-MM-DD`, for a file that does not name its day.
fn day(query: Option<&str>) -> Result<Option<OperatingDay>, Fault> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    let date = query.strip_prefix("day=").filter(|date| date.len() == 10);
    let date = date.and_then(|date| date.parse().ok());
    let malformed = || Fault::new(Code::CallerMalformed, Phase::Receive, "query");
    date.map(|date| Some(OperatingDay::of(date))).ok_or_else(malformed)
}

fn journal_down(phase: Phase) -> Fault {
    Fault::new(Code::GatewayJournalDown, phase, "journal_down").retry_after_s(5)
}

/// Gives the file its name in the spool, then notes its run: between the two the file alone is enough.
async fn run(
    payments: &Payments,
    (bank, day): (&Bank, Option<OperatingDay>),
    spooled: Spooled,
    trace: &Trace,
    settings: &Reconcile,
) -> Result<Run, Fault> {
    let down = |down: crate::journal::JournalDown| {
        Fault::new(Code::GatewayJournalDown, Phase::Send, "payments_down").because(down)
    };
    let Spooled { file, sha256, bytes } = spooled;
    let run = run_id(&bank.id, std::slice::from_ref(&sha256));
    let known = payments.reconcile_run(&run).await.map_err(down)?;
    // What has not ended may have lost its file, with the disk of another node for example.
    if known.is_none_or(|run| matches!(run.state, RunState::Waiting | RunState::Running)) {
        let to = settings.spool().join(format!("{}~{sha256}", bank.id));
        let kept = tokio::task::spawn_blocking(move || {
            file.as_file().sync_all()?;
            file.persist(&to).map_err(|error| error.error)?;
            durable::sync_names(&to)
        });
        kept.await.map_err(std::io::Error::other).and_then(|kept| kept).map_err(disk)?;
    }
    let taking = Reconciling::Take(Taking {
        run,
        bank: bank.id.clone(),
        day,
        files: vec![(sha256, i64::try_from(bytes).unwrap_or(i64::MAX), "upload".to_owned())],
        source: Origin::Upload,
        sender: trace.participant.clone(),
        at_us: trace.now_us(),
    });
    match payments.run(Command::Reconcile(taking)).await.map_err(down)? {
        Paid::Reconciled(Reconciled::Run(run, _)) => Ok(*run),
        _ => Err(Fault::new(Code::GatewayBug, Phase::Send, "no_run")),
    }
}

async fn told(gate: &Gateway, trace: &mut Trace, received: &Received) -> Result<Reply, Fault> {
    let (caller, service, payments) = admitted(gate, trace, received.peer.as_deref())?;
    let _permit = enter(gate, trace, (&caller, service), received.received_at).await?;
    trace.mark(Phase::Verify);
    let id = received.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let run = payments.reconcile_run(id).await.map_err(|down| {
        Fault::new(Code::GatewayJournalDown, Phase::Send, "payments_down").because(down)
    })?;
    trace.mark(Phase::Send);
    let is_own = |run: &Run| {
        let bank = gate.settings.payments.banks.get(&run.bank);
        bank.is_some_and(|bank| bank.participant.as_ref() == Some(&caller.participant.id))
    };
    if received.method != Method::GET {
        let status = hyper::StatusCode::METHOD_NOT_ALLOWED;
        return Ok(none(trace, status));
    }
    // Another bank's run is as none.
    match run.filter(is_own) {
        Some(run) => Ok(answer(trace, 200, &run)),
        None => Ok(none(trace, hyper::StatusCode::NOT_FOUND)),
    }
}

fn none(trace: &Trace, status: hyper::StatusCode) -> Reply {
    let body = Bytes::from(problem::of_status(status));
    Reply::stored(EntryId(trace.id), Outcome::Refused, status.as_u16(), body)
}

/// A run as its bank sees it.
fn answer(trace: &Trace, http_status: u16, run: &Run) -> Reply {
    let manifest: Value = serde_json::from_str(&run.manifest).unwrap_or_default();
    let body = json!({
        "run": run.id,
        "bank": run.bank,
        "opdate": run.operating_day.map(|day| day.to_string()),
        "state": run.state.word(),
        "reason": run.reason,
        "matched": run.matched,
        "rows": { "journal": run.journal_rows, "register": run.register_rows },
        "breaks": manifest.get("breaks").cloned().unwrap_or_default(),
        "sums": manifest.get("sums").cloned().unwrap_or_default(),
    });
    let body = Bytes::from(body.to_string());
    Reply::stored(EntryId(trace.id), Outcome::Done, http_status, body)
}

/// A register on disk that has no name yet: dropped, it is gone.
struct Spooled {
    file: NamedTempFile,
    sha256: String,
    bytes: u64,
}

fn disk(error: std::io::Error) -> Fault {
    Fault::new(Code::GatewayOverloaded, Phase::Receive, "register_spool")
        .retry_after_s(PAUSE_S)
        .because(error)
}

/// Refuses what would wait behind too many.
async fn check_room(settings: &Reconcile) -> Result<(), Fault> {
    let (spool, waiting_max) = (settings.spool(), settings.waiting_max);
    let counted = tokio::task::spawn_blocking(move || {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&spool)?;
        let is_whole = |entry: &std::fs::DirEntry| Reconcile::spooled(&entry.path()).is_some();
        let whole = std::fs::read_dir(&spool)?.filter_map(Result::ok).filter(is_whole);
        Ok(whole.take(waiting_max).count())
    });
    let counted = counted.await.map_err(std::io::Error::other).and_then(|count| count);
    if counted.map_err(disk)? < waiting_max {
        return Ok(());
    }
    let full = Fault::new(Code::GatewayOverloaded, Phase::Admit, "registers_waiting");
    Err(full.retry_after_s(PAUSE_S))
}

/// Writes a body down piece by piece as it arrives; memory holds one piece.
async fn spool(settings: &Reconcile, mut body: RequestBody) -> Result<Spooled, Fault> {
    let folder = settings.spool();
    let made = tokio::task::spawn_blocking(move || NamedTempFile::with_prefix_in(".", folder));
    let mut file = made.await.map_err(std::io::Error::other).and_then(|made| made).map_err(disk)?;
    let mut hash = Context::new(&SHA256);
    let (mut bytes, mut piece) = (0_u64, Vec::with_capacity(PIECE_BYTES));
    loop {
        let frame = body.frame().await;
        if let Some(frame) = frame {
            let Ok(data) = frame.map_err(|error| error.fault())?.into_data() else { continue };
            bytes += data.len() as u64;
            if bytes > settings.register_bytes_max {
                return Err(Fault::new(Code::CallerTooLarge, Phase::Receive, "body_bytes"));
            }
            hash.update(&data);
            piece.extend_from_slice(&data);
            if piece.len() < PIECE_BYTES {
                continue;
            }
        } else if piece.is_empty() {
            break;
        }
        let written = tokio::task::spawn_blocking(move || {
            let written = file.write_all(&piece);
            piece.clear();
            written.map(|()| (file, piece))
        });
        (file, piece) =
            written.await.map_err(std::io::Error::other).and_then(|it| it).map_err(disk)?;
    }
    if bytes == 0 {
        return Err(Fault::new(Code::CallerMalformed, Phase::Receive, "body_empty"));
    }
    let sha256 = hex::lower(hash.finish().as_ref());
    Ok(Spooled { file, sha256, bytes })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}
