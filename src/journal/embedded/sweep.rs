//! Housekeeping in the SQLite file: what an earlier life left open, what has expired, answers beyond the cap.

use super::write::{FREED, WAITS};
use crate::journal::entry::EntryId;
use crate::journal::group::{Sweep, Swept};
use rusqlite::{Result, ToSql, Transaction};

/// Keys, and as many answers, that one sweep drops at most. Among a million keys each lies on a page of its own,
/// which is read, logged and moved: 128 take 3 ms, and 1 000 35.
const SWEEP_ROWS_MAX: u32 = 128;

/// The end that nobody wrote.
const INTERRUPTED: &str = "INSERT INTO entry_closed \
     (id, closed_at_us, outcome, needs_evidence, evidence, answer_bytes, phases) \
     VALUES (?1, ?2, 'Unknown', ?3, 'interrupted', 0, '') ON CONFLICT DO NOTHING";

/// What has expired stays while its call is under way.
const EXPIRED: &str = "DELETE FROM call_key WHERE rowid IN (SELECT k.rowid FROM call_key k \
     WHERE k.expires_at_us <= ?1 \
     AND NOT EXISTS (SELECT 1 FROM entry_under_way u WHERE u.id = k.entry) LIMIT ?2) \
     RETURNING answer_bytes";

const OLDEST: &str = "SELECT rowid, answer_bytes, is_idempotent FROM call_key \
     WHERE answer_bytes > 0 ORDER BY is_idempotent DESC, opened_at_us LIMIT ?1";

/// Entries under way that are to be closed as Unknown.
#[derive(Clone, Copy)]
pub(super) enum Which<'a> {
    One(EntryId),
    OfNode(&'a str),
    GivenUp,
}

/// An entry that was closed so.
pub(super) struct Interrupted {
    id: [u8; 16],
    is_idempotent: bool,
}

/// Closes entries under way as Unknown.
pub(super) fn interrupt(
    transaction: &Transaction<'_>,
    which: Which<'_>,
    now_us: i64,
) -> Result<Vec<Interrupted>> {
    let (condition, value): (_, &dyn ToSql) = match &which {
        Which::One(id) => ("id = ?1", &id.0.as_bytes().as_slice()),
        Which::OfNode(node) => ("node = ?1", node),
        Which::GivenUp => ("given_up_at_us <= ?1", &now_us),
    };
    let delete =
        format!("DELETE FROM entry_under_way WHERE {condition} RETURNING id, is_idempotent");
    let mut delete = transaction.prepare_cached(&delete)?;
    let ended = delete.query_map([value], |row| {
        Ok(Interrupted { id: row.get(0)?, is_idempotent: row.get(1)? })
    })?;
    let ended: Vec<_> = ended.collect::<Result<_>>()?;
    for Interrupted { id, is_idempotent } in &ended {
        let written =
            transaction.prepare_cached(INTERRUPTED)?.execute((id, now_us, !is_idempotent))?;
        if written == 1 && !is_idempotent {
            transaction.prepare_cached(WAITS)?.execute([id])?;
        }
    }
    Ok(ended)
}

/// Closes what this node left open in an earlier life; how many entries those were. Keys of what may be
/// sent again are free.
pub(super) fn recover(transaction: &Transaction<'_>, node: &str, now_us: i64) -> Result<usize> {
    let interrupted = interrupt(transaction, Which::OfNode(node), now_us)?;
    for one in interrupted.iter().filter(|one| one.is_idempotent) {
        transaction.prepare_cached(FREED)?.execute([one.id])?;
    }
    Ok(interrupted.len())
}

/// Drops what has expired, then answers beyond the cap.
pub(super) fn sweep(transaction: &Transaction<'_>, sweep: Sweep) -> Result<Swept> {
    interrupt(transaction, Which::GivenUp, sweep.now_us)?;
    let (expired, expired_bytes) = expire(transaction, sweep.now_us, SWEEP_ROWS_MAX)?;
    let kept = match sweep.bytes_known {
        Some(bytes) => i64::try_from(bytes).unwrap_or(i64::MAX).saturating_sub(expired_bytes),
        None => {
            let total =
                "SELECT coalesce(sum(answer_bytes), 0) FROM call_key WHERE answer_bytes > 0";
            transaction.query_row(total, (), |row| row.get(0))?
        }
    };
    let cap = i64::try_from(sweep.bytes_max).unwrap_or(i64::MAX);
    let excess = kept.saturating_sub(cap);
    let (dropped, dropped_bytes) = drop_answers(transaction, excess)?;
    let is_more = expired.max(dropped) >= SWEEP_ROWS_MAX;
    Ok(Swept { answers_bytes: u64::try_from(kept - dropped_bytes).unwrap_or(0), is_more })
}

/// Drops that many keys that have expired, at most; how many, and how many bytes of answers with them.
pub(super) fn expire(
    transaction: &Transaction<'_>,
    now_us: i64,
    rows_max: u32,
) -> Result<(u32, i64)> {
    let mut delete = transaction.prepare_cached(EXPIRED)?;
    let mut rows = delete.query((now_us, rows_max))?;
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
fn drop_answers(transaction: &Transaction<'_>, excess: i64) -> Result<(u32, i64)> {
    if excess <= 0 {
        return Ok((0, 0));
    }
    let mut oldest = transaction.prepare_cached(OLDEST)?;
    let mut rows = oldest.query([SWEEP_ROWS_MAX])?;
    let (mut answers, mut bytes) = (Vec::new(), 0);
    while bytes < excess
        && let Some(row) = rows.next()?
    {
        bytes += row.get::<_, i64>(1)?;
        answers.push((row.get::<_, i64>(0)?, row.get::<_, bool>(2)?));
    }
    let mut dropped = 0;
    for (row, is_idempotent) in &answers {
        let change = if *is_idempotent {
            "DELETE FROM call_key WHERE rowid = ?1"
        } else {
            "UPDATE call_key SET answer = NULL, answer_bytes = 0 WHERE rowid = ?1"
        };
        transaction.prepare_cached(change)?.execute([row])?;
        dropped += 1;
    }
    Ok((dropped, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::embedded::{self, write::RIVALS};
    use crate::journal::schema;

    /// What SQLite does for a statement, step by step.
    fn steps(sql: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        embedded::migrate_file(&path, &schema::JOURNAL).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = vec![1; explain.parameter_count()];
        let steps = explain.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3));
        steps.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_sweep_ends_at_its_rows_and_says_that_there_are_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        embedded::migrate_file(&path, &schema::JOURNAL).unwrap();
        let mut connection = rusqlite::Connection::open(&path).unwrap();
        for row in 0..2 * SWEEP_ROWS_MAX + 2 {
            let key = "INSERT INTO call_key VALUES (?1, NULL, ?1, 1, 0, ?2, 0, NULL)";
            connection.execute(key, (row.to_be_bytes(), 10)).unwrap();
        }
        let young = "INSERT INTO call_key VALUES (x'ff', NULL, x'ff', 1, 0, 11, 0, NULL)";
        connection.execute(young, ()).unwrap();
        let rows = i64::from(SWEEP_ROWS_MAX);
        for (is_more, left) in [(true, rows + 3), (true, 3), (false, 1)] {
            let transaction = connection.transaction().unwrap();
            let due = Sweep { now_us: 10, bytes_max: 1 << 30, bytes_known: None };
            let swept = sweep(&transaction, due).unwrap();
            transaction.commit().unwrap();
            let count = "SELECT count(*) FROM call_key";
            let kept: i64 = connection.query_row(count, (), |row| row.get(0)).unwrap();
            assert_eq!((swept.is_more, kept), (is_more, left));
        }
    }

    /// However many calls are remembered, and whatever the journal holds.
    #[test]
    fn no_step_of_what_keys_need_reads_a_whole_table() {
        for sql in [EXPIRED, OLDEST, FREED, RIVALS] {
            let steps = steps(sql);
            let is_whole = |step: &&String| step.starts_with("SCAN") || step.contains("TEMP");
            let of_all = |step: &&String| is_whole(step) && !step.contains("call_key_answer");
            assert_eq!(steps.iter().find(of_all), None, "{steps:?}");
        }
    }
}
