//! What the writer does inside one SQLite transaction.

use super::sweep::{Which, expire, interrupt};
use crate::journal::entry::{CallKey, Closed, EntryId, Opened, Resolution, SameCall};
use crate::journal::group::{
    Close, Group, KeyEnd, Open, Resolve, Undo, Written, digest, phases_text,
};
use crate::journal::same_call::{Found, Held, KeyState, given_up_at_us, judge_all, select_held};
use crate::journal::seal::Part;
use qaqpa_kit::fault::{Code, Outcome, Phase};
use rusqlite::{CachedStatement, Result, Row, Transaction, params};

/// Claims of one key tried before others are let go first; one writer needs two.
const CLAIMS_MAX: usize = 3;

pub(super) const RIVALS: &str = select_held!("k.call_key = ?1 OR k.message_key = ?2");

/// Notes that an entry was left Unknown. Whoever writes an end does it, in the same transaction.
pub(super) const WAITS: &str =
    "INSERT INTO entry_waiting SELECT id, service FROM entry_opened WHERE id = ?1";

/// Frees the key that an entry holds.
pub(super) const FREED: &str = "DELETE FROM call_key WHERE call_key = \
     (SELECT call_key FROM entry_opened WHERE id = ?1) AND entry = ?1";

/// Keys that have expired, forgotten with each call that is opened: one would never catch up. Forgotten every ten
/// seconds, all at once, they held up everybody for a second and more.
const FORGOTTEN_PER_OPEN: usize = 2;

/// Writes everything; ends first, so that the same call in this very group finds its answer.
pub(super) fn group(transaction: &Transaction<'_>, node: &str, group: &Group) -> Result<Written> {
    let mut rows = Rows::of(transaction, node)?;
    for close in &group.closes {
        rows.close(close)?;
    }
    for record in &group.records {
        rows.opened(&record.opened)?;
        rows.closed(&record.closed, 0, false)?;
    }
    for undo in &group.undos {
        undo_open(transaction, undo)?;
        rows.end(undo.id)?;
        rows.release(&undo.key, undo.id)?;
    }
    let keys_max = u32::try_from(FORGOTTEN_PER_OPEN * group.opens.len()).unwrap_or(u32::MAX);
    let (_, forgotten_bytes) = expire(transaction, group.now_us, keys_max)?;
    let forgotten_bytes = usize::try_from(forgotten_bytes).unwrap_or(0);
    let mut written = Written { forgotten_bytes, ..Written::default() };
    for day_key in &group.day_keys {
        let insert = "INSERT INTO day_key VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        transaction.prepare_cached(insert)?.execute((day_key.day, &day_key.wrapped))?;
        let select = "SELECT wrapped FROM day_key WHERE day = ?1";
        let mut select = transaction.prepare_cached(select)?;
        written.day_keys.push(select.query_row([day_key.day], |row| row.get(0))?);
    }
    for resolve in &group.resolves {
        written.resolutions.push(insert_resolved(transaction, resolve)?);
    }
    for open in &group.opens {
        written.found.push(claim(transaction, &mut rows, open)?);
    }
    Ok(written)
}

/// Claims the key and writes the opened row, or finds who holds the key.
fn claim(transaction: &Transaction<'_>, rows: &mut Rows<'_>, open: &Open) -> Result<Option<Found>> {
    let Open { opened, same_call, request, .. } = open;
    for _ in 0..CLAIMS_MAX {
        if rows.let_in(opened, same_call)? {
            rows.body(opened.id, Part::Request, request.as_deref())?;
            return Ok(Some(Found::Fresh));
        }
        let rivals = rivals(transaction, &opened.key, &opened.message_key)?;
        let (found, stale) = judge_all(rivals.iter(), opened, same_call);
        if found.is_some() {
            return Ok(found);
        }
        for held in stale {
            remove(transaction, held, opened.opened_at_us)?;
        }
    }
    Ok(None)
}

/// The rows that stand in the way of a claim.
fn rivals(
    transaction: &Transaction<'_>,
    key: &CallKey,
    message_key: &[u8; 32],
) -> Result<Vec<Held>> {
    let mut select = transaction.prepare_cached(RIVALS)?;
    select.query_map((key.0, message_key), held)?.collect()
}

fn held(row: &Row<'_>) -> Result<Held> {
    Ok(Held {
        key: CallKey(row.get(0)?),
        message_key: row.get(1)?,
        entry: EntryId(uuid::Uuid::from_bytes(row.get(2)?)),
        opened_at_us: row.get(3)?,
        expires_at_us: row.get(4)?,
        state: KeyState::of(row.get(5)?, row.get::<_, Option<String>>(6)?.as_deref()),
        http_status: row.get(7)?,
        answer: row.get(8)?,
    })
}

/// Removes a key that no longer counts; a call that is still under way is closed first.
fn remove(transaction: &Transaction<'_>, held: &Held, now_us: i64) -> Result<()> {
    interrupt(transaction, Which::One(held.entry), now_us)?;
    let delete = "DELETE FROM call_key WHERE call_key = ?1";
    transaction.prepare_cached(delete)?.execute([held.key.0])?;
    Ok(())
}

/// The statements that nearly every group needs, found once a group and not once a row.
struct Rows<'t> {
    node: &'t str,
    claim: CachedStatement<'t>,
    opened: CachedStatement<'t>,
    begun: CachedStatement<'t>,
    closed: CachedStatement<'t>,
    ended: CachedStatement<'t>,
    waits: CachedStatement<'t>,
    body: CachedStatement<'t>,
    kept: CachedStatement<'t>,
    released: CachedStatement<'t>,
}

impl<'t> Rows<'t> {
    fn of(transaction: &'t Transaction<'_>, node: &'t str) -> Result<Self> {
        Ok(Self {
            node,
            claim: transaction.prepare_cached(
                "INSERT INTO call_key VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, NULL) \
                 ON CONFLICT DO NOTHING",
            )?,
            opened: transaction.prepare_cached(
                "INSERT INTO entry_opened VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
                 ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
            )?,
            begun: transaction.prepare_cached(
                "INSERT INTO entry_under_way VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?,
            closed: transaction.prepare_cached(
                "INSERT INTO entry_closed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
                 ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
            )?,
            ended: transaction.prepare_cached("DELETE FROM entry_under_way WHERE id = ?1")?,
            waits: transaction.prepare_cached(WAITS)?,
            body: transaction.prepare_cached(
                "INSERT INTO entry_body VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?,
            kept: transaction.prepare_cached(
                "UPDATE call_key SET answer = ?3, answer_bytes = length(?3) \
                 WHERE call_key = ?1 AND entry = ?2",
            )?,
            released: transaction
                .prepare_cached("DELETE FROM call_key WHERE call_key = ?1 AND entry = ?2")?,
        })
    }

    /// Notes that the call is let in and under way; false where its key, or its id, was taken.
    fn let_in(&mut self, opened: &Opened, same_call: &SameCall) -> Result<bool> {
        let is_let_in =
            (!same_call.is_remembered || self.claim(opened, same_call)?) && self.opened(opened)?;
        if is_let_in {
            let given_up_at_us = given_up_at_us(opened.opened_at_us, same_call.expires_at_us);
            let id = opened.id.0.as_bytes();
            self.begun.execute(params![id, self.node, same_call.idempotent, given_up_at_us])?;
        }
        Ok(is_let_in)
    }

    /// Whether the key was free.
    fn claim(&mut self, opened: &Opened, same_call: &SameCall) -> Result<bool> {
        let claimed = self.claim.execute(params![
            opened.key.0,
            Some(opened.message_key).filter(|_| same_call.unique_message_id),
            opened.id.0.as_bytes(),
            same_call.idempotent,
            opened.opened_at_us,
            same_call.expires_at_us,
        ])?;
        Ok(claimed == 1)
    }

    /// Whether the entry is new.
    fn opened(&mut self, opened: &Opened) -> Result<bool> {
        let written = self.opened.execute(params![
            opened.id.0.as_bytes(),
            self.node,
            opened.opened_at_us,
            opened.participant,
            opened.sender_id,
            opened.agency,
            opened.service,
            opened.route_id,
            opened.message_id,
            opened.correlation_id,
            digest(&opened.key.0),
            digest(&opened.caller_certificate),
            digest(&opened.request_digest),
            i64::try_from(opened.request_bytes).unwrap_or(i64::MAX),
            Some(opened.revocation.as_str()).filter(|found| !found.is_empty()),
        ])?;
        Ok(written == 1)
    }

    fn body(&mut self, id: EntryId, part: Part, sealed: Option<&[u8]>) -> Result<()> {
        if let Some(sealed) = sealed {
            self.body.execute((id.0.as_bytes(), part.word(), sealed))?;
        }
        Ok(())
    }

    /// Ends an entry. An answer that is not kept as a body is kept with the key.
    fn close(&mut self, close: &Close) -> Result<()> {
        let Close { closed, key_end, .. } = close;
        self.closed(closed, close.answer_bytes, close.needs_evidence)?;
        self.end(closed.id)?;
        self.body(closed.id, Part::Answer, close.body())?;
        if let Some(answer) = close.stored() {
            self.kept.execute((closed.key.0, closed.id.0.as_bytes(), answer))?;
        }
        if *key_end == KeyEnd::Released {
            self.release(&closed.key, closed.id)?;
        }
        Ok(())
    }

    fn closed(&mut self, closed: &Closed, answer_bytes: u64, needs_evidence: bool) -> Result<()> {
        let written = self.closed.execute(params![
            closed.id.0.as_bytes(),
            closed.closed_at_us,
            closed.outcome.word(),
            needs_evidence,
            closed.fault.map(|(code, _)| code.word()),
            closed.fault.map(|(_, phase)| phase.word()),
            closed.evidence,
            closed.http_status,
            digest(&closed.agency_digest),
            digest(&closed.agency_certificate),
            digest(&closed.answer_digest),
            i64::try_from(answer_bytes).unwrap_or(i64::MAX),
            phases_text(closed),
            closed.streamed.as_ref().and_then(|passed| digest(&passed.request_digest)),
            closed.streamed.map(|passed| i64::try_from(passed.request_bytes).unwrap_or(i64::MAX)),
        ])?;
        // What was there already was noted with it, and may be resolved by now.
        if needs_evidence && written == 1 {
            self.waits.execute([closed.id.0.as_bytes()])?;
        }
        Ok(())
    }

    /// The entry is under way no more.
    fn end(&mut self, id: EntryId) -> Result<()> {
        self.ended.execute([id.0.as_bytes()])?;
        Ok(())
    }

    fn release(&mut self, key: &CallKey, entry: EntryId) -> Result<()> {
        self.released.execute((key.0, entry.0.as_bytes()))?;
        Ok(())
    }
}

/// Closes an opening that nobody carries, if it was committed at all.
fn undo_open(transaction: &Transaction<'_>, undo: &Undo) -> Result<()> {
    let insert = "INSERT INTO entry_closed (id, closed_at_us, outcome, needs_evidence, fault_code, \
         fault_phase, evidence, answer_bytes, phases) \
         SELECT id, ?2, ?3, 0, ?4, ?5, 'fault', 0, '' FROM entry_opened WHERE id = ?1 \
         ON CONFLICT DO NOTHING";
    transaction.prepare_cached(insert)?.execute(params![
        undo.id.0.as_bytes(),
        crate::journal::now_us(),
        Outcome::Refused.word(),
        Code::GatewayJournalDown.word(),
        Phase::Open.word(),
    ])?;
    Ok(())
}

fn insert_resolved(transaction: &Transaction<'_>, resolve: &Resolve) -> Result<Resolution> {
    let resolved = &resolve.resolved;
    let insert = "INSERT INTO entry_resolved SELECT id, ?2, ?3, ?4, ?5 FROM entry_closed \
         WHERE id = ?1 AND needs_evidence = 1 ON CONFLICT DO NOTHING";
    let is_written = transaction.prepare_cached(insert)?.execute(params![
        resolved.id.0.as_bytes(),
        resolved.resolved_at_us,
        resolved.outcome.word(),
        resolved.evidence,
        resolved.note,
    ])?;
    if is_written == 0 {
        return Ok(Resolution::NotWaiting);
    }
    if resolved.outcome == Outcome::Refused {
        transaction.prepare_cached(FREED)?.execute([resolved.id.0.as_bytes()])?;
    }
    Ok(Resolution::Written)
}
