//! `GET /api/v1/openapi.json`: the face described by OpenAPI 3.1, made from the adapters' manifests and messages.

mod registers;
mod resources;
mod schemas;

use super::{CORRELATION_ID, IDEMPOTENCY_KEY, JSON, OPENAPI_PATH, ROUTE_ID, problem::PROBLEM_JSON};
use crate::config::settings::{Service, Settings};
use bytes::Bytes;
use qaqpa_kit::adapter::JsonSchema;
use qaqpa_kit::fault::{Code, Outcome, Phase, Resend};
use schemas::Schemas;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The description of one installation, made once and given to everybody as it is.
pub struct Description(Bytes);

impl Description {
    /// Describes every service that has a JSON form.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let services: BTreeMap<_, _> = settings.services.iter().collect();
        let mut paths = Map::new();
        let mut schemas = Schemas::new(shared_schemas());
        for (id, routes) in services {
            let described = routes
                .iter()
                .filter(|service| !service.has_operations)
                .find_map(|service| Some((service, service.agency.adapter.json()?.schema(id)?)));
            if let Some((service, schema)) = described {
                let item = json!({ "post": operation(service, routes, schema, &mut schemas) });
                paths.insert(format!("/api/v1/services/{id}"), item);
            }
        }
        resources::describe(settings, &mut paths, &mut schemas);
        registers::describe(settings, &mut paths, &mut schemas);
        paths.insert(OPENAPI_PATH.to_owned(), json!({ "get": itself() }));
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Qaqpa",
                "version": env!("CARGO_PKG_VERSION"),
                "summary": "Integration gateway: state databases and agencies, called with JSON",
                "description": "Callers prove themselves by mutual TLS. A call that is repeated with \
                    its Idempotency-Key gets the first answer byte for byte. Faults say whose they are \
                    and whether to send again.",
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            // Relative to where this document was read (OpenAPI 3.1 §4.8.5): however callers reach it.
            "servers": [{ "url": "/" }],
            "security": [{ "mutual_tls": [] }],
            "paths": paths,
            "components": components(schemas),
        });
        Self(document.to_string().into())
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Bytes {
        self.0.clone()
    }
}

fn operation(
    service: &Service,
    routes: &[Arc<Service>],
    schema: JsonSchema,
    schemas: &mut Schemas,
) -> Value {
    let manifest = &service.manifest;
    let (name, agency) = (&manifest.name, &service.agency.adapter.manifest().name);
    let mut parameters = vec![
        json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": manifest.demands_key(),
            "description": format!(
                "Name of this call. Repeated within {} s with the same body: the stored answer; with \
                 another body: caller.conflict.",
                manifest.window_s
            ),
            "schema": { "$ref": "#/components/schemas/Name" },
        }),
        json!({ "$ref": "#/components/parameters/CorrelationId" }),
        json!({ "$ref": "#/components/parameters/Language" }),
    ];
    let route_ids: BTreeSet<_> = routes.iter().map(|service| service.route_id.as_str()).collect();
    if route_ids.iter().any(|id| !id.is_empty()) {
        parameters.push(json!({
            "name": ROUTE_ID,
            "in": "header",
            "required": !route_ids.contains(""),
            "description": "Which of the service's routes.",
            "schema": { "$ref": "#/components/schemas/Name" },
        }));
    }
    let mut responses = faults();
    // The house's own types are the resources' too.
    let scope = if service.agency.is_house() { "" } else { manifest.id.as_str() };
    let data = schemas.place(scope, ["Data", "DataOfAnswer"], schema.answer);
    let request = schemas.place(scope, ["Request", "RequestBody"], schema.request);
    let answer = schemas.place(&manifest.id, ["Answer", "AnswerOfService"], answer_schema(&data));
    responses.insert("200".to_owned(), answered(&answer, &schema.answer_example));
    json!({
        "operationId": manifest.id,
        "tags": [service.agency.id],
        "summary": name.en,
        "description": format!(
            "{} ({}).\n\n{} ({}).\n\n{} ({}).",
            name.en, agency.en, name.kk, agency.kk, name.ru, agency.ru
        ),
        "parameters": parameters,
        "requestBody": {
            "required": true,
            "content": { JSON: { "schema": request, "example": schema.request_example } },
        },
        "responses": responses,
    })
}

fn answer_schema(data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["outcome", "status", "entry"],
        "properties": {
            "outcome": { "enum": [Outcome::Done.word(), Outcome::Refused.word()] },
            "status": { "$ref": "#/components/schemas/Status" },
            "entry": { "type": "string", "format": "uuid" },
            "data": data,
        },
    })
}

fn answered(schema: &Value, example: &Value) -> Value {
    json!({
        "description": "What the agency answered; a refusal of its own is an answer too.",
        "headers": entry_header(),
        "content": { JSON: {
            "schema": schema,
            "example": {
                "outcome": Outcome::Done.word(),
                "status": { "code": "SCSS001", "message": "" },
                "entry": "0199d1f0-7f00-7000-8000-000000000000",
                "data": example,
            },
        } },
    })
}

/// One response a status: references, because ten thousand services share what is said there.
fn faults() -> Map<String, Value> {
    let reference = |status: &String| {
        let at = format!("#/components/responses/{}", fault_name(status));
        (status.clone(), json!({ "$ref": at }))
    };
    whole_faults().keys().map(reference).collect()
}

fn fault_name(status: &str) -> String {
    format!("Status{status}")
}

/// One response a status, naming the codes that bear it.
fn whole_faults() -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in Code::ALL {
        let row = code.row();
        by_status.entry(row.http_status).or_default().push(format!("`{}`: {}", row.word, row.en));
    }
    let response = |(status, codes): (u16, Vec<String>)| {
        let response = json!({
            "description": codes.join("\n\n"),
            "headers": fault_headers(),
            "content": { PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        (status.to_string(), response)
    };
    by_status.into_iter().map(response).collect()
}

fn entry_header() -> Value {
    json!({ "Qaqpa-Entry": { "$ref": "#/components/headers/Entry" } })
}

fn fault_headers() -> Value {
    json!({
        "Qaqpa-Entry": { "$ref": "#/components/headers/Entry" },
        "Qaqpa-Fault": { "$ref": "#/components/headers/Fault" },
        "Retry-After": { "$ref": "#/components/headers/RetryAfter" },
    })
}

fn itself() -> Value {
    json!({
        "operationId": "openapi",
        "summary": "This description",
        "responses": { "200": {
            "description": "OpenAPI 3.1",
            "content": { JSON: { "schema": { "type": "object" } } },
        } },
    })
}

fn components(schemas: Schemas) -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.word()).collect();
    let responses: Map<String, Value> = whole_faults()
        .into_iter()
        .map(|(status, response)| (fault_name(&status), response))
        .collect();
    json!({
        "securitySchemes": { "mutual_tls": {
            "type": "mutualTLS",
            "description": "The certificate of a registered participant.",
        } },
        "parameters": {
            "CorrelationId": {
                "name": CORRELATION_ID, "in": "header",
                "description": "correlationId of SyncChannel.",
                "schema": { "$ref": "#/components/schemas/Name" },
            },
            "Language": {
                "name": "Accept-Language", "in": "header",
                "description": "Language of the texts in faults: kk, ru or en.",
                "schema": { "type": "string", "examples": ["kk", "ru", "en"] },
            },
        },
        "responses": responses,
        "headers": headers(&codes),
        "schemas": schemas.into_map(),
    })
}

/// Schemas that all operations share.
fn shared_schemas() -> Map<String, Value> {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.word()).collect();
    let phases: Vec<_> = Phase::ALL.iter().map(|phase| phase.word()).collect();
    let resend = [Resend::Never, Resend::Later, Resend::AskFirst].map(Resend::word);
    let schemas = json!({
        "Refusal": resources::refusal_schema(),
        "Name": { "type": "string", "pattern": "^[!#-\\[\\]-~]{1,255}$" },
        "Status": {
            "type": "object",
            "required": ["code", "message"],
            "properties": { "code": { "type": "string" }, "message": { "type": "string" } },
        },
        "Problem": {
            "type": "object",
            "description": "Problem details (RFC 9457).",
            "required": [
                "type", "title", "status", "detail", "instance", "code", "origin", "phase",
                "reason", "resend",
            ],
            "properties": {
                "type": { "type": "string", "format": "uri" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
                "instance": { "type": "string", "format": "uri" },
                "code": { "enum": codes },
                "origin": { "enum": ["caller", "gateway", "pki", "agency"] },
                "phase": { "enum": phases },
                "reason": { "type": "string" },
                "resend": { "enum": resend },
                "retry_after_s": { "type": "integer", "minimum": 1 },
            },
        },
    });
    if let Value::Object(schemas) = schemas { schemas } else { Map::new() }
}

/// Headers of answers, and of those that the gateway makes itself with one of these codes.
fn headers(codes: &[&str]) -> Value {
    json!({
        "Entry": {
            "description": "The journal's entry about the call.",
            "schema": { "type": "string", "format": "uuid" },
        },
        "Fault": {
            "description": "Set where the gateway itself answers: the fault's code.",
            "schema": { "enum": codes },
        },
        "RetryAfter": {
            "description": "Seconds after which sending again is sensible.",
            "schema": { "type": "integer", "minimum": 1 },
        },
    })
}

/// The header's name as the parameters above write it, so that the two cannot differ.
const _: () = assert!(IDEMPOTENCY_KEY.eq_ignore_ascii_case("Idempotency-Key"));
