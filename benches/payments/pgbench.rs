//! What PostgreSQL does without us: the same rows by pgbench, one transaction a payment.

use crate::postgres::Cluster;
use std::path::PathBuf;
use std::process::Command;

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Connections; as many payments are under way at once.
pub(crate) const CONNECTIONS: usize = 32;
const SECONDS: usize = 4;

/// One row and its commit: the most that a database with one commit a payment could ever do.
const SINGLE_ROW: &str = "INSERT INTO single_row (payment) VALUES ('one row');\n";

/// Payments a second of our rows; the charges `tax_office/{first + 1}` … are there.
pub(crate) fn payments(cluster: &Cluster, database: &str, first: usize) -> Fallible<f64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/payments/one_payment.sql");
    run(cluster, database, &["-D", &format!("first={first}"), "-D", "i=0", "-f", script])
}

/// Commits a second of one row each.
pub(crate) fn single_rows(cluster: &Cluster, database: &str) -> Fallible<f64> {
    let table =
        "CREATE TABLE IF NOT EXISTS single_row (id BIGSERIAL PRIMARY KEY, payment TEXT NOT NULL)";
    cluster.sql("qaqpa_migrate", database, table)?;
    let script = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("single_row.sql");
    std::fs::write(&script, SINGLE_ROW)?;
    run(cluster, database, &["-f", &script.to_string_lossy()])
}

fn run(cluster: &Cluster, database: &str, arguments: &[&str]) -> Fallible<f64> {
    let output = Command::new(cluster.program("pgbench"))
        .args(["-n", "-M", "prepared", "-j", "2", "-c", &CONNECTIONS.to_string()])
        .args(["-T", &SECONDS.to_string()])
        .args(arguments)
        .arg(cluster.url("qaqpa_migrate", database))
        .env("PGOPTIONS", "-c search_path=qaqpa -c client_min_messages=warning")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let tps = tps.and_then(|line| line.split_whitespace().next());
    let failed = || format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(failed().into());
    }
    Ok(tps.ok_or_else(failed)?.parse()?)
}
