//! No full IIN or BIN, no password and no body in what the gateway says about calls.

use crate::caller::{Caller, PERSON, PERSONS, get, text};
use crate::served::Served;
use crate::standin::{PAY, StandIn, done, http};
use crate::support::{Ground, Plan};

/// Ids and words that only the messages below hold; the ids look like people's.
const PLANTED: [&str; 9] = [
    "850312300121",
    "990101500036",
    "111122223333",
    "444455556666",
    "demo-portal",
    "demo-bank",
    "planted-password",
    "planted-session",
    "ҮЛГІЛІ",
];

/// Runs of exactly twelve digits, outside of UUIDs, whose last group may be one.
fn twelve_digits(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(|c| !is_word(c))
        .filter(|word| word.parse::<uuid::Uuid>().is_err())
        .flat_map(|word| word.split(|c: char| !c.is_ascii_digit()))
        .filter(|digits| digits.len() == 12)
        .collect()
}

fn assert_clean(what: &str, text: &str) {
    for planted in PLANTED {
        let line = text.lines().find(|line| line.contains(planted));
        assert!(line.is_none(), "{what} tells {planted}: {}", line.unwrap_or_default());
    }
    assert_eq!(twelve_digits(text), Vec::<&str>::new(), "{what}");
}

/// Messages of every fate, each with something planted in every place that a caller controls.
fn messages(portal: &Caller) -> Vec<Vec<u8>> {
    let ask = |data: &str| portal.message(PERSONS, data);
    let planted = |from: &str, to: &str| {
        let message = ask(PERSON);
        assert!(message.contains(from), "{from}");
        portal.sign(&message.replacen(from, to, 1))
    };
    let service = format!("<serviceId>{PERSONS}");
    let mut changed = String::from_utf8(portal.sign(&ask(PERSON))).unwrap();
    changed = changed.replace("850312300121", "111122223333");
    vec![
        portal.sign(&ask(PERSON)),
        portal.sign(&ask("<messageId>1</messageId><iin>990101500036</iin>")),
        portal.sign(&ask("<messageId>1</messageId><iin>444455556666</iin>")),
        portal.sign(&ask("111122223333")),
        ask(PERSON).into_bytes(),
        changed.into_bytes(),
        planted("demo-portal", "planted-password"),
        planted("<senderId>egov_portal", "<senderId>111122223333"),
        planted(&service, "<serviceId>111122223333"),
        planted("<messageId>", "<messageId>111122223333"),
        planted("<sender>", "<routeId>111122223333</routeId><sender>"),
        planted("<serviceId>", "<correlationId>111122223333</correlationId><serviceId>"),
        planted("</requestInfo>", "<sessionId>planted-session</sessionId></requestInfo>"),
        ask(PERSON).replacen("</iin>", "<111122223333>", 1).into_bytes(),
        ask(PERSON).replacen("<iin>", "<iin 111122223333=\"1\">", 1).into_bytes(),
        format!("<!DOCTYPE x SYSTEM \"111122223333\">{}", ask(PERSON)).into_bytes(),
        b"111122223333 planted-password".to_vec(),
        portal.sign(&portal.message(PAY, PERSON)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_log_nor_metrics_nor_faults_tell_people_or_passwords() {
    let agency = StandIn::start().await;
    let gateway = "[ops]\nlog_level = \"debug\"\n".to_owned();
    let services = agency.services(20_000);
    let ground = Ground::lay(&Plan { services, gateway, ..Plan::default() }).await;
    let served = Served::start(&ground).await;
    let caller = |id: &str| Caller::new(&ground.scratch, &served.callers[0], id, Some(id));
    let (portal, bank) = (caller("portal"), caller("bank"));
    let mut calls = 0;
    for message in messages(&portal) {
        for caller in [&portal, &bank] {
            let posted = caller.post(message.clone()).await;
            calls += 1;
            if posted.fault.is_some() {
                assert_clean("a fault", &text(&posted));
            }
        }
    }
    // What an agency says is as little to be trusted as what a caller says.
    for bytes in [
        done("111122223333"),
        http("200 OK", "", b"<x>111122223333 planted-password</x>"),
        http("200 111122223333", "location: /111122223333\r\n", b"850312300121"),
        b"850312300121".to_vec(),
    ] {
        agency.answer(move |_| Some(bytes.clone()));
        let posted = portal.ask(PAY, PERSON).await;
        calls += 1;
        assert!(posted.fault.is_some(), "{}", text(&posted));
        assert_clean("a fault", &text(&posted));
    }
    assert_clean("/metrics", &get(&served.ops, "/metrics").await);
    let path = "/111122223333?iin=850312300121";
    assert_clean("an unknown page", get(&served.ops, path).await.lines().next().unwrap());
    served.signal("TERM");
    let ended = served.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.output);
    let told = ended.output.lines().filter(|line| line.contains("qaqpa::access")).count();
    assert_eq!(told, calls, "one line a call:\n{}", ended.output);
    assert_clean("the log", &ended.output);

    // What the journal keeps of bodies is encrypted.
    for file in ["journal.sqlite", "journal.sqlite-wal"] {
        let Ok(bytes) = std::fs::read(ground.state.path().join(file)) else { continue };
        for secret in ["demo-portal", "planted-password", "990101500036", "ҮЛГІЛІ"] {
            let is_in_clear = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_in_clear, "{file} holds {secret} in clear");
        }
    }
    ground.agencies.stop().await;
}
