//! What stands in the way of a claim, found in the database: so any number of nodes carry a call once.

use super::write::{claims, open_and_close};
use crate::journal::entry::{CallKey, EntryId};
use crate::journal::group::Open;
use crate::journal::same_call::{Found, Held, KeyState, judge_all, select_held};
use deadpool_postgres::ClientWrapper;
use std::collections::HashSet;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Rounds of claiming; each further one follows the removal of rows that no longer counted.
const ROUNDS_MAX: usize = 3;

pub(super) const RIVALS: &str =
    select_held!("k.call_key = ANY($1) OR (k.message_key IS NOT NULL AND k.message_key = ANY($2))");

/// A call that is still under way under such a key is closed with its removal.
pub(super) const REMOVE: &str = "WITH removed AS (DELETE FROM call_key \
     WHERE call_key = ANY($1) AND entry = ANY($2) RETURNING entry), \
     ended AS (DELETE FROM entry_under_way USING removed WHERE id = entry \
     RETURNING id, is_idempotent) \
     INSERT INTO entry_closed \
     (id, closed_at_us, outcome, needs_evidence, evidence, answer_bytes, phases) \
     SELECT id, $3, 'Unknown', NOT is_idempotent, 'interrupted', 0, '' FROM ended \
     ON CONFLICT DO NOTHING";

/// What became of each open, in the group's order; those `claimed` are let in.
pub(super) async fn find(
    client: &ClientWrapper,
    node: &str,
    opens: &[Open],
    mut claimed: HashSet<Uuid>,
) -> Result<Vec<Option<Found>>, Error> {
    let mut founds: Vec<Option<Found>> = opens.iter().map(|_| None).collect();
    let mut waiting: Vec<(usize, &Open)> = opens.iter().enumerate().collect();
    for round in 1..=ROUNDS_MAX {
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
        if waiting.is_empty() || round == ROUNDS_MAX {
            break;
        }
        let again = claims(waiting.iter().map(|(_, open)| *open));
        claimed = open_and_close(client, node, &again, None).await?;
    }
    Ok(founds)
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
        message_key: row.try_get::<_, Option<&[u8]>>(1)?.map(digest),
        entry: EntryId(row.try_get(2)?),
        opened_at_us: row.try_get(3)?,
        expires_at_us: row.try_get(4)?,
        state: KeyState::of(row.try_get(5)?, row.try_get(6)?),
        http_status: u16::try_from(row.try_get::<_, i32>(7)?).unwrap_or(0),
        answer: row.try_get(8)?,
    })
}

/// The journal writes 32 bytes always; anything else matches no call.
fn digest(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}

/// Removes keys that no longer count.
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
    client.execute(&statement, &[&keys, &entries, &now_us]).await.map(drop)
}
