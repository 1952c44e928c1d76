//! The law of metrics: each name stands in the code, in the README's table, and is spelled so wherever it is watched.

use std::collections::BTreeSet;

/// Every `qaqpa_…` name in a text.
pub(crate) fn names(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !is_name(c));
    words
        .filter(|word| word.len() > 6 && word.starts_with("qaqpa_") && !word.ends_with('_'))
        .collect()
}

/// Names that code registers: whole string literals.
pub(crate) fn registered(code: &str) -> BTreeSet<&str> {
    let literals = code.split('"').skip(1).step_by(2);
    literals.filter(|text| names(text).contains(text)).collect()
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
    fn a_registered_name_without_a_row_is_found() {
        assert_eq!(missing("| `qaqpa_in_flight` |", &registered(CODE)), ["qaqpa_call_seconds"]);
    }
}
