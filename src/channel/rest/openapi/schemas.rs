//! Schemas under names of their own, each written down once: what a generated client calls its types.

use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The schemas of a description by their names.
#[derive(Default)]
pub(super) struct Schemas {
    named: Map<String, Value>,
    /// By scope and content, where a schema stands already.
    places: HashMap<(String, String), String>,
}

impl Schemas {
    /// With what has its name already.
    pub(super) fn new(named: Map<String, Value>) -> Self {
        Self { named, places: HashMap::new() }
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.named
    }

    /// Puts an object, and those inside of it, under names that begin with `scope`, and hands out the
    /// reference to it; all else stays as it is. `name` is what an object is called that has no title,
    /// and `other` where another one is called so.
    pub(super) fn place(&mut self, scope: &str, [name, other]: [&str; 2], schema: Value) -> Value {
        let Value::Object(mut fields) = schema else { return schema };
        if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
            for choice in choices {
                *choice = self.place(scope, [name, other], choice.take());
            }
        }
        if !fields.contains_key("properties") {
            return fields.into();
        }
        let title = fields.remove("title");
        // Types of the house are told apart by their titles, those of agencies by the service.
        let title = title.as_ref().and_then(Value::as_str).filter(|_| scope.is_empty());
        let name = format!("{scope}{}", title.unwrap_or(name));
        let is_nullable = fields.get("type") == Some(&json!(["object", "null"]));
        if is_nullable {
            fields.insert("type".to_owned(), "object".into());
        }
        self.place_inner(scope, &name, &mut fields);
        let description = fields.get("description").cloned();
        let mut reference = json!({ "$ref": self.reference(scope, [&name, other], fields) });
        if is_nullable {
            reference = json!({ "anyOf": [reference, { "type": "null" }] });
        }
        if let (Some(description), Some(fields)) = (description, reference.as_object_mut()) {
            fields.insert("description".to_owned(), description);
        }
        reference
    }

    /// The same with the objects in an object's fields and in their lists.
    fn place_inner(&mut self, scope: &str, outer: &str, fields: &mut Map<String, Value>) {
        let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
        for (key, inner) in properties.into_iter().flatten() {
            let is_list = inner.get("items").is_some();
            let name = if is_list { capital(&singular(key)) } else { capital(key) };
            let place = if is_list { inner.get_mut("items") } else { Some(inner) };
            let Some(place) = place else { continue };
            *place = self.place(scope, [&name, &format!("{outer}{name}")], place.take());
        }
    }

    /// Where the object stands now.
    fn reference(&mut self, scope: &str, names: [&str; 2], fields: Map<String, Value>) -> String {
        let mut content = fields.clone();
        content.remove("description");
        let content = (scope.to_owned(), Value::from(content).to_string());
        let name = self.places.entry(content).or_insert_with(|| {
            // What a component may be called (OpenAPI 3.1 §4.8.7).
            let is_other = |c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c);
            let names = names.map(|name| name.replace(is_other, "_"));
            let numbered = names[1].clone();
            let numbered = (2..).map(|number| format!("{numbered}{number}"));
            let names = names.into_iter().chain(numbered);
            let mut free = names.into_iter().filter(|name| !self.named.contains_key(name));
            free.next().unwrap_or_default()
        });
        self.named.entry(name.as_str()).or_insert_with(|| fields.into());
        format!("#/components/schemas/{name}")
    }
}

/// What one thing of a list is called.
fn singular(key: &str) -> String {
    match (key.strip_suffix("ies"), key.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.ends_with('s') => stem.to_owned(),
        _ => key.to_owned(),
    }
}

/// A field's name as a type's.
fn capital(key: &str) -> String {
    let words = key.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| word.split_at_checked(1))
        .map(|(first, rest)| first.to_ascii_uppercase() + rest)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(properties: &Value) -> Value {
        json!({ "title": "T", "type": "object", "properties": properties })
    }

    #[test]
    fn an_object_is_written_down_once_under_a_name_that_says_whose_it_is() {
        let text = json!({ "type": "string" });
        let line = json!({ "type": "object", "properties": { "text": text } });
        let mut perhaps = line.clone();
        perhaps["type"] = json!(["object", "null"]);
        perhaps["description"] = json!("Why.");
        let lists = json!({ "items": line, "type": "array" });
        let mut schemas = Schemas::new(Map::from_iter([("Line".to_owned(), json!({}))]));
        let whole = object(&json!({ "line": line, "lines": lists, "old_line": perhaps }));
        let place = |schemas: &mut Schemas, scope: &str, whole: &Value| {
            schemas.place(scope, ["Data", "DataOther"], whole.clone())
        };
        assert_eq!(place(&mut schemas, "", &whole), json!({ "$ref": "#/components/schemas/T" }));
        assert_eq!(place(&mut schemas, "", &whole), json!({ "$ref": "#/components/schemas/T" }));
        let other = object(&json!({ "text": text }));
        let inner = json!({ "$ref": "#/components/schemas/TLine" });
        assert_eq!(place(&mut schemas, "", &other), inner, "it is there already");
        let other = object(&json!({ "more": text }));
        let reference = json!({ "$ref": "#/components/schemas/DataOther" });
        assert_eq!(place(&mut schemas, "", &other), reference, "the name is taken");
        let choice = json!({ "anyOf": [whole, { "type": "null" }] });
        let reference = json!({ "$ref": "#/components/schemas/S1Data" });
        assert_eq!(place(&mut schemas, "S1", &choice)["anyOf"][0], reference);
        assert_eq!(place(&mut schemas, "S1", &text), text);
        let reference = json!({ "$ref": "#/components/schemas/S_2Data" });
        assert_eq!(place(&mut schemas, "S 2", &object(&json!({}))), reference);
        let named = schemas.into_map();
        let names: Vec<&str> = named.keys().map(String::as_str).collect();
        assert_eq!(names, ["DataOther", "Line", "S1Data", "S1Line", "S_2Data", "T", "TLine"]);
        let properties = &named["T"]["properties"];
        assert_eq!(properties["line"], inner);
        assert_eq!(properties["lines"], json!({ "items": inner, "type": "array" }));
        let perhaps = json!({ "anyOf": [inner, { "type": "null" }], "description": "Why." });
        assert_eq!(properties["old_line"], perhaps);
        assert_eq!(named["S1Data"].get("title"), None);
    }

    #[test]
    fn a_thing_of_a_list_is_called_as_one() {
        let names = ["duties", "payments", "address", "person"].map(singular);
        assert_eq!(names, ["duty", "payment", "address", "person"]);
        assert_eq!(capital("birth_place"), "BirthPlace");
    }
}
