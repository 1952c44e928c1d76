//! Registers of banks in the description: one address, the bank's to bring one, the run's to ask for it.

use super::{JSON, PROBLEM_JSON, Schemas, entry_header, fault_headers, faults};
use crate::config::settings::Settings;
use serde_json::{Map, Value, json};

/// Adds them where registers are taken in.
pub(super) fn describe(settings: &Settings, paths: &mut Map<String, Value>, schemas: &mut Schemas) {
    if settings.reconcile.is_none() || !settings.services.contains_key("PAY_BankNotice") {
        return;
    }
    let id = |description: &str| {
        json!({
            "name": "id", "in": "path", "required": true, "description": description,
            "schema": { "type": "string" },
        })
    };
    let day = json!({
        "name": "day", "in": "query", "required": false,
        "description": "The operating day, where the file does not name it.",
        "schema": { "type": "string", "format": "date" },
    });
    let content = json!({ "application/octet-stream": {
        "schema": { "type": "string", "format": "binary" },
    } });
    let item = json!({
        "post": {
            "operationId": "RegisterBring",
            "tags": ["registers"],
            "summary": "Bring the register of an operating day",
            "description": "Only the bank itself may. The same file again is the same run.",
            "parameters": [id("The bank."), day],
            "requestBody": { "required": true, "content": content },
            "responses": responses(schemas, "202", "Taken; its run is made beside other work."),
        },
        "get": {
            "operationId": "RegisterRun",
            "tags": ["registers"],
            "summary": "What came of a register",
            "description": "Only the bank that brought it is told.",
            "parameters": [id("The run.")],
            "responses": responses(schemas, "200", "How far the run has come, and what it found."),
        },
    });
    paths.insert("/api/v1/registers/{id}".to_owned(), item);
}

fn responses(schemas: &mut Schemas, status: &str, description: &str) -> Value {
    let mut responses = faults();
    let count = json!({ "type": "integer" });
    let counts = json!({ "type": ["object", "null"], "additionalProperties": count });
    let schema = json!({
        "type": "object",
        "required": ["run", "bank", "state"],
        "properties": {
            "run": { "type": "string" },
            "bank": { "type": "string" },
            "opdate": { "type": ["string", "null"], "format": "date" },
            "state": { "enum": ["waiting", "running", "done", "refused"] },
            "reason": { "type": "string", "description": "Why it waits or was refused, and the cure." },
            "matched": count,
            "rows": counts,
            "breaks": counts,
            "sums": counts,
        },
    });
    let schema = schemas.place("", ["RegisterRun", "RunOfRegister"], schema);
    let told = json!({
        "description": description,
        "headers": entry_header(),
        "content": { JSON: { "schema": schema } },
    });
    responses.insert(status.to_owned(), told);
    let bare = json!({
        "type": "object",
        "description": "Nothing but the status (RFC 9457 §4.2.1).",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "const": "about:blank" },
            "title": { "type": "string" },
            "status": { "const": 404 },
        },
    });
    let bare = schemas.place("", ["BareProblem", "ProblemOfStatus"], bare);
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let none = json!({
        "description": "No such run of this bank, or no such service.",
        "headers": fault_headers(),
        "content": { PROBLEM_JSON: { "schema": { "anyOf": [problem, bare] } } },
    });
    responses.insert("404".to_owned(), none);
    Value::Object(responses)
}
