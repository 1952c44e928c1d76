//! `qaqpa migrate` for PostgreSQL: brings the schema up, and makes the partitions of the next days.

use super::connect::{Target, told};
use super::version;
use crate::journal::down::JournalError;
use crate::journal::now_us;
use crate::journal::schema::{self, Migrated, Schema};
use jiff::{ToSpan, civil};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// One migrator at a time.
const MIGRATE_LOCK: i64 = 0x7161_7170_616d_6967;
const PARTITIONED: [&str; 4] = ["entry_opened", "entry_closed", "entry_resolved", "entry_body"];
/// Evidence that went with its day's partition is waited for no more.
const FORGET_WAITING: &str = "DELETE FROM entry_waiting w \
     WHERE NOT EXISTS (SELECT 1 FROM entry_closed c WHERE c.id = w.id)";

/// Migrates, and makes partitions for today and `days_ahead` more days (UTC). The role of the URL
/// becomes the owner of what is made; the gateway's own role may not do this.
///
/// # Errors
/// The cluster's own words, with its address.
pub(in crate::journal) async fn migrate(
    target: &Target,
    days_ahead: u32,
) -> Result<Migrated, JournalError> {
    let failed = |error: Error| JournalError::store(target.to_string(), told(&error));
    let (mut client, connection) = target.plain().await.map_err(failed)?;
    let migrated = migrate_on(&mut client, target, days_ahead).await;
    // Gone from the server before we say that it is done.
    drop(client);
    let _ended = connection.await;
    migrated
}

async fn migrate_on(
    client: &mut Client,
    target: &Target,
    days_ahead: u32,
) -> Result<Migrated, JournalError> {
    let failed = |error: Error| JournalError::store(target.to_string(), told(&error));
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATE_LOCK]).await.map_err(failed)?;
    let from = bring_up(client, target, &schema::JOURNAL).await?;
    let mut migrated = Migrated { from, to: schema::JOURNAL.version, ..Migrated::default() };
    let today = i32::try_from(now_us() / 86_400_000_000).unwrap_or(0);
    for day in (today..).take(days_ahead as usize + 1) {
        match make_partitions(client, day).await {
            Ok(true) => migrated.days_made += 1,
            Ok(false) => {}
            Err(error) if error.code() == Some(&SqlState::CHECK_VIOLATION) => {
                migrated.days_late += 1;
            }
            Err(error) => return Err(failed(error)),
        }
    }
    client.execute(FORGET_WAITING, &[]).await.map_err(failed)?;
    Ok(migrated)
}

/// Brings another schema of the same database up; the version found.
pub(crate) async fn migrate_schema(target: &Target, schema: &Schema) -> Result<i32, JournalError> {
    let failed = |error: Error| JournalError::store(target.to_string(), told(&error));
    let (mut client, connection) = target.plain().await.map_err(failed)?;
    let lock = client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATE_LOCK]).await;
    let migrated = match lock {
        Ok(_) => bring_up(&mut client, target, schema).await,
        Err(error) => Err(failed(error)),
    };
    drop(client);
    let _ended = connection.await;
    migrated
}

/// Applies the steps that are missing; the version found.
async fn bring_up(
    client: &mut Client,
    target: &Target,
    schema: &Schema,
) -> Result<i32, JournalError> {
    let failed = |error: Error| JournalError::store(target.to_string(), told(&error));
    let (found, wanted) = (prepare(client, schema).await.map_err(failed)?, schema.version);
    if found > wanted {
        return Err(JournalError::TooNew { store: target.to_string(), found, wanted });
    }
    for step in schema::migrations(schema.postgres).filter(|step| step.version > found) {
        apply(client, schema, &step).await.map_err(failed)?;
    }
    Ok(found)
}

/// The schema and its table of versions; the version found.
async fn prepare(client: &Client, schema: &Schema) -> Result<i32, Error> {
    let versions = schema.versions;
    let absent = client.query_one("SELECT to_regnamespace('qaqpa') IS NULL", &[]).await?;
    if absent.try_get(0)? {
        client.batch_execute("CREATE SCHEMA qaqpa").await?;
    }
    client.batch_execute("SET search_path = qaqpa; SET client_min_messages = warning").await?;
    let absent = client.query_one("SELECT to_regclass($1) IS NULL", &[&versions]).await?;
    if absent.try_get(0)? {
        let create = format!(
            "CREATE TABLE {versions} \
             (version INTEGER NOT NULL PRIMARY KEY, applied_at_us BIGINT NOT NULL)"
        );
        client.batch_execute(&create).await?;
    }
    version(client, schema).await
}

async fn apply(
    client: &mut Client,
    schema: &Schema,
    step: &schema::Migration,
) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(step.sql).await?;
    let note = format!("INSERT INTO {} VALUES ($1, $2)", schema.versions);
    transaction.execute(&note, &[&step.version, &now_us()]).await?;
    transaction.commit().await
}

/// Makes one day's partitions; false when they were there.
async fn make_partitions(client: &mut Client, day: i32) -> Result<bool, Error> {
    let date = civil::date(1970, 1, 1).saturating_add(day.days()).strftime("%Y%m%d").to_string();
    let transaction = client.transaction().await?;
    let mut is_made = false;
    for table in PARTITIONED {
        let name = format!("{table}_{date}");
        let absent = transaction.query_one("SELECT to_regclass($1) IS NULL", &[&name]).await?;
        if absent.try_get(0)? {
            let (first, next) = (first_id(day), first_id(day + 1));
            transaction
                .batch_execute(&format!(
                    "CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{next}')"
                ))
                .await?;
            is_made = true;
        }
    }
    transaction.commit().await?;
    Ok(is_made)
}

/// The lowest UUID of a day: version 7 begins with 48 bits of milliseconds.
fn first_id(day: i32) -> Uuid {
    let ms = u128::from(day.unsigned_abs()) * 86_400_000;
    Uuid::from_u128(ms << 80)
}

#[cfg(test)]
mod tests {
    use super::first_id;
    use crate::journal::entry::EntryId;

    #[test]
    fn every_id_of_a_day_lies_between_its_first_and_the_next_days() {
        let noon_us = 1_795_348_800_000_000; // 2026-11-22T12:00:00Z
        let (midnight_us, day_us) = (noon_us - 43_200_000_000, 86_400_000_000);
        for at_us in [midnight_us, noon_us, midnight_us + day_us - 1] {
            let id = EntryId::at(at_us);
            assert!((first_id(id.day())..first_id(id.day() + 1)).contains(&id.0), "{at_us}");
        }
        assert_eq!(EntryId::at(midnight_us + day_us).day(), EntryId::at(noon_us).day() + 1);
    }
}
