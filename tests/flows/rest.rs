//! Agencies that speak JSON over HTTP: which status means what, and what is nobody's word.

use crate::caller::text;
use crate::refusal::assert_fault;
use crate::standin::{StandIn, http};
use crate::support::{Installation, Plan};

const FINES: &str = "TEST_Fines";

fn services(agency: &StandIn) -> String {
    let name = "name = { kk = \"t\", ru = \"t\", en = \"t\" }\n";
    format!(
        "[agency.fines]\nadapter = \"passthrough\"\nwire = \"rest\"\n{name}\
         endpoint = \"http://{}/api\"\nbreaker = {{ failures = 1000, open_ms = 1000 }}\n\
         quota = {{ per_second = 5000, burst = 5000, in_flight_max = 64 }}\n\
         [agency.fines.service.{FINES}]\n{name}done_codes = [\"200\", \"204\"]\n\
         refused_codes = [\"404\", \"409\"]\n",
        agency.address
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_agreed_on_decides_and_any_other_is_unknown() {
    let agency = StandIn::start().await;
    let plan = Plan { services: services(&agency), ..Plan::default() };
    let installation = Installation::with(plan).await;
    let portal = installation.caller("portal");
    let json = br#"{"fines": ["<1 & 2>"]}"#;
    let unlisted = "Unknown agency.unlisted_code decode";
    let broken = "Unknown agency.broken_answer decode";
    for (name, answer, line) in [
        ("done", http("200 OK", "", json), "Done"),
        ("done, with nothing to say", http("204 No Content", "", b""), "Done"),
        ("refused", http("404 Not Found", "", json), "Refused"),
        ("a status agreed on by nobody", http("410 Gone", "", json), unlisted),
        ("another success", http("202 Accepted", "", json), unlisted),
        ("a failure", http("500 Internal Server Error", "", json), unlisted),
        ("a redirect", http("302 Found", "location: http://127.0.0.1:9/\r\n", b""), unlisted),
        ("a login form", http("200 OK", "", b"<html>sign in</html>"), broken),
        ("half of the JSON", http("200 OK", "", &json[..9]), broken),
        ("no UTF-8", http("200 OK", "", b"\"\xff\""), broken),
    ] {
        agency.answer(move |_| Some(answer.clone()));
        let before = agency.requests();
        let posted = portal.ask(FINES, &format!("{{\"mark\": \"{name}\"}}")).await;
        assert_eq!(agency.requests(), before + 1, "{name}");
        if line.contains(' ') {
            assert_fault(&installation, name, &posted, line).await;
            continue;
        }
        assert_eq!(installation.entry(&posted).await.line(), line, "{name}");
        assert_eq!((posted.http_status, posted.fault.as_deref()), (200, None), "{name}");
        let has_data = text(&posted).contains("&lt;1 &amp; 2");
        assert_eq!(has_data, !name.contains("nothing"), "{name}: {}", text(&posted));
    }
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_no_json_is_refused_before_anything_is_sent() {
    let agency = StandIn::start().await;
    let plan = Plan { services: services(&agency), ..Plan::default() };
    let installation = Installation::with(plan).await;
    let portal = installation.caller("portal");
    for data in ["", "{\"open\": ", "<fines/>", "{} {}"] {
        let posted = portal.ask(FINES, data).await;
        let line = "Refused caller.malformed encode";
        assert_fault(&installation, data, &posted, line).await;
    }
    assert_eq!(agency.requests(), 0);
    installation.stop().await;
}
