//! The JSON form of every agency held against its schema, its XML and its simulator; for tests.

use crate::{address_register, all, gbd_fl, gbd_ul, trial};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use qaqpa_kit::adapter::{
    Adapter, Content, DataXml, Json, Reply, SimulatedAnswer, SimulatedRequest,
};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::wire::{
    from_element, from_json, inside, schema_of_answer, schema_of_request, to_json,
};
use qaqpa_kit::xml::{Document, Limits};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

fn scan(source: &str) -> Document<'_> {
    Document::scan(source.as_bytes(), &Limits::default()).expect(source)
}

fn data(written: &DataXml) -> String {
    format!("<data{}>{}</data>", written.attributes, written.inside)
}

/// Some value that a schema describes: with every field, or with those that chance picks.
struct Maker {
    chance: TestRng,
    is_whole: bool,
}

impl Maker {
    fn value(&mut self, schema: &Value) -> Value {
        let first = schema.get("type").map(|kind| kind.get(0).unwrap_or(kind));
        match first.and_then(Value::as_str) {
            Some("object") => self.object(schema),
            Some("array") => {
                let items = schema.get("items").cloned().unwrap_or_default();
                (0..1 + self.chance.next_u32() % 3).map(|_| self.value(&items)).collect()
            }
            Some("boolean") => (self.chance.next_u32().is_multiple_of(2)).into(),
            Some("string") => self.text().into(),
            other => panic!("no wire type has {other:?}: {schema}"),
        }
    }

    fn object(&mut self, schema: &Value) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object).expect("properties");
        let required = schema.get("required").and_then(Value::as_array);
        let made = properties.iter().filter_map(|(key, inner)| {
            let is_due = required.is_some_and(|keys| keys.contains(&key.as_str().into()));
            let is_made = is_due || self.is_whole || self.chance.next_u32().is_multiple_of(2);
            is_made.then(|| (key.clone(), self.value(inner)))
        });
        Value::Object(made.collect::<Map<_, _>>())
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 12] =
            ["", " ", "қ", "<", "&amp;", "]]>", "\r\n", "\"", "850312300121", "\u{85}", "𝄞", "\t"];
        let count = self.chance.next_u32() % 4;
        (0..count).map(|_| PIECES[self.chance.next_u32() as usize % PIECES.len()]).collect()
    }
}

/// JSON → the type → XML → the type → JSON ends where it began.
fn comes_back<T: Serialize + DeserializeOwned>(schema: &Value, maker: &mut Maker) {
    let json = maker.value(schema);
    let read: T = from_json(json.to_string().as_bytes()).expect("fits its own schema");
    let xml = format!("<data>{}</data>", inside(&read).expect("XML"));
    let again: T = from_element(scan(&xml).root()).expect("fits");
    let told: Value = serde_json::from_slice(&to_json(&again).expect("JSON")).expect("JSON");
    assert_eq!(told, json, "{xml}");
}

fn all_come_back(maker: &mut Maker) {
    fn request<T: Serialize + DeserializeOwned + JsonSchema>(maker: &mut Maker) {
        comes_back::<T>(&schema_of_request::<T>(), maker);
    }
    fn answer<T: Serialize + DeserializeOwned + JsonSchema>(maker: &mut Maker) {
        comes_back::<T>(&schema_of_answer::<T>(), maker);
    }
    request::<gbd_fl::wire::Request>(maker);
    answer::<gbd_fl::wire::Response>(maker);
    request::<gbd_ul::wire::Request>(maker);
    answer::<gbd_ul::wire::Response>(maker);
    request::<address_register::wire::Request>(maker);
    answer::<address_register::wire::Address>(maker);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_a_schema_describes_comes_back_from_xml_to_the_letter(seed in any::<[u8; 32]>()) {
        let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        all_come_back(&mut Maker { chance, is_whole: false });
    }
}

#[test]
fn every_field_of_every_type_comes_back_from_xml() {
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    all_come_back(&mut Maker { chance, is_whole: true });
}

/// Why a value is not what a schema describes; the keywords that our schemas use.
fn misfit(schema: &Value, value: &Value, place: &str) -> Option<String> {
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let misfits = choices.iter().map(|choice| misfit(choice, value, place));
        return misfits.reduce(|one, other| one.and_then(|why| Some(why + ", or " + &other?)))?;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if let Some(kinds) = schema.get("type")
        && kinds != kind
        && !kinds.as_array().is_some_and(|kinds| kinds.contains(&kind.into()))
    {
        return Some(format!("{place} is {kind}, not {kinds}"));
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    if let Some(absent) = required.filter_map(Value::as_str).find(|key| value.get(key).is_none()) {
        return Some(format!("{place}/{absent} is required"));
    }
    if let Value::Array(items) = value {
        let schema = schema.get("items").unwrap_or(&Value::Null);
        return items.iter().find_map(|item| misfit(schema, item, &format!("{place}/-")));
    }
    let properties = schema.get("properties")?;
    value.as_object()?.iter().find_map(|(key, inner)| match properties.get(key) {
        Some(schema) => misfit(schema, inner, &format!("{place}/{key}")),
        None => Some(format!("{place}/{key} is not described")),
    })
}

/// Every JSON form with a service of its agency.
fn forms() -> Vec<(std::sync::Arc<dyn Adapter>, String)> {
    let pairs = all().into_iter().flat_map(|adapter| {
        let ids: Vec<_> = adapter.manifest().services.iter().map(|s| s.id.clone()).collect();
        ids.into_iter().map(move |id| (adapter.clone(), id))
    });
    pairs.collect()
}

fn form(adapter: &dyn Adapter) -> &dyn Json {
    adapter.json().expect("every agency of the house can be asked in JSON")
}

/// What the agency's simulator says in `data` to this `data`, and how the call ends.
fn answered(adapter: &dyn Adapter, service: &str, data: &str) -> (Outcome, String) {
    let document = scan(data);
    let call = trial::call(service, &document);
    let reply = trial::reply(adapter, service, data).expect("an outcome");
    let inside = match reply {
        Reply { content: Content::Written(answer), .. } => answer.data_xml,
        Reply { content: Content::AsReceived, .. } => {
            let simulator = adapter.simulator().expect("a simulator");
            match simulator.answer(&SimulatedRequest::Envelope(call)) {
                SimulatedAnswer::Envelope(answer) => answer.data_xml,
                other => panic!("an envelope, not {other:?}"),
            }
        }
    };
    (reply.outcome, format!("<data>{}</data>", inside.unwrap_or_default()))
}

#[test]
fn each_example_fits_its_schema_and_is_what_the_simulator_says() {
    for (adapter, service) in forms() {
        let form = form(adapter.as_ref());
        let schema = form.schema(&service).expect(&service);
        assert_eq!(misfit(&schema.request, &schema.request_example, ""), None);
        assert_eq!(misfit(&schema.answer, &schema.answer_example, ""), None);
        assert_eq!(schema.request.get("additionalProperties"), Some(&false.into()), "{service}");
        let asked = form.request(&trial::json_call(&service, &schema.request_example.to_string()));
        let (outcome, answer) = answered(adapter.as_ref(), &service, &data(&asked.expect("fits")));
        assert_eq!(outcome, Outcome::Done, "{service}");
        let told = form.answer(&service, scan(&answer).root()).expect("fits");
        let told: Value = serde_json::from_slice(&told).expect("JSON");
        assert_eq!(told, schema.answer_example, "{service}");
    }
}

#[test]
fn a_service_of_another_agency_has_no_json() {
    for (adapter, _) in forms() {
        let form = form(adapter.as_ref());
        let is_ours = |fault: Fault| assert_eq!(fault.code, Code::GatewayBug);
        is_ours(form.request(&trial::json_call("Other", "{}")).expect_err("not offered"));
        is_ours(form.answer("Other", scan("<data/>").root()).expect_err("not offered"));
        assert!(form.schema("Other").is_none());
    }
}

#[test]
fn json_that_is_none_or_asks_for_more_is_refused_at_receive() {
    let deep = "[".repeat(100_000);
    for (adapter, service) in forms() {
        for json in ["", "{", "[]", "null", "1", r#"{"nobody knows":"1"}"#, deep.as_str()] {
            let fault =
                form(adapter.as_ref()).request(&trial::json_call(&service, json)).expect_err(json);
            assert_eq!((fault.phase, fault.outcome()), (Phase::Receive, Outcome::Refused));
            let is_listed = [Code::CallerMalformed, Code::CallerTooLarge].contains(&fault.code);
            assert!(is_listed, "{service}: {fault}");
        }
    }
}

#[test]
fn an_answer_without_a_payload_is_told_or_broken_and_never_panics() {
    for (adapter, service) in forms() {
        for data in
            ["<data/>", "<data>text</data>", "<data><a><b/></a><a/></data>", "<data>&lt;a></data>"]
        {
            match form(adapter.as_ref()).answer(&service, scan(data).root()) {
                Ok(told) => drop(serde_json::from_slice::<Value>(&told).expect("JSON")),
                Err(fault) => assert_eq!(fault.code, Code::AgencyBrokenAnswer, "{data}"),
            }
        }
    }
}
