//! `qaqpa migrate`: brings the journal's store to this gateway's schema, and makes partitions ahead.

use super::{Failure, check};
use crate::config;
use crate::config::settings::Store;
use crate::journal::{self, Migrated};
use crate::payments;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Which journal.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct StoreArgs {
    /// A postgres:// URL, a file that holds one, or a SQLite file.
    #[arg(long, value_name = "URL|FILE")]
    store: Option<String>,
    /// The store of this configuration.
    #[arg(long, value_name = "FOLDER|FILE")]
    config: Option<PathBuf>,
}

/// Bring the journal's store to this gateway's schema.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Days after today for which PostgreSQL's partitions are made; run it again before they end.
    #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=3660))]
    days_ahead: u32,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

/// Migrates the store. With PostgreSQL, the URL's role becomes the owner of what is made.
///
/// # Errors
/// The store cannot be reached, is held by a gateway, or is newer than this one (1).
pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let store = args.store.store()?;
    let migrated = super::block_on(journal::migrate(&store, args.days_ahead))?;
    let migrated = migrated.map_err(Failure::work)?;
    if matches!(store, Store::Postgres { .. }) {
        // An embedded file of payments is brought up when a gateway opens it.
        super::block_on(payments::migrate(&store))?.map_err(Failure::work)?;
    }
    let Migrated { from, to, days_made, days_late } = migrated;
    if args.json {
        let line = serde_json::json!({
            "from": from, "to": to, "days_made": days_made, "days_late": days_late,
        });
        check::print(&line.to_string());
    } else {
        check::print(&said(&migrated));
    }
    Ok(ExitCode::SUCCESS)
}

fn said(migrated: &Migrated) -> String {
    let Migrated { from, to, days_made, days_late } = migrated;
    let mut text = match from {
        from if from == to => format!("The schema was at version {to} already."),
        0 => format!("The schema is at version {to}; there was none."),
        from => format!("The schema is at version {to}; it was {from}."),
    };
    if *days_made > 0 {
        text += &format!(" Partitions were made for {}.", days(*days_made));
    }
    if *days_late > 0 {
        text += &format!(
            " The default partitions keep {}, because rows of theirs lie there already: migrate \
             earlier, or with more --days-ahead.",
            days(*days_late)
        );
    }
    text
}

fn days(count: u32) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

impl StoreArgs {
    /// The store that is meant.
    pub(super) fn store(&self) -> Result<Store, Failure> {
        match (&self.store, &self.config) {
            (Some(store), _) => named(store),
            (None, Some(config)) => {
                let settings = config::load(config).map_err(Failure::configuration)?;
                Ok(settings.journal.store)
            }
            (None, None) => Err(Failure::usage("--store or --config is needed")),
        }
    }
}

/// A store by its URL, a file with its URL (so that no password stands in a list of processes), or
/// its SQLite file.
fn named(name: &str) -> Result<Store, Failure> {
    let is_url =
        |text: &str| ["postgres://", "postgresql://"].iter().any(|head| text.starts_with(head));
    let cluster = |url: &str| Store::Postgres {
        url: Zeroizing::new(url.trim().to_owned()),
        connections_max: 2,
    };
    if is_url(name) {
        return Ok(cluster(name));
    }
    let path = Path::new(name);
    match head(path) {
        Ok(text) if is_url(&text) => Ok(cluster(&text)),
        Ok(_) => Ok(Store::Embedded { path: path.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Store::Embedded { path: path.to_owned() })
        }
        Err(error) => Err(Failure::work(format!("{name}: {error}"))),
    }
}

/// The first bytes of a file, enough for a URL; SQLite's own begin otherwise.
fn head(path: &Path) -> std::io::Result<Zeroizing<String>> {
    use std::io::Read;
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path)?.take(4_096).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_named_by_url_by_a_file_with_the_url_or_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let url = "postgres://app:secret@db/gate";
        for name in [url.to_owned(), file("store.url", "postgres://app:secret@db/gate\n")] {
            match named(&name).unwrap() {
                Store::Postgres { url: read, .. } => assert_eq!(*read, url),
                other => panic!("{other:?}"),
            }
        }
        for name in [file("journal.sqlite", "SQLite format 3\0"), "not/made/yet".to_owned()] {
            match named(&name).unwrap() {
                Store::Embedded { path } => assert_eq!(path.display().to_string(), name),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_was_done_is_said_and_what_was_not_has_its_cure() {
        let first = Migrated { from: 0, to: 1, days_made: 31, days_late: 0 };
        assert_eq!(
            said(&first),
            "The schema is at version 1; there was none. Partitions were made for 31 days."
        );
        let late = Migrated { from: 1, to: 1, days_made: 0, days_late: 2 };
        assert!(said(&late).contains("keep 2 days"), "{}", said(&late));
    }
}
