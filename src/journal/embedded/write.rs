//! What the writer does inside one SQLite transaction.

use crate::journal::entry::{CallKey, Closed, EntryId, Opened, Resolution, SameCall};
use crate::journal::group::{
    Answers, Close, Group, KeyEnd, Open, Resolve, Swept, Undo, Written, digest, phases_text,
};
use crate::journal::same_call::{Found, Held, IN_FLIGHT_US_MAX, KeyState, answered_as, judge_all};
use crate::journal::seal::Part;
use qaqpa_kit::fault::{Code, Outcome, Phase};
use rusqlite::{CachedStatement, Params, Result, Row, Transaction, named_params, params};

/// Claims of one key tried before others are let go first; one writer needs two.
const CLAIMS_MAX: usize = 3;
/// Rows that one sweep removes, so that no call waits long for it.
const SWEEP_ROWS_MAX: u16 = 1_000;

/// Ends that nobody wrote; what comes back was written now.
const INTERRUPTED: [&str; 2] = [
    "INSERT INTO entry_closed \
     (id, closed_at_us, outcome, needs_evidence, evidence, answer_bytes, phases) \
     SELECT entry, :now_us, 'Unknown', 1 - is_idempotent, 'interrupted', 0, '' FROM call_key \
     WHERE state = 'open' AND ",
    " ON CONFLICT DO NOTHING RETURNING id, needs_evidence",
];

/// Notes that an entry was left Unknown. Whoever writes an end does it, in the same transaction.
const WAITS: &str = "INSERT INTO entry_waiting SELECT id, service FROM entry_opened WHERE id = ?1";

/// Writes everything; ends first, so that the same call in this very group finds its answer.
pub(super) fn group(transaction: &Transaction<'_>, node: &str, group: &Group) -> Result<Written> {
    let mut rows = Rows::of(transaction, node)?;
    for close in &group.closes {
        rows.close(close)?;
        rows.end_key(close)?;
    }
    for record in &group.records {
        rows.opened(&record.opened)?;
        rows.closed(&record.closed, 0, false)?;
    }
    for undo in &group.undos {
        undo_open(transaction, undo)?;
        rows.release(&undo.key, undo.id)?;
    }
    let mut written = Written::default();
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
        if rows.claim(opened, same_call)? {
            rows.opened(opened)?;
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
    let select = "SELECT call_key, message_key, entry, state, is_unique, \
         opened_at_us, expires_at_us, outcome, http_status, coalesce(answer, sealed) \
         FROM call_key LEFT JOIN entry_body \
         ON id = entry AND part = 'answer' AND state = 'answered' \
         WHERE call_key = ?1 OR (is_unique = 1 AND message_key = ?2)";
    let mut select = transaction.prepare_cached(select)?;
    select.query_map((key.0, message_key), held)?.collect()
}

fn held(row: &Row<'_>) -> Result<Held> {
    Ok(Held {
        key: CallKey(row.get(0)?),
        message_key: row.get(1)?,
        entry: EntryId(uuid::Uuid::from_bytes(row.get(2)?)),
        state: KeyState::from_word(&row.get::<_, String>(3)?),
        is_unique: row.get(4)?,
        opened_at_us: row.get(5)?,
        expires_at_us: row.get(6)?,
        outcome: answered_as(row.get::<_, Option<String>>(7)?.as_deref()),
        http_status: row.get::<_, Option<u16>>(8)?.unwrap_or(0),
        answer: row.get(9)?,
    })
}

/// Removes a key that no longer counts; a call that is still open under it is closed first.
fn remove(transaction: &Transaction<'_>, held: &Held, now_us: i64) -> Result<()> {
    let entry = held.entry.0.as_bytes();
    interrupt(transaction, "entry = :entry", named_params! { ":now_us": now_us, ":entry": entry })?;
    let delete = "DELETE FROM call_key WHERE call_key = ?1";
    transaction.prepare_cached(delete)?.execute([held.key.0])?;
    Ok(())
}

/// Closes the open entries of these keys as Unknown; how many entries those were.
fn interrupt(transaction: &Transaction<'_>, whose: &str, parameters: impl Params) -> Result<usize> {
    let [insert, returning] = INTERRUPTED;
    let mut insert = transaction.prepare_cached(&[insert, whose, returning].concat())?;
    let ended = insert.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let ended: Vec<([u8; 16], bool)> = ended.collect::<Result<_>>()?;
    for (id, _) in ended.iter().filter(|(_, needs_evidence)| *needs_evidence) {
        transaction.prepare_cached(WAITS)?.execute([id])?;
    }
    Ok(ended.len())
}

/// The statements that nearly every group needs, found once a group and not once a row.
struct Rows<'t> {
    node: &'t str,
    claim: CachedStatement<'t>,
    opened: CachedStatement<'t>,
    closed: CachedStatement<'t>,
    waits: CachedStatement<'t>,
    body: CachedStatement<'t>,
    answered: CachedStatement<'t>,
    unknown: CachedStatement<'t>,
    released: CachedStatement<'t>,
}

impl<'t> Rows<'t> {
    fn of(transaction: &'t Transaction<'_>, node: &'t str) -> Result<Self> {
        Ok(Self {
            node,
            claim: transaction.prepare_cached(
                "INSERT INTO call_key (call_key, message_key, entry, node, state, is_unique, \
                 is_idempotent, opened_at_us, expires_at_us, answer_bytes) \
                 VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?6, ?7, ?8, 0) ON CONFLICT DO NOTHING",
            )?,
            opened: transaction.prepare_cached(
                "INSERT INTO entry_opened VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
                 ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
            )?,
            closed: transaction.prepare_cached(
                "INSERT INTO entry_closed VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
                 ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
            )?,
            waits: transaction.prepare_cached(WAITS)?,
            body: transaction.prepare_cached(
                "INSERT INTO entry_body VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?,
            answered: transaction.prepare_cached(
                "UPDATE call_key SET state = 'answered', outcome = ?3, http_status = ?4, \
                 answer = ?5, answer_bytes = coalesce(length(?5), 0) \
                 WHERE call_key = ?1 AND entry = ?2",
            )?,
            unknown: transaction.prepare_cached(
                "UPDATE call_key SET state = 'unknown' WHERE call_key = ?1 AND entry = ?2",
            )?,
            released: transaction
                .prepare_cached("DELETE FROM call_key WHERE call_key = ?1 AND entry = ?2")?,
        })
    }

    /// Whether the key was free.
    fn claim(&mut self, opened: &Opened, same_call: &SameCall) -> Result<bool> {
        let claimed = self.claim.execute(params![
            opened.key.0,
            opened.message_key,
            opened.id.0.as_bytes(),
            self.node,
            same_call.unique_message_id,
            same_call.idempotent,
            opened.opened_at_us,
            same_call.expires_at_us,
        ])?;
        Ok(claimed == 1)
    }

    fn opened(&mut self, opened: &Opened) -> Result<()> {
        self.opened.execute(params![
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
        Ok(())
    }

    fn body(&mut self, id: EntryId, part: Part, sealed: Option<&[u8]>) -> Result<()> {
        if let Some(sealed) = sealed {
            self.body.execute((id.0.as_bytes(), part.word(), sealed))?;
        }
        Ok(())
    }

    fn close(&mut self, close: &Close) -> Result<()> {
        self.closed(&close.closed, close.answer_bytes, close.needs_evidence)?;
        self.body(close.closed.id, Part::Answer, close.body())
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

    /// Points at the answer or stores it, leaves the key Unknown, or frees it.
    fn end_key(&mut self, close: &Close) -> Result<()> {
        let (key, entry) = (close.closed.key.0, close.closed.id.0.as_bytes());
        match close.key_end {
            KeyEnd::Answered => self.answered.execute(params![
                key,
                entry,
                close.closed.outcome.word(),
                close.closed.http_status,
                close.stored()
            ])?,
            KeyEnd::Unknown => self.unknown.execute((key, entry))?,
            KeyEnd::Released => return self.release(&close.closed.key, close.closed.id),
        };
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
        let delete = "DELETE FROM call_key WHERE state = 'unknown' AND call_key = \
             (SELECT call_key FROM entry_opened WHERE id = ?1) AND entry = ?1";
        transaction.prepare_cached(delete)?.execute([resolved.id.0.as_bytes()])?;
    }
    Ok(Resolution::Written)
}

/// Closes what this node left open in an earlier life; how many entries those were.
pub(super) fn recover(transaction: &Transaction<'_>, node: &str, now_us: i64) -> Result<usize> {
    let parameters = named_params! { ":now_us": now_us, ":node": node };
    let interrupted = interrupt(transaction, "node = :node", parameters)?;
    transaction.execute(
        "DELETE FROM call_key WHERE state = 'open' AND node = ?1 AND is_idempotent = 1",
        [node],
    )?;
    transaction.execute(
        "UPDATE call_key SET state = 'unknown' WHERE state = 'open' AND node = ?1",
        [node],
    )?;
    Ok(interrupted)
}

/// Drops what has expired, then answers beyond the cap.
pub(super) fn sweep(transaction: &Transaction<'_>, now_us: i64, answers: Answers) -> Result<Swept> {
    let abandoned_us = now_us - IN_FLIGHT_US_MAX;
    let parameters = named_params! { ":now_us": now_us, ":abandoned_us": abandoned_us };
    let abandoned = "expires_at_us <= :now_us AND opened_at_us <= :abandoned_us";
    interrupt(transaction, abandoned, parameters)?;
    let (expired, expired_bytes) = expire(transaction, now_us, abandoned_us)?;
    let kept = match answers.known {
        Some(bytes) => i64::try_from(bytes).unwrap_or(i64::MAX).saturating_sub(expired_bytes),
        None => {
            let total =
                "SELECT coalesce(sum(answer_bytes), 0) FROM call_key WHERE answer_bytes > 0";
            transaction.query_row(total, (), |row| row.get(0))?
        }
    };
    let cap = i64::try_from(answers.bytes_max).unwrap_or(i64::MAX);
    let (dropped, dropped_bytes) = drop_answers(transaction, kept.saturating_sub(cap))?;
    let is_more = expired.max(dropped) >= usize::from(SWEEP_ROWS_MAX);
    Ok(Swept { answers_bytes: u64::try_from(kept - dropped_bytes).unwrap_or(0), is_more })
}

/// Drops keys that have expired; how many, and how many bytes of answers with them.
fn expire(transaction: &Transaction<'_>, now_us: i64, abandoned_us: i64) -> Result<(usize, i64)> {
    let mut delete = transaction.prepare_cached(
        "DELETE FROM call_key WHERE rowid IN (SELECT rowid FROM call_key \
         WHERE expires_at_us <= ?1 AND (state <> 'open' OR opened_at_us <= ?2) LIMIT ?3) \
         RETURNING answer_bytes",
    )?;
    let mut rows = delete.query((now_us, abandoned_us, SWEEP_ROWS_MAX))?;
    let (mut expired, mut bytes) = (0, 0);
    while let Some(row) = rows.next()? {
        expired += 1;
        bytes += row.get::<_, i64>(0)?;
    }
    Ok((expired, bytes))
}

/// Drops answers until `excess` bytes are gone, the oldest first, but none of a call that may not be
/// sent twice while there is another; how many rows, and how many bytes. The key of such a call stays:
/// without its answer it is as good as Unknown.
fn drop_answers(transaction: &Transaction<'_>, excess: i64) -> Result<(usize, i64)> {
    if excess <= 0 {
        return Ok((0, 0));
    }
    let mut oldest = transaction.prepare_cached(
        "SELECT rowid, answer_bytes, is_idempotent FROM call_key WHERE answer_bytes > 0 \
         ORDER BY is_idempotent DESC, opened_at_us LIMIT ?1",
    )?;
    let mut rows = oldest.query([SWEEP_ROWS_MAX])?;
    let (mut dropped, mut bytes) = (Vec::new(), 0);
    while bytes < excess
        && let Some(row) = rows.next()?
    {
        bytes += row.get::<_, i64>(1)?;
        dropped.push((row.get::<_, i64>(0)?, row.get::<_, bool>(2)?));
    }
    for (row, is_idempotent) in &dropped {
        let change = if *is_idempotent {
            "DELETE FROM call_key WHERE rowid = ?1"
        } else {
            "UPDATE call_key SET answer = NULL, answer_bytes = 0 WHERE rowid = ?1"
        };
        transaction.prepare_cached(change)?.execute([row])?;
    }
    Ok((dropped.len(), bytes))
}
