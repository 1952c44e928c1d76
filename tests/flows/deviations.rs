//! Every deviation of live clients is accepted, and reaches the agency as a proper SyncChannel message.

use crate::support::{Caller, Installation, data_of};
use qaqpa_kit::fault::Outcome;

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const TYPES: &str = "http://bip.bee.kz/SyncChannel/v10/Types";
const WSU: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const PERSON: &str = "<messageId>1</messageId><messageDate>2026-11-22T10:15:30+05:00</messageDate>\
                      <senderCode>DEMO</senderCode><iin>850312300121</iin>";

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
        &format!("<ns2:SendMessage xmlns:ns2=\"{TYPES}\"><request>{inside}</request></ns2:SendMessage>"),
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
        odd("document in CDATA", with_data(&format!("<data><![CDATA[<Request>{PERSON}</Request>]]></data>"))),
        odd("UTF-8 byte order mark", format!("\u{feff}{}", ordinary())),
        odd("XML declaration", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", ordinary())),
        odd("a wsu:Id of its own", ordinary().replace("<soap:Body>", &format!("<soap:Body xmlns:wsu=\"{WSU}\" wsu:Id=\"bodyId\">"))),
    ]
}

#[test]
fn every_signed_deviation_is_answered_as_the_plain_form_is() {
    let installation = Installation::start("deviations");
    let portal = installation.caller("portal");
    for form in signed_forms() {
        let document = form.document.replace("@ID@", &Caller::fresh_id());
        let signed = if form.name.contains("plain Id") {
            portal.sign_over_plain_id(&document)
        } else {
            portal.sign(&document)
        };
        let posted = portal.post_as(&signed, form.content_type);
        let entry = installation.entry(&posted);
        assert_eq!(posted.http_status, 200, "{}: {}", form.name, posted.text());
        assert_eq!(entry.outcome, Some(Outcome::Done), "{}", form.name);
        assert!(posted.text().contains("SCSS001"), "{}", form.name);
        let sent = installation.last_request_of("gbd_fl");
        assert!(!sent.contains("demo-portal"), "{}: the password went out", form.name);
        assert_eq!(data_of(&document), data_of(&sent), "{}: data changed", form.name);
    }
    installation.stop();
}

#[test]
fn a_constant_message_id_is_no_same_call_when_the_content_differs() {
    let installation = Installation::start("constant-id");
    let portal = installation.caller("portal");
    let before = installation.requests_of("gbd_fl");
    for serial in 0..3 {
        let data = format!("<data>{PERSON}<!-- {serial} --></data>").replace("<senderCode>DEMO", &format!("<senderCode>D{serial}"));
        let posted = portal.post(&portal.sign(&with_data(&data).replace("@ID@", "1")));
        assert_eq!(posted.http_status, 200, "{}", posted.text());
    }
    assert_eq!(installation.requests_of("gbd_fl") - before, 3);
    installation.stop();
}

#[test]
fn unsigned_and_bare_forms_pass_only_for_a_participant_configured_so() {
    let installation = Installation::start("unsigned");
    let unsigned = with_data(&format!("<data>{PERSON}</data>"));
    let bare = format!(
        "<syncSendMessageRequest xmlns=\"{TYPES}/Request\"><requestInfo xmlns=\"\"><messageId>@ID@</messageId>\
         <serviceId>GBDFL_UniversalServiceSync</serviceId><messageDate>2026-11-22T10:15:30+05:00</messageDate>\
         </requestInfo><requestData xmlns=\"\"><data>{PERSON}</data></requestData></syncSendMessageRequest>"
    );
    let lenient = installation.caller("lenient");
    let as_lenient = unsigned.replace("egov_portal", "lenient_fund").replace("demo-portal", "demo-lenient");
    for document in [&as_lenient, &bare] {
        let posted = lenient.post(document.replace("@ID@", &Caller::fresh_id()).as_bytes());
        assert_eq!(posted.http_status, 200, "{}", posted.text());
        let sent = installation.last_request_of("gbd_fl");
        assert!(sent.contains("SendMessage"), "rebuilt as SendMessage: {sent}");
        assert_eq!(data_of(document), data_of(&sent));
    }
    let portal = installation.caller("portal");
    let posted = portal.post(unsigned.replace("@ID@", &Caller::fresh_id()).as_bytes());
    assert_eq!(posted.fault.as_deref(), Some("caller.unsigned"));
    let posted = portal.post(bare.replace("@ID@", &Caller::fresh_id()).as_bytes());
    assert_eq!(posted.fault.as_deref(), Some("caller.forbidden"));
    installation.stop();
}
