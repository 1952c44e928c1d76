//! Bad input of every kind: a clear fault, an entry in the journal, and nothing sent to anybody.

use crate::caller::{Caller, PERSON, PERSONS, STARTED, text};
use crate::forged::{self, Flaw};
use crate::hand;
use crate::refusal::assert_fault;
use crate::support::{Installation, Plan};
use qaqpa::command::client::Client;
use qaqpa::sign::wsse;

const PORTAL_BIN: &str = "190540007715";
const MALFORMED: &str = "Refused caller.malformed receive";
const TOO_LARGE: &str = "Refused caller.too_large receive";
const BAD_SIGNATURE: &str = "Refused caller.bad_signature verify";

/// One bad body, and how it must end.
struct Bad {
    name: &'static str,
    body: Vec<u8>,
    line: &'static str,
}

fn bad(name: &'static str, body: impl Into<Vec<u8>>, line: &'static str) -> Bad {
    Bad { name, body: body.into(), line }
}

fn replaced(message: &str, from: &str, to: &str) -> String {
    assert!(message.contains(from), "{from} is not in {message}");
    message.replacen(from, to, 1)
}

/// Bodies that are no XML that may be read, however they are signed.
fn unreadable(portal: &Caller) -> Vec<Bad> {
    let fresh = || portal.message(PERSONS, PERSON);
    let signed = String::from_utf8(portal.sign(&fresh())).unwrap();
    let doctype = |dtd: &str| format!("<!DOCTYPE x [{dtd}]>{signed}");
    let inside = |data: &str| portal.message(PERSONS, data);
    let utf16 = |text: &str| -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let mut not_utf8 = signed.clone().into_bytes();
    let at = signed.find("DEMO").unwrap();
    not_utf8[at] = 0xC4;
    let lol = "<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">";
    vec![
        bad("nothing", "", MALFORMED),
        bad("no XML", "{\"iin\": 1}", MALFORMED),
        bad("cut in the middle", &signed.as_bytes()[..signed.len() / 2], MALFORMED),
        bad("cut by one byte", &signed.as_bytes()[..signed.len() - 1], MALFORMED),
        bad("something after the end", format!("{signed}<x/>"), MALFORMED),
        bad("tags that cross", inside("<a><b></a></b>"), MALFORMED),
        bad("a prefix that is bound to nothing", inside("<far:a/>"), MALFORMED),
        bad("an attribute twice", inside("<a b=\"1\" b=\"2\"/>"), MALFORMED),
        bad("a bare ampersand", inside("a & b"), MALFORMED),
        bad("NUL", inside("\0"), MALFORMED),
        bad("a DOCTYPE", doctype(""), MALFORMED),
        bad("a bomb of entities", doctype(lol).replace("DEMO", "&b;"), MALFORMED),
        bad("an external entity", doctype("<!ENTITY f SYSTEM \"file:///etc/passwd\">"), MALFORMED),
        bad("an entity that is not declared", inside("&lol;"), MALFORMED),
        bad("bytes that are no UTF-8", not_utf8, MALFORMED),
        bad("UTF-16", utf16(&signed), MALFORMED),
        bad(
            "an encoding that it is not read in",
            format!("<?xml version=\"1.0\" encoding=\"windows-1251\"?>{signed}"),
            MALFORMED,
        ),
        bad("depth", inside(&("<a>".repeat(80) + &"</a>".repeat(80))), TOO_LARGE),
        bad("nodes", inside(&"<a/>".repeat(2_000)), TOO_LARGE),
        bad("a huge attribute", inside(&format!("<a b=\"{}\"/>", "x".repeat(70_000))), TOO_LARGE),
        bad("a huge body", inside(&"x".repeat(200_000)), TOO_LARGE),
    ]
}

/// Messages that are well-formed, but not one call in SyncChannel.
fn misshapen(portal: &Caller) -> Vec<Bad> {
    let sign =
        |from: &str, to: &str| portal.sign(&replaced(&portal.message(PERSONS, PERSON), from, to));
    let service = format!("<serviceId>{PERSONS}</serviceId>");
    let sender = "<senderId>egov_portal</senderId>";
    let soap12 = portal.message(PERSONS, PERSON).replace(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://www.w3.org/2003/05/soap-envelope",
    );
    let unknown = portal.message(PERSONS, PERSON).replace("ns2:SendMessage", "ns2:DropTables");
    let two = format!("{service}<serviceId>AR_AddressByRka</serviceId>");
    vec![
        bad("SOAP 1.2", wsse::sign(soap12.as_bytes(), &portal.signer).unwrap(), MALFORMED),
        bad("an unknown wrapper", portal.sign(&unknown), MALFORMED),
        bad("serviceId twice", sign(&service, &two), MALFORMED),
        bad(
            "sender twice",
            sign("<sender>", "<sender><senderId>demo_bank</senderId></sender><sender>"),
            MALFORMED,
        ),
        bad(
            "a comment in serviceId",
            sign("<serviceId>GBDFL", "<serviceId>GBD<!-- -->FL"),
            MALFORMED,
        ),
        bad(
            "CDATA in senderId",
            sign(sender, "<senderId><![CDATA[egov_portal]]></senderId>"),
            MALFORMED,
        ),
        bad(
            "an instruction in senderId",
            replaced(
                &portal.message(PERSONS, PERSON),
                sender,
                "<senderId>egov_<?x?>portal</senderId>",
            ),
            MALFORMED,
        ),
        bad(
            "an element in senderId",
            sign(sender, "<senderId>egov_portal<b/></senderId>"),
            MALFORMED,
        ),
        bad("no serviceId", sign(&service, ""), MALFORMED),
        bad("no senderId", sign(sender, ""), MALFORMED),
        bad("a date that is none", sign(&STARTED, "yesterday"), MALFORMED),
        bad(
            "a messageId beyond the index",
            sign("<messageId>", &format!("<messageId>{}", "m".repeat(300))),
            MALFORMED,
        ),
    ]
}

/// Signatures that do not hold.
fn badly_signed(portal: &Caller) -> Vec<Bad> {
    let signed = || String::from_utf8(portal.sign(&portal.message(PERSONS, PERSON))).unwrap();
    let security = |message: &str| {
        let (start, end) =
            (message.find("<wsse:Security").unwrap(), message.find("</soap:Header>").unwrap());
        message[start..end].to_owned()
    };
    let twice = signed();
    let twice = replaced(&twice, "</soap:Header>", &format!("{}</soap:Header>", security(&twice)));
    let moved = signed();
    let body = &moved[moved.find("<soap:Body").unwrap()..moved.find("</soap:Envelope>").unwrap()];
    let other =
        body.replace("wsu:Id=\"id-", "wsu:Id=\"other-").replace("850312300121", "010702600344");
    let beside = moved.replace(body, &format!("{body}{other}"));
    let wrapped = moved.replace(body, &other).replace(
        "</soap:Header>",
        &format!("<x:old xmlns:x=\"urn:x\">{body}</x:old></soap:Header>"),
    );
    let same_id = portal.message(PERSONS, &format!("{PERSON}<far Id=\"body-1\"/>"));
    let same_id = replaced(&same_id, "<soap:Body", "<soap:Body Id=\"body-1\"");
    let only_info =
        portal.message(PERSONS, PERSON).replace("<requestInfo", "<requestInfo Id=\"part\"");
    vec![
        bad("no signature", portal.message(PERSONS, PERSON), "Refused caller.unsigned verify"),
        bad(
            "changed after signing",
            signed().replace("850312300121", "010702600344"),
            BAD_SIGNATURE,
        ),
        bad(
            "one space more",
            replaced(&signed(), "<requestInfo>", "<requestInfo> "),
            BAD_SIGNATURE,
        ),
        bad(
            "another's signature value",
            {
                let (first, second) = (signed(), signed());
                let value = |text: &str| {
                    text[text.find("<ds:SignatureValue>").unwrap()
                        ..text.find("</ds:SignatureValue>").unwrap()]
                        .to_owned()
                };
                first.replace(&value(&first), &value(&second))
            },
            BAD_SIGNATURE,
        ),
        bad("two Security headers", twice, "Refused caller.bad_signature receive"),
        bad("two Bodies", beside, MALFORMED),
        bad(
            "the signed Body moved into the Header",
            wrapped,
            "Refused caller.bad_signature receive",
        ),
        bad(
            "an id that two elements bear",
            hand::sign(&same_id, "Body", "body-1", &portal.signer),
            BAD_SIGNATURE,
        ),
        bad(
            "a signature over a part only",
            hand::sign(&only_info, "requestInfo", "part", &portal.signer),
            BAD_SIGNATURE,
        ),
    ]
}

async fn assert_all_refused(installation: &Installation, caller: &Caller, all: Vec<Bad>) {
    for Bad { name, body, line } in all {
        let code = line.split(' ').nth(1).unwrap();
        let before = installation.faults(code).await;
        let posted = caller.post(body).await;
        assert_fault(installation, name, &posted, line).await;
        assert_eq!(installation.faults(code).await, before + 1.0, "{name}: qaqpa_faults_total");
        assert_eq!(installation.requests(), 0, "{name}: a request reached an agency");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_and_reaches_nobody() {
    let gateway = "[limits]\nbody_bytes_max = 131072\n[limits.xml]\nnodes_max = 1000\n".to_owned();
    let installation = Installation::with(Plan { gateway, ..Plan::default() }).await;
    let portal = installation.caller("portal");
    assert_all_refused(&installation, &portal, unreadable(&portal)).await;
    assert_all_refused(&installation, &portal, misshapen(&portal)).await;
    let posted = portal.ask(PERSONS, PERSON).await;
    assert_eq!(posted.http_status, 200, "and an honest call is served: {}", text(&posted));
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_well_is_refused_and_reaches_nobody() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    assert_all_refused(&installation, &portal, badly_signed(&portal)).await;
    let by = |flaw| {
        let forger = forged::forger(&installation, PORTAL_BIN, flaw);
        wsse::sign(portal.message(PERSONS, PERSON).as_bytes(), &forger).unwrap()
    };
    let bank = installation.caller("bank");
    let all = vec![
        bad("an expired certificate", by(Flaw::Expired), "Refused caller.stale verify"),
        bad("a certificate of tomorrow", by(Flaw::NotYetValid), "Refused caller.stale verify"),
        bad("a foreign root of the same name", by(Flaw::ForeignRoot), BAD_SIGNATURE),
        bad(
            "another participant's certificate",
            bank.sign(&portal.message(PERSONS, PERSON)),
            "Refused caller.forbidden verify",
        ),
    ];
    assert_all_refused(&installation, &portal, all).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_allowed_is_refused_and_reaches_nobody() {
    let services = "[agency.closed_office.service.DEMO_AgencyDown]\nroute_id = \"north\"\n";
    let installation = Installation::with(Plan {
        services: services.to_owned(),
        participants: vec![("bank", "services = [\"GbdulInfoByBin_v2\"]\n".to_owned())],
        ..Plan::default()
    })
    .await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let sign =
        |from: &str, to: &str| portal.sign(&replaced(&portal.message(PERSONS, PERSON), from, to));
    let unknown = "Refused caller.unknown identify";
    let no_service = "Refused caller.unknown_service route";
    let route = |route: &str| {
        let message = portal.message("DEMO_AgencyDown", "{}");
        portal.sign(&replaced(&message, "<sender>", &format!("<routeId>{route}</routeId><sender>")))
    };
    let as_portal = vec![
        bad("an unknown sender", sign("egov_portal", "egov_porta1"), unknown),
        bad("a wrong password", sign("demo-portal", "demo-porta1"), unknown),
        bad("a password that begins right", sign("demo-portal", "demo-porta"), unknown),
        bad("no password", sign("<password>demo-portal</password>", ""), unknown),
        bad("an unknown service", portal.sign(&portal.message("GBDFL", PERSON)), no_service),
        bad(
            "a service in other letters",
            portal.sign(&portal.message(&PERSONS.to_lowercase(), PERSON)),
            no_service,
        ),
        bad("an unknown route", route("south"), no_service),
        bad(
            "another's name and password",
            bank.sign(&bank.message(PERSONS, PERSON)),
            "Refused caller.forbidden identify",
        ),
    ];
    assert_all_refused(&installation, &portal, as_portal).await;
    let posted = portal.post(route("north")).await;
    assert_eq!(posted.fault.as_deref(), Some("agency.unreachable"), "the route that there is");
    let not_granted = bank.sign(&bank.message(PERSONS, PERSON));
    let as_bank = vec![bad("a service not granted", not_granted, "Refused caller.forbidden route")];
    assert_all_refused(&installation, &bank, as_bank).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_certificate_that_nobody_believes_ends_the_connection() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let url = installation.inner.soap_url();
    let trust = &installation.inner.scratch.trust_pem;
    for flaw in [Flaw::Expired, Flaw::NotYetValid, Flaw::ForeignRoot] {
        let pair = forged::pair(&installation, PORTAL_BIN, flaw);
        let client = Client::new(&url, trust, Some((&pair.cert_pem, &pair.key_pem))).unwrap();
        let posted = client.post(portal.sign(&portal.message(PERSONS, PERSON))).await;
        assert!(posted.is_err(), "{flaw:?} was let in");
    }
    let nobody = Client::new(&url, trust, None).unwrap();
    assert!(nobody.post(b"<x/>".to_vec()).await.is_err(), "no certificate was let in");
    assert_eq!(installation.requests(), 0);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_speaks_the_language_of_the_node() {
    let mut texts = Vec::new();
    for (language, word) in [("kk", "қолтаңба"), ("ru", "подпис"), ("en", "signature")]
    {
        let gateway = format!("[node]\nlanguage = \"{language}\"\n");
        let installation = Installation::with(Plan { gateway, ..Plan::default() }).await;
        let portal = installation.caller("portal");
        let posted = portal.post(portal.message(PERSONS, PERSON)).await;
        let line = "Refused caller.unsigned verify";
        let told = assert_fault(&installation, language, &posted, line).await;
        assert!(told.message.contains(word), "{told:?}");
        texts.push(told.message);
        installation.stop().await;
    }
    texts.dedup();
    assert_eq!(texts.len(), 3);
}
