//! What the command promises of a day: every difference once, evidence believed, no end by one person alone.

use crate::house::{
    AMOUNT, DAY, HOUR_US, House, MORNING_US, NEXT, Said, close, register, row, sealed, seeded,
};
use qaqpa::payments::calendar::OperatingDay;
use qaqpa::payments::order::State;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_reconciled_from_its_register_to_the_end_of_its_breaks_on_sqlite() {
    a_day(&House::new(false).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_reconciled_from_its_register_to_the_end_of_its_breaks_on_postgres() {
    a_day(&House::new(true).await).await;
}

async fn a_day(house: &House) {
    let payments = house.payments().await;
    let day = seeded(&payments).await;
    close(payments).await;
    let file = house.write("register.csv", &day.register);
    let said = house.reconcile(&file, "first", None);
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let line = said.line();
    let expected = json!({
        "MISSING_IN_BANK": 1, "MISSING_IN_GATEWAY": 1, "AMOUNT_MISMATCH": 1,
        "DUPLICATE_IN_BANK": 1, "DOUBLE_PAID_CHARGE": 1, "LATE_CREDIT": 1,
    });
    assert_eq!(line["breaks"], expected, "{line}");
    // Three plain ones, the first of the copies, the first payment of the charge, the unclear one.
    assert_eq!((&line["matched"], &line["rows"]["register"]), (&json!(6), &json!(11)));

    // The register is evidence: the unclear order is posted in its own day, and late money in suspense.
    let payments = house.payments().await;
    let unknown = payments.order(&day.unknown.id).await.unwrap().unwrap();
    let own = OperatingDay::of(DAY.parse().unwrap());
    assert_eq!((unknown.state, unknown.operating_day), (State::Posted, Some(own)));
    assert_eq!(unknown.document_number.as_deref(), Some("4719"));
    let expired = payments.order(&day.expired.id).await.unwrap().unwrap();
    assert_eq!(expired.state, State::Expired);
    let balances = payments.balances().await.unwrap();
    let balance = |account: &str| {
        balances.iter().find(|row| row.account == account).map_or(0, |row| row.balance_tiyn)
    };
    assert_eq!(balances.iter().map(|row| row.balance_tiyn).sum::<i64>(), 0);
    assert_eq!(balance("suspense:demo"), -2 * AMOUNT);
    assert_eq!(balance("receivable:demo"), 10 * AMOUNT);
    let before = payments.transfers(&day.unknown.id).await.unwrap();
    close(payments).await;

    // Again, and after that from files alone, it is the same to the byte.
    let first = house.contents("first");
    assert_eq!(house.reconcile(&file, "second", None).code, Some(0));
    assert_eq!(house.contents("second"), first);
    let export = house.path("journal.csv");
    let words = format!("payments export --bank DEMOKZ2A --day {DAY} --out @ --json");
    let exported = house.qaqpa(&words, &[&export], None);
    assert_eq!(exported.line()["closed"], json!(true), "{}", exported.errors);
    let manifest: Value = serde_json::from_slice(&first["manifest.json"]).unwrap();
    assert_eq!(manifest["inputs"]["journal"][0]["sha256"], exported.line()["sha256"]);
    let payments = house.payments().await;
    assert_eq!(payments.transfers(&day.unknown.id).await.unwrap(), before, "never twice money");
    assert_eq!(payments.reconcile_runs("demo", 9).await.unwrap().len(), 1);
    close(payments).await;

    two_operators(house);
    two_keys(house, lone(house, "AMOUNT_MISMATCH")["id"].as_str().unwrap());
    later_evidence(house, &day.missing.end_to_end_id).await;
    assert_eq!(house.reconcile(&file, "third", None).code, Some(0));
    assert_eq!(house.contents("third"), first, "what came later changes nothing of a closed day");
}

fn breaks(house: &House, words: &str) -> Said {
    house.qaqpa(&format!("reconcile breaks {words} --json"), &[], None)
}

/// The one open break of a category.
fn lone(house: &House, category: &str) -> Value {
    let said = breaks(house, &format!("list --bank demo --category {category}"));
    assert_eq!(said.out.lines().count(), 1, "{}{}", said.out, said.errors);
    said.line()
}

fn two_operators(house: &House) {
    let item = lone(house, "MISSING_IN_GATEWAY");
    assert_eq!((&item["state"], &item["acts"]), (&json!("open"), &json!("gateway")));
    assert_eq!(item["why"], "e2e_id is not on the other side");
    assert!(item["age_days"].as_u64().unwrap() > 100 && item["age"] == ">30", "{item}");
    assert!(!item["register"].as_str().unwrap().contains("900101300017"), "{item}");
    let id = item["id"].as_str().unwrap();
    for (words, code) in [
        (format!("assign {id} --to bolat --operator aigul --reason r1"), 0),
        (format!("explain {id} --operator bolat --reason r2"), 0),
        (format!("adjust {id} --operator bolat --reason r3"), 0),
        (format!("approve {id} --operator bolat --reason r4"), 1),
        (format!("approve {id} --operator Bolat --reason r4"), 64),
        (format!("approve {id} --operator cert.0 --reason r4"), 64),
        (format!("approve {id} --operator aigul --reason r5"), 0),
        (format!("approve {id} --operator aigul --reason r6"), 1),
    ] {
        let said = breaks(house, &words);
        assert_eq!(said.code, Some(code), "{words}: {}{}", said.out, said.errors);
    }
    let shown = breaks(house, &format!("show {id}")).line();
    assert_eq!(shown["break"]["state"], "adjusted");
    assert_eq!(shown["break"]["debit"], "receivable:demo");
    let steps = shown["steps"].as_array().unwrap();
    let words: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(words, ["found", "assigned", "explained", "proposed", "adjusted"]);
    assert_eq!(steps[4]["operator"], "aigul");
    // Each step names its entry, and the journal has it.
    let entry = steps[4]["entry"].as_str().unwrap();
    let told = house.qaqpa(&format!("evidence {entry} --json"), &[], None);
    assert!(told.out.contains("reconcile.approve"), "{}{}", told.out, told.errors);
    let table = house.qaqpa("reconcile breaks list --bank demo", &[], None);
    assert!(table.out.contains("AMOUNT_MISMATCH"), "{}", table.out);
}

/// Whoever proposes by a key is approved by another key, and the journal keeps what both have signed.
fn two_keys(house: &House, id: &str) {
    let pki = house.folder.path().join("pki");
    let step = |words: &str, who: &str| {
        let [key, cert] = ["key", "cert"].map(|kind| pki.join(format!("{who}.{kind}.pem")));
        let words = format!("reconcile breaks {words} {id} --key @ --cert @ --reason r --json");
        house.qaqpa(&words, &[&key, &cert], None)
    };
    let proposed = step("close", "portal");
    assert_eq!(proposed.code, Some(0), "{}", proposed.errors);
    let by = proposed.line()["proposed_by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("cert.") && by.len() == 25, "{by}");
    assert_eq!(step("approve", "portal").code, Some(1), "the same person");
    let said = breaks(house, &format!("approve {id} --operator aigul --reason r"));
    assert!(said.errors.contains("operator_not_proved"), "{}", said.errors);
    assert_eq!(step("approve", "bank").code, Some(0));
    let shown = breaks(house, &format!("show {id}")).line();
    let entry = shown["steps"].as_array().unwrap().last().unwrap()["entry"].as_str().unwrap();
    let told = house.qaqpa(&format!("evidence {entry} --json"), &[], None);
    let [key, cert] = ["key", "cert"].map(|kind| pki.join(format!("bank.{kind}.pem")));
    let [key, cert] = [key, cert].map(|path| std::fs::read(path).unwrap());
    let signer = qaqpa::sign::Signer::from_pem(&key, &cert).unwrap();
    let digest = qaqpa_kit::hex::lower(&signer.certificate().sha256());
    assert!(told.out.contains(&digest), "its certificate: {}", told.out);
}

/// The next day's register has the payment that the first one lacked.
async fn later_evidence(house: &House, end_to_end_id: &str) {
    let missing = lone(house, "MISSING_IN_BANK");
    let rows = [row(end_to_end_id, "4714", AMOUNT, NEXT)];
    let file = house.write("next.csv", &register(NEXT, &rows));
    let said = house.reconcile(&file, "next", None);
    // What two operators have ended since was open on that day: its statement does not change with it.
    let expected = json!({ "LATE_CUTOFF": 1, "MISSING_IN_GATEWAY": 1 });
    assert_eq!(said.line()["breaks"], expected, "{}{}", said.out, said.errors);
    assert_eq!(said.line()["carried"], json!({ "journal": 1, "register": 1 }));
    let id = missing["id"].as_str().unwrap();
    let shown = breaks(house, &format!("show {id}")).line();
    assert_eq!(shown["break"]["state"], "closed");
    assert_eq!(
        (&shown["break"]["ended"], &shown["break"]["approved_by"]),
        (&json!(NEXT), &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_is_open_and_a_file_that_is_wrong_are_refused_with_a_cure() {
    let house = House::new(false).await;
    let payments = house.payments().await;
    crate::house::payment(&payments, "1", MORNING_US + HOUR_US).await;
    close(payments).await;
    let refused = |bytes: &[u8], reason: &str| {
        let file = house.write("wrong.csv", bytes);
        let said = house.reconcile(&file, "out", None);
        assert_eq!(said.code, Some(1), "{reason}");
        assert!(said.errors.contains(reason), "{reason}: {}", said.errors);
        assert!(!house.path("out/manifest.json").exists(), "{reason}");
    };
    refused(&register("2999-01-02", &[]), "is open: it takes payments until 16:00 Astana time");
    refused(&register("2025-06-14", &[]), "2025-06-14 is no operating day of the bank");
    let text = String::from_utf8(register(DAY, &[row("GW1", "1", 5, DAY)])).unwrap();
    refused(text.replace("DEMOKZ2A", "OTHERKZ2").as_bytes(), "bank is not DEMOKZ2A");
    let body = text.split_at(text.rfind("#end").unwrap()).0;
    refused(&sealed(&body.replace(";5;KZT", ";6;KZT")), "sum=5 in the header");
    let file = house.write("good.csv", text.as_bytes());
    let out = house.path("out");
    let words = format!("reconcile --bank demo --day {NEXT} --register @ --out @");
    let said = house.qaqpa(&words, &[&file, &out], None);
    assert!(
        said.code == Some(1)
            && said.errors.contains("is of 2025-06-11, and 2025-06-12 is asked for"),
        "{}",
        said.errors
    );
    let said = house.qaqpa("reconcile --bank nobody --register @ --out @", &[&file, &out], None);
    assert!(said.code == Some(64) && said.errors.contains("known are demo"), "{}", said.errors);
    // An open day leaves no trace; a wrong file does, and the day is not closed for it.
    let payments = house.payments().await;
    let runs = payments.reconcile_runs("demo", 9).await.unwrap();
    assert_eq!(runs.len(), 3, "{runs:#?}");
    let own = OperatingDay::of(DAY.parse().unwrap());
    assert_eq!(payments.closing("demo", own).await.unwrap(), None);
    close(payments).await;
}
