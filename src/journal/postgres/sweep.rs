//! Housekeeping in PostgreSQL: what an earlier life left open, what has expired, answers beyond the cap.

use crate::journal::group::{Sweep, Swept};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::Error;

/// Keys, and as many answers, that one sweep drops at most, so that no call waits long for it.
const SWEEP_ROWS_MAX: i64 = 1_000;
/// One node sweeps at a time; the others have nothing to do then.
const SWEEP_LOCK: i64 = 0x7161_7170_6173_7770;

/// Closes as Unknown what a node left open in an earlier life, and frees the keys of what may be sent again.
const RECOVER: &str = "WITH ended AS (DELETE FROM entry_under_way WHERE node = $2 \
     RETURNING id, is_idempotent), \
     freed AS (DELETE FROM call_key k USING ended e, entry_opened o \
     WHERE e.is_idempotent AND o.id = e.id AND k.call_key = o.call_key AND k.entry = e.id) \
     INSERT INTO entry_closed \
     (id, closed_at_us, outcome, needs_evidence, evidence, answer_bytes, phases) \
     SELECT id, $1, 'Unknown', NOT is_idempotent, 'interrupted', 0, '' FROM ended \
     ON CONFLICT DO NOTHING";

/// Closes as Unknown what is given up: its node is dead and did not start again.
const GIVE_UP: &str = "WITH ended AS (DELETE FROM entry_under_way WHERE given_up_at_us <= $1 \
     RETURNING id, is_idempotent) \
     INSERT INTO entry_closed \
     (id, closed_at_us, outcome, needs_evidence, evidence, answer_bytes, phases) \
     SELECT id, $1, 'Unknown', NOT is_idempotent, 'interrupted', 0, '' FROM ended \
     ON CONFLICT DO NOTHING";

/// Drops keys that have expired, but none of a call that is still under way.
const EXPIRE: &str = "WITH expired AS (DELETE FROM call_key WHERE call_key = ANY(ARRAY(SELECT \
     k.call_key FROM call_key k WHERE k.expires_at_us <= $1 \
     AND NOT EXISTS (SELECT FROM entry_under_way u WHERE u.id = k.entry) \
     LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING answer_bytes) \
     SELECT count(*), coalesce(sum(answer_bytes), 0)::bigint FROM expired";

/// Closes what this node left open in an earlier life; how many entries those were.
pub(super) async fn recover(
    client: &mut ClientWrapper,
    node: &str,
    now_us: i64,
) -> Result<usize, Error> {
    let interrupted = client.execute(RECOVER, &[&now_us, &node]).await?;
    Ok(usize::try_from(interrupted).unwrap_or(usize::MAX))
}

/// Drops what has expired, then answers beyond the cap, those of idempotent services first. The key of
/// a call that may not be sent twice stays without its answer: then it is as good as Unknown.
///
/// Other nodes add and drop answers too, so nothing is dropped for what this one believes alone.
pub(super) async fn sweep(client: &mut ClientWrapper, sweep: Sweep) -> Result<Swept, Error> {
    let transaction = client.transaction().await?;
    let cap = i64::try_from(sweep.bytes_max).unwrap_or(i64::MAX);
    let known = sweep.bytes_known.and_then(|bytes| i64::try_from(bytes).ok());
    let lock = transaction.prepare_cached("SELECT pg_try_advisory_xact_lock($1)").await?;
    if !transaction.query_one(&lock, &[&SWEEP_LOCK]).await?.try_get(0)? {
        // Another node sweeps at this moment. What seems too much to this one comes up again with more answers.
        let kept = match known {
            Some(bytes) => bytes,
            None => kept_bytes(&transaction).await?,
        };
        let answers_bytes = u64::try_from(kept.min(cap)).unwrap_or(0);
        return Ok(Swept { answers_bytes, is_more: false });
    }
    let give_up = transaction.prepare_cached(GIVE_UP).await?;
    transaction.execute(&give_up, &[&sweep.now_us]).await?;
    let expire = transaction.prepare_cached(EXPIRE).await?;
    let row = transaction.query_one(&expire, &[&sweep.now_us, &SWEEP_ROWS_MAX]).await?;
    let (mut removed, expired_bytes): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let kept = match known.filter(|bytes| *bytes <= cap) {
        Some(bytes) => bytes.saturating_sub(expired_bytes),
        None => {
            let kept = kept_bytes(&transaction).await?;
            let excess = kept.saturating_sub(cap);
            let (dropped, bytes) = drop_answers(&transaction, excess).await?;
            removed = removed.max(dropped);
            kept - bytes
        }
    };
    transaction.commit().await?;
    Ok(Swept {
        answers_bytes: u64::try_from(kept).unwrap_or(0),
        is_more: removed >= SWEEP_ROWS_MAX,
    })
}

async fn kept_bytes(transaction: &deadpool_postgres::Transaction<'_>) -> Result<i64, Error> {
    let total =
        "SELECT coalesce(sum(answer_bytes), 0)::bigint FROM call_key WHERE answer_bytes > 0";
    transaction.query_one(total, &[]).await?.try_get(0)
}

/// Drops answers until `excess` bytes are gone; how many rows, and how many bytes.
async fn drop_answers(
    transaction: &deadpool_postgres::Transaction<'_>,
    excess: i64,
) -> Result<(i64, i64), Error> {
    if excess <= 0 {
        return Ok((0, 0));
    }
    let oldest = "SELECT call_key, answer_bytes, is_idempotent FROM call_key \
         WHERE answer_bytes > 0 ORDER BY is_idempotent DESC, opened_at_us LIMIT $1 \
         FOR UPDATE SKIP LOCKED";
    let (mut deleted, mut forgotten): (Vec<Vec<u8>>, Vec<Vec<u8>>) = Default::default();
    let (mut dropped, mut bytes) = (0, 0);
    for row in transaction.query(oldest, &[&SWEEP_ROWS_MAX]).await? {
        if bytes >= excess {
            break;
        }
        dropped += 1;
        bytes += row.try_get::<_, i64>(1)?;
        let is_idempotent: bool = row.try_get(2)?;
        let of_its_kind = if is_idempotent { &mut deleted } else { &mut forgotten };
        of_its_kind.push(row.try_get(0)?);
    }
    let delete = "DELETE FROM call_key WHERE call_key = ANY($1)";
    transaction.execute(delete, &[&deleted]).await?;
    let forget = "UPDATE call_key SET answer = NULL, answer_bytes = 0 WHERE call_key = ANY($1)";
    transaction.execute(forget, &[&forgotten]).await?;
    Ok((dropped, bytes))
}
