//! Every deviation of live clients is accepted, and reaches the agency as a proper SyncChannel message.

use crate::caller::{Caller, PERSON, PERSONS, data_of, in_element, person, text};
use crate::hand;
use crate::support::Installation;
use qaqpa_kit::xml::Element;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPES: &str = "http://bip.bee.kz/SyncChannel/v10/Types";
const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// One odd message: a name for failures, the unsigned document, and its Content-Type.
struct Odd {
    name: &'static str,
    document: String,
    content_type: &'static str,
}

fn info(date: &str, extra: &str) -> String {
    format!(
        "<requestInfo><messageId>@ID@</messageId><serviceId>GBDFL_UniversalServiceSync</serviceId>\
         <messageDate>{date}</messageDate><sender><senderId>egov_portal</senderId>\
         <password>demo-portal</password></sender>{extra}</requestInfo>"
    )
}

fn ordinary_info() -> String {
    info("2026-11-22T10:15:30.125+05:00", "")
}

fn envelope(body_attributes: &str, payload: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Body{body_attributes}>{payload}</soap:Body></soap:Envelope>"
    )
}

fn send_message(inside: &str) -> String {
    envelope(
        "",
        &format!(
            "<ns2:SendMessage xmlns:ns2=\"{TYPES}\"><request>{inside}</request></ns2:SendMessage>"
        ),
    )
}

fn with_data(data: &str) -> String {
    send_message(&format!("{}<requestData>{data}</requestData>", ordinary_info()))
}

fn with_date(date: &str) -> String {
    send_message(&format!("{}<requestData><data>{PERSON}</data></requestData>", info(date, "")))
}

fn odd(name: &'static str, document: String) -> Odd {
    Odd { name, document, content_type: "text/xml; charset=utf-8" }
}

/// The signed forms of `gateway-protocols` §1.4.
fn signed_forms() -> Vec<Odd> {
    let ordinary = || with_data(&format!("<data>{PERSON}</data>"));
    let typed = |content_type| Odd { name: content_type, document: ordinary(), content_type };
    let escaped = format!(
        "&lt;Request xmlns=&quot;http://message.persistence.interactive.nat&quot;&gt;{}&lt;/Request&gt;",
        PERSON.replace('<', "&lt;").replace('>', "&gt;")
    );
    vec![
        odd(
            "data qualified in Interfaces, with xsi:type",
            with_data(&format!(
                "<i:data xmlns:i=\"http://bip.bee.kz/SyncChannel/v10/Interfaces\" xmlns:xsi=\"{XSI}\" \
                 xmlns:cs=\"http://message.persistence.interactive.nat\" xsi:type=\"cs:Request\">{PERSON}</i:data>"
            )),
        ),
        odd(
            "SendMessage in a default namespace, request back in none",
            envelope(
                "",
                &format!(
                    "<SendMessage xmlns=\"{TYPES}\"><request xmlns=\"\">{}<requestData><data>{PERSON}</data></requestData></request></SendMessage>",
                    ordinary_info()
                ),
            ),
        ),
        odd(
            "requestInfo out of order",
            send_message(&format!(
                "<requestInfo><messageDate>2026-11-22T10:15:30+05:00</messageDate><sessionId>x</sessionId>\
                 <sender><password>demo-portal</password><senderId>egov_portal</senderId></sender>\
                 <serviceId>GBDFL_UniversalServiceSync</serviceId><messageId>@ID@</messageId></requestInfo>\
                 <requestData><data>{PERSON}</data></requestData>"
            )),
        ),
        odd(
            "all optional elements present but empty",
            send_message(&format!(
                "{}<requestData><data>{PERSON}</data></requestData>",
                info(
                    "2026-11-22T10:15:30+05:00",
                    "<correlationId></correlationId><routeId/><properties></properties><sessionId></sessionId>"
                )
            )),
        ),
        odd(
            "Body id written as plain Id",
            envelope(
                " Id=\"body-1\"",
                &format!(
                    "<ns2:SendMessage xmlns:ns2=\"{TYPES}\"><request>{}<requestData><data>{PERSON}</data></requestData></request></ns2:SendMessage>",
                    ordinary_info()
                ),
            ),
        ),
        odd(
            "wrapper SendMessageRequest",
            envelope(
                "",
                &format!(
                    "<ns2:SendMessageRequest xmlns:ns2=\"{TYPES}\"><request>{}<requestData><data>{PERSON}</data></requestData></request></ns2:SendMessageRequest>",
                    ordinary_info()
                ),
            ),
        ),
        odd(
            "wrapper of the consent service",
            envelope(
                "",
                &format!(
                    "<kdp:sendMessageRequest xmlns:kdp=\"http://service.2fa-chain.kz/ns/kdp\"><request>{}<requestData><data>{PERSON}</data></requestData></request></kdp:sendMessageRequest>",
                    ordinary_info()
                ),
            ),
        ),
        typed("text/plain"),
        typed("application/xml"),
        typed("text/plain; charset=utf-8"),
        odd("date with Z", with_date("2026-11-22T05:15:30Z")),
        odd("date with +06:00", with_date("2026-11-22T11:15:30+06:00")),
        odd("date without a zone", with_date("2026-11-22T10:15:30")),
        odd("date in nanoseconds", with_date("2026-11-22T10:15:30.123456789+05:00")),
        odd("date with +0600", with_date("2026-11-22T10:15:30.125+0600")),
        odd(
            "escaped document with xsi:type xs:string",
            with_data(&format!(
                "<data xmlns:xsi=\"{XSI}\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xsi:type=\"xs:string\">{escaped}</data>"
            )),
        ),
        odd("escaped document without a type", with_data(&format!("<data>{escaped}</data>"))),
        odd(
            "document in CDATA",
            with_data(&format!("<data><![CDATA[<Request>{PERSON}</Request>]]></data>")),
        ),
        odd("UTF-8 byte order mark", format!("\u{feff}{}", ordinary())),
        odd(
            "XML declaration",
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", ordinary()),
        ),
        odd(
            "a wsu:Id of its own",
            ordinary().replace(
                "<soap:Body>",
                &format!("<soap:Body xmlns:wsu=\"{WSU}\" wsu:Id=\"bodyId\">"),
            ),
        ),
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

#[tokio::test(flavor = "multi_thread")]
async fn every_signed_deviation_is_answered_as_the_plain_form_is() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    for form in signed_forms() {
        let document = form.document.replace("@ID@", &Caller::fresh_id());
        let signed = if form.name.contains("plain Id") {
            hand::sign(&document, "Body", "body-1", &portal.signer).into_bytes()
        } else {
            portal.sign(&document)
        };
        let posted = portal.post_as(signed, form.content_type).await;
        let entry = installation.entry(&posted).await;
        assert_eq!(posted.http_status, 200, "{}: {}", form.name, text(&posted));
        assert_eq!(entry.line(), "Done", "{}", form.name);
        assert!(text(&posted).contains("SCSS001"), "{}", form.name);
        assert_proper(form.name, &document, &installation.last_request_of("gbd_fl"));
        let session =
            in_element(&text(&posted), "sessionId", |element| element.text().into_owned());
        assert_eq!(session, Some(format!("{{{}}}", entry.record.entry)), "{}", form.name);
    }
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
