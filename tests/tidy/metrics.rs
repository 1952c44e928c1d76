//! The law of metrics: each name stands in the code, in the README's table, and is spelled so wherever it is watched.

use std::collections::BTreeSet;

/// Names of ours that count nothing.
const PACKAGES: [&str; 2] = ["qaqpa_adapters", "qaqpa_kit"];

/// Every `qaqpa_…` name in a text.
pub(crate) fn names(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_metric = |word: &&str| {
        word.len() > 6
            && word.starts_with("qaqpa_")
            && !word.ends_with('_')
            && !PACKAGES.contains(word)
    };
    text.split(|c: char| !is_name(c)).filter(is_metric).collect()
}

/// Names that code registers: whole string literals.
pub(crate) fn registered(code: &str) -> BTreeSet<&str> {
    let literals = code.split('"');
    literals.filter(|text| names(text).contains(text)).collect()
}

/// The rows of a table whose first cell is a metric, each cut to that cell.
pub(crate) fn table(markdown: &str) -> String {
    let cells =
        markdown.lines().filter_map(|line| line.trim().strip_prefix("| `")?.split('|').next());
    cells.filter(|cell| cell.starts_with("qaqpa_")).map(|cell| format!("{cell}\n")).collect()
}

/// Names watched by a dashboard, an alert or the README that no code registers.
pub(crate) fn unknown<'t>(watched: &'t str, registered: &BTreeSet<&str>) -> Vec<&'t str> {
    let base = |name: &'t str| {
        let ends = ["_bucket", "_sum", "_count"];
        let histogram = ends.iter().find_map(|end| name.strip_suffix(end));
        histogram
            .filter(|base| base.ends_with("_seconds") || base.ends_with("_bytes"))
            .unwrap_or(name)
    };
    names(watched).into_iter().filter(|name| !registered.contains(base(name))).collect()
}

/// Registered names that a text never mentions.
pub(crate) fn missing<'r>(text: &str, registered: &BTreeSet<&'r str>) -> Vec<&'r str> {
    let mentioned = names(text);
    registered.iter().filter(|name| !mentioned.contains(*name)).copied().collect()
}

mod tests {
    use super::*;

    const CODE: &str =
        r#"new("qaqpa_call_seconds", "Time; see qaqpa_calls_total"), new("qaqpa_in_flight", "x")"#;

    #[test]
    fn names_in_help_texts_are_not_registered() {
        assert_eq!(registered(CODE), BTreeSet::from(["qaqpa_call_seconds", "qaqpa_in_flight"]));
    }

    #[test]
    fn a_watched_name_that_nobody_registers_is_found() {
        let watched =
            "rate(qaqpa_call_seconds_bucket[5m]) / qaqpa_inflight + qaqpa_in_flight_count";
        assert_eq!(
            unknown(watched, &registered(CODE)),
            ["qaqpa_in_flight_count", "qaqpa_inflight"]
        );
    }

    #[test]
    fn only_a_row_of_its_own_counts_as_documented() {
        let readme =
            "`qaqpa_call_seconds` is\n| `qaqpa_in_flight{door}` | calls; see `qaqpa_x_total` |\n";
        assert_eq!(missing(&table(readme), &registered(CODE)), ["qaqpa_call_seconds"]);
        assert_eq!(names(&table(readme)), BTreeSet::from(["qaqpa_in_flight"]));
    }

    #[test]
    fn a_registered_name_without_a_row_is_found() {
        assert_eq!(missing("| `qaqpa_in_flight` |", &registered(CODE)), ["qaqpa_call_seconds"]);
    }
}
