//! Business signatures on the way: what a service demands is there, of whom it must be, or nothing is delivered.

use crate::caller::{Caller, text};
use crate::support::{Installation, Plan};
use hyper::HeaderMap;
use qaqpa::command::client::Posted;
use qaqpa::command::now_unix_us;
use qaqpa::sign::business::seal::{self, Forms};
use qaqpa::sign::rest::{Parts, http, jws};
use qaqpa::sign::{Signer, cms};
use qaqpa_kit::xml::writer::push_text;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use serde_json::{Map, Value, json};

const SERVICE: &str = "GbdulInfoByBin_v2";
const PATH: &str = "/api/v1/services/GbdulInfoByBin_v2";
const BIN: &str = "190540007715";
const EMPLOYEE: &[u64] = &[1, 2, 398, 3, 3, 4, 1, 2, 5];
const PERSON: &[u64] = &[1, 2, 398, 3, 3, 4, 1, 1];

fn plan(demand: &str) -> Plan {
    let services =
        format!("[[agency.gbd_ul.service.{SERVICE}.signature]]\nrole = [\"employee\"]\n{demand}\n");
    Plan { services, ..Plan::default() }
}

/// Somebody with a certificate of the demo's root.
fn signer(installation: &Installation, bin: &str, role: &[u64], days: (i64, i64)) -> Signer {
    let folder = installation.inner.scratch.trust_pem.parent().unwrap();
    let root = std::fs::read_to_string(folder.join("root.key.pem")).unwrap();
    let mut ca = CertificateParams::default();
    ca.distinguished_name = DistinguishedName::new();
    ca.distinguished_name.push(DnType::CommonName, "Qaqpa demo root");
    ca.distinguished_name.push(DnType::CountryName, "KZ");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(ca, KeyPair::from_pem(&root).unwrap());
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "ҚЫЗМЕТКЕР");
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), "IIN850312300121");
    params.distinguished_name.push(DnType::OrganizationalUnitName, format!("BIN{bin}"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::EmailProtection,
        ExtendedKeyUsagePurpose::Other(role.to_vec()),
    ];
    let day = |offset: i64| {
        let seconds = now_unix_us() / 1_000_000 + offset * 86_400;
        let date = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        rcgen::date_time_ymd(
            i32::from(date.year()),
            u8::try_from(date.month()).unwrap(),
            u8::try_from(date.day()).unwrap(),
        )
    };
    let (from, until) = (day(days.0), day(days.1));
    params.not_before = from;
    params.not_after = until;
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Signer::from_pem(key.serialize_pem().as_bytes(), certificate.pem().as_bytes()).unwrap()
}

fn employee(installation: &Installation) -> Signer {
    signer(installation, BIN, EMPLOYEE, (-1, 30))
}

fn document(inside: &str) -> String {
    format!(
        "<g:Request xmlns:g=\"http://gbdulinfobybin_v2.egp.gbdul.tamur.kz\"><RequestorBIN>{BIN}</RequestorBIN>\
         <BIN>171140001235</BIN>{inside}</g:Request>"
    )
}

fn signed(by: &Signer) -> String {
    String::from_utf8(seal::sign(document("").as_bytes(), by, Forms::USUAL).unwrap()).unwrap()
}

fn escaped(document: &str) -> String {
    let mut text = String::new();
    push_text(&mut text, document);
    text
}

fn assert_delivered(installation: &Installation, name: &str, posted: &Posted, requests: usize) {
    assert_eq!(posted.fault, None, "{name}: {}", text(posted));
    assert_eq!(installation.requests_of("gbd_ul").len(), requests + 1, "{name}");
}

/// Refused with this code and reason, and nothing reached the agency.
async fn assert_refused(
    installation: &Installation,
    name: &str,
    posted: &Posted,
    words: [&str; 3],
    requests: usize,
) {
    let [code, shep_code, reason] = words;
    assert_eq!(posted.fault.as_deref(), Some(code), "{name}: {}", text(posted));
    let body = text(posted);
    assert!(body.contains(reason) && body.contains("business signature"), "{name}: {body}");
    if !shep_code.is_empty() {
        assert!(body.contains(shep_code), "{name}: {body}");
    }
    assert_eq!(installation.requests_of("gbd_ul").len(), requests, "{name}");
    let entry = installation.entry(posted).await;
    assert_eq!(entry.line(), format!("Refused {code} verify"), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demanded_signature_is_of_the_right_person_or_nothing_is_delivered() {
    let installation =
        Installation::with(plan("form = [\"xmldsig\"]\nbin_field = \"RequestorBIN\"")).await;
    let portal = installation.caller("portal");
    let good = signed(&employee(&installation));
    for (name, data) in [("as text", escaped(&good)), ("inline", good.clone())] {
        let requests = installation.requests_of("gbd_ul").len();
        let posted = portal.ask(SERVICE, &data).await;
        assert_delivered(&installation, name, &posted, requests);
        assert!(installation.last_request_of("gbd_ul").contains(&data), "{name}: byte for byte");
    }
    let bad = "caller.bad_signature";
    let of = |bin: &str, role, days| signed(&signer(&installation, bin, role, days));
    for (name, data, words) in [
        ("unsigned", document(""), ["caller.unsigned", "SCE017", "signature_missing"]),
        (
            "changed",
            good.replace("171140001235", "171140001236"),
            [bad, "SCE016", "digest_mismatch"],
        ),
        ("other role", of(BIN, PERSON, (-1, 30)), [bad, "SCE016", "cert_role"]),
        (
            "other organisation",
            of("171140001235", EMPLOYEE, (-1, 30)),
            [bad, "SCE016", "signer_not_field"],
        ),
        ("expired", of(BIN, EMPLOYEE, (-30, -1)), ["caller.stale", "SCE015", "cert_expired"]),
    ] {
        for (form, data) in [("inline", data.clone()), ("as text", escaped(&data))] {
            let requests = installation.requests_of("gbd_ul").len();
            let posted = portal.ask(SERVICE, &data).await;
            assert_refused(&installation, &format!("{name} {form}"), &posted, words, requests)
                .await;
        }
    }
    installation.stop().await;
}

async fn post(caller: &Caller, headers: &[(&str, &str)], body: &[u8]) -> Posted {
    caller.client.post_to(PATH, headers, body.to_vec()).await.unwrap()
}

fn json_body() -> Vec<u8> {
    json!({"RequestorBIN": BIN, "BIN": "171140001235"}).to_string().into_bytes()
}

fn claims(target: &str, at_unix_s: i64) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("htm".into(), "POST".into());
    claims.insert("htu".into(), target.into());
    claims.insert("iat".into(), at_unix_s.into());
    claims
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_call_is_signed_by_jws_for_this_call_and_once() {
    let installation =
        Installation::with(plan("form = [\"xmldsig\", \"jws\"]\nbin_field = \"RequestorBIN\""))
            .await;
    let portal = installation.caller("portal");
    let (by, now, body) = (employee(&installation), now_unix_us() / 1_000_000, json_body());
    let json_type = ("content-type", "application/json");

    let detached =
        |target: &str, at, body: &[u8]| jws::sign(body, true, claims(target, at), &by).unwrap();
    let good = detached(PATH, now, &body);
    let requests = installation.requests_of("gbd_ul").len();
    let posted = post(&portal, &[json_type, (jws::JWS_SIGNATURE, &good)], &body).await;
    assert_delivered(&installation, "detached", &posted, requests);

    let compact = jws::sign(&body, false, claims(PATH, now + 1), &by).unwrap();
    let requests = installation.requests_of("gbd_ul").len();
    let posted = post(&portal, &[("content-type", jws::JOSE)], compact.as_bytes()).await;
    assert_delivered(&installation, "compact", &posted, requests);

    let whole = json!({"signedRequest": signed(&by)}).to_string();
    let requests = installation.requests_of("gbd_ul").len();
    let posted = post(&portal, &[json_type], whole.as_bytes()).await;
    assert_delivered(&installation, "a signed document in JSON", &posted, requests);

    let other = String::from_utf8(body.clone()).unwrap().replace("171140001235", "171140001236");
    let bad = "caller.bad_signature";
    for (name, signature, body, words) in [
        ("again", good.clone(), body.clone(), [bad, "", "replayed"]),
        ("other body", detached(PATH, now, &body), other.into_bytes(), [bad, "", "bad_signature"]),
        (
            "other target",
            detached("/api/v1/services/X", now, &body),
            body.clone(),
            [bad, "", "component_not_signed"],
        ),
        (
            "old",
            detached(PATH, now - 400, &body),
            body.clone(),
            ["caller.stale", "", "message_expired"],
        ),
        (
            "future",
            detached(PATH, now + 400, &body),
            body.clone(),
            ["caller.stale", "", "message_from_future"],
        ),
    ] {
        let requests = installation.requests_of("gbd_ul").len();
        let posted = post(&portal, &[json_type, (jws::JWS_SIGNATURE, &signature)], &body).await;
        assert_refused(&installation, name, &posted, words, requests).await;
    }
    let requests = installation.requests_of("gbd_ul").len();
    let posted = post(&portal, &[json_type], &body).await;
    let words = ["caller.unsigned", "", "signature_missing"];
    assert_refused(&installation, "unsigned", &posted, words, requests).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_another_call_of_a_jws_by_a_header_that_it_does_not_name() {
    let installation =
        Installation::with(plan("form = [\"jws\"]\nbin_field = \"RequestorBIN\"")).await;
    let portal = installation.caller("portal");
    let (by, now, body) = (employee(&installation), now_unix_us() / 1_000_000, json_body());
    let json_type = ("content-type", "application/json");
    let named = |names: &[(&str, &str)], at| {
        let mut claims = claims(PATH, at);
        claims.extend(names.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        jws::sign(&body, true, claims, &by).unwrap()
    };
    let key = ("idempotency-key", "k1");
    let keyed = named(&[key], now);
    let requests = installation.requests_of("gbd_ul").len();
    let sent = [json_type, (jws::JWS_SIGNATURE, &keyed), key];
    let posted = post(&portal, &sent, &body).await;
    assert_delivered(&installation, "its own key", &posted, requests);
    let again = post(&portal, &sent, &body).await;
    let (first, second) = ((posted.http_status, &posted.body), (again.http_status, &again.body));
    assert_eq!(first, second, "the same call again");
    assert_eq!(installation.requests_of("gbd_ul").len(), requests + 1);

    let bare = named(&[], now + 1);
    for (name, signature, header) in [
        ("a key that is not signed", &bare, Some(key)),
        ("another key", &keyed, Some(("idempotency-key", "k2"))),
        ("no key", &keyed, None),
        ("a correlation", &bare, Some(("correlation-id", "c1"))),
        ("a route", &bare, Some(("route-id", "r1"))),
        ("a receipt", &bare, Some(("payment-receipt", "1"))),
    ] {
        let requests = installation.requests_of("gbd_ul").len();
        let headers = [json_type, (jws::JWS_SIGNATURE, signature)];
        let headers: Vec<_> = headers.into_iter().chain(header).collect();
        let posted = post(&portal, &headers, &body).await;
        assert!((400..500).contains(&posted.http_status), "{name}: {}", posted.http_status);
        assert_eq!(installation.requests_of("gbd_ul").len(), requests, "{name}");
    }
    let requests = installation.requests_of("gbd_ul").len();
    let posted = post(&portal, &[json_type, (jws::JWS_SIGNATURE, &bare), key], &body).await;
    let words = ["caller.bad_signature", "", "component_not_signed"];
    assert_refused(&installation, "a key that is not signed", &posted, words, requests).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_call_is_signed_as_an_http_message_for_this_call_and_once() {
    let installation =
        Installation::with(plan("form = [\"http\"]\nbin_field = \"RequestorBIN\"")).await;
    let portal = installation.caller("portal");
    let (by, now, body) = (employee(&installation), now_unix_us() / 1_000_000, json_body());
    let url: hyper::Uri = installation.inner.soap_url().parse().unwrap();
    let headers = |target: &str, at_unix_s, nonce: &str| {
        let mut given = HeaderMap::new();
        given.insert("host", url.authority().unwrap().as_str().parse().unwrap());
        given.insert("content-type", "application/json".parse().unwrap());
        let parts = Parts {
            method: "POST",
            scheme: "https",
            authority: None,
            target,
            headers: &given,
            body: &json_body(),
        };
        let mut added = http::sign(&parts, &by, at_unix_s, nonce).unwrap();
        added.push(("content-type", "application/json".to_owned()));
        added
    };
    let send = |added: Vec<(&'static str, String)>, body: Vec<u8>| {
        let client = &portal.client;
        async move {
            let headers: Vec<(&str, &str)> = added.iter().map(|(n, v)| (*n, v.as_str())).collect();
            client.post_to(PATH, &headers, body).await.unwrap()
        }
    };
    let good = headers(PATH, now, "1");
    let requests = installation.requests_of("gbd_ul").len();
    let posted = send(good.clone(), body.clone()).await;
    assert_delivered(&installation, "good", &posted, requests);
    let mut keyed = headers(PATH, now, "2");
    keyed.push(("idempotency-key", "k".to_owned()));
    let other = String::from_utf8(body.clone()).unwrap().replace("171140001235", "171140001236");
    let bad = "caller.bad_signature";
    for (name, added, body, words) in [
        ("again", good.clone(), body.clone(), [bad, "", "replayed"]),
        ("other body", headers(PATH, now, "3"), other.into_bytes(), [bad, "", "digest_mismatch"]),
        (
            "other target",
            headers("/api/v1/services/X", now, "4"),
            body.clone(),
            [bad, "", "bad_signature"],
        ),
        ("a key that is not signed", keyed, body.clone(), [bad, "", "component_not_signed"]),
        (
            "old",
            headers(PATH, now - 400, "5"),
            body.clone(),
            ["caller.stale", "", "message_expired"],
        ),
    ] {
        let requests = installation.requests_of("gbd_ul").len();
        let posted = send(added, body).await;
        assert_refused(&installation, name, &posted, words, requests).await;
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cms_in_a_field_signs_another_field() {
    let demand = "form = [\"cms\"]\nsignature_field = \"secondSignData\"\ncontent_field = \"portalSign\"\n\
                  iin_field = \"iin\"";
    let installation = Installation::with(plan(demand)).await;
    let portal = installation.caller("portal");
    let (by, now) = (employee(&installation), now_unix_us() / 1_000_000);
    let content = "<doc><iin>850312300121</iin></doc>";
    let der = cms::sign(content.as_bytes(), false, &by, now).unwrap();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    let with = |content: &str| {
        document(&format!(
            "<portalSign>{}</portalSign><secondSignData>{base64}</secondSignData>",
            escaped(content)
        ))
    };
    let requests = installation.requests_of("gbd_ul").len();
    let posted = portal.ask(SERVICE, &escaped(&with(content))).await;
    // The register's own request knows no such fields; that the call got beyond `verify` is enough.
    assert!(posted.fault.is_none() || text(&posted).contains("encode"), "{}", text(&posted));
    let changed = with(&content.replace("0121", "0139"));
    let posted = portal.ask(SERVICE, &escaped(&changed)).await;
    let words = ["caller.bad_signature", "SCE016", "digest_mismatch"];
    let requests = requests.max(installation.requests_of("gbd_ul").len());
    assert_refused(&installation, "changed", &posted, words, requests).await;
    installation.stop().await;
}
