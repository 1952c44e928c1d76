//! Every deviation of live clients is accepted, and reaches the agency as a proper SyncChannel message.

use crate::caller::{Caller, PERSON, PERSONS, data_of, in_element, person, text};
use crate::hand;
use crate::support::{Installation, Plan};
use qaqpa_kit::xml::Element;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPES: &str = "http://bip.bee.kz/SyncChannel/v10/Types";
const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const INTERFACES: &str = "http://bip.bee.kz/SyncChannel/v10/Interfaces";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const PLAIN: &str = "text/xml; charset=utf-8";

/// A form and its name for failures.
type Form = (&'static str, String);

/// `requestInfo`, `@ID@` standing for a messageId.
fn info(date: &str, optional: &str) -> String {
    format!(
        "<requestInfo><messageId>@ID@</messageId><serviceId>{PERSONS}</serviceId>\
         <messageDate>{date}</messageDate><sender><senderId>egov_portal</senderId>\
         <password>demo-portal</password></sender>{optional}</requestInfo>"
    )
}

fn ordinary_info() -> String {
    info("2026-11-22T10:15:30.125+05:00", "")
}

/// Ways to write `requestInfo`.
fn infos() -> Vec<Form> {
    let empty = "<correlationId></correlationId><routeId/><properties></properties>\
                 <sessionId></sessionId>";
    let out_of_order = format!(
        "<requestInfo><messageDate>2026-11-22T10:15:30+05:00</messageDate><sessionId>x</sessionId>\
         <sender><password>demo-portal</password><senderId>egov_portal</senderId></sender>\
         <serviceId>{PERSONS}</serviceId><messageId>@ID@</messageId></requestInfo>"
    );
    vec![
        ("out of order", out_of_order),
        ("optional elements present but empty", info("2026-11-22T10:15:30+05:00", empty)),
        ("date with Z", info("2026-11-22T05:15:30Z", "")),
        ("date with +06:00", info("2026-11-22T11:15:30+06:00", "")),
        ("date without a zone", info("2026-11-22T10:15:30", "")),
        ("date in nanoseconds", info("2026-11-22T10:15:30.123456789+05:00", "")),
        ("date with +0600", info("2026-11-22T10:15:30.125+0600", "")),
    ]
}

/// Ways to write `data`; the prefixes `cs` and `xsi` are bound on the Envelope.
fn datas() -> Vec<Form> {
    let request = format!("<Request xmlns=\"urn:any\">{PERSON}</Request>");
    let escaped = request.replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let xs = "http://www.w3.org/2001/XMLSchema";
    vec![
        ("typed inline", format!("<data xsi:type=\"cs:Request\">{PERSON}</data>")),
        ("untyped inline", format!("<data>{PERSON}</data>")),
        (
            "qualified in Interfaces, with xsi:type",
            format!("<i:data xmlns:i=\"{INTERFACES}\" xsi:type=\"cs:Request\">{PERSON}</i:data>"),
        ),
        (
            "escaped, with xsi:type xs:string",
            format!("<data xmlns:xs=\"{xs}\" xsi:type=\"xs:string\">{escaped}</data>"),
        ),
        ("escaped, without a type", format!("<data>{escaped}</data>")),
        ("CDATA", format!("<data><![CDATA[{request}]]></data>")),
    ]
}

/// Ways to wrap both: what stands before and after them inside the Body.
const WRAPPERS: [[&str; 3]; 5] = [
    [
        "SendMessage",
        "<n:SendMessage xmlns:n=\"http://bip.bee.kz/SyncChannel/v10/Types\"><request>",
        "</request></n:SendMessage>",
    ],
    [
        "default namespace, request in none",
        "<SendMessage xmlns=\"http://bip.bee.kz/SyncChannel/v10/Types\"><request xmlns=\"\">",
        "</request></SendMessage>",
    ],
    [
        "SendMessageRequest",
        "<n:SendMessageRequest xmlns:n=\"http://bip.bee.kz/SyncChannel/v10/Types\"><request>",
        "</request></n:SendMessageRequest>",
    ],
    [
        "consent service, with request",
        "<k:sendMessageRequest xmlns:k=\"http://service.2fa-chain.kz/ns/kdp\"><request>",
        "</request></k:sendMessageRequest>",
    ],
    [
        "consent service, without request",
        "<k:sendMessageRequest xmlns:k=\"http://service.2fa-chain.kz/ns/kdp\">",
        "</k:sendMessageRequest>",
    ],
];

fn envelope(wrapper: [&str; 3], info: &str, data: &str) -> String {
    let [_, before, after] = wrapper;
    format!(
        "<soap:Envelope xmlns:soap=\"{SOAP}\" xmlns:xsi=\"{XSI}\" \
         xmlns:cs=\"http://message.persistence.interactive.nat\"><soap:Body>{before}{info}\
         <requestData>{data}</requestData>{after}</soap:Body></soap:Envelope>"
    )
}

fn with_data(data: &str) -> String {
    envelope(WRAPPERS[0], &ordinary_info(), data)
}

/// Whole documents that differ in nothing but how they are written down.
fn documents() -> Vec<Form> {
    let ordinary = with_data(&format!("<data>{PERSON}</data>"));
    let body = |attribute: &str| ordinary.replace("<soap:Body", &format!("<soap:Body {attribute}"));
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    vec![
        ("byte order mark", format!("\u{feff}{ordinary}")),
        ("XML declaration", format!("{declaration}{ordinary}")),
        ("both", format!("\u{feff}{declaration}{ordinary}")),
        ("a wsu:Id of its own", body(&format!("xmlns:wsu=\"{WSU}\" wsu:Id=\"bodyId\""))),
    ]
}

/// Prefixes and what they stand for at `data`: a prefix may live only in an `xsi:type`.
fn namespaces(message: &str) -> Vec<(String, String)> {
    let scope = |data: Element<'_>| {
        let bindings = data.namespaces_in_scope().into_iter();
        bindings.map(|binding| (binding.prefix.to_owned(), binding.uri.to_owned())).collect()
    };
    in_element(message, "data", scope).expect("data")
}

fn assert_proper(name: &str, document: &str, sent: &str) {
    assert_eq!(data_of(document), data_of(sent), "{name}: data changed");
    let arrived = namespaces(sent);
    for binding in namespaces(document) {
        assert!(arrived.contains(&binding), "{name}: {binding:?} is out of scope");
    }
    assert!(in_element(sent, "password", |_| ()).is_none(), "{name}: the password went out");
    assert!(!sent.contains("demo-portal"), "{name}: the password went out");
    let wrapper = in_element(sent, "SendMessage", |element| element.namespace().to_owned());
    assert_eq!(wrapper.as_deref(), Some(TYPES), "{name}");
    let session = in_element(sent, "sessionId", |element| element.text().into_owned());
    let session = session.expect("a sessionId");
    assert!(session.starts_with('{') && session.ends_with('}'), "{name}: {session}");
}

/// Posts a form, signed so, and asserts that it is answered as the plain form is.
async fn assert_answered(
    installation: &Installation,
    name: &str,
    document: &str,
    content_type: &str,
    sign: impl FnOnce(&Caller, &str) -> Vec<u8>,
) {
    let portal = installation.caller("portal");
    let document = document.replace("@ID@", &Caller::fresh_id());
    let posted = portal.post_as(sign(&portal, &document), content_type).await;
    assert_eq!(posted.http_status, 200, "{name}: {}", text(&posted));
    let entry = installation.entry(&posted).await;
    assert_eq!(entry.line(), "Done", "{name}");
    assert!(text(&posted).contains("SCSS001"), "{name}");
    assert_proper(name, &document, &installation.last_request_of("gbd_fl"));
    let session = in_element(&text(&posted), "sessionId", |element| element.text().into_owned());
    assert_eq!(session, Some(format!("{{{}}}", entry.record.entry)), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrapper_around_every_form_of_data_is_answered() {
    let installation = Installation::start().await;
    for wrapper in WRAPPERS {
        for (form, data) in datas() {
            let name = format!("{} around {form}", wrapper[0]);
            let document = envelope(wrapper, &ordinary_info(), &data);
            assert_answered(&installation, &name, &document, PLAIN, Caller::sign).await;
        }
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_head_document_and_content_type_of_live_clients_is_answered() {
    let installation = Installation::start().await;
    let data = format!("<data>{PERSON}</data>");
    for (name, info) in infos() {
        for wrapper in [WRAPPERS[0], WRAPPERS[2]] {
            let document = envelope(wrapper, &info, &data);
            assert_answered(&installation, name, &document, PLAIN, Caller::sign).await;
        }
    }
    for (name, document) in documents() {
        assert_answered(&installation, name, &document, PLAIN, Caller::sign).await;
    }
    for content_type in ["text/plain", "application/xml", "text/plain; charset=utf-8"] {
        let document = with_data(&data);
        assert_answered(&installation, content_type, &document, content_type, Caller::sign).await;
    }
    let document = with_data(&data).replace("<soap:Body", "<soap:Body Id=\"body-1\"");
    let by_plain_id = |portal: &Caller, document: &str| {
        hand::sign(document, "Body", "body-1", &portal.signer).into_bytes()
    };
    assert_answered(&installation, "plain Id", &document, PLAIN, by_plain_id).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_constant_message_id_is_no_same_call_when_the_content_differs() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    for serial in 0..3 {
        let message = portal.message_with_id("1", PERSONS, &person(&format!("D{serial}")));
        let posted = portal.post(portal.sign(&message)).await;
        assert_eq!(posted.http_status, 200, "{}", text(&posted));
    }
    assert_eq!(installation.requests(), 3);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_and_bare_forms_pass_only_for_a_participant_configured_so() {
    let installation = Installation::start().await;
    let lenient = installation.caller("lenient");
    let unsigned = with_data(&format!("<data>{PERSON}</data>"));
    let bare = format!(
        "<syncSendMessageRequest xmlns=\"{TYPES}/Request\" xmlns:far=\"urn:far\">\
         <requestInfo xmlns=\"\"><messageId>@ID@</messageId><serviceId>{PERSONS}</serviceId>\
         <messageDate>2026-11-22T10:15:30+05:00</messageDate>@SENDER@</requestInfo>\
         <requestData xmlns=\"\"><data>{PERSON}</data></requestData></syncSendMessageRequest>"
    );
    // The bare form names no sender and so no password: it must not be asked for one.
    for (name, document) in [
        ("unsigned", unsigned.replace("egov_portal", lenient.sender_id)),
        ("bare", bare.replace("@SENDER@", "")),
    ] {
        let document = document.replace("demo-portal", lenient.password);
        let document = document.replace("@ID@", &Caller::fresh_id());
        let posted = lenient.post(document.as_bytes()).await;
        assert_eq!(posted.http_status, 200, "{name}: {}", text(&posted));
        let record = installation.entry(&posted).await.record;
        let names = (&*record.participant, &*record.sender_id);
        assert_eq!(names, ("lenient", "lenient_fund"), "{name}");
        assert_proper(name, &document, &installation.last_request_of("gbd_fl"));
    }
    let reached = installation.requests();
    let portal = installation.caller("portal");
    for (document, code) in [
        (bare.replace("@SENDER@", ""), "caller.forbidden"),
        (unsigned.clone(), "caller.unsigned"),
        (
            bare.replace(
                "@SENDER@",
                "<sender><senderId>egov_portal</senderId><password>demo-portal</password></sender>",
            ),
            "caller.forbidden",
        ),
    ] {
        let posted = portal.post(document.replace("@ID@", &Caller::fresh_id())).await;
        assert_eq!(posted.fault.as_deref(), Some(code), "{document}");
    }
    assert_eq!(installation.requests(), reached, "nothing more was sent");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bare_calls_alike_of_two_participants_are_two_calls() {
    let plan = Plan {
        participants: vec![("bank", "accept = [\"bare\"]\n".to_owned())],
        ..Plan::default()
    };
    let installation = Installation::with(plan).await;
    let bare = format!(
        "<syncSendMessageRequest xmlns=\"{TYPES}/Request\"><requestInfo xmlns=\"\">\
         <messageId>1</messageId><serviceId>{PERSONS}</serviceId>\
         <messageDate>2026-11-22T10:15:30+05:00</messageDate></requestInfo>\
         <requestData xmlns=\"\"><data>{PERSON}</data></requestData></syncSendMessageRequest>"
    );
    let mut entries = Vec::new();
    for id in ["lenient", "bank", "lenient", "bank"] {
        let posted = installation.caller(id).post(bare.as_bytes()).await;
        assert_eq!(posted.http_status, 200, "{id}: {}", text(&posted));
        entries.push(posted.entry.unwrap());
    }
    assert_eq!((&entries[0], &entries[1]), (&entries[2], &entries[3]), "each its own again");
    assert_ne!(entries[0], entries[1], "nobody gets another's answer");
    assert_eq!(installation.requests(), 2);
    installation.stop().await;
}
