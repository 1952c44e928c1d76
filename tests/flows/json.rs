//! The REST face: the same calls, the same rules and the same faults, in JSON.

use crate::caller::{Caller, in_element, person, until};
use crate::standin::{StandIn, http};
use crate::support::{Installation, Plan};
use qaqpa::command::client::Posted;
use serde_json::{Value, json};
use std::sync::Arc;

const PERSONS: &str = "GBDFL_UniversalServiceSync";
const ADDRESSES: &str = "AR_AddressByRka";
/// A REST agency by configuration alone, whose service must not be carried out twice.
const FINES: &str = "TEST_Fines";
const JSON: (&str, &str) = ("content-type", "application/json");

fn fines(agency: &StandIn) -> String {
    let name = "name = { kk = \"t\", ru = \"t\", en = \"t\" }\n";
    format!(
        "[agency.fines]\nadapter = \"passthrough\"\nwire = \"rest\"\n{name}\
         endpoint = \"http://{}/api\"\n\
         quota = {{ per_second = 5000, burst = 5000, in_flight_max = 64 }}\n\
         [agency.fines.service.{FINES}]\n{name}done_codes = [\"200\"]\n\
         refused_codes = [\"404\"]\n",
        agency.address
    )
}

/// Calls a service with more headers.
async fn call(caller: &Caller, service: &str, more: &[(&str, &str)], body: &str) -> Posted {
    let headers = [&[JSON], more].concat();
    let path = format!("/api/v1/services/{service}");
    caller.client.post_to(&path, &headers, body.into()).await.unwrap()
}

fn read(posted: &Posted) -> Value {
    serde_json::from_slice(&posted.body)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&posted.body)))
}

/// Asserts a fault such as `Refused caller.malformed receive` in answer, headers and journal.
async fn assert_problem(installation: &Installation, name: &str, posted: &Posted, line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let problem = read(posted);
    assert_eq!(posted.fault.as_deref(), Some(words[1]), "{name}: {problem}");
    assert_eq!((&problem["code"], &problem["phase"]), (&words[1].into(), &words[2].into()));
    assert_eq!(problem["status"], posted.http_status, "{name}");
    assert!(problem["title"].as_str().unwrap().chars().count() > 20, "{name}: {problem}");
    let entry = posted.entry.as_deref().unwrap();
    assert_eq!(problem["instance"], format!("urn:uuid:{entry}"), "{name}");
    assert_eq!(installation.entry(posted).await.line(), line, "{name}: {problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_caller_reaches_the_register_of_persons_and_gets_json() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let posted = call(&portal, PERSONS, &[], r#"{"iin":"850312300121"}"#).await;
    let answer = read(&posted);
    assert_eq!((posted.http_status, &posted.fault), (200, &None), "{answer}");
    assert_eq!(answer["outcome"], "Done");
    assert_eq!(answer["status"]["code"], "SCSS001");
    assert_eq!(answer["entry"], posted.entry.clone().unwrap());
    let person = &answer["data"]["persons"]["person"][0];
    assert_eq!((&person["iin"], &person["name"]), (&json!("850312300121"), &json!("АРМАН")));

    // The agency got what it gets from everybody: a signed SOAP envelope in the portal's name.
    let sent = installation.last_request_of("gbd_fl");
    let sender = in_element(&sent, "senderId", |sender| sender.text().into_owned());
    assert_eq!(sender.as_deref(), Some("egov_portal"));
    assert!(sent.contains("<iin>850312300121</iin>") && sent.contains("SignatureValue"), "{sent}");

    let entry = installation.entry(&posted).await;
    assert_eq!(entry.line(), "Done");
    assert_eq!(entry.record.request_bytes, 22, "the JSON as it came is the evidence");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agencys_refusal_is_an_answer_with_its_own_code() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let nobody = call(&portal, PERSONS, &[], r#"{"iin":"990101500046"}"#).await;
    assert_eq!((nobody.http_status, &nobody.fault), (200, &None));
    assert_eq!(read(&nobody)["outcome"], "Refused");
    assert_eq!(installation.entry(&nobody).await.line(), "Refused");

    let nowhere = call(&portal, ADDRESSES, &[], r#"{"rka":"9999999999999999"}"#).await;
    assert_eq!(read(&nowhere)["outcome"], "Refused");
    assert_eq!(read(&nowhere)["status"]["code"], "SCSE001");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_caller_and_a_soap_caller_get_the_same_from_a_json_agency() {
    let installation = Installation::start().await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let in_json = call(&portal, ADDRESSES, &[], r#"{"rka":"0201300012345678"}"#).await;
    let address = read(&in_json)["data"].clone();
    assert_eq!(address["rka"], "0201300012345678");
    let in_soap = bank.ask(ADDRESSES, "<rka>0201300012345678</rka>").await;
    let soap = String::from_utf8_lossy(&in_soap.body).into_owned();
    for field in ["kato", "nameKz", "nameRu"] {
        let text = in_element(&soap, field, |element| element.text().into_owned());
        assert_eq!(address[field].as_str().map(str::to_owned), text, "{field}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_again_gets_the_same_bytes_and_another_body_a_conflict() {
    let agency = StandIn::start().await;
    agency.answer(|_| Some(http("200 OK", "", br#"{"paid": 1}"#)));
    let installation =
        Installation::with(Plan { services: fines(&agency), ..Plan::default() }).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let key = [("idempotency-key", "8e03978e-40d5-43e8-bc93-6894a57f9324")];
    let quoted = [("idempotency-key", "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"")];
    let first = call(&portal, FINES, &key, r#"{"fine": 7}"#).await;
    let second = call(&portal, FINES, &quoted, r#"{"fine": 7}"#).await;
    assert_eq!((first.http_status, second.http_status), (200, 200), "{}", read(&first));
    assert_eq!((&first.body, &first.entry), (&second.body, &second.entry));
    assert_eq!(agency.requests(), 1);

    let other = call(&portal, FINES, &key, r#"{"fine": 8}"#).await;
    assert_problem(&installation, "another body", &other, "Refused caller.conflict open").await;
    assert_eq!(agency.requests(), 1, "nothing was sent");

    let elsewhere = call(&bank, FINES, &key, r#"{"fine": 8}"#).await;
    assert_eq!(elsewhere.http_status, 200, "another participant's keys are its own");
    let unnamed = call(&portal, FINES, &[], r#"{"fine": 7}"#).await;
    let line = "Refused caller.malformed route";
    assert_problem(&installation, "no key", &unnamed, line).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_calls_at_once_ask_the_agency_once_and_calls_without_a_key_each_ask() {
    let agency = StandIn::start().await;
    agency.answer(|_| Some(http("200 OK", "", b"{}")));
    let installation =
        Installation::with(Plan { services: fines(&agency), ..Plan::default() }).await;
    let portal = Arc::new(installation.caller("portal"));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let portal = Arc::clone(&portal);
            tokio::spawn(async move {
                call(&portal, FINES, &[("idempotency-key", "k1")], r#"{"fine": 7}"#).await
            })
        })
        .collect();
    let mut bodies = Vec::new();
    for one in calls {
        bodies.push(one.await.unwrap().body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(agency.requests(), 1);

    let before = installation.requests_of("gbd_fl").len();
    for _ in 0..2 {
        call(&portal, PERSONS, &[], r#"{"iin":"850312300121"}"#).await;
    }
    until("both asked", || installation.requests_of("gbd_fl").len() == before + 2).await;
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_a_message_id_of_the_same_name_are_two_calls() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let message = portal.sign(&portal.message_with_id("one-name", PERSONS, &person("A")));
    let in_soap = portal.post(message).await;
    let in_json =
        call(&portal, PERSONS, &[("idempotency-key", "one-name")], r#"{"iin":"850312300121"}"#)
            .await;
    assert_eq!((in_soap.http_status, in_json.http_status), (200, 200));
    assert_ne!(in_soap.entry, in_json.entry);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_is_a_problem_that_says_whose_it_is() {
    let narrow = "services = [\"AR_AddressByRka\"]".to_owned();
    let plan = Plan { participants: vec![("bank", narrow)], ..Plan::default() };
    let installation = Installation::with(plan).await;
    let (portal, bank) = (installation.caller("portal"), installation.caller("bank"));
    let unrelated = ("x-anything", "1");
    let good = r#"{"iin":"850312300121"}"#;
    let malformed = "Refused caller.malformed receive";
    for (name, caller, service, header, body, line) in [
        ("not JSON", &portal, PERSONS, unrelated, "{", malformed),
        ("not an object", &portal, PERSONS, unrelated, "[]", malformed),
        ("empty", &portal, PERSONS, unrelated, "", malformed),
        ("a key twice", &portal, PERSONS, unrelated, r#"{"iin":"1","iin":"2"}"#, malformed),
        ("an unknown field", &portal, PERSONS, unrelated, r#"{"inn":"1"}"#, malformed),
        ("a number", &portal, PERSONS, unrelated, r#"{"iin":850312300121}"#, malformed),
        ("a control character", &portal, PERSONS, unrelated, "{\"iin\":\"\\u0001\"}", malformed),
        ("more after it", &portal, PERSONS, unrelated, r#"{"iin":"850312300121"} {}"#, malformed),
        ("a bad key", &portal, PERSONS, ("idempotency-key", "a b"), good, malformed),
        ("a strange name", &portal, "A%2FB", unrelated, good, malformed),
        ("XML", &portal, PERSONS, ("content-type", "text/xml"), good, malformed),
        (
            "a wrong check digit",
            &portal,
            PERSONS,
            unrelated,
            r#"{"iin":"850312300129"}"#,
            "Refused caller.malformed encode",
        ),
        (
            "no such service",
            &portal,
            "NO_Such",
            unrelated,
            good,
            "Refused caller.unknown_service route",
        ),
        ("no such route", &portal, PERSONS, ("route-id", "elsewhere"), good, "Done"),
        ("not granted", &bank, PERSONS, unrelated, good, "Refused caller.forbidden route"),
    ] {
        let before = installation.requests();
        let posted = call(caller, service, &[header], body).await;
        if line == "Done" {
            assert_eq!(posted.http_status, 200, "{name}");
            continue;
        }
        assert_problem(&installation, name, &posted, line).await;
        assert!((400..500).contains(&posted.http_status), "{name}: {}", posted.http_status);
        assert_eq!(installation.requests(), before, "{name}: nothing was sent");
        let told = String::from_utf8_lossy(&posted.body).into_owned();
        assert!(!told.contains("850312300121"), "{name}: {told}");
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_no_certificate_proves_is_refused() {
    let gateway = "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = \"off\"\n".to_owned();
    let participants = vec![("lenient", "accept = []".to_owned())];
    let installation = Installation::with(Plan { gateway, participants, ..Plan::default() }).await;
    let anybody = installation.caller_at(installation.inner.base_url(), "portal", None);
    let posted = call(&anybody, PERSONS, &[], r#"{"iin":"850312300121"}"#).await;
    assert_problem(&installation, "plain", &posted, "Refused caller.unknown identify").await;
    assert_eq!(installation.requests(), 0);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_come_in_the_language_that_the_caller_prefers() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let mut titles = Vec::new();
    for language in ["kk", "ru-RU, en;q=0.5", "en"] {
        let header = ("accept-language", language);
        let posted = call(&portal, PERSONS, &[header], "{").await;
        titles.push(read(&posted)["title"].as_str().unwrap().to_owned());
    }
    titles.dedup();
    assert_eq!(titles.len(), 3, "{titles:?}");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_down_is_told_apart_and_the_caller_may_ask_later() {
    let installation = Installation::start().await;
    let portal = installation.caller("portal");
    let posted = call(&portal, "DEMO_AgencyDown", &[], "{}").await;
    let line = "Refused agency.unreachable send";
    assert_problem(&installation, "down", &posted, line).await;
    assert_eq!(read(&posted)["resend"], "later");
    assert_eq!(read(&posted)["origin"], "agency");
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_grows_beyond_measure_when_it_is_escaped_is_too_large() {
    let agency = StandIn::start().await;
    agency.answer(|_| Some(http("200 OK", "", b"{}")));
    let plan = Plan { services: fines(&agency), ..Plan::default() };
    let small = |settings: &mut qaqpa::config::settings::Settings| {
        settings.limits.body_bytes_max = 10_000;
    };
    let installation = Installation::changed(plan, small).await;
    let portal = installation.caller("portal");
    let key = ("idempotency-key", "grown");
    let grown = call(&portal, FINES, &[key], &format!("\"{}\"", "&".repeat(9_000))).await;
    assert_eq!(grown.http_status, 413);
    assert_problem(&installation, "grown", &grown, "Refused caller.too_large receive").await;
    assert_eq!(agency.requests(), 0);
    let plain = call(&portal, FINES, &[key], &format!("\"{}\"", "a".repeat(9_000))).await;
    assert_eq!((plain.http_status, plain.fault.as_deref()), (200, None));
    installation.stop().await;
}
