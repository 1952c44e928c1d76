//! What the writer sends to PostgreSQL for a whole group: one statement a table, sent together.

use super::claim::{self, claim};
use crate::journal::entry::{Closed, Opened, Resolution};
use crate::journal::group::{
    Close, Group, KeyEnd, NewDayKey, Resolve, Written, digest, phases_text,
};
use crate::journal::same_call::Found;
use crate::journal::seal::Part;
use deadpool_postgres::ClientWrapper;
use qaqpa_kit::fault::{Code, Outcome, Phase};
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

const OPENED: &str = "INSERT INTO entry_opened \
     SELECT id, $1, t, p, s, a, v, r, m, c, k, cc, d, b, nullif(x, '') \
     FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], \
     $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bigint[], \
     $15::text[]) AS t (id, t, p, s, a, v, r, m, c, k, cc, d, b, x) ON CONFLICT DO NOTHING";

const CLOSED: &str = "INSERT INTO entry_closed \
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bool[], $5::text[], \
     $6::text[], $7::text[], $8::int[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bigint[], \
     $13::text[], $14::bytea[], $15::bigint[]) ON CONFLICT DO NOTHING";

const BODIES: &str = "INSERT INTO entry_body \
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[]) ON CONFLICT DO NOTHING";

const UNDONE: &str = "INSERT INTO entry_closed (id, closed_at_us, outcome, needs_evidence, \
     fault_code, fault_phase, evidence, answer_bytes, phases) \
     SELECT id, $2, $3, false, $4, $5, 'fault', 0, '' FROM entry_opened WHERE id = ANY($1) \
     ON CONFLICT DO NOTHING";

const ANSWERED: &str = "UPDATE call_key SET state = 'answered', outcome = o, http_status = s, \
     answer = a, answer_bytes = coalesce(octet_length(a), 0) \
     FROM unnest($1::bytea[], $2::uuid[], $3::text[], $4::int[], $5::bytea[]) AS t (k, e, o, s, a) \
     WHERE call_key = k AND entry = e";

const UNKNOWN: &str = "UPDATE call_key SET state = 'unknown' \
     FROM unnest($1::bytea[], $2::uuid[]) AS t (k, e) WHERE call_key = k AND entry = e";

const RELEASED: &str = "DELETE FROM call_key USING unnest($1::bytea[], $2::uuid[]) AS t (k, e) \
     WHERE call_key = k AND entry = e";

const NEW_DAY_KEY: &str = "INSERT INTO day_key VALUES ($1, $2) ON CONFLICT DO NOTHING";
const DAY_KEY: &str = "SELECT wrapped FROM day_key WHERE day = $1";

const RESOLVED: &str = "INSERT INTO entry_resolved SELECT id, $2, $3, $4, $5 FROM entry_closed \
     WHERE id = $1 AND needs_evidence ON CONFLICT DO NOTHING";
const FREED: &str = "DELETE FROM call_key WHERE state = 'unknown' AND entry = $1 \
     AND call_key = (SELECT call_key FROM entry_opened WHERE id = $1)";

/// Every statement of a group; a session prepares them all before it is used, so that none waits for
/// its preparation between statements that are sent together.
pub(super) const STATEMENTS: [&str; 15] = [
    claim::CLAIM,
    claim::RIVALS,
    claim::REMOVE,
    claim::INTERRUPT,
    OPENED,
    CLOSED,
    BODIES,
    UNDONE,
    ANSWERED,
    UNKNOWN,
    RELEASED,
    NEW_DAY_KEY,
    DAY_KEY,
    RESOLVED,
    FREED,
];

/// Writes a group in one transaction. `may_be_committed` turns true when COMMIT is on its way.
pub(super) async fn group(
    client: &ClientWrapper,
    node: &str,
    group: &Group,
    may_be_committed: &mut bool,
) -> Result<Written, Error> {
    let mut written = Written::default();
    // Sent together: the driver writes what is polled first, first.
    let begin = client.batch_execute("BEGIN");
    let ((), found) = tokio::try_join!(biased; begin, claim(client, node, &group.opens))?;
    written.found = found;
    for day_key in &group.day_keys {
        written.day_keys.push(make_day_key(client, day_key).await?);
    }
    for resolve in &group.resolves {
        written.resolutions.push(insert_resolved(client, resolve).await?);
    }
    let fresh: Vec<_> = group
        .opens
        .iter()
        .zip(&written.found)
        .filter(|(_, found)| **found == Some(Found::Fresh))
        .map(|(open, _)| open)
        .collect();
    let opened: Vec<_> = fresh
        .iter()
        .map(|open| &open.opened)
        .chain(group.records.iter().map(|record| &record.opened))
        .collect();
    let requests = fresh.iter().filter_map(|open| {
        Some((open.opened.id.0, Part::Request.word(), open.request.as_deref()?))
    });
    let answers = group
        .closes
        .iter()
        .filter_map(|close| Some((close.closed.id.0, Part::Answer.word(), close.body()?)));
    let bodies: Vec<_> = requests.chain(answers).collect();
    *may_be_committed = true;
    tokio::try_join!(
        biased;
        insert_opened(client, node, &opened),
        insert_bodies(client, &bodies),
        insert_closed(client, group),
        undo(client, group),
        keep_answers(client, &group.closes),
        end_keys(client, UNKNOWN, group, KeyEnd::Unknown),
        end_keys(client, RELEASED, group, KeyEnd::Released),
        client.batch_execute("COMMIT"),
    )?;
    Ok(written)
}

async fn execute(
    client: &ClientWrapper,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<u64, Error> {
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, parameters).await
}

async fn insert_opened(client: &ClientWrapper, node: &str, rows: &[&Opened]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
    let times: Vec<_> = rows.iter().map(|row| row.opened_at_us).collect();
    let text = |of: fn(&Opened) -> &String| -> Vec<&str> {
        rows.iter().map(|row| of(row).as_str()).collect()
    };
    let participants = text(|row| &row.participant);
    let senders = text(|row| &row.sender_id);
    let agencies = text(|row| &row.agency);
    let services = text(|row| &row.service);
    let routes = text(|row| &row.route_id);
    let messages = text(|row| &row.message_id);
    let correlations = text(|row| &row.correlation_id);
    let keys: Vec<_> = rows.iter().map(|row| digest(&row.key.0)).collect();
    let callers: Vec<_> = rows.iter().map(|row| digest(&row.caller_certificate)).collect();
    let digests: Vec<_> = rows.iter().map(|row| digest(&row.request_digest)).collect();
    let sizes: Vec<_> =
        rows.iter().map(|row| i64::try_from(row.request_bytes).unwrap_or(i64::MAX)).collect();
    let revocations = text(|row| &row.revocation);
    let parameters: [&(dyn ToSql + Sync); 15] = [
        &node,
        &ids,
        &times,
        &participants,
        &senders,
        &agencies,
        &services,
        &routes,
        &messages,
        &correlations,
        &keys,
        &callers,
        &digests,
        &sizes,
        &revocations,
    ];
    execute(client, OPENED, &parameters).await.map(drop)
}

async fn insert_bodies(
    client: &ClientWrapper,
    bodies: &[(uuid::Uuid, &str, &[u8])],
) -> Result<(), Error> {
    if bodies.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = bodies.iter().map(|(id, ..)| *id).collect();
    let parts: Vec<_> = bodies.iter().map(|(_, part, _)| *part).collect();
    let sealed: Vec<_> = bodies.iter().map(|(.., sealed)| *sealed).collect();
    execute(client, BODIES, &[&ids, &parts, &sealed]).await.map(drop)
}

async fn insert_closed(client: &ClientWrapper, group: &Group) -> Result<(), Error> {
    let closes =
        group.closes.iter().map(|close| (&close.closed, close.needs_evidence, close.answer_bytes));
    let records = group.records.iter().map(|record| (&record.closed, false, 0));
    let rows: Vec<(&Closed, bool, u64)> = closes.chain(records).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = rows.iter().map(|(row, ..)| row.id.0).collect();
    let times: Vec<_> = rows.iter().map(|(row, ..)| row.closed_at_us).collect();
    let outcomes: Vec<_> = rows.iter().map(|(row, ..)| row.outcome.word()).collect();
    let needs_evidence: Vec<_> =
        rows.iter().map(|(_, needs_evidence, _)| *needs_evidence).collect();
    let codes: Vec<_> =
        rows.iter().map(|(row, ..)| row.fault.map(|(code, _)| code.word())).collect();
    let phases: Vec<_> =
        rows.iter().map(|(row, ..)| row.fault.map(|(_, phase)| phase.word())).collect();
    let evidence: Vec<_> = rows.iter().map(|(row, ..)| row.evidence).collect();
    let statuses: Vec<_> = rows.iter().map(|(row, ..)| i32::from(row.http_status)).collect();
    let agencies: Vec<_> = rows.iter().map(|(row, ..)| digest(&row.agency_digest)).collect();
    let signers: Vec<_> = rows.iter().map(|(row, ..)| digest(&row.agency_certificate)).collect();
    let answers: Vec<_> = rows.iter().map(|(row, ..)| digest(&row.answer_digest)).collect();
    let sizes: Vec<_> =
        rows.iter().map(|(.., bytes)| i64::try_from(*bytes).unwrap_or(i64::MAX)).collect();
    let ends: Vec<_> = rows.iter().map(|(row, ..)| phases_text(row)).collect();
    let (requests, request_sizes) = passed(&rows);
    let parameters: [&(dyn ToSql + Sync); 15] = [
        &ids,
        &times,
        &outcomes,
        &needs_evidence,
        &codes,
        &phases,
        &evidence,
        &statuses,
        &agencies,
        &signers,
        &answers,
        &sizes,
        &ends,
        &requests,
        &request_sizes,
    ];
    execute(client, CLOSED, &parameters).await.map(drop)
}

/// Digests and sizes of the requests' bodies that only passed.
fn passed<'r>(rows: &[(&'r Closed, bool, u64)]) -> (Vec<Option<&'r [u8]>>, Vec<Option<i64>>) {
    let of = |(row, ..): &(&'r Closed, bool, u64)| {
        let passed = row.streamed.as_ref();
        let bytes = passed.map(|passed| i64::try_from(passed.request_bytes).unwrap_or(i64::MAX));
        (passed.and_then(|passed| digest(&passed.request_digest)), bytes)
    };
    rows.iter().map(of).unzip()
}

/// Closes openings that nobody carries, those of them that were committed.
async fn undo(client: &ClientWrapper, group: &Group) -> Result<(), Error> {
    if group.undos.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = group.undos.iter().map(|undo| undo.id.0).collect();
    let (outcome, code) = (Outcome::Refused.word(), Code::GatewayJournalDown.word());
    let parameters: [&(dyn ToSql + Sync); 5] =
        [&ids, &crate::journal::now_us(), &outcome, &code, &Phase::Open.word()];
    execute(client, UNDONE, &parameters).await.map(drop)
}

async fn keep_answers(client: &ClientWrapper, closes: &[Close]) -> Result<(), Error> {
    let answered: Vec<_> =
        closes.iter().filter(|close| close.key_end == KeyEnd::Answered).collect();
    if answered.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = answered.iter().map(|close| close.closed.key.0.as_slice()).collect();
    let entries: Vec<_> = answered.iter().map(|close| close.closed.id.0).collect();
    let outcomes: Vec<_> = answered.iter().map(|close| close.closed.outcome.word()).collect();
    let statuses: Vec<_> =
        answered.iter().map(|close| i32::from(close.closed.http_status)).collect();
    let sealed: Vec<_> = answered.iter().map(|close| close.stored()).collect();
    execute(client, ANSWERED, &[&keys, &entries, &outcomes, &statuses, &sealed]).await.map(drop)
}

/// Ends the keys whose calls ended so; undone openings free theirs.
async fn end_keys(
    client: &ClientWrapper,
    sql: &str,
    group: &Group,
    end: KeyEnd,
) -> Result<(), Error> {
    let closed = group
        .closes
        .iter()
        .filter(|close| close.key_end == end)
        .map(|close| (close.closed.key, close.closed.id));
    let undone =
        group.undos.iter().filter(|_| end == KeyEnd::Released).map(|undo| (undo.key, undo.id));
    let (keys, entries): (Vec<_>, Vec<_>) =
        closed.chain(undone).map(|(key, id)| (key.0.to_vec(), id.0)).unzip();
    if keys.is_empty() {
        return Ok(());
    }
    execute(client, sql, &[&keys, &entries]).await.map(drop)
}

/// The day's key as stored: ours, or that of the node which was first.
async fn make_day_key(client: &ClientWrapper, new: &NewDayKey) -> Result<Vec<u8>, Error> {
    execute(client, NEW_DAY_KEY, &[&new.day, &new.wrapped]).await?;
    let statement = client.prepare_cached(DAY_KEY).await?;
    client.query_one(&statement, &[&new.day]).await?.try_get(0)
}

async fn insert_resolved(client: &ClientWrapper, resolve: &Resolve) -> Result<Resolution, Error> {
    let resolved = &resolve.resolved;
    let parameters: [&(dyn ToSql + Sync); 5] = [
        &resolved.id.0,
        &resolved.resolved_at_us,
        &resolved.outcome.word(),
        &resolved.evidence,
        &resolved.note,
    ];
    if execute(client, RESOLVED, &parameters).await? == 0 {
        return Ok(Resolution::NotWaiting);
    }
    if resolved.outcome == Outcome::Refused {
        execute(client, FREED, &[&resolved.id.0]).await?;
    }
    Ok(Resolution::Written)
}
