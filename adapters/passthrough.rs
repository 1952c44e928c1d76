//! An agency by configuration alone: its manifest says which codes mean what, no code is needed.

use qaqpa_kit::adapter::{
    Adapter, Answer, Call, Content, DataXml, HttpAnswer, HttpOutgoing, Json, JsonCall, JsonSchema,
    Outgoing, Reply, WrittenAnswer,
};
use qaqpa_kit::envelope::splice::standing_alone;
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::manifest::{Manifest, ServiceManifest, Wire};
use qaqpa_kit::wire::{Tree, from_json, refused, to_json};
use qaqpa_kit::xml::writer::push_text;
use qaqpa_kit::xml::{Document, Element, Limits, is_text};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The translation that changes nothing.
///
/// With `wire = "sync_v10"` the caller's envelope goes on and the agency's comes back. With `wire =
/// "rest"` the JSON that stands in `data` as text is POSTed to the endpoint, and the JSON of the answer
/// comes back in `data` as text; the codes are HTTP statuses, and an empty `done_codes` means every 2xx.
///
/// Callers that speak REST send and get that very JSON; to and from an agency that speaks SyncChannel
/// they send and get the `data` element itself, because nothing here knows what is in it.
pub struct Passthrough {
    manifest: Manifest,
}

impl Passthrough {
    /// An adapter that does what the manifest says.
    #[must_use]
    pub const fn new(manifest: Manifest) -> Self {
        Self { manifest }
    }
}

impl Adapter for Passthrough {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn encode(&self, call: &Call<'_>) -> Result<Outgoing, Fault> {
        self.manifest.offered(call.service, Phase::Encode)?;
        match self.manifest.wire {
            Wire::SyncV10 => Ok(Outgoing::Envelope),
            Wire::Rest => Ok(Outgoing::Http(HttpOutgoing {
                method: "POST",
                path: String::new(),
                content_type: Some("application/json"),
                body: json_in(call.data)?,
            })),
        }
    }

    fn decode(&self, call: &Call<'_>, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let service = self.manifest.offered(call.service, Phase::Decode)?;
        let outcome = match (self.manifest.wire, answer) {
            (Wire::SyncV10, Answer::Envelope(envelope)) => service.outcome(envelope.status_code)?,
            (Wire::SyncV10, Answer::Fault(fault)) => service.refusal(fault.error_code)?,
            (Wire::Rest, Answer::Http(answer)) => return decode_http(service, answer),
            _ => return Err(Fault::new(Code::GatewayBug, Phase::Decode, "answer_of_other_wire")),
        };
        Ok(Reply { outcome, content: Content::AsReceived })
    }

    fn json(&self) -> Option<&dyn Json> {
        Some(self)
    }
}

/// The JSON form of a `data` element that nothing is known of.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DataForm {
    data_xml: String,
}

impl Json for Passthrough {
    fn request(&self, call: &JsonCall<'_>) -> Result<DataXml, Fault> {
        self.manifest.offered(call.service, Phase::Receive)?;
        match self.manifest.wire {
            Wire::SyncV10 => data_parts(&from_json::<DataForm>(call.body)?.data_xml),
            Wire::Rest => {
                Tree::read(call.body).map_err(|error| refused(&error))?;
                let mut inside = String::with_capacity(call.body.len());
                push_text(&mut inside, str::from_utf8(call.body).unwrap_or_default());
                Ok(DataXml { attributes: String::new(), inside })
            }
        }
    }

    fn answer(&self, service: &str, data: Element<'_>) -> Result<Vec<u8>, Fault> {
        self.manifest.offered(service, Phase::Decode)?;
        let text = data.text();
        match self.manifest.wire {
            Wire::SyncV10 => {
                let data_xml = String::from_utf8_lossy(&standing_alone(data)).into_owned();
                to_json(&DataForm { data_xml })
            }
            // A refusal may bring no JSON, or nothing; it is a JSON text then, or null.
            Wire::Rest if text.trim().is_empty() => Ok(b"null".to_vec()),
            Wire::Rest if is_json(&text) => Ok(text.trim().as_bytes().to_vec()),
            Wire::Rest => to_json(&text),
        }
    }

    fn schema(&self, service: &str) -> Option<JsonSchema> {
        let name = &self.manifest.service(service)?.name;
        let (mut schema, example) = match self.manifest.wire {
            Wire::SyncV10 => (
                json!({
                    "type": "object",
                    "properties": { "dataXml": {
                        "type": "string",
                        "description": "The data element as XML, its namespaces declared in it.",
                    } },
                    "required": ["dataXml"],
                    "additionalProperties": false,
                }),
                json!({ "dataXml": "<data/>" }),
            ),
            // Whatever the agency reads.
            Wire::Rest => (json!({}), json!({})),
        };
        if let Value::Object(fields) = &mut schema {
            fields.insert("title".to_owned(), name.en.as_str().into());
            fields.insert("description".to_owned(), format!("{} / {}", name.kk, name.ru).into());
        }
        Some(JsonSchema {
            request: schema.clone(),
            answer: schema,
            request_example: example.clone(),
            answer_example: example,
        })
    }
}

/// The parts of a caller's own `data` element.
fn data_parts(data_xml: &str) -> Result<DataXml, Fault> {
    let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Receive, reason);
    let document = Document::scan(data_xml.as_bytes(), &Limits::default()).map_err(|error| {
        let code = if error.is_limit { Code::CallerTooLarge } else { Code::CallerMalformed };
        Fault::new(code, Phase::Receive, error.reason).because("in /dataXml")
    })?;
    if !document.root().is("", "data") {
        return Err(malformed("root_is_not_data"));
    }
    Ok(DataXml::of(document.root()))
}

/// The JSON that stands in `data` as text or CDATA.
fn json_in(data: Option<Element<'_>>) -> Result<Vec<u8>, Fault> {
    let malformed = |reason| Fault::new(Code::CallerMalformed, Phase::Encode, reason);
    let data = data.ok_or_else(|| malformed("data_missing"))?;
    let text = data.text();
    if data.children().next().is_some() || !is_json(&text) {
        return Err(malformed("data_is_not_json"));
    }
    Ok(text.trim().as_bytes().to_vec())
}

fn decode_http(service: &ServiceManifest, answer: &HttpAnswer<'_>) -> Result<Reply, Fault> {
    let code = answer.status.to_string();
    let outcome = service.status_outcome(answer.status)?;
    let status_code = match (outcome, answer.status) {
        (Outcome::Done, _) => "SCSS001",
        (_, 404) => "SCSE001",
        _ => "SCSE002",
    };
    let broken = |reason| Fault::new(Code::AgencyBrokenAnswer, Phase::Decode, reason);
    let body = str::from_utf8(answer.body).map_err(|_| broken("body_is_not_utf8"))?;
    // A page of some server on the way (a login form, say) is not the agency's word.
    let is_json = is_json(body);
    if outcome == Outcome::Done && !body.trim().is_empty() && !is_json {
        return Err(broken("body_is_not_json"));
    }
    let mut data = String::with_capacity(body.len());
    if is_json && !is_text(body) {
        // Two characters may stand in JSON's strings and in no XML; JSON has another spelling for them.
        let spelled = body.replace('\u{FFFE}', "\\ufffe").replace('\u{FFFF}', "\\uffff");
        push_text(&mut data, &spelled);
    } else {
        push_text(&mut data, body);
    }
    let data = (!data.is_empty()).then_some(data);
    let message = format!("HTTP {code}");
    let content = Content::Written(WrittenAnswer::new(status_code, &message, data));
    Ok(Reply { outcome, content })
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::{call, json_call};
    use qaqpa_kit::adapter::{EnvelopeAnswer, ErrorInfo};
    use qaqpa_kit::xml::{Document, Limits};

    fn adapter(wire: &str, done_codes: &str) -> Passthrough {
        let text = format!(
            r#"
            id = "demo"
            name = {{ kk = "Демо", ru = "Демо", en = "Demo" }}
            wire = "{wire}"
            [[service]]
            id = "Demo"
            name = {{ kk = "Демо", ru = "Демо", en = "Demo" }}
            done_codes = {done_codes}
            refused_codes = ["SCSE001", "SCE015", "404", "409"]
            "#
        );
        Passthrough::new(Manifest::parse(&text).expect("valid"))
    }

    fn decode(adapter: &Passthrough, answer: &Answer<'_>) -> Result<Reply, Fault> {
        let document = Document::scan(b"<data/>", &Limits::default()).expect("well-formed");
        adapter.decode(&call("Demo", &document), answer)
    }

    fn encode(adapter: &Passthrough, data: &str) -> Result<Outgoing, Fault> {
        let document = Document::scan(data.as_bytes(), &Limits::default()).expect("well-formed");
        adapter.encode(&call("Demo", &document))
    }

    #[test]
    fn soap_goes_on_and_its_code_decides() {
        let adapter = adapter("sync_v10", r#"["SCSS001"]"#);
        assert_eq!(encode(&adapter, "<data><any/></data>"), Ok(Outgoing::Envelope));
        for (status_code, expected) in [
            ("SCSS001", Ok(Outcome::Done)),
            ("SCSE001", Ok(Outcome::Refused)),
            ("SCSE003", Err(Code::AgencyUnlistedCode)),
        ] {
            let answer = EnvelopeAnswer { status_code, status_message: "", data: None };
            let reply = decode(&adapter, &Answer::Envelope(answer));
            let outcome = reply.map(|reply| {
                assert_eq!(reply.content, Content::AsReceived);
                reply.outcome
            });
            assert_eq!(outcome.map_err(|fault| fault.code), expected, "{status_code}");
        }
    }

    #[test]
    fn a_soap_fault_is_refused_when_listed_and_else_unknown() {
        let adapter = adapter("sync_v10", r#"["SCSS001"]"#);
        for (error_code, expected) in [
            ("SCE015", Outcome::Refused),
            ("SCE909", Outcome::Unknown),
            ("SCSS001", Outcome::Unknown),
            ("", Outcome::Unknown),
        ] {
            let info = ErrorInfo { error_code, error_message: "" };
            let outcome = decode(&adapter, &Answer::Fault(info))
                .map_or_else(|fault| fault.outcome(), |reply| reply.outcome);
            assert_eq!(outcome, expected, "{error_code}");
        }
    }

    #[test]
    fn json_leaves_as_it_stands_in_data() {
        let adapter = adapter("rest", "[]");
        for data in
            [r#"<data>{"a": "&lt;b>"}</data>"#, r#"<data>  <![CDATA[{"a": "<b>"}]]>  </data>"#]
        {
            let Ok(Outgoing::Http(http)) = encode(&adapter, data) else { panic!("{data}") };
            assert_eq!((http.method, http.path.as_str()), ("POST", ""));
            assert_eq!(http.body, br#"{"a": "<b>"}"#);
        }
        for data in ["<data/>", "<data>{</data>", "<data><a>1</a></data>", "<data>1<a/></data>"] {
            let fault = encode(&adapter, data).expect_err(data);
            assert_eq!((fault.code, fault.reason), (Code::CallerMalformed, "data_is_not_json"));
        }
    }

    #[test]
    fn an_http_answer_comes_back_as_text_and_its_status_decides() {
        let every_2xx = adapter("rest", "[]");
        let only_200 = adapter("rest", r#"["200"]"#);
        for (adapter, status, body, expected) in [
            (&every_2xx, 200, "{\"a\":\"<&>\"}", Ok((Outcome::Done, "SCSS001"))),
            (&every_2xx, 204, "", Ok((Outcome::Done, "SCSS001"))),
            (&every_2xx, 200, "<html>log in</html>", Err("body_is_not_json")),
            (&every_2xx, 404, "<html>none</html>", Ok((Outcome::Refused, "SCSE001"))),
            (&every_2xx, 409, "{}", Ok((Outcome::Refused, "SCSE002"))),
            (&every_2xx, 400, "{}", Err("unlisted_code")),
            (&every_2xx, 302, "", Err("unlisted_code")),
            (&every_2xx, 503, "{}", Err("unlisted_code")),
            (&only_200, 200, "{}", Ok((Outcome::Done, "SCSS001"))),
            (&only_200, 202, "{}", Err("unlisted_code")),
        ] {
            let answer = HttpAnswer { status, content_type: None, body: body.as_bytes() };
            let reply = decode(adapter, &Answer::Http(answer));
            let shown = match &reply {
                Ok(Reply { outcome, content: Content::Written(answer) }) => {
                    let data = format!("<d>{}</d>", answer.data_xml.as_deref().unwrap_or_default());
                    let data = Document::scan(data.as_bytes(), &Limits::default()).expect("XML");
                    assert_eq!(data.root().text(), body, "the body arrives as it was");
                    Ok((*outcome, answer.status_code.as_str()))
                }
                Ok(reply) => panic!("{reply:?}"),
                Err(fault) => Err(fault.reason),
            };
            assert_eq!(shown, expected, "{status} {body}");
        }
        let answer = HttpAnswer { status: 200, content_type: None, body: b"\"\xFF\"" };
        let fault = decode(&every_2xx, &Answer::Http(answer)).expect_err("not UTF-8");
        assert_eq!(fault.outcome(), Outcome::Unknown);
    }

    fn data_of(adapter: &Passthrough, json: &str) -> Result<String, &'static str> {
        let data = adapter.request(&json_call("Demo", json)).map_err(|fault| fault.reason)?;
        Ok(format!("<data{}>{}</data>", data.attributes, data.inside))
    }

    fn json_of(adapter: &Passthrough, data: &str) -> String {
        let document = Document::scan(data.as_bytes(), &Limits::default()).expect("well-formed");
        let parent = document.root();
        let data = parent.child("data").unwrap_or(parent);
        String::from_utf8(adapter.answer("Demo", data).expect("JSON")).expect("UTF-8")
    }

    #[test]
    fn json_reaches_a_rest_agency_to_the_letter_and_its_answer_comes_back_so() {
        let adapter = adapter("rest", "[]");
        for json in
            ["{ \"a\" : \"<b>&]]>\",\r\n\"n\":0.10000000000000000001e+05 }", "[]", "7", "null"]
        {
            let data = data_of(&adapter, json).expect(json);
            let Ok(Outgoing::Http(http)) = encode(&adapter, &data) else { panic!("{data}") };
            assert_eq!(http.body, json.as_bytes());
            assert_eq!(json_of(&adapter, &data), json);
        }
        for (json, reason) in [
            ("{\"a\":1,\"a\":2}", "duplicate_key"),
            ("{\"a\":\"\\u0000\"}", "forbidden_character"),
            ("<a/>", "json_unreadable"),
        ] {
            assert_eq!(data_of(&adapter, json), Err(reason));
        }
        assert_eq!(json_of(&adapter, "<data> </data>"), "null");
        assert_eq!(json_of(&adapter, "<data>&lt;html></data>"), "\"<html>\"");
        let body = "{\"a\":\"\u{ffff}\"}";
        let answer = HttpAnswer { status: 200, content_type: None, body: body.as_bytes() };
        let Ok(Reply { content: Content::Written(answer), .. }) =
            decode(&adapter, &Answer::Http(answer))
        else {
            panic!("an answer")
        };
        let data = format!("<data>{}</data>", answer.data_xml.expect("data"));
        assert_eq!(json_of(&adapter, &data), "{\"a\":\"\\uffff\"}");
    }

    #[test]
    fn a_data_element_in_json_is_the_same_in_xml_and_nothing_can_stand_beside_it() {
        let adapter = adapter("sync_v10", r#"["SCSS001"]"#);
        let form = |data_xml: &str| json!({ "dataXml": data_xml }).to_string();
        let whole = "<data  xmlns:p='urn:p' p:t='p:T'\n><p:a/>қ&lt;<![CDATA[<]]></data>";
        assert_eq!(data_of(&adapter, &form(whole)).as_deref(), Ok(whole));
        assert_eq!(data_of(&adapter, &form("<!--x--><data />")).as_deref(), Ok("<data ></data>"));
        let outer = "<r xmlns:q='urn:q'><data a='1'><q:b/></data></r>";
        let told = form("<data xmlns:q=\"urn:q\" a='1'><q:b/></data>");
        assert_eq!(json_of(&adapter, outer), told);
        assert!(data_of(&adapter, &told).is_ok());
        for (data_xml, reason) in [
            ("<data/><data/>", "content_outside_root"),
            ("<data></data></requestData>", "mismatched_tag"),
            ("<data><q:a/></data>", "undeclared_prefix"),
            ("<!DOCTYPE data><data/>", "doctype_forbidden"),
            ("<x:data xmlns:x='urn:x'/>", "root_is_not_data"),
            ("<request/>", "root_is_not_data"),
            ("text", "content_outside_root"),
        ] {
            assert_eq!(data_of(&adapter, &form(data_xml)), Err(reason), "{data_xml}");
        }
        assert_eq!(data_of(&adapter, "{\"iin\":\"1\"}"), Err("unknown_field"));
    }

    #[test]
    fn a_service_known_by_configuration_alone_is_described_by_its_name() {
        for wire in ["rest", "sync_v10"] {
            let adapter = adapter(wire, "[]");
            let schema = adapter.schema("Demo").expect("offered");
            assert_eq!(schema.request.get("title"), Some(&json!("Demo")));
            assert!(adapter.schema("Other").is_none());
            let example = schema.request_example.to_string();
            assert!(adapter.request(&json_call("Demo", &example)).is_ok(), "{wire}");
        }
    }
}
