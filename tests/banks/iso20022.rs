//! Our ISO 20022 messages by the registration authority's schemas, and as a public library reads them.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use qaqpa_adapters::iso20022::Iso20022;
use qaqpa_kit::adapter::{Adapter, SimulatedAnswer, SimulatedRequest};
use qaqpa_kit::bank::{
    About, Ask, Asked, Destination, Errand, Instruction, Notice, Order, Pay, Place, Placement,
    Said, Told, Verdict, Word,
};
use qaqpa_kit::money::Amount;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const AT: &str = "2026-11-22T14:30:06+05:00";
const MESSAGES: usize = 40;
/// What a bank is told by a message; everything else is to come again.
const TOLD: [Verdict; 5] =
    [Verdict::Ok, Verdict::NoCharge, Verdict::OtherTerms, Verdict::Malformed, Verdict::Forbidden];

/// Whatever a form of an agency may hold: any characters, also those that no XML carries.
fn orders() -> impl Strategy<Value = (String, String, i64, bool)> {
    ("[0-9a-f]{32}", any::<String>(), 1..=i64::MAX / 10_000, any::<bool>())
}

fn places() -> Vec<Placement> {
    use Place::{Absent, CategoryPurpose, Purpose, RegulatoryReporting, Remittance, TaxCategory};
    let usual = Placement::usual().clone();
    vec![
        usual.clone(),
        Placement { knp: CategoryPurpose, kbk: RegulatoryReporting, ..usual.clone() },
        Placement { knp: RegulatoryReporting, kbk: Purpose, kbe: TaxCategory, ..usual.clone() },
        Placement { knp: Remittance, kbk: Remittance, kbe: Absent, ..usual },
    ]
}

/// The judge's word on every message, in their order.
pub fn judged(folder: &Path, messages: &[Vec<u8>]) -> Vec<Value> {
    let files: Vec<PathBuf> = messages
        .iter()
        .enumerate()
        .map(|(at, message)| {
            let file = folder.join(format!("{at}.xml"));
            std::fs::write(&file, message).unwrap();
            file
        })
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/tools/venv/bin/python3");
    assert!(python.is_file(), "{} is missing: run `make tools`", python.display());
    let script = root.join("tests/clients/iso20022_check.py");
    let told = Command::new(python).arg(script).args(&files).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Vec<Value> = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told.len(), messages.len());
    told
}

fn texts<'v>(judged: &'v Value, key: &str) -> Vec<&'v str> {
    judged[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn every_order_is_valid_by_the_schema_and_read_by_others_as_it_was_meant() {
    let adapter = Iso20022::new().unwrap();
    let teller = adapter.teller().unwrap();
    let mirror = teller.mirror().unwrap();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[17; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut messages, mut expected) = (Vec::new(), Vec::new());
    for (number, placement) in (0..MESSAGES).zip(places().iter().cycle()) {
        let (id, purpose, tiyn, is_refund) = orders().new_tree(&mut runner).unwrap().current();
        let end_to_end_id = format!("GW{id}");
        let amount = Amount::new(tiyn).unwrap();
        let order = Order {
            end_to_end_id: &end_to_end_id,
            amount,
            payer: if number % 2 == 0 { "900101300017" } else { "171140001235" },
            payee: "990140000017",
            iban: "KZ24070105KSN0000000",
            kbk: "108125",
            knp: "911",
            kbe: "11",
            purpose: &purpose,
            bic: "BANKKZ9A",
            opened_at: AT,
            reverses: is_refund.then_some("GW0199c3d2a9a77b558a0e1c2d3e4f0001"),
            placement,
        };
        let sent = teller.submit(&order).unwrap();
        let request =
            SimulatedRequest::Http { method: sent.method, path: &sent.path, body: &sent.body };
        if *placement == *Placement::usual() {
            let Some(Errand::Submit(read)) = mirror.read(&request) else { panic!("unreadable") };
            assert_eq!(read, Instruction::of(&order), "the bank reads what was ordered");
        }
        expected.push((end_to_end_id, amount.to_string()));
        messages.push(sent.body);
    }
    let folder = tempfile::tempdir().unwrap();
    for (judged, (id, amount)) in judged(folder.path(), &messages).iter().zip(&expected) {
        assert_eq!(judged["schema"], "pain001/templates/pain.001.001.10/pain.001.001.10.xsd");
        assert_eq!(judged["wrong"], serde_json::json!([]), "{judged}");
        assert_eq!(texts(judged, "ids"), [id.as_str()]);
        assert_eq!(texts(judged, "amounts"), [amount.as_str()], "no tiyn is lost or rounded");
    }
}

#[test]
fn what_our_bank_answers_and_sends_is_valid_and_so_is_what_it_is_told() {
    let adapter = Iso20022::new().unwrap();
    let mirror = adapter.teller().unwrap().mirror().unwrap();
    let provider = adapter.provider().unwrap();
    let asker = provider.asker().unwrap();
    let word = |said| Word {
        amount: Amount::parse("19875.07").ok(),
        document_number: Some("47000001".to_owned()),
        posted_at: Some(AT.to_owned()),
        note: "Жарамсыз & <шот>".repeat(20),
        ..Word::of(said)
    };
    let end_to_end_id = "GW0199c3d2a9a77b558a0e1c2d3e4f5a6b".to_owned();
    let errand = Errand::Inquire { end_to_end_id: end_to_end_id.clone() };
    let (mut messages, mut kinds) = (Vec::new(), Vec::new());
    for said in [Said::Accepted, Said::Posted, Said::Settled, Said::Rejected, Said::NotFound] {
        let SimulatedAnswer::Http { body, .. } = mirror.answer(&errand, &word(said)) else {
            panic!("HTTP")
        };
        messages.push(body);
        kinds.push(("pain.002.001.12", true));
    }
    let said = [Said::Accepted, Said::Posted, Said::Returned, Said::Credited];
    let notices = said.map(|said| Notice {
        event_id: format!("event {said:?}"),
        about: About::EndToEnd(end_to_end_id.clone()),
        word: word(said),
    });
    let pay = Pay {
        txn_id: "T17".to_owned(),
        account: "0199c3d2-a9a7-7b55-8a0e-1c2d3e4f5a6b".to_owned(),
        amount: Amount::parse("0.01").unwrap(),
        paid_at: Some(AT.to_owned()),
        document_number: None,
        payer: Some("900101300017".to_owned()),
        to: Destination::default(),
    };
    for (ask, kind, told) in [
        (Ask::Notice(notices.to_vec()), "camt.054.001.08", ("admi.007.001.01", false)),
        (Ask::Pay(pay), "pacs.008.001.10", ("pacs.002.001.12", true)),
    ] {
        let request = asker.ask(&ask, AT).unwrap();
        let asked = Asked {
            method: request.method,
            path: request.path,
            query: "",
            content_type: request.content_type,
            accept: None,
            placement: Placement::usual(),
            body: &request.body,
        };
        provider.read(&asked).unwrap();
        let write = |verdict| provider.write(&asked, &Told::of(verdict, &"<&> сөз ".repeat(40)));
        for verdict in TOLD {
            messages.push(write(verdict).body);
            kinds.push(told);
        }
        for verdict in [Verdict::Temporary, Verdict::InProgress] {
            let answer = write(verdict);
            assert_eq!((answer.status, answer.content_type), (503, "text/plain"), "{verdict:?}");
        }
        messages.push(request.body.clone());
        kinds.push((kind, true));
    }
    let folder = tempfile::tempdir().unwrap();
    for (judged, (kind, has_schema)) in judged(folder.path(), &messages).iter().zip(&kinds) {
        assert_eq!(judged["kind"], *kind);
        assert_eq!(judged["schema"].is_string(), *has_schema, "{judged}");
        assert_eq!(judged["wrong"], serde_json::json!([]), "{judged}");
    }
}

#[test]
fn every_message_that_the_samples_print_is_valid_by_its_schema() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/iso20022/samples/provider");
    let mut messages = Vec::new();
    for file in std::fs::read_dir(samples).unwrap() {
        let path = file.unwrap().path();
        let is_printed = path.to_str().unwrap().ends_with(".expected.txt");
        let text = if is_printed { std::fs::read_to_string(&path).unwrap() } else { String::new() };
        messages.extend(text.find("<Document").map(|at| text.as_bytes()[at..].to_vec()));
    }
    // What stands after the message tells the verdict again.
    for message in &mut messages {
        let text = String::from_utf8(message.clone()).unwrap();
        message.truncate(text.find("</Document>").unwrap() + "</Document>".len());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut reports = 0;
    for judged in judged(folder.path(), &messages) {
        assert_eq!(judged["wrong"], serde_json::json!([]), "{judged}");
        let is_report = judged["kind"] == "pacs.002.001.12";
        assert_eq!(judged["schema"].is_string(), is_report, "{judged}");
        reports += usize::from(is_report);
    }
    assert!(reports > 3, "too few to be true");
}
