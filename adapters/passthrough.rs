//! An agency by configuration alone: its manifest says which codes mean what, no code is needed.

use qaqpa_kit::adapter::{
    Adapter, Answer, Call, Content, HttpAnswer, HttpOutgoing, Outgoing, Reply, WrittenAnswer,
};
use qaqpa_kit::fault::{Code, Fault, Outcome, Phase};
use qaqpa_kit::manifest::{Manifest, ServiceManifest, Wire};
use qaqpa_kit::xml::Element;
use qaqpa_kit::xml::writer::push_text;
use serde::de::IgnoredAny;

/// The translation that changes nothing.
///
/// With `wire = "sync_v10"` the caller's envelope goes on and the agency's comes back. With `wire =
/// "rest"` the JSON that stands in `data` as text is POSTed to the endpoint, and the JSON of the answer
/// comes back in `data` as text; the codes are HTTP statuses, and an empty `done_codes` means every 2xx.
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
    if outcome == Outcome::Done && !body.trim().is_empty() && !is_json(body) {
        return Err(broken("body_is_not_json"));
    }
    let mut data = String::with_capacity(body.len());
    push_text(&mut data, body);
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
    use crate::trial::call;
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
}
