//! JSON Schemas of wire types, as OpenAPI 3.1 embeds them.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema of what a caller sends.
#[must_use]
pub fn schema_of_request<T: JsonSchema>() -> Value {
    let settings = settings().for_deserialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The schema of what a caller gets.
#[must_use]
pub fn schema_of_answer<T: JsonSchema>() -> Value {
    let settings = settings().for_serialize().with_transform(NeverNull);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Without `$ref`: a reference would point into the document that embeds the schema.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    })
}

/// What is absent in XML is left out of an answer, never `null`.
#[derive(Clone, Debug)]
struct NeverNull;

impl Transform for NeverNull {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(Value::Array(types)) = schema.get_mut("type") else { return };
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
}
