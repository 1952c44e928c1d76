//! The resources in the description: what the address says is a parameter, and the rest is the body.

use super::{JSON, PROBLEM_JSON, Schemas, entry_header, faults, whole_faults};
use crate::channel::rest::resource::{Made, RESOURCES, Resource};
use crate::config::settings::{Service, Settings};
use qaqpa_kit::refusal;
use serde_json::{Map, Value, json};

/// Adds the resources whose services are offered here.
pub(super) fn describe(settings: &Settings, paths: &mut Map<String, Value>, schemas: &mut Schemas) {
    for resource in &RESOURCES {
        let offered = settings.services.get(resource.service).and_then(|routes| routes.first());
        let Some(service) = offered else { continue };
        let Some(described) = operation(resource, service, schemas) else { continue };
        let path = format!("/api/v1/{}", resource.path);
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(resource.method.to_ascii_lowercase(), described);
        }
    }
}

fn operation(resource: &Resource, service: &Service, schemas: &mut Schemas) -> Option<Value> {
    let mut schema = service.agency.adapter.json()?.schema(resource.service)?;
    let name = &service.manifest.name;
    let (asked, in_path) = (properties(&schema.request), resource.names());
    let mut parameters: Vec<Value> = in_path
        .iter()
        .map(|name| parameter(name, "path", true, property(asked, name)))
        .chain(resource.query.iter().map(|name| {
            let is_due = required(&schema.request).contains(name);
            parameter(name, "query", is_due, property(asked, name))
        }))
        .collect();
    parameters.push(json!({ "$ref": "#/components/parameters/CorrelationId" }));
    parameters.push(json!({ "$ref": "#/components/parameters/Language" }));
    let mut described = json!({
        "operationId": resource.service.trim_start_matches("PAY_"),
        "tags": ["resources"],
        "summary": name.en,
        "description": format!("{}.\n\n{}.\n\n{}.", name.en, name.kk, name.ru),
    });
    let members = described.as_object_mut()?;
    if resource.method == "POST" {
        parameters.push(key(service));
        if let Some(body) = body(schema.request, &mut schema.request_example, &in_path, schemas) {
            members.insert("requestBody".to_owned(), body);
        }
    }
    members.insert("parameters".to_owned(), parameters.into());
    let answer = schemas.place("", ["Answer", "AnswerOfResource"], bare(schema.answer));
    let answer = json!({ "schema": answer, "example": schema.answer_example });
    members.insert("responses".to_owned(), responses(resource, answer));
    Some(described)
}

fn properties(schema: &Value) -> &Value {
    schema.get("properties").unwrap_or(&Value::Null)
}

fn property(properties: &Value, name: &str) -> Value {
    properties.get(name).cloned().unwrap_or_else(|| json!({ "type": "string" }))
}

fn required(schema: &Value) -> Vec<&str> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// A parameter is there or is not: it cannot be null.
fn parameter(name: &str, place: &str, is_due: bool, mut schema: Value) -> Value {
    if let Some(Value::Array(kinds)) = schema.get("type") {
        let kind = kinds.iter().find(|kind| **kind != "null").cloned().unwrap_or_default();
        if let Some(members) = schema.as_object_mut() {
            members.insert("type".to_owned(), kind);
        }
    }
    let description = schema.get("description").cloned().unwrap_or_else(|| name.into());
    json!({
        "name": name, "in": place, "required": is_due, "description": description, "schema": schema,
    })
}

fn key(service: &Service) -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": service.manifest.demands_key(),
        "description": "Name of this call. Repeated with the same body: the first answer byte for byte; \
            with another body: caller.conflict. Without it, every call is one of its own.",
        "schema": { "$ref": "#/components/schemas/Name" },
    })
}

/// What is left for the body; `None` where the address says everything.
fn body(
    mut schema: Value,
    example: &mut Value,
    in_path: &[&str],
    schemas: &mut Schemas,
) -> Option<Value> {
    for name in in_path {
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            fields.remove(*name);
        }
        if let Some(names) = schema.get_mut("required").and_then(Value::as_array_mut) {
            names.retain(|due| due.as_str() != Some(name));
        }
        if let Some(fields) = example.as_object_mut() {
            fields.remove(*name);
        }
    }
    properties(&schema).as_object().filter(|fields| !fields.is_empty())?;
    let other = format!("{}Body", schema.get("title").and_then(Value::as_str).unwrap_or_default());
    let schema = schemas.place("", ["Request", &other], schema);
    Some(json!({
        "required": true,
        "content": { JSON: { "schema": schema, "example": example } },
    }))
}

/// A resource is told without the refusal that a service's `data` may be instead.
fn bare(mut schema: Value) -> Value {
    let told = schema.get_mut("anyOf").and_then(|choices| choices.get_mut(0)).map(Value::take);
    told.unwrap_or(schema)
}

fn responses(resource: &Resource, answer: Value) -> Value {
    let (mut responses, mut whole) = (faults(), whole_faults());
    for status in [404_u16, 409, 422] {
        let words: Vec<String> = refusal::TABLE
            .iter()
            .filter(|row| row.http_status == status)
            .map(|row| format!("`{}`: {}.", row.word, row.en))
            .collect();
        let mut response = whole
            .remove(&status.to_string())
            .unwrap_or_else(|| json!({ "description": "", "headers": entry_header() }));
        if let Some(members) = response.as_object_mut() {
            let faults = members.get("description").and_then(Value::as_str).unwrap_or_default();
            let description = format!("{faults}\n\n{}", words.join("\n\n"));
            members.insert("description".to_owned(), description.trim().into());
            let schema = json!({ "anyOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "$ref": "#/components/schemas/Refusal" },
            ] });
            let content = json!({ PROBLEM_JSON: { "schema": schema } });
            members.insert("content".to_owned(), content);
        }
        responses.insert(status.to_string(), response);
    }
    let (status, mut headers) = match resource.makes {
        Some(_) => ("201", entry_header()),
        None => ("200", entry_header()),
    };
    if let (Some(Made::One(..)), Some(headers)) = (resource.makes, headers.as_object_mut()) {
        let schema = json!({ "type": "string", "format": "uri-reference" });
        let location = json!({ "description": "Where it stands.", "schema": schema });
        headers.insert("Location".to_owned(), location);
    }
    responses.insert(
        status.to_owned(),
        json!({ "description": "Done.", "headers": headers, "content": { JSON: answer } }),
    );
    responses.into()
}

/// The schema of a refusal as problem details.
pub(super) fn refusal_schema() -> Value {
    let words: Vec<&str> = refusal::TABLE.iter().map(|row| row.word).collect();
    json!({
        "type": "object",
        "description": "Why nothing was done, as problem details (RFC 9457).",
        "required": ["type", "title", "status", "reason"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "reason": { "enum": words },
            "field": { "type": "string", "description": "The field that is to blame." },
        },
    })
}
