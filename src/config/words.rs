//! What serde says of a wrong value, in the words of the operator.

/// `a`, `b`, `c` as in serde's own messages.
pub(super) fn choice(known: &[&str]) -> String {
    known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// serde's `invalid type: string "x", expected usize`, in the words of the operator.
pub(super) fn wrong_type(message: &str) -> (String, String) {
    if message == "wanted string or table" {
        // toml's words where a value is one of a few words.
        let wanted = "a word in \"quotes\"";
        return (
            format!("something else stands where {wanted} belongs"),
            format!("write {wanted}"),
        );
    }
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return (message.to_owned(), "compare with the example beside it in config/".to_owned());
    };
    let found = found.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
    let wanted = match expected {
        "u32" | "u64" | "usize" => "a whole number",
        "a string" => "a text in \"quotes\"",
        "a boolean" => "true or false",
        "a sequence" => "a list in [brackets]",
        "a TOML datetime" => "a date such as 2026-01-31",
        _ if expected.starts_with("struct") || expected == "a map" => "a table",
        other => other,
    };
    (format!("{found} stands where {wanted} belongs"), format!("write {wanted}"))
}
