//! Payments in a PostgreSQL cluster: any number of nodes, each with one writing session.
//!
//! The rows that a group decides on are locked as they are read, in one order by all nodes; what
//! could not be locked, because it was not there yet, is held by unique indexes and versions. Who
//! loses such a race reads and decides anew.

use super::{Backing, Failed, Group, Parameter, SCHEMA};
use crate::journal::Why;
use crate::journal::down::{JournalDown, JournalError};
use crate::journal::postgres::{ATTEMPT, Reader, Target, check_schema, down, told};
use crate::payments::book::{Book, Lookup, Wanted, Write};
use crate::trial;
use aws_lc_rs::digest::{SHA256, digest};
use deadpool_postgres::ClientWrapper;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};

/// What another node's change makes of ours; each is decided anew.
const RACES: [SqlState; 6] = [
    SqlState::UNIQUE_VIOLATION,
    SqlState::CHECK_VIOLATION,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::LOCK_NOT_AVAILABLE,
    // How an update says that a version was not the one read.
    SqlState::DIVISION_BY_ZERO,
];

/// The writing side of one node.
pub(in crate::payments) struct Postgres {
    target: Target,
    session: Option<ClientWrapper>,
}

impl Postgres {
    /// Connects, checks the schema, and notes the banks that are new.
    pub(in crate::payments) async fn open(
        target: Target,
        banks: &[String],
    ) -> Result<Self, JournalError> {
        let store = target.to_string();
        let failed = |cause: Error| JournalError::store(&store, told(&cause));
        let client = target.session().await.map_err(failed)?;
        check_schema(&client, &target, &SCHEMA).await?;
        durable(&client).await.map_err(failed)?;
        let note = "INSERT INTO bank_window (id, version) SELECT unnest($1::text[]), 1 ON CONFLICT DO NOTHING";
        client.execute(note, &[&banks]).await.map_err(failed)?;
        Ok(Self { target, session: Some(client) })
    }

    async fn attempt(&mut self, group: &mut Group<'_>) -> Result<(), Failed> {
        let target = self.target.clone();
        let lost = |error: Error| Failed::Down(down(&target, &error));
        if self.session.as_ref().is_none_or(|session| session.is_closed()) {
            let client = self.target.session().await.map_err(lost)?;
            durable(&client).await.map_err(lost)?;
            self.session = Some(client);
        }
        let Some(client) = &self.session else { return Ok(()) };
        let mut ended = run(client, group, Names::Given).await;
        if matches!(ended, Err(Broken::Early)) {
            client.batch_execute("ROLLBACK").await.map_err(lost)?;
            ended = run(client, group, Names::Missed).await;
        }
        let raced = match ended {
            Ok(()) => return Ok(()),
            Err(Broken::Early) => "a word without an order".to_owned(),
            Err(Broken::Row(cause)) => return Err(Failed::Down(super::broken(&cause))),
            Err(Broken::Store(error)) => match error.code() {
                Some(code) if RACES.contains(code) => told(&error),
                _ => return Err(lost(error)),
            },
        };
        client.batch_execute("ROLLBACK").await.map_err(lost)?;
        Err(Failed::Raced(raced))
    }
}

/// Durable means at least: on this server's disk.
async fn durable(client: &ClientWrapper) -> Result<(), Error> {
    let set = "SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') = 'off'";
    client.batch_execute(set).await
}

impl Backing for Postgres {
    async fn transact(&mut self, group: &mut Group<'_>) -> Result<(), Failed> {
        let result = match timeout(ATTEMPT, self.attempt(group)).await {
            Ok(result) => result,
            Err(_) => {
                let cause = format!("{}: no answer", self.target);
                Err(Failed::Down(JournalDown::new(Why::Slow, cause)))
            }
        };
        if matches!(result, Err(Failed::Down(_))) {
            // It may be in the middle of anything: it is closed, never reused.
            self.session = None;
        }
        result
    }
}

enum Broken {
    Store(Error),
    Row(serde_json::Error),
    /// A word is to be kept for an order that nobody knows, and another node may be naming it.
    Early,
}

/// How the names of a bank's orders are locked. Neither the word nor the order can be locked, where the one
/// is about to be kept and the other about to be there: they would pass each other unseen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Orders may get names; nodes do so beside each other.
    Given,
    /// A word is kept under a name that no order has: nobody gives one meanwhile.
    Missed,
}

/// Beside the number of a bank: what these advisory locks are for.
const NAMES_LOCK: i32 = 0x6e61_6d65;

impl Names {
    /// Begins a transaction and takes the lock of each bank of which something is heard, before any row is
    /// read: who waited then reads what the other has committed.
    fn begin(self, wanted: &Wanted) -> String {
        let function = match self {
            Self::Given => "pg_advisory_xact_lock_shared",
            Self::Missed => "pg_advisory_xact_lock",
        };
        let number = |bank: &String| {
            let digest = digest(&SHA256, bank.as_bytes());
            digest.as_ref().first_chunk().map_or(0, |bytes| i32::from_be_bytes(*bytes))
        };
        let mut numbers: Vec<i32> = wanted.keys(Lookup::Window).iter().map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let lock = |number| format!("; SELECT {function}({NAMES_LOCK}, {number})");
        numbers.into_iter().map(lock).fold("BEGIN".to_owned(), |sql, lock| sql + &lock)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(error)
    }
}

async fn run(client: &ClientWrapper, group: &mut Group<'_>, names: Names) -> Result<(), Broken> {
    let mut book = Book::default();
    let wanted = group.wanted();
    load(client, &names.begin(&wanted), &wanted, &mut book).await?;
    let more = group.wanted_more(&book);
    if !more.is_empty() {
        load(client, "", &more, &mut book).await?;
    }
    while let Some(word) = group.decide(&mut book) {
        load(client, "", &word.wanted(), &mut book).await?;
        load(client, "", &word.wanted_more(&book, group.rules), &mut book).await?;
        word.hear(&mut book, group.rules);
    }
    if names == Names::Given && book.keeps_early() {
        return Err(Broken::Early);
    }
    // Prepared before any of them is sent: else COMMIT would overtake the first that waits for it.
    let mut prepared = Vec::new();
    for (sql, parameters) in statements(book.writes()?)? {
        prepared.push((client.prepare_cached(&sql).await?, parameters));
    }
    trial::point("payments.commit.before");
    let mut slots = prepared.iter();
    let mut next = || execute(client, slots.next());
    // Sent together: the driver writes what is polled first, first; COMMIT after a failure rolls back.
    let (w1, w2, w3, w4) = (next(), next(), next(), next());
    let (w5, w6, w7, w8) = (next(), next(), next(), next());
    let (w9, w10, w11, w12) = (next(), next(), next(), next());
    let (w13, w14, w15, w16) = (next(), next(), next(), next());
    tokio::try_join!(
        biased; w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15, w16,
        client.batch_execute("COMMIT"),
    )?;
    trial::point("payments.commit.after");
    Ok(())
}

/// Reads every row that is wanted, all questions sent together.
async fn load(
    client: &ClientWrapper,
    first: &str,
    wanted: &Wanted,
    book: &mut Book,
) -> Result<(), Broken> {
    let look = |lookup| look(client, lookup, wanted);
    let begin = async { if first.is_empty() { Ok(()) } else { client.batch_execute(first).await } };
    let ((), usual, a, b, c, d, e, f, g, h, i, j, k, l, m, n) = tokio::try_join!(
        biased;
        begin,
        look_usual(client, wanted),
        look(Lookup::WindowToClose),
        look(Lookup::ChargeName),
        look(Lookup::EndToEnd),
        look(Lookup::Document),
        look(Lookup::Reversing),
        look(Lookup::Refunded),
        look(Lookup::Redemption),
        look(Lookup::Key),
        look(Lookup::Notice),
        look(Lookup::Untold),
        look(Lookup::Run),
        look(Lookup::Break),
        look(Lookup::RegisterFile),
        look(Lookup::Totals),
    )?;
    let rest = [a, b, c, d, e, f, g, h, i, j, k, l, m, n];
    let rows = usual.into_iter().chain(rest.into_iter().flatten());
    for (lookup, row) in rows {
        book.absorb(lookup, serde_json::from_str(&row)?)?;
    }
    Ok(())
}

type Rows = Vec<(Lookup, String)>;

async fn look(client: &ClientWrapper, lookup: Lookup, wanted: &Wanted) -> Result<Rows, Error> {
    let keys = wanted.keys(lookup);
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {}", object(lookup, 1));
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&keys]).await?;
    rows.iter().map(|row| Ok((lookup, row.try_get(0)?))).collect()
}

/// The rows of [`Lookup::USUAL`], by one statement: a payment wants most of them.
///
/// They are seen as at its beginning, also where it had to wait for a lock. What another node did
/// meanwhile is then held by the unique indexes, and the group is decided anew.
async fn look_usual(client: &ClientWrapper, wanted: &Wanted) -> Result<Rows, Error> {
    let keys = Lookup::USUAL.map(|lookup| wanted.keys(lookup));
    if keys.iter().all(Vec::is_empty) {
        return Ok(Vec::new());
    }
    let arms: Vec<String> = (Lookup::USUAL.into_iter().zip(1..))
        .map(|(lookup, place)| format!("SELECT {place}, {}", object(lookup, place)))
        .collect();
    let statement = client.prepare_cached(&arms.join(" UNION ALL ")).await?;
    let keys = keys.each_ref().map(|keys| keys as &(dyn ToSql + Sync));
    let mut read = Vec::new();
    for row in client.query(&statement, &keys).await? {
        let place = usize::try_from(row.try_get::<_, i32>(0)?).unwrap_or(usize::MAX);
        if let Some(lookup) = Lookup::USUAL.get(place.saturating_sub(1)) {
            read.push((*lookup, row.try_get(1)?));
        }
    }
    Ok(read)
}

/// The rows that a lookup's keys lead to, locked, each as JSON; the keys are the parameter at `place`.
fn object(lookup: Lookup, place: usize) -> String {
    let (select, lock) = lookup.select();
    let select = select.replace("{set}", &format!("= ANY(${place})"));
    format!("row_to_json(t)::text FROM ({select}{lock}) t")
}

/// What is added beside a new order: written with it, by one statement.
const BESIDE: [&str; 3] = ["order_evidence", "transfer", "order_change"];

type Parameters = Vec<Box<dyn ToSql + Sync>>;

/// A statement that is ready to be sent, with its parameters.
type Prepared = (Statement, Parameters);

/// The statements of all writes, in their order.
fn statements(writes: Vec<Write>) -> Result<Vec<(String, Parameters)>, serde_json::Error> {
    let of = |write: &Write| match write {
        Write::Insert { table, .. } => *table,
        Write::Update { .. } | Write::Forget { .. } => "",
    };
    let has_orders = writes.iter().any(|write| of(write) == "payment_order");
    let is_beside = |write: &Write| has_orders && BESIDE.contains(&of(write));
    let (beside, writes): (Vec<_>, Vec<_>) = writes.into_iter().partition(is_beside);
    let with = |write: &Write| if of(write) == "payment_order" { &*beside } else { &[] };
    writes.iter().map(|write| statement(write, with(write))).collect()
}

fn statement(write: &Write, beside: &[Write]) -> Result<(String, Parameters), serde_json::Error> {
    Ok(match write {
        Write::Insert { table, rows } => {
            let mut parameters: Parameters = vec![Box::new(serde_json::to_string(rows)?)];
            let mut sql = insertion(table, 1);
            if !beside.is_empty() {
                let mut arms = Vec::new();
                for table in BESIDE {
                    let rows = beside.iter().find_map(|write| match write {
                        Write::Insert { table: of, rows } if *of == table => Some(&**rows),
                        _ => None,
                    });
                    parameters.push(Box::new(serde_json::to_string(rows.unwrap_or_default())?));
                    arms.push(format!("{table}_rows AS ({})", insertion(table, parameters.len())));
                }
                sql = format!("WITH {} {sql}", arms.join(", "));
            }
            (sql, parameters)
        }
        Write::Update { table, rows, versions } => {
            let first = rows.first().and_then(Value::as_object);
            let names = first.into_iter().flat_map(|row| row.keys());
            let sets: Vec<String> = names.map(|name| format!("{name} = r.{name}")).collect();
            // The ids stand apart, so that whatever the plan, no other row of the table is looked at.
            let sql = format!(
                "WITH fresh AS MATERIALIZED (SELECT r.*, (e ->> 'stored')::bigint AS stored \
                 FROM json_array_elements($1::text::json) AS e, \
                 LATERAL json_populate_record(NULL::{table}, e -> 'row') AS r), \
                 updated AS (UPDATE {table} AS o SET {} FROM fresh AS r \
                 WHERE o.id = ANY($3) AND o.id = r.id AND o.version = r.stored RETURNING 1) \
                 SELECT 1 / CASE WHEN count(*) = $2 THEN 1 ELSE 0 END FROM updated",
                sets.join(", ")
            );
            let ids = rows.iter().filter_map(|row| row.get("id")?.as_str().map(str::to_owned));
            let ids: Vec<String> = ids.collect();
            let rows: Vec<Value> = (rows.iter().zip(versions))
                .map(|(row, version)| json!({ "row": row, "stored": version }))
                .collect();
            let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            (sql, vec![Box::new(serde_json::to_string(&rows)?), Box::new(count), Box::new(ids)])
        }
        Write::Forget { before_us } => {
            let sql = "DELETE FROM request_key WHERE id IN (SELECT id FROM request_key \
                 WHERE answered_at_us < $1 ORDER BY answered_at_us LIMIT 1000)";
            (sql.to_owned(), vec![Box::new(*before_us)])
        }
    })
}

/// Adds the rows that the parameter at `place` holds as JSON.
fn insertion(table: &str, place: usize) -> String {
    format!(
        "INSERT INTO {table} \
         SELECT * FROM json_populate_recordset(NULL::{table}, ${place}::text::json)"
    )
}

/// Sends a statement at the first poll; an empty slot is done at once.
async fn execute(client: &ClientWrapper, prepared: Option<&Prepared>) -> Result<(), Error> {
    let Some((statement, parameters)) = prepared else { return Ok(()) };
    let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|one| &**one).collect();
    client.query(statement, &parameters).await.map(drop)
}

/// Rows of a question, on a pooled session.
pub(super) async fn read(
    reader: &Reader,
    sql: &str,
    parameters: &[Parameter],
) -> Result<Vec<Value>, JournalDown> {
    let sql = format!("SELECT row_to_json(t)::text FROM ({sql}) t");
    let parameters: Vec<&(dyn ToSql + Sync)> = parameters
        .iter()
        .map(|parameter| match parameter {
            Parameter::Text(text) => text as &(dyn ToSql + Sync),
            Parameter::Number(number) => number,
        })
        .collect();
    let rows = reader.rows(&sql, &parameters).await?;
    let rows = rows.iter().map(|row| {
        let text: String = row.try_get(0).map_err(|cause| super::broken(&cause))?;
        serde_json::from_str(&text).map_err(|cause| super::broken(&cause))
    });
    rows.collect()
}
