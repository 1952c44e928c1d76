//! Signature wrapping: the signed part stays valid, but another part is what would be processed.

use crate::signatures::corpus::{Case, case};
use crate::signatures::forge::{
    PAYLOAD, SOAP, form_a, form_c, message, reference, setting, sign, signature, usual,
};
use qaqpa_kit::soap::{DS, WSSE, WSU};

/// A well-signed message in three parts: up to the Body, the Body, and the end.
struct Good {
    head: String,
    body: String,
    tail: String,
}

impl Good {
    fn new() -> Self {
        let text = sign(&message(), &usual(setting().by), setting().by);
        let start = text.find("<soap:Body").expect("body");
        let end = text.find("</soap:Envelope>").expect("end");
        Self { head: text[..start].into(), body: text[start..end].into(), tail: text[end..].into() }
    }

    /// What the attacker wants to be processed.
    fn evil(&self) -> String {
        self.body.replace("wsu:Id=\"body\"", "wsu:Id=\"evil\"").replace(">100<", ">999<")
    }

    /// The message with `extra` put before `mark` in the head and `body` as Body.
    fn with(&self, mark: &str, extra: &str, body: &str) -> String {
        assert!(self.head.contains(mark), "{mark}");
        let head = self.head.replacen(mark, &format!("{extra}{mark}"), 1);
        format!("{head}{body}{}", self.tail)
    }
}

/// The signed Body hidden in the Header, in Security, in the Signature, or beside the real one.
pub(crate) fn moved_bodies() -> Vec<Case> {
    let good = Good::new();
    let evil = good.evil();
    let mut cases = Vec::new();
    for depth in 1..=5 {
        let wrapped = format!(
            "{}{}{}",
            "<w:Wrapper xmlns:w=\"urn:w\" soap:mustUnderstand=\"0\">".repeat(depth),
            good.body,
            "</w:Wrapper>".repeat(depth)
        );
        for mark in ["<wsse:Security ", "</soap:Header>"] {
            let document = good.with(mark, &wrapped, &evil);
            cases.push(case(format!("W1 {depth} before {mark}"), "ref_target_not_body", document));
        }
    }
    let role =
        format!("<o:Optional xmlns:o=\"urn:o\" soap:actor=\"none\">{}</o:Optional>", good.body);
    cases.push(case(
        "W2 optional",
        "ref_target_not_body",
        good.with("</soap:Header>", &role, &evil),
    ));
    for (name, bodies) in
        [("first", format!("{evil}{}", good.body)), ("last", format!("{}{evil}", good.body))]
    {
        cases.push(case(
            format!("W3 evil {name}"),
            "duplicate_body",
            good.with("<ds:Signature ", "", &bodies),
        ));
    }
    let evil_payload = PAYLOAD.replace(">100<", ">999<");
    let inner = evil.replace(&evil_payload, &good.body);
    cases.push(case("W3 body in body", "duplicate_body", good.with("<ds:Signature ", "", &inner)));
    let second = evil.replace(&evil_payload, &format!("{evil_payload}{}", good.body));
    cases.push(case(
        "W3 body after payload",
        "duplicate_body",
        good.with("<ds:Signature ", "", &second),
    ));
    let object = format!("<ds:Object>{}</ds:Object>", good.body);
    let property = format!(
        "<ds:Object><ds:SignatureProperties><ds:SignatureProperty Target=\"#body\">{}\
         </ds:SignatureProperty></ds:SignatureProperties></ds:Object>",
        good.body
    );
    for (mark, what) in [
        ("<ds:SignedInfo>", &object),
        ("<ds:SignatureValue>", &object),
        ("<ds:KeyInfo>", &object),
        ("</ds:Signature>", &object),
        ("</ds:Signature>", &property),
        ("</ds:KeyInfo>", &good.body),
        ("<ds:Signature ", &good.body),
        ("</wsse:Security>", &good.body),
        ("</wsse:SecurityTokenReference>", &good.body),
        ("</ds:SignatureValue>", &good.body),
    ] {
        // Not every form of KeyInfo has every mark.
        if !good.head.contains(mark) {
            continue;
        }
        let document = good.with(mark, what, &evil);
        cases.push(case(format!("W4 before {mark}"), "unexpected_object", document));
    }
    cases.extend(envelopes(&good));
    cases.extend(in_data(&good));
    cases
}

/// Inside `data` anything may stand, also what was signed: it is no Body there.
fn in_data(good: &Good) -> Vec<Case> {
    let whole = format!("{}{}{}", good.head, good.body, good.tail);
    let security = {
        let start = good.head.find("<wsse:Security").expect("security");
        &good.head[start..good.head.find("</soap:Header>").expect("header")]
    };
    let before = "<amount>999";
    let evil = |what: &str| good.evil().replace(before, &format!("{what}{before}"));
    let with = |body: &str| good.with("<ds:Signature ", "", body);
    let same_id = evil(&good.body).replace("wsu:Id=\"evil\"", "wsu:Id=\"body\"");
    let unsigned = with(&evil(&format!("{security}{}", good.body))).replacen(security, "", 1);
    vec![
        case("W1 in data", "ref_target_not_body", with(&evil(&good.body))),
        case("W5 envelope in data", "ref_target_not_body", with(&evil(&whole))),
        case("W6 in data under one id", "duplicate_id", with(&same_id)),
        case("W13 signature and body in data", "signature_missing", unsigned),
        case("W13 envelope in data", "signature_missing", {
            with(&evil(&whole)).replacen(security, "", 1)
        }),
    ]
}

fn envelopes(good: &Good) -> Vec<Case> {
    let evil = good.evil();
    let whole = format!("{}{}{}", good.head, good.body, good.tail);
    let wrapper = format!("<w:Wrapper xmlns:w=\"urn:w\">{whole}</w:Wrapper>");
    let in_payload = evil.replace("</request>", &format!("<x>{whole}</x></request>"));
    vec![
        case(
            "W5 envelope in header",
            "nested_envelope",
            good.with("<wsse:Security ", &whole, &evil),
        ),
        case(
            "W5 envelope in wrapper",
            "nested_envelope",
            good.with("</soap:Header>", &wrapper, &evil),
        ),
        case(
            "W5 envelope in security",
            "nested_envelope",
            good.with("<ds:Signature ", &whole, &evil),
        ),
        case(
            "W5 envelope in payload",
            "nested_envelope",
            good.with("<ds:Signature ", "", &in_payload),
        ),
        case(
            "W5 envelope around",
            "body_missing",
            format!("<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Header/></soap:Envelope>"),
        ),
    ]
}

/// Ids: doubled under one name or two, spelled otherwise, in a foreign namespace.
pub(crate) fn ids() -> Vec<Case> {
    let by = setting().by;
    let mut cases = Vec::new();
    let attributes = ["wsu:Id", "Id", "ID", "id", "xml:id", "AssertionID"];
    for of_body in attributes {
        for of_other in attributes {
            let other =
                format!("<o:Other xmlns:o=\"urn:o\" xmlns:wsu=\"{WSU}\" {of_other}=\"body\"/>");
            let document = message()
                .replace("wsu:Id=\"body\"", &format!("{of_body}=\"body\""))
                .replace("</soap:Header>", &format!("{other}</soap:Header>"));
            let document = sign(&document, &usual(by), by);
            cases.push(case(format!("W7 {of_body} and {of_other}"), "duplicate_id", document));
        }
    }
    let in_data = "<amount Id=\"body\">100</amount>";
    let document = message().replace("<amount>100</amount>", in_data);
    cases.push(case("W6 id in data", "duplicate_id", sign(&document, &usual(by), by)));
    for spelling in ["&#x62;ody", "&#98;ody", "b&#x6F;dy", " body", "body ", "body\t", "\nbody"] {
        let other = format!("<o:Other xmlns:o=\"urn:o\" Id=\"{spelling}\"/></soap:Header>");
        let document = message().replace("</soap:Header>", &other);
        cases.push(case(
            format!("W8 {spelling:?}"),
            "duplicate_id",
            sign(&document, &usual(by), by),
        ));
    }
    for (own, named) in
        [("Body", "body"), ("body ", "body"), ("e\u{301}", "\u{e9}"), ("bodу", "body")]
    {
        let document = message().replace("wsu:Id=\"body\"", &format!("wsu:Id=\"{own}\""));
        let text = signature(by, &reference(named), &form_a(by));
        cases.push(case(
            format!("W8 {own} for {named}"),
            "ref_unresolved",
            sign(&document, &text, by),
        ));
    }
    for attribute in ["f:Id", "f:ID", "f:AssertionID", "wsu:ID", "wsu:id"] {
        let id = format!("xmlns:f=\"urn:f\" {attribute}=\"body\"");
        let document = message().replace("wsu:Id=\"body\"", &id);
        cases.push(case(
            format!("W9 {attribute}"),
            "wrong_namespace",
            sign(&document, &usual(by), by),
        ));
    }
    let document = message()
        .replace(&format!("soap:Body xmlns:wsu=\"{WSU}\""), "soap:Body xmlns:wsu=\"urn:x\"");
    cases.push(case("W9 wsu rebound", "wrong_namespace", sign(&document, &usual(by), by)));
    let document = message()
        .replace("</soap:Header>", "<o:Other xmlns:o=\"urn:o\" Id=\"other\"/></soap:Header>");
    let both = reference("body") + &reference("other");
    let text = signature(by, &both, &form_a(by));
    cases.push(case(
        "W1 second reference elsewhere",
        "ref_target_not_body",
        sign(&document, &text, by),
    ));
    let twice = signature(by, &(reference("body") + &reference("body")), &form_a(by));
    cases.push(case("one element twice", "duplicate_reference", sign(&message(), &twice, by)));
    cases
}

/// A well-signed message with one piece changed afterwards.
fn mutated(name: &str, reason: &'static str, from: &str, to: &str) -> Case {
    let good = sign(&message(), &usual(setting().by), setting().by);
    assert!(good.contains(from), "{from}");
    case(name, reason, good.replace(from, to))
}

/// The Security header: several, elsewhere, for somebody else, under another name.
pub(crate) fn securities() -> Vec<Case> {
    let by = setting().by;
    let good = sign(&message(), &usual(by), by);
    let (start, end) = (good.find("<wsse:Security").unwrap(), good.find("</soap:Header>").unwrap());
    let (security, header_end) = (&good[start..end], "</soap:Header>");
    let without = good.replace(security, "");
    let empty = format!("<wsse:Security xmlns:wsse=\"{WSSE}\"/>");
    let stray = signature(by, &reference("body"), &form_c(by));
    let put = |what: &str, before: &str| without.replace(before, &format!("{what}{before}"));
    let wrapped = put(&format!("<w:W xmlns:w=\"urn:w\">{security}</w:W>"), header_end);
    let no_header = without.replace("<soap:Header></soap:Header>", "");
    let role = if setting().soap == SOAP { "actor" } else { "role" };
    let (must, actor) = ("soap:mustUnderstand=\"1\"", &*format!("soap:{role}=\"urn:other\""));
    let twice = format!("{security}{header_end}");
    let first = format!("<soap:Header>{empty}");
    let last = format!("{empty}{header_end}");
    let ds = format!("ds:Signature xmlns:ds=\"{DS}\"");
    let wsse = format!("xmlns:wsse=\"{WSSE}\"");
    let payload_stray = good.replace("<request>", &format!("{stray}<request>"));
    vec![
        mutated("W12 second before", "security_header_count", "<soap:Header>", &first),
        mutated("W12 second after", "security_header_count", header_end, &last),
        mutated("W12 same twice", "security_header_count", header_end, &twice),
        mutated("W12 other actor", "security_header_count", must, actor),
        case("W12 in wrapper", "security_header_count", wrapped),
        case("W12 in body", "security_header_count", put(security, "<request>")),
        case("W12 signature in header", "signature_misplaced", put(&stray, header_end)),
        case("W12 signature in payload", "signature_misplaced", payload_stray),
        case("W13 no header", "signature_missing", no_header),
        case("W13 empty security", "signature_missing", put(&empty, header_end)),
        case("W13 no security", "signature_missing", without),
        mutated("W9 foreign wsse", "signature_misplaced", &wsse, "xmlns:wsse=\"urn:x\""),
        mutated("W9 foreign ds", "signature_missing", &ds, "ds:Signature xmlns:ds=\"urn:x\""),
    ]
}

/// The Envelope's own structure.
pub(crate) fn structures() -> Vec<Case> {
    let (body, end) = ("<soap:Body", "</soap:Envelope>");
    let good = sign(&message(), &usual(setting().by), setting().by);
    let after = |what: &str| format!("{what}{end}");
    let payloads = "<x/></soap:Body>";
    vec![
        mutated("two headers", "header_count", body, "<soap:Header/><soap:Body"),
        mutated("header after body", "header_count", end, &after("<soap:Header/>")),
        mutated("element after body", "unexpected_element", end, &after("<x/>")),
        mutated("text beside body", "unexpected_text", body, "x<soap:Body"),
        mutated("text in body", "unexpected_text", "</soap:Body>", "x</soap:Body>"),
        mutated("two payloads", "body_child_count", "</soap:Body>", payloads),
        mutated("no payload", "body_child_count", PAYLOAD, ""),
        mutated("instruction", "instruction_outside_data", "<request>", "<?x y?><request>"),
        case("instruction last", "instruction_outside_data", format!("{good}<?x y?>")),
        case("doctype", "doctype_forbidden", format!("<!DOCTYPE soap:Envelope>{good}")),
        mutated("other soap", "soap_version", setting().soap, "urn:soap"),
    ]
}
