//! Claims the keys of a whole group in the database, so that any number of nodes carry a call once.

use crate::journal::entry::{CallKey, EntryId};
use crate::journal::group::Open;
use crate::journal::same_call::{Found, Held, KeyState, answered_as, judge_all};
use deadpool_postgres::ClientWrapper;
use std::collections::HashSet;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Rounds of claiming; each further one follows the removal of rows that no longer counted.
const ROUNDS_MAX: usize = 3;

/// A row that conflicts in any way is left alone; what comes back was claimed.
pub(super) const CLAIM: &str = "INSERT INTO call_key (call_key, message_key, entry, node, state, \
     is_unique, is_idempotent, opened_at_us, expires_at_us, answer_bytes) \
     SELECT k, m, e, $1, 'open', u, i, o, x, 0 \
     FROM unnest($2::bytea[], $3::bytea[], $4::uuid[], $5::bool[], $6::bool[], $7::bigint[], \
     $8::bigint[]) AS t (k, m, e, u, i, o, x) \
     ON CONFLICT DO NOTHING RETURNING entry";

pub(super) const RIVALS: &str = "SELECT call_key, message_key, entry, state, is_unique, \
     is_idempotent, opened_at_us, expires_at_us, outcome, coalesce(http_status, 0), \
     coalesce(answer, sealed) \
     FROM call_key LEFT JOIN entry_body ON id = entry AND part = 'answer' AND state = 'answered' \
     WHERE call_key = ANY($1) OR (is_unique AND message_key = ANY($2))";

pub(super) const REMOVE: &str =
    "DELETE FROM call_key WHERE call_key = ANY($1) AND entry = ANY($2) RETURNING entry";

pub(super) const INTERRUPT: &str = "INSERT INTO entry_closed \
     (id, closed_at_us, outcome, needs_evidence, evidence, answer_bytes, phases) \
     SELECT e, $1, 'Unknown', n, 'interrupted', 0, '' \
     FROM unnest($2::uuid[], $3::bool[]) AS t (e, n) ON CONFLICT DO NOTHING";

/// What became of each open, in the group's order. Keys are claimed in one order by all nodes, so
/// that two groups never wait for each other in a circle.
pub(super) async fn claim(
    client: &ClientWrapper,
    node: &str,
    opens: &[Open],
) -> Result<Vec<Option<Found>>, Error> {
    let mut founds: Vec<Option<Found>> = opens.iter().map(|_| None).collect();
    let mut waiting: Vec<(usize, &Open)> = opens.iter().enumerate().collect();
    waiting.sort_by_key(|(_, open)| open.opened.key.0);
    for _ in 0..ROUNDS_MAX {
        if waiting.is_empty() {
            break;
        }
        let claimed = insert(client, node, &waiting).await?;
        waiting.retain(|(place, open)| {
            let is_fresh = claimed.contains(&open.opened.id.0);
            if let Some(found) = founds.get_mut(*place).filter(|_| is_fresh) {
                *found = Some(Found::Fresh);
            }
            !is_fresh
        });
        if waiting.is_empty() {
            break;
        }
        let rivals = rivals(client, &waiting).await?;
        let mut stale = Vec::new();
        waiting.retain(|(place, open)| {
            let (found, outlived) = judge_all(rivals.iter(), &open.opened, &open.same_call);
            let is_found = found.is_some();
            if let Some(place) = founds.get_mut(*place).filter(|_| is_found) {
                *place = found;
            } else {
                stale.extend(outlived);
            }
            !is_found
        });
        remove(client, &stale, &waiting).await?;
    }
    Ok(founds)
}

async fn insert(
    client: &ClientWrapper,
    node: &str,
    waiting: &[(usize, &Open)],
) -> Result<HashSet<Uuid>, Error> {
    let opened = || waiting.iter().map(|(_, open)| &open.opened);
    let rules = || waiting.iter().map(|(_, open)| &open.same_call);
    let keys: Vec<_> = opened().map(|opened| opened.key.0.as_slice()).collect();
    let message_keys: Vec<_> = opened().map(|opened| opened.message_key.as_slice()).collect();
    let entries: Vec<_> = opened().map(|opened| opened.id.0).collect();
    let unique: Vec<_> = rules().map(|rule| rule.unique_message_id).collect();
    let idempotent: Vec<_> = rules().map(|rule| rule.idempotent).collect();
    let opened_at_us: Vec<_> = opened().map(|opened| opened.opened_at_us).collect();
    let expires_at_us: Vec<_> = rules().map(|rule| rule.expires_at_us).collect();
    let statement = client.prepare_cached(CLAIM).await?;
    let rows = client
        .query(
            &statement,
            &[
                &node,
                &keys,
                &message_keys,
                &entries,
                &unique,
                &idempotent,
                &opened_at_us,
                &expires_at_us,
            ],
        )
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// The rows that stand in the way of these claims.
async fn rivals(client: &ClientWrapper, waiting: &[(usize, &Open)]) -> Result<Vec<Held>, Error> {
    let keys: Vec<_> = waiting.iter().map(|(_, open)| open.opened.key.0.as_slice()).collect();
    let message_keys: Vec<_> = waiting
        .iter()
        .filter(|(_, open)| open.same_call.unique_message_id)
        .map(|(_, open)| open.opened.message_key.as_slice())
        .collect();
    let statement = client.prepare_cached(RIVALS).await?;
    client.query(&statement, &[&keys, &message_keys]).await?.iter().map(held).collect()
}

fn held(row: &Row) -> Result<Held, Error> {
    Ok(Held {
        key: CallKey(digest(row.try_get(0)?)),
        message_key: digest(row.try_get(1)?),
        entry: EntryId(row.try_get(2)?),
        state: KeyState::from_word(row.try_get(3)?),
        is_unique: row.try_get(4)?,
        is_idempotent: row.try_get(5)?,
        opened_at_us: row.try_get(6)?,
        expires_at_us: row.try_get(7)?,
        outcome: answered_as(row.try_get(8)?),
        http_status: u16::try_from(row.try_get::<_, i32>(9)?).unwrap_or(0),
        answer: row.try_get(10)?,
    })
}

/// The journal writes 32 bytes always; anything else matches no call.
fn digest(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}

/// Removes keys that no longer count; a call that is still open under one is closed first.
async fn remove(
    client: &ClientWrapper,
    stale: &[&Held],
    waiting: &[(usize, &Open)],
) -> Result<(), Error> {
    if stale.is_empty() {
        return Ok(());
    }
    let now_us = waiting.iter().map(|(_, open)| open.opened.opened_at_us).max().unwrap_or(0);
    let keys: Vec<_> = stale.iter().map(|held| held.key.0.as_slice()).collect();
    let entries: Vec<_> = stale.iter().map(|held| held.entry.0).collect();
    let statement = client.prepare_cached(REMOVE).await?;
    let removed = client.query(&statement, &[&keys, &entries]).await?;
    let removed: HashSet<Uuid> =
        removed.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let abandoned = || {
        stale.iter().filter(|held| held.state == KeyState::Open && removed.contains(&held.entry.0))
    };
    let entries: Vec<_> = abandoned().map(|held| held.entry.0).collect();
    let needs_evidence: Vec<_> = abandoned().map(|held| !held.is_idempotent).collect();
    if !entries.is_empty() {
        let statement = client.prepare_cached(INTERRUPT).await?;
        client.execute(&statement, &[&now_us, &entries, &needs_evidence]).await?;
    }
    Ok(())
}
