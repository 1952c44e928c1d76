//! What the writer sends to PostgreSQL for a whole group: one statement for what every call writes.

use super::claim;
use crate::journal::entry::{Closed, Opened, Resolution};
use crate::journal::group::{
    Close, Group, KeyEnd, NewDayKey, Open, Resolve, Written, digest, phases_text,
};
use crate::journal::same_call::given_up_at_us;
use deadpool_postgres::ClientWrapper;
use qaqpa_kit::fault::{Code, Outcome, Phase};
use std::collections::HashSet;
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Claims keys, adds the rows of those calls that got theirs or need none (`e` is NULL) and of refusals
/// (`g` is NULL too), and ends calls; what comes back is under way. A row that is there already in any way
/// is left alone.
///
/// One statement, because most of what a small group costs is statements: it is a transaction by itself.
/// Sets of rows come from `SELECT unnest …`, which keeps no copy of each column as `FROM unnest` does, and
/// `IS TRUE` keeps the planner from making a join of what is looked up in a table of hashes.
const GROUP: &str = "WITH opening AS MATERIALIZED (SELECT unnest($2::uuid[]) AS id, \
     unnest($3::bigint[]) AS t, unnest($4::text[]) AS p, unnest($5::text[]) AS s, \
     unnest($6::text[]) AS a, unnest($7::text[]) AS v, unnest($8::text[]) AS r, \
     unnest($9::text[]) AS m, unnest($10::text[]) AS c, unnest($11::bytea[]) AS k, \
     unnest($12::bytea[]) AS cc, unnest($13::bytea[]) AS d, unnest($14::bigint[]) AS b, \
     unnest($15::text[]) AS x, unnest($16::bytea[]) AS mk, unnest($17::bool[]) AS i, \
     unnest($18::bigint[]) AS e, unnest($19::bigint[]) AS g, unnest($20::bytea[]) AS body), \
     claimed AS (INSERT INTO call_key SELECT k, mk, id, i, t, e, 0, NULL FROM opening \
     WHERE e IS NOT NULL ON CONFLICT DO NOTHING RETURNING entry), \
     let_in AS MATERIALIZED (SELECT * FROM opening \
     WHERE e IS NULL OR (id IN (SELECT entry FROM claimed)) IS TRUE), \
     opened AS (INSERT INTO entry_opened \
     SELECT id, $1, t, p, s, a, v, r, m, c, k, cc, d, b, nullif(x, '') FROM let_in \
     ON CONFLICT DO NOTHING RETURNING id), \
     begun AS (INSERT INTO entry_under_way SELECT id, $1, i, g FROM let_in \
     WHERE g IS NOT NULL AND (id IN (SELECT id FROM opened)) IS TRUE \
     ON CONFLICT DO NOTHING RETURNING id), \
     requests AS (INSERT INTO entry_body SELECT id, 'request', body FROM let_in \
     WHERE body IS NOT NULL ON CONFLICT DO NOTHING), \
     closing AS MATERIALIZED (SELECT unnest($21::uuid[]) AS id, unnest($22::bigint[]) AS t, \
     unnest($23::text[]) AS o, unnest($24::bool[]) AS n, unnest($25::text[]) AS c, \
     unnest($26::text[]) AS p, unnest($27::text[]) AS e, unnest($28::int[]) AS h, \
     unnest($29::bytea[]) AS ad, unnest($30::bytea[]) AS ac, unnest($31::bytea[]) AS d, \
     unnest($32::bigint[]) AS b, unnest($33::text[]) AS ph, unnest($34::bytea[]) AS rd, \
     unnest($35::bigint[]) AS rb, unnest($36::bytea[]) AS body, unnest($37::bytea[]) AS k, \
     unnest($38::bytea[]) AS kept), \
     closed AS (INSERT INTO entry_closed \
     SELECT id, t, o, n, c, p, e, h, ad, ac, d, b, ph, rd, rb FROM closing \
     ON CONFLICT DO NOTHING), \
     ended AS (DELETE FROM entry_under_way u USING closing WHERE u.id = closing.id), \
     answers AS (INSERT INTO entry_body SELECT id, 'answer', body FROM closing \
     WHERE body IS NOT NULL ON CONFLICT DO NOTHING), \
     remembered AS (UPDATE call_key SET answer = kept, answer_bytes = octet_length(kept) \
     FROM closing WHERE call_key = k AND entry = id AND kept IS NOT NULL), \
     released AS (DELETE FROM call_key USING closing \
     WHERE call_key = k AND entry = id AND kept IS NULL) \
     SELECT id FROM begun";

const UNDONE: &str = "WITH ended AS (DELETE FROM entry_under_way WHERE id = ANY($1)) \
     INSERT INTO entry_closed (id, closed_at_us, outcome, needs_evidence, \
     fault_code, fault_phase, evidence, answer_bytes, phases) \
     SELECT id, $2, $3, false, $4, $5, 'fault', 0, '' FROM entry_opened WHERE id = ANY($1) \
     ON CONFLICT DO NOTHING";

const UNDONE_KEYS: &str = "DELETE FROM call_key \
     USING unnest($1::bytea[], $2::uuid[]) AS t (k, e) WHERE call_key = k AND entry = e";

const NEW_DAY_KEY: &str = "INSERT INTO day_key VALUES ($1, $2) ON CONFLICT DO NOTHING";
const DAY_KEY: &str = "SELECT wrapped FROM day_key WHERE day = $1";

const RESOLVED: &str = "INSERT INTO entry_resolved SELECT id, $2, $3, $4, $5 FROM entry_closed \
     WHERE id = $1 AND needs_evidence ON CONFLICT DO NOTHING";
const FREED: &str = "DELETE FROM call_key WHERE entry = $1 \
     AND call_key = (SELECT call_key FROM entry_opened WHERE id = $1)";

/// Every statement of a group; a session prepares them all before it is used, so that none waits for
/// its preparation between statements that are sent together.
pub(super) const STATEMENTS: [&str; 9] = [
    GROUP,
    claim::RIVALS,
    claim::REMOVE,
    UNDONE,
    UNDONE_KEYS,
    NEW_DAY_KEY,
    DAY_KEY,
    RESOLVED,
    FREED,
];

/// Writes a group in one transaction, and then what claims that were in vain have found.
/// `may_be_committed` tells whether a group that failed may have been written, or a part of it.
pub(super) async fn group(
    client: &ClientWrapper,
    node: &str,
    group: &Group,
    may_be_committed: &mut bool,
) -> Result<Written, Error> {
    let mut written = Written::default();
    let is_one = group.day_keys.is_empty() && group.resolves.is_empty() && group.undos.is_empty();
    if !is_one {
        client.batch_execute("BEGIN").await?;
    }
    for day_key in &group.day_keys {
        written.day_keys.push(make_day_key(client, day_key).await?);
    }
    for resolve in &group.resolves {
        written.resolutions.push(insert_resolved(client, resolve).await?);
    }
    let opens = claims(&group.opens);
    *may_be_committed = true;
    let commit = async { if is_one { Ok(()) } else { client.batch_execute("COMMIT").await } };
    // Sent together: the driver writes what is polled first, first.
    let sent = tokio::try_join!(
        biased;
        open_and_close(client, node, &opens, Some(group)),
        undo(client, group),
        commit,
    );
    // The server said so itself: then it has rolled back.
    let (claimed, ..) =
        sent.inspect_err(|error| *may_be_committed = error.as_db_error().is_none())?;
    written.found = claim::find(client, node, &group.opens, claimed).await?;
    Ok(written)
}

/// The calls that claim keys, in the order of all nodes: by the key of the messageId, which equal calls share, then by
/// their own. Of those that may not stand beside each other the first alone claims, and the others are judged by
/// what they find. So two groups never wait for each other in a circle.
pub(super) fn claims<'g>(opens: impl IntoIterator<Item = &'g Open>) -> Vec<&'g Open> {
    let is_alone = |open: &Open| open.same_call.is_remembered && open.same_call.unique_message_id;
    let mut opens: Vec<_> = opens.into_iter().collect();
    opens.sort_by_key(|open| (open.opened.message_key, is_alone(open), open.opened.key.0));
    opens.dedup_by(|later, first| {
        is_alone(later) && is_alone(first) && later.opened.message_key == first.opened.message_key
    });
    opens
}

async fn execute(
    client: &ClientWrapper,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<u64, Error> {
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, parameters).await
}

/// Claims the keys of these calls, lets in those that got theirs or need none, and writes the refusals and ends of a
/// group; the calls that were let in.
pub(super) async fn open_and_close(
    client: &ClientWrapper,
    node: &str,
    opens: &[&Open],
    group: Option<&Group>,
) -> Result<HashSet<Uuid>, Error> {
    let (records, closes) =
        group.map_or((&[][..], &[][..]), |group| (&*group.records, &*group.closes));
    if opens.is_empty() && records.is_empty() && closes.is_empty() {
        return Ok(HashSet::new());
    }
    let refused: Vec<&Opened> = records.iter().map(|record| &record.opened).collect();
    let ends = closes.iter().map(|close| (&close.closed, Some(close)));
    let ends: Vec<_> = ends.chain(records.iter().map(|record| (&record.closed, None))).collect();
    let mut columns: Columns<'_> = vec![Box::new(node)];
    opening(&mut columns, opens, &refused);
    closing(&mut columns, &ends);
    let parameters: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| &**column).collect();
    let statement = client.prepare_cached(GROUP).await?;
    let rows = client.query(&statement, &parameters).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Parameters of [`GROUP`], a column of rows each, in their order.
type Columns<'g> = Vec<Box<dyn ToSql + Sync + 'g>>;

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// `$2` to `$20`: calls to be let in, then refusals.
fn opening<'g>(columns: &mut Columns<'g>, opens: &[&'g Open], refused: &[&'g Opened]) {
    let rows = || opens.iter().map(|open| &open.opened).chain(refused.iter().copied());
    let text = |of: fn(&Opened) -> &String| -> Box<Vec<&'g str>> {
        Box::new(rows().map(|row| of(row).as_str()).collect())
    };
    let bytes = |of: fn(&Opened) -> &[u8; 32]| -> Box<Vec<Option<&'g [u8]>>> {
        Box::new(rows().map(|row| digest(of(row))).collect())
    };
    columns.push(Box::new(rows().map(|row| row.id.0).collect::<Vec<_>>()));
    columns.push(Box::new(rows().map(|row| row.opened_at_us).collect::<Vec<_>>()));
    columns.push(text(|row| &row.participant));
    columns.push(text(|row| &row.sender_id));
    columns.push(text(|row| &row.agency));
    columns.push(text(|row| &row.service));
    columns.push(text(|row| &row.route_id));
    columns.push(text(|row| &row.message_id));
    columns.push(text(|row| &row.correlation_id));
    let keys = opens.iter().map(|open| Some(open.opened.key.0.as_slice()));
    let keys = keys.chain(refused.iter().map(|row| digest(&row.key.0)));
    columns.push(Box::new(keys.collect::<Vec<_>>()));
    columns.push(bytes(|row| &row.caller_certificate));
    columns.push(bytes(|row| &row.request_digest));
    columns.push(Box::new(rows().map(|row| size(row.request_bytes)).collect::<Vec<_>>()));
    columns.push(text(|row| &row.revocation));
    // A refusal claims nothing, is never under way and has no body.
    fn none<T>(refused: &[&Opened]) -> impl Iterator<Item = Option<T>> {
        refused.iter().map(|_| None)
    }
    let message_keys = opens.iter().map(|Open { opened, same_call, .. }| {
        Some(opened.message_key.as_slice()).filter(|_| same_call.unique_message_id)
    });
    columns.push(Box::new(message_keys.chain(none(refused)).collect::<Vec<_>>()));
    let idempotent = opens.iter().map(|open| open.same_call.idempotent);
    columns.push(Box::new(idempotent.chain(refused.iter().map(|_| false)).collect::<Vec<_>>()));
    let expires = opens.iter().map(|Open { same_call, .. }| {
        Some(same_call.expires_at_us).filter(|_| same_call.is_remembered)
    });
    columns.push(Box::new(expires.chain(none(refused)).collect::<Vec<_>>()));
    let given_up = opens.iter().map(|Open { opened, same_call, .. }| {
        Some(given_up_at_us(opened.opened_at_us, same_call.expires_at_us))
    });
    columns.push(Box::new(given_up.chain(none(refused)).collect::<Vec<_>>()));
    let bodies = opens.iter().map(|open| open.request.as_deref());
    columns.push(Box::new(bodies.chain(none(refused)).collect::<Vec<_>>()));
}

/// `$21` to `$38`: what ended; of refusals there is no more than the row.
fn closing<'g>(columns: &mut Columns<'g>, ends: &[(&'g Closed, Option<&'g Close>)]) {
    let rows = || ends.iter().map(|(closed, _)| *closed);
    let closes = || ends.iter().map(|(_, close)| *close);
    let bytes = |of: fn(&Closed) -> &[u8; 32]| -> Box<Vec<Option<&'g [u8]>>> {
        Box::new(rows().map(|row| digest(of(row))).collect())
    };
    let of_close = |of: fn(&'g Close) -> Option<&'g [u8]>| -> Box<Vec<Option<&'g [u8]>>> {
        Box::new(closes().map(|close| close.and_then(of)).collect())
    };
    let word = |of: fn(&Closed) -> &'static str| -> Box<Vec<&'static str>> {
        Box::new(rows().map(of).collect())
    };
    let fault = |of: fn((Code, Phase)) -> &'static str| -> Box<Vec<Option<&'static str>>> {
        Box::new(rows().map(|row| row.fault.map(of)).collect())
    };
    columns.push(Box::new(rows().map(|row| row.id.0).collect::<Vec<_>>()));
    columns.push(Box::new(rows().map(|row| row.closed_at_us).collect::<Vec<_>>()));
    columns.push(word(|row| row.outcome.word()));
    let waits = closes().map(|close| close.is_some_and(|close| close.needs_evidence));
    columns.push(Box::new(waits.collect::<Vec<_>>()));
    columns.push(fault(|(code, _)| code.word()));
    columns.push(fault(|(_, phase)| phase.word()));
    columns.push(word(|row| row.evidence));
    columns.push(Box::new(rows().map(|row| i32::from(row.http_status)).collect::<Vec<_>>()));
    columns.push(bytes(|row| &row.agency_digest));
    columns.push(bytes(|row| &row.agency_certificate));
    columns.push(bytes(|row| &row.answer_digest));
    let sizes = closes().map(|close| close.map_or(0, |close| size(close.answer_bytes)));
    columns.push(Box::new(sizes.collect::<Vec<_>>()));
    columns.push(Box::new(rows().map(phases_text).collect::<Vec<_>>()));
    // Digests and sizes of the requests' bodies that only passed.
    let passed = || rows().map(|row| row.streamed.as_ref());
    let digests = passed().map(|passed| passed.and_then(|passed| digest(&passed.request_digest)));
    columns.push(Box::new(digests.collect::<Vec<_>>()));
    let sizes = passed().map(|passed| passed.map(|passed| size(passed.request_bytes)));
    columns.push(Box::new(sizes.collect::<Vec<_>>()));
    columns.push(of_close(Close::body));
    // Of keys that the end changes; one that it stores no answer with goes.
    let key = |close: &'g Close| {
        let is_changed = close.key_end == KeyEnd::Released || close.stored().is_some();
        Some(close.closed.key.0.as_slice()).filter(|_| is_changed)
    };
    columns.push(of_close(key));
    columns.push(of_close(Close::stored));
}

/// Closes openings that nobody carries, those of them that were committed, and frees their keys.
async fn undo(client: &ClientWrapper, group: &Group) -> Result<(), Error> {
    if group.undos.is_empty() {
        return Ok(());
    }
    let (keys, ids): (Vec<_>, Vec<_>) =
        group.undos.iter().map(|undo| (undo.key.0.as_slice(), undo.id.0)).unzip();
    let (outcome, code) = (Outcome::Refused.word(), Code::GatewayJournalDown.word());
    let parameters: [&(dyn ToSql + Sync); 5] =
        [&ids, &crate::journal::now_us(), &outcome, &code, &Phase::Open.word()];
    let keys: [&(dyn ToSql + Sync); 2] = [&keys, &ids];
    let closed = execute(client, UNDONE, &parameters);
    tokio::try_join!(biased; closed, execute(client, UNDONE_KEYS, &keys)).map(drop)
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
