//! Shares of a quota: what each node asks for stands in one table, and each reads there what others do.

use super::Reader;
use super::connect::down;
use crate::journal::down::JournalDown;
use crate::journal::lease::Asking;

/// Seconds after which a node that says nothing is taken for gone.
const GONE_S: f64 = 5.0;
/// Rows read at most: contracts in use × other nodes.
const ROWS_MAX: i64 = 50_000;

/// Tells what this node asks for, and reads what the others that live ask for, in one round trip.
const LEASE: &str = "WITH told AS (INSERT INTO quota_lease (contract, node, per_second, told_at) \
     SELECT contract, $2, per_second, clock_timestamp() \
     FROM unnest($1::text[], $3::float8[]) AS own (contract, per_second) \
     ON CONFLICT (contract, node) DO UPDATE \
     SET per_second = excluded.per_second, told_at = excluded.told_at) \
     SELECT contract, node, per_second FROM quota_lease \
     WHERE told_at > clock_timestamp() - make_interval(secs => $4) AND node <> $2 LIMIT $5";
const FORGET: &str =
    "DELETE FROM quota_lease WHERE told_at < clock_timestamp() - interval '1 hour'";

impl Reader {
    /// # Errors
    /// When the cluster cannot be reached now.
    pub(in crate::journal) async fn lease(
        &self,
        node: &str,
        own: &[(String, f64)],
    ) -> Result<Vec<Asking>, JournalDown> {
        let (contracts, per_second): (Vec<&str>, Vec<f64>) =
            own.iter().map(|(contract, rate)| (contract.as_str(), *rate)).unzip();
        let rows = self.rows(LEASE, &[&contracts, &node, &per_second, &GONE_S, &ROWS_MAX]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(Asking {
                contract: row.try_get(0)?,
                node: row.try_get(1)?,
                per_second: row.try_get(2)?,
            })
        };
        let read: Result<_, tokio_postgres::Error> = rows.iter().map(read).collect();
        read.map_err(|error| down(&self.target, &error))
    }

    /// Drops the rows of nodes that are long gone.
    ///
    /// # Errors
    /// When the cluster cannot be reached now.
    pub(in crate::journal) async fn forget_leases(&self) -> Result<(), JournalDown> {
        self.rows(FORGET, &[]).await.map(drop)
    }
}
