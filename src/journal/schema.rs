//! The numbered migrations of both dialects, cut out of their files.

/// One schema in both dialects.
pub(crate) struct Schema {
    /// SQLite's file of migrations.
    pub embedded: &'static str,
    /// PostgreSQL's.
    pub postgres: &'static str,
    /// The version that this gateway works with.
    pub version: i32,
    /// The table that remembers which migrations were applied.
    pub versions: &'static str,
}

/// The journal's own.
pub(super) const JOURNAL: Schema = Schema {
    embedded: include_str!("schema/embedded.sql"),
    postgres: include_str!("schema/postgres.sql"),
    version: 7,
    versions: "schema_version",
};

const HEADING: &str = "-- migration ";

/// One step from a version to the next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Migration {
    /// The version it leads to.
    pub version: i32,
    pub sql: &'static str,
}

/// What a migration did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The schema's version before and after.
    pub from: i32,
    pub to: i32,
    /// Days for which partitions were made now.
    pub days_made: u32,
    /// Days left in the default partitions, because rows of theirs lie there already.
    pub days_late: u32,
}

/// The steps of a schema file, in order; each begins with a line `-- migration N: what it brings`.
pub(crate) fn migrations(file: &'static str) -> impl Iterator<Item = Migration> {
    file.split(HEADING).skip(1).filter_map(|section| {
        let (heading, sql) = section.split_once('\n')?;
        let (version, _) = heading.split_once(':')?;
        Some(Migration { version: version.trim().parse().ok()?, sql })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_are_numbered_without_a_gap_up_to_this_gateways_version() {
        for file in [JOURNAL.embedded, JOURNAL.postgres] {
            let versions: Vec<_> = migrations(file).map(|migration| migration.version).collect();
            assert_eq!(versions, (1..=JOURNAL.version).collect::<Vec<_>>());
            assert_eq!(file.matches(HEADING).count(), versions.len(), "a heading was not read");
        }
    }

    #[test]
    fn both_dialects_have_the_same_tables_and_columns() {
        let shape = |file: &str| -> Vec<String> {
            let mut tables = Vec::new();
            let mut is_inside = false;
            for line in file.lines() {
                if line.starts_with("CREATE TABLE") && line.ends_with('(') {
                    tables.push(line.to_owned());
                    is_inside = true;
                } else if line.starts_with(')') {
                    is_inside = false;
                } else if is_inside {
                    tables.extend(line.split_whitespace().next().map(str::to_owned));
                }
            }
            tables
        };
        assert_eq!(shape(JOURNAL.embedded), shape(JOURNAL.postgres));
        assert!(shape(JOURNAL.embedded).len() > 50);
    }
}
