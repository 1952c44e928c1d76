//! `qaqpa payments`: who may say what only a person may say, and what stays of it.

use crate::house::{DAY, HOUR_US, House, MORNING_US, Said, close, opened, payment, unknown};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::journal::entry::EntryId;
use qaqpa::journal::{Body, Journal, Part};
use qaqpa::payments::calendar::OperatingDay;
use qaqpa::payments::order::State;
use serde_json::Value;
use std::path::Path;
use std::process::Command as Process;
use std::time::{Duration, Instant};

const TIMES: usize = 4;

/// Says a word by a participant's key.
fn by_key(house: &House, words: &str, pki: &Path, who: &str) -> Said {
    let [key, cert] = ["key", "cert"].map(|kind| pki.join(format!("{who}.{kind}.pem")));
    house.qaqpa(
        &format!("payments {words} --key @ --cert @ --reason r17 --json"),
        &[&key, &cert],
        None,
    )
}

/// The words of an entry, without what proves them, and the proof.
async fn entry(house: &House, said: &Said) -> (Value, Value) {
    let id: EntryId = said.line()["entry"].as_str().unwrap().parse().unwrap();
    let journal = Journal::start(&house.settings().journal, "demo").await.unwrap();
    let Body::Kept(body) = journal.body(id, Part::Request).await.unwrap() else { panic!("{id}") };
    journal.drain(Instant::now() + Duration::from_secs(10)).await.unwrap();
    let mut words: Value = serde_json::from_slice(&body).unwrap();
    let proof = words.as_object_mut().unwrap().remove("proved_by").unwrap();
    (words, proof)
}

/// What openssl finds signed, after it has judged the signature and its certificate.
fn opened_by_openssl(house: &House, cms: &str) -> Value {
    let file = house.write("word.der", &STANDARD.decode(cms).unwrap());
    let root = house.path("pki/root.pem");
    let out = Process::new("openssl")
        .args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"])
        .arg(file)
        .arg("-CAfile")
        .arg(root)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_by_a_key_is_signed_and_anybody_can_open_what_was_signed() {
    let house = House::new(false).await;
    let payments = house.payments().await;
    let order = unknown(&payments, "1").await;
    close(payments).await;
    let (id, pki) = (order.id.text(), house.path("pki"));
    let note = format!("note {id} --said posted");
    // Somebody else's root vouches for these.
    let elsewhere = House::new(false).await;
    let stranger = by_key(&house, &note, &elsewhere.path("pki"), "portal");
    assert_eq!(stranger.code, Some(1), "{}", stranger.out);
    assert!(stranger.errors.contains("is not believed"), "{}", stranger.errors);
    let open = house.qaqpa("payments open --json", &[], None);
    assert_eq!(open.line()["state"], "unknown", "nothing was done");

    let said = by_key(&house, &note, &pki, "portal");
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert_eq!(said.line()["done"]["state"], "posted");
    let by = said.line()["by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("cert.") && by.len() == 25, "{by}");
    let (words, proof) = entry(&house, &said).await;
    assert_eq!(words["operator"], by.as_str());
    assert_eq!(words["asked"], serde_json::json!({ "payment": id, "said": "posted" }));
    assert_eq!(opened_by_openssl(&house, proof["cms"].as_str().unwrap()), words);
    let shown = house.qaqpa(&format!("payments show {id} --json"), &[], None).line().to_string();
    assert!(shown.contains(&format!("{by}: r17")), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_plain_and_never_a_keys_and_a_reason_says_something() {
    let house = House::new(false).await;
    let payments = house.payments().await;
    let order = unknown(&payments, "1").await;
    close(payments).await;
    let id = order.id.text();
    let key = house.path("pki/portal.key.pem");
    for (who, code) in [
        ("--operator A.Operator --reason r", 64),
        ("--operator cert.00112233445566778899 --reason r", 64),
        ("--operator aigul", 64),
        ("--reason r", 64),
        ("--operator aigul --reason=", 64),
        ("--operator aigul --key @ --reason r", 64),
        // A key without its certificate.
        ("--key @ --reason r", 1),
    ] {
        for word in ["note {} --said posted", "rule {} --as posted"] {
            let words = format!("payments {} {who}", word.replace("{}", id));
            let said = house.qaqpa(&words, &[&key], None);
            assert_eq!(said.code, Some(code), "{words}: {}{}", said.out, said.errors);
        }
    }
    let payments = house.payments().await;
    assert_eq!(payments.order(&order.id).await.unwrap().unwrap().state, State::Unknown);
    assert!(payments.evidence(&order.id).await.unwrap().is_empty(), "nobody was heard");
    close(payments).await;
    let said = house.qaqpa(
        &format!("payments note {id} --said rejected --operator aigul --reason r --json"),
        &[],
        None,
    );
    assert_eq!(said.line()["done"]["state"], "rejected", "{}", said.errors);
    let (words, proof) = entry(&house, &said).await;
    assert_eq!((&words["operator"], &proof), (&"aigul".into(), &"word".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_closes_a_day_by_the_banks_id_or_its_bic_and_sees_it_written_out() {
    let house = House::new(false).await;
    let payments = house.payments().await;
    for number in ["1", "2"] {
        payment(&payments, number, MORNING_US + HOUR_US).await;
    }
    close(payments).await;
    let who = "--operator aigul --reason r";
    let nobody = house.qaqpa(&format!("payments close --bank nobody --day {DAY} {who}"), &[], None);
    assert!(
        nobody.code == Some(64) && nobody.errors.contains("known are demo"),
        "{}",
        nobody.errors
    );
    let file = house.path("day.csv");
    let export = format!("payments export --bank demo --day {DAY} --out @ --json");
    assert_eq!(house.qaqpa(&export, &[&file], None).line()["closed"], false);
    let closed =
        house.qaqpa(&format!("payments close --bank DEMOKZ2A --day {DAY} {who}"), &[], None);
    assert_eq!(closed.code, Some(0), "{}", closed.errors);
    let words = format!("bank demo, day {DAY}, orders 2, paid_tiyn 3975000, returned_tiyn 0");
    assert!(closed.out.contains(&words), "{}", closed.out);
    let again = house.qaqpa(&format!("payments close --bank demo --day {DAY} {who}"), &[], None);
    assert!(again.code == Some(1) && again.errors.contains("refused"), "{}", again.errors);
    let told = house.qaqpa(&export, &[&file], None).line();
    assert_eq!((&told["closed"], &told["rows"]), (&true.into(), &2.into()));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("#journal;v=1;bank=DEMOKZ2A;opdate=2025-06-11;count=2;"), "{text}");
    let payments = house.payments().await;
    let day = OperatingDay::of(DAY.parse().unwrap());
    assert_eq!(payments.closing("demo", day).await.unwrap().unwrap().orders, 2);
    close(payments).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_shown_to_people_in_tables_and_no_more_of_it_than_was_asked_for() {
    let house = House::new(false).await;
    close(house.payments().await).await;
    for list in ["open", "suspense", "dead"] {
        let said = house.qaqpa(&format!("payments {list}"), &[], None);
        assert_eq!((said.code, said.out.trim()), (Some(0), "none"), "{list}: {}", said.errors);
    }
    let payments = house.payments().await;
    for number in 0..TIMES {
        unknown(&payments, &number.to_string()).await;
    }
    let untouched = opened(&payments, "untouched").await;
    close(payments).await;
    let said = house.qaqpa("payments open", &[], None);
    assert_eq!(said.out.matches("unknown").count(), TIMES, "{}", said.out);
    assert!(said.out.contains("payer") && said.out.contains("****"), "{}", said.out);
    assert!(!said.out.contains(untouched.id.text()), "it waits for nobody: {}", said.out);
    let some = house.qaqpa("payments open --limit 2 --json", &[], None);
    assert_eq!(some.out.lines().count(), 2, "{}", some.out);
    let shown = house.qaqpa(&format!("payments show {}", untouched.id.text()), &[], None);
    assert!(shown.out.contains("opened") && shown.out.contains("19875.00"), "{}", shown.out);
    let wrong = house.qaqpa("payments show nothing", &[], None);
    assert_eq!(wrong.code, Some(64), "{}", wrong.errors);
}
