//! A receipt as a stranger reads it: the signature by Python's cryptography, the QR code by ZBar.

use jiff::civil::time;
use qaqpa::config::settings::{Bank, Payments as Settings};
use qaqpa::payments::ledger::Claim;
use qaqpa::payments::order::State;
use qaqpa::payments::receipt::{Facts, KIND, Number, Receipt, Standing, digest_of, look_up, page};
use qaqpa::payments::record::{Charge, Order};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::rest::jws;
use qaqpa::sign::{Reason, Signer, document};
use qaqpa_kit::bank::Placement;
use qaqpa_kit::fault::Language;
use qaqpa_kit::ids::{Bic, Kbk, Knp};
use qaqpa_kit::manifest::Name;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const MORNING_US: i64 = 1_795_582_800_000_000;
const IIN: &str = "900101300017";
const URL: &str = "https://gateway.example.kz/receipts";

fn name(kk: &str, ru: &str, en: &str) -> Name {
    Name { kk: kk.to_owned(), ru: ru.to_owned(), en: en.to_owned() }
}

fn settings() -> Settings {
    let mut settings = Settings::embedded("unused".into());
    let bank = Bank {
        id: "demo_bank".to_owned(),
        name: name("Көрсетілім банкі", "Демонстрационный банк", "Demonstration bank"),
        bic: Bic::parse("BANKKZ9A").unwrap(),
        participant: None,
        agency: None,
        dialect: None,
        placement: Placement::default(),
        cut_off: time(16, 0, 0, 0),
        rest_days: Vec::new(),
        holidays: [].into(),
        working_days: [].into(),
    };
    settings.banks.insert("demo_bank".to_owned(), Arc::new(bank));
    let duty = name("Мемлекеттік баж", "Государственная пошлина", "State duty");
    settings.kbk.insert(Kbk::parse("108125").unwrap(), duty);
    let tax = name("Салықтар және міндетті төлемдер", "Налоги и платежи", "Taxes");
    settings.knp.insert(Knp::parse("911").unwrap(), tax);
    settings.receipt.url = Some(URL.to_owned());
    settings
}

fn charge() -> Charge {
    serde_json::from_value(json!({
        "id": "019a4c2e-0d80-7abc-8def-0123456789aa", "name": "tax_office/17",
        "agency": "tax_office", "number": "17", "payer": IIN, "payee": "990140000017",
        "kbk": "108125", "knp": "911", "kbe": "11", "iban": "KZ24070105KSN0000000",
        "amount_tiyn": 1_987_500, "due_day": null, "registered_at_us": MORNING_US,
        "annulled_at_us": null, "version": 1,
        "purpose_kk": "Жүргізуші куәлігі үшін баж",
        "purpose_ru": "Пошлина за водительское удостоверение",
        "purpose_en": "Duty for a driving licence <b>",
    }))
    .unwrap()
}

fn order() -> Order {
    serde_json::from_value(json!({
        "id": "019a4c2e-0d80-7abc-8def-0123456789ab", "reverses": null,
        "charge": charge().id, "agency": "tax_office", "bank": "demo_bank",
        "end_to_end_id": "GW019a4c2e",
        "payer": IIN, "payee": "990140000017", "kbk": "108125", "amount_tiyn": 1_987_500,
        "step": "submitted", "rank": "posted", "is_rejected": 0, "is_disputed": 0, "ruling": null,
        "state": "posted", "asset": "receivable", "claim": "payable", "holds": 1, "version": 3,
        "node": "", "attempt": 1, "attempted_at_us": null, "opened_at_us": MORNING_US,
        "changed_at_us": MORNING_US, "deadline_us": MORNING_US, "inquiries": 0, "not_found": 0,
        "next_check_at_us": null, "posted_at_us": MORNING_US, "operating_day": 20_782,
        "document_number": "D-17", "document_key": null, "txn_id": "T-17", "txn_key": null,
        "returned_tiyn": 0, "source": null, "reason": "", "opened_by": "", "redirect_url": null,
    }))
    .unwrap()
}

fn receipt_of(order: &Order) -> Option<Receipt> {
    let (charge, settings) = (charge(), settings());
    let facts =
        Facts { order, charge: Some(&charge), settings: &settings, issued_at_us: MORNING_US };
    Receipt::of(&facts)
}

/// A key and its certificate, made anew.
fn signer(algorithm: &'static rcgen::SignatureAlgorithm) -> (Signer, String) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let (key, certificate) = (key.serialize_pem(), certificate.pem());
    (Signer::from_pem(key.as_bytes(), certificate.as_bytes()).unwrap(), certificate)
}

fn folder() -> tempfile::TempDir {
    tempfile::TempDir::with_prefix_in("receipts", env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn run(command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().unwrap_or_else(|e| panic!("{name}: {e}; run `make tools`"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_signed_receipt_is_believed_by_a_stranger_and_by_the_command() {
    let folder = folder();
    let file = |name: &str, content: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let receipt = receipt_of(&order()).unwrap();
    for (algorithm, word) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "ES384"),
        (&rcgen::PKCS_RSA_SHA256, "RS256"),
    ] {
        let (signer, certificate) = signer(algorithm);
        let document = document::sign(KIND, &receipt.json(), &signer).unwrap();
        let (document, trust) = (file("receipt.jws", &document), file("root.pem", &certificate));
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receipts/jws_check.py");
        let told = run(Command::new(target.join("tools/venv/bin/python")).args([
            judge.as_path(),
            &document,
            &trust,
        ]));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["alg"], word);
        assert_eq!(told["receipt"]["number"], receipt.number);
        assert_eq!(told["receipt"]["payer"], IIN, "it is the payer's own paper");

        let verify = ["verify", "--profile", "receipt", "--trust"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
        let said = run(command.args(verify).args([&trust, &document]));
        assert!(said.contains(&receipt.number) && said.contains("1987500 tiyn"), "{said}");
        let json = run(command.arg("--json"));
        assert!(!json.contains(IIN) && json.contains("9001****0017"), "{json}");
    }
}

#[test]
fn a_receipt_that_was_touched_is_refused() {
    let (signer, _) = signer(&rcgen::PKCS_ECDSA_P256_SHA256);
    let cache = CertificateCache::default();
    let good = document::sign(KIND, &receipt_of(&order()).unwrap().json(), &signer).unwrap();
    assert_eq!(document::verify(&good, &cache).unwrap().kind, KIND);
    let parts: Vec<&str> = good.split('.').collect();
    let header = |json: &Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string())
    };
    let x5c = [signer.certificate_base64()];
    let other = |header: Value| {
        let header = header.as_object().unwrap().clone();
        jws::sign(b"{}", false, header, &signer).unwrap()
    };
    let forged = |header: &str, payload: &str| format!("{header}.{payload}.{}", parts[2]);
    for (document, reason) in [
        (forged(parts[0], &parts[1].replace('A', "B")), Reason::BadSignature),
        (
            forged(&header(&json!({"alg": "none", "typ": KIND, "x5c": x5c})), parts[1]),
            Reason::AlgForbidden,
        ),
        (
            forged(&header(&json!({"alg": "HS256", "typ": KIND, "x5c": x5c})), parts[1]),
            Reason::AlgForbidden,
        ),
        (
            forged(&header(&json!({"alg": "RS256", "typ": KIND, "x5c": x5c})), parts[1]),
            Reason::AlgKeyMismatch,
        ),
        (
            forged(
                &header(&json!({"alg": "ES256", "typ": KIND, "x5c": x5c, "crit": ["b64"]})),
                parts[1],
            ),
            Reason::JwsMalformed,
        ),
        (
            forged(&header(&json!({"alg": "ES256", "typ": KIND, "x5c": []})), parts[1]),
            Reason::JwsMalformed,
        ),
        (format!("{}.{}.", parts[0], parts[1]), Reason::BadSignature),
        (format!("{good}="), Reason::JwsMalformed),
        (format!("{good}\n"), Reason::JwsMalformed),
        (other(json!({"typ": KIND, "kid": "1"})), Reason::JwsMalformed),
        (other(json!({})), Reason::JwsMalformed),
        (parts[1].to_owned(), Reason::JwsMalformed),
        ("a".repeat(100_000), Reason::JwsMalformed),
    ] {
        assert_eq!(document::verify(&document, &cache).unwrap_err(), reason, "{document:.60}");
    }
}

#[test]
fn a_printed_receipt_holds_a_code_that_a_stranger_reads() {
    let folder = folder();
    let receipt = receipt_of(&order()).unwrap();
    let svg = folder.path().join("code.svg");
    let html = page(&receipt, Language::Ru);
    let (from, to) = (html.find("<svg").unwrap(), html.find("</svg>").unwrap() + 6);
    std::fs::write(&svg, html.get(from..to).unwrap()).unwrap();
    let png = folder.path().join("code.png");
    run(Command::new("rsvg-convert").args(["-w", "300", "-o"]).args([&png, &svg]));
    let read = run(Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&png));
    assert_eq!(read.trim(), format!("{URL}/{}", receipt.number));
    let number = read.trim().rsplit('/').next().unwrap();
    assert_eq!(Number::parse(number).unwrap().order(), Some(order().id));
}

#[test]
fn a_page_speaks_three_languages_and_runs_nothing() {
    let receipt = receipt_of(&order()).unwrap();
    for (language, words) in [
        (Language::Kk, ["Төлем туралы түбіртек", "Төленді", "Жүргізуші куәлігі үшін баж"]),
        (
            Language::Ru,
            ["Квитанция об оплате", "Оплачено", "Пошлина за водительское удостоверение"],
        ),
        (Language::En, ["Receipt of payment", "Paid", "Duty for a driving licence &lt;b&gt;"]),
    ] {
        let html = page(&receipt, language);
        if let Ok(shown) = std::env::var("QAQPA_SHOW_RECEIPTS") {
            std::fs::write(format!("{shown}/receipt.{}.html", language.word()), &html).unwrap();
        }
        for word in
            words.into_iter().chain(["19\u{a0}875.00 ₸", IIN, "00SMK-1E1P0-AQGVV-R14D2-PF2DB8"])
        {
            assert!(html.contains(word), "{word} is not in {html}");
        }
        assert!(!html.contains("<script") && !html.contains("<b>"));
        assert!(!html.contains("src=") && !html.contains("@import"), "it needs nothing but itself");
    }
}

#[test]
fn a_look_up_tells_a_stranger_nothing() {
    let (order, charge) = (order(), charge());
    let number = Number::of(&order.id).unwrap();
    let right = digest_of(&number, IIN);
    let ask =
        |found: Option<(&Order, Option<&Charge>)>, digest: &str| look_up(&number, found, digest);
    let found = ask(Some((&order, Some(&charge))), &right);
    assert_eq!((found.valid, found.state), (true, Standing::Paid));
    assert_eq!(ask(Some((&order, None)), &right.to_uppercase()).state, Standing::Paid);
    let nothing = ask(None, &right);
    for digest in ["", IIN, right.split_at(1).1, &digest_of(&number, "990140000017")] {
        assert_eq!(ask(Some((&order, Some(&charge))), digest), nothing, "{digest}");
    }
    let told = serde_json::to_string(&found).unwrap();
    assert_eq!(told, format!("{{\"number\":\"{number}\",\"valid\":true,\"state\":\"paid\"}}"));
}

#[test]
fn a_receipt_is_written_where_money_has_arrived_and_says_what_it_is_worth() {
    let with = |change: &dyn Fn(&mut Order)| {
        let mut order = order();
        change(&mut order);
        (Standing::of(&order), receipt_of(&order).is_some())
    };
    assert_eq!(with(&|_| {}), (Standing::Paid, true));
    assert_eq!(with(&|order| order.state = State::Settled), (Standing::Paid, true));
    assert_eq!(with(&|order| order.returned_tiyn = 1), (Standing::PartlyReturned, true));
    assert_eq!(with(&|order| order.returned_tiyn = 1_987_500), (Standing::Returned, true));
    assert_eq!(with(&|order| order.claim = Some(Claim::Suspense)), (Standing::Unassigned, true));
    let contested = |order: &mut Order| {
        order.state = State::Conflict;
        order.claim = Some(Claim::Suspense);
    };
    assert_eq!(with(&contested), (Standing::Contested, false));
    for state in [State::Reserved, State::Submitted, State::Unknown, State::Accepted] {
        let under_way = |order: &mut Order| {
            order.state = state;
            order.claim = Some(Claim::Expected);
        };
        assert_eq!(with(&under_way), (Standing::NotFound, false), "{state:?}");
    }
    let refund = |order: &mut Order| order.reverses = Some(order.id.clone());
    assert_eq!(with(&refund), (Standing::NotFound, false));
}
