//! The configuration as an operator meets it: the committed examples, and every mistake at once.

#![allow(clippy::expect_used, reason = "a test that cannot set up its folder must fail")]

#[path = "configuration/tables.rs"]
mod tables;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use qaqpa::config::settings::TariffKind;
use qaqpa::config::{self, ranges, raw};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

fn text(file: &str) -> String {
    fs::read_to_string(examples().join(file)).expect("example")
}

/// A copy of the examples with the certificates and secrets that they name.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().expect("folder"));
        for file in [
            "gateway.toml",
            "services.toml",
            "payments.toml",
            "participants/demo_bank.toml",
            "participants/demo_portal.toml",
        ] {
            folder.write(file, &text(file));
        }
        for name in ["gateway", "signing"] {
            let key = KeyPair::generate().expect("key");
            let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
            let certificate = params.self_signed(&key).expect("certificate");
            folder.write(&format!("certificates/{name}.pem"), &certificate.pem());
            folder.write("certificates/trust.pem", &certificate.pem());
            folder.write(&format!("secrets/{name}.key"), &key.serialize_pem());
        }
        folder.write("secrets/demo_portal.password", "open sesame\n");
        folder
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("folder")).expect("folder made");
        fs::write(&path, text).expect("file written");
        if file.starts_with("secrets/") {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        }
    }

    /// Replaces text that must be there.
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).expect("file");
        assert!(text.contains(from), "{file} has no {from}");
        self.write(file, &text.replacen(from, to, 1));
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// The mistakes, one a line, with file names relative to this folder.
    fn mistakes(&self) -> Vec<String> {
        let Err(errors) = config::load(self.0.path()) else { return Vec::new() };
        let folder = format!("{}/", self.0.path().display());
        errors.to_string().lines().map(|line| line.replace(&folder, "")).collect()
    }

    fn check(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
        command.arg("check").arg("--config").arg(self.0.path()).args(arguments);
        command.output().expect("qaqpa runs")
    }
}

#[test]
fn the_committed_example_is_valid_once_its_secrets_exist() {
    let folder = Folder::new();
    let inspection = config::inspect(folder.0.path()).expect("valid");
    assert_eq!(inspection.warnings, []);
    let settings = inspection.settings;
    assert_eq!(settings.participants.len(), 2);
    let portal = &settings.participants["demo_portal"];
    assert_eq!(portal.password.as_deref().map(String::as_str), Some("open sesame"));
    assert_eq!(settings.services["contract"][0].manifest.window_s, 2_592_000);
    assert_eq!(settings.services["GBDFL_UniversalServiceSync"][0].deadline.as_secs(), 20);
    let kinds = settings.payments.tariffs.values().map(|tariff| tariff.kind);
    let fees = kinds.filter(|kind| *kind == TariffKind::Fee).count();
    assert_eq!((settings.payments.tariffs.len(), fees), (37, 21));
    config::load(&folder.path("gateway.toml")).expect("the file stands for its folder");
}

#[test]
fn without_its_secrets_the_example_lacks_nothing_but_files_and_says_how_to_make_them() {
    let errors = config::load(&examples()).expect_err("no secrets are committed");
    for finding in errors.findings() {
        assert!(finding.wrong.contains("does not exist"), "{finding}");
        assert!(finding.line.is_some() && finding.cure.contains("correct the path"), "{finding}");
    }
    assert!(errors.to_string().contains("demo_portal.password"));
}

#[test]
fn gateway_toml_holds_every_key_with_its_default() {
    let read: raw::Gateway = toml::from_str(&text("gateway.toml")).expect("valid");
    assert_eq!(read, raw::Gateway::default());
    let written: Value = toml::from_str(&text("gateway.toml")).expect("valid");
    let known = serde_json::to_value(raw::Gateway::default()).expect("plain data");
    assert_eq!(leaves(&known), leaves(&written));
}

#[test]
fn every_number_has_its_limits_and_the_example_says_them() {
    let known = serde_json::to_value(raw::Gateway::default()).expect("plain data");
    let numbers: Vec<_> =
        leaves(&known).into_iter().filter(|(_, value)| value.is_number()).collect();
    assert_eq!(numbers.len(), ranges::GATEWAY.len());
    let text = text("gateway.toml");
    for (path, value) in numbers {
        let keys: Vec<&str> = path.split('.').collect();
        let (min, max) = ranges::find(ranges::GATEWAY, &keys).expect(&path);
        assert!((min..=max).contains(&value.as_u64().expect("whole")), "{path}");
        let key = format!("\n{} = {value}\n", keys.last().expect("key"));
        let said = format!("{min} … {max}.{key}");
        assert!(text.contains(&said), "{path}: {min} … {max} is not said above its key");
    }
}

/// Every value that is no table, by its path without list indices.
fn leaves(value: &Value) -> Vec<(String, Value)> {
    let below = |(key, value): (&String, &Value)| {
        let dotted = |(path, value): (String, Value)| {
            let dot = if path.is_empty() { "" } else { "." };
            (format!("{key}{dot}{path}"), value)
        };
        leaves(value).into_iter().map(dotted).collect::<Vec<_>>()
    };
    match value {
        Value::Object(table) => table.iter().flat_map(below).collect(),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().flat_map(leaves).collect()
        }
        _ => vec![(String::new(), value.clone())],
    }
}

const TEN: [&str; 10] = [
    "gateway.toml:18: listener[0].tls: \"mutal\" is no value of this key. Cure: write \"mutual\".",
    "gateway.toml:54: limits.body_byte_max: unknown key. Cure: write `body_bytes_max`.",
    "gateway.toml:96: limits.in_flight_max: 0 is beyond the limits of this key. \
     Cure: write a whole number, 1 … 100000.",
    "gateway.toml:184: signing.key[0].key_file: key file secrets/singing.key does not exist. \
     Cure: put the PKCS#8 PEM key there, readable by the gateway alone, or correct the path.",
    "participants/demo_portal.toml:10: bin: this is no BIN. \
     Cure: write the 12 digits of the organisation's BIN; the last one is their check.",
    "participants/demo_portal.toml:18: services[1]: no agency offers service \"AR_AdressByRka\". \
     Cure: write \"AR_AddressByRka\".",
    "participants/demo_portal.toml:48: certificate[0].until: the binding ends before it begins. \
     Cure: write a day after `from`.",
    "services.toml:9: agency.gbd_fl.adapter: there is no adapter \"gbd-fl\". Cure: write \"gbd_fl\".",
    "services.toml:102: agency.address_register.endpoint: \"address.example.kz/api\" is no http or \
     https URL. Cure: write e.g. \"https://host:port/path\", without user or query.",
    "services.toml:127: agency.labour_contracts.service.contract.done_codes: string \"SCSS001\" \
     stands where a list in [brackets] belongs. Cure: write a list in [brackets].",
];

#[test]
fn ten_mistakes_in_three_files_are_told_in_one_go() {
    let folder = ten_mistakes();
    assert_eq!(folder.mistakes(), TEN);
}

fn ten_mistakes() -> Folder {
    let folder = Folder::new();
    folder.edit("gateway.toml", "tls = \"mutual\"", "tls = \"mutal\"");
    folder.edit("gateway.toml", "body_bytes_max =", "body_byte_max =");
    folder.edit("gateway.toml", "in_flight_max = 512", "in_flight_max = 0");
    folder.edit("gateway.toml", "secrets/signing.key", "secrets/singing.key");
    folder.edit("services.toml", "adapter = \"gbd_fl\"", "adapter = \"gbd-fl\"");
    folder.edit("services.toml", "https://address", "address");
    folder.edit("services.toml", "done_codes = [\"SCSS001\"]", "done_codes = \"SCSS001\"");
    let portal = "participants/demo_portal.toml";
    folder.edit(portal, "190540007715", "190540007716");
    folder.edit(portal, "until = 2027-01-01", "until = 2025-01-01");
    folder.edit(portal, "\"AR_AddressByRka\"", "\"AR_AdressByRka\"");
    folder
}

#[test]
fn check_ends_with_78_and_tells_people_and_machines_the_same() {
    let folder = ten_mistakes();
    let people = folder.check(&[]);
    assert_eq!(people.status.code(), Some(78));
    let lines = String::from_utf8(people.stderr).expect("UTF-8");
    assert_eq!(lines.lines().count(), 11, "ten mistakes and their count:\n{lines}");
    let machines = folder.check(&["--json"]);
    assert_eq!(machines.status.code(), Some(78));
    let json: Value = serde_json::from_slice(&machines.stdout).expect("JSON");
    assert_eq!(json["valid"], false);
    assert_eq!(json["errors"].as_array().map(Vec::len), Some(10));
    assert_eq!(json["errors"][0]["key"], "listener[0].tls");
}

#[test]
fn check_of_a_valid_configuration_counts_and_lists_it() {
    let folder = Folder::new();
    let people = folder.check(&[]);
    assert!(people.status.success());
    let shown = String::from_utf8(people.stdout).expect("UTF-8");
    assert!(shown.contains("2 participants × 20 services"), "{shown}");
    assert!(shown.contains("participant demo_portal"), "{shown}");
    let json: Value = serde_json::from_slice(&folder.check(&["--json"]).stdout).expect("JSON");
    assert_eq!((&json["valid"], &json["services"]), (&true.into(), &20.into()));
}

#[test]
fn a_folder_without_files_says_which_are_missing() {
    let folder = TempDir::new().expect("folder");
    let errors = config::load(folder.path()).expect_err("empty");
    let text = errors.to_string();
    for file in ["gateway.toml", "services.toml", "participants"] {
        assert!(text.contains(file), "{text}");
    }
    assert_eq!(errors.findings().len(), 3, "{text}");
}

#[test]
fn mistakes_of_payments_are_told_with_file_line_and_cure() {
    let folder = Folder::new();
    for (from, to) in [
        ("bic = \"BANKKZ9A\"", "bic = \"190501234\""),
        ("cut_off = \"16:00\"", "cut_off = \"25:00\""),
        ("# [notice.demo_portal]\n# agency", "[notice.demo_portl]\nagency"),
        ("working_days = [2026-12-19]", "working_days = [2026-12-16]"),
        ("[kbk.204160]", "[kbk.20416]"),
        ("kbk = \"105402\"", "kbk = \"105403\""),
        ("amount = \"983.00\"", "amount = \"983.005\""),
        ("until = 2026-01-01", "until = 2024-01-01"),
    ] {
        folder.edit("payments.toml", from, to);
    }
    let told = folder.mistakes();
    let expected = [
        "payments.toml:10: bank.demo_bank.bic: \"190501234\" is no BIC. \
         Cure: write 8 or 11 capital letters and digits, e.g. KKMFKZ2A.",
        "payments.toml:29: bank.demo_bank.cut_off: \"25:00\" is no time of day. \
         Cure: write e.g. \"16:00\".",
        "payments.toml:34: bank.demo_bank.working_days: 2026-12-16 is a holiday too. \
         Cure: keep it in one list.",
        "payments.toml:38: notice.demo_portl: there is no participant \"demo_portl\". \
         Cure: write \"demo_portal\".",
        "payments.toml:86: kbk.20416: \"20416\" is no code of this table. \
         Cure: write six digits, e.g. 108125.",
        "payments.toml:124: tariff.fee_01.kbk: the reference table has no code \"105403\". \
         Cure: write \"105402\".",
        "payments.toml:129: tariff.fee_01.rate[0].until: the span ends before it begins. \
         Cure: write a day after `from`.",
        "payments.toml:131: tariff.fee_01.rate[1].amount: \"983.005\" is no amount. \
         Cure: write tenge with at most two decimals in quotes, more than 0.",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_dialect_that_nobody_speaks_and_a_place_for_two_values_are_told_with_a_cure() {
    let folder = Folder::new();
    for (from, to) in [
        ("provider = \"provider\"", "provider = \"mt940\""),
        ("placement = \"usual\"", "placement = \"national\""),
        ("kbk = \"tax_category\"", "kbk = \"purpose\""),
    ] {
        folder.edit("payments.toml", from, to);
    }
    let told = folder.mistakes();
    let expected = [
        "payments.toml:17: bank.demo_bank.provider: there is no dialect \"mt940\". \
         Cure: name one of acquiring, iso20022, osmp, provider.",
        "payments.toml:27: bank.demo_bank.placement: there is no profile \"national\". \
         Cure: add a table [placement.NAME].",
        "payments.toml:47: placement.usual.kbk: knp and kbk would stand in one place. \
         Cure: give each a place of its own.",
    ];
    assert_eq!(told, expected);
    let folder = Folder::new();
    folder.edit("payments.toml", "signature_header = \"\"", "signature_header = \"sig\"");
    folder.edit("payments.toml", "signature_covers = \"request\"", "signature_covers = \"body\"");
    let told = folder.mistakes();
    assert!(told.len() == 1 && told[0].contains("this dialect asks in the address"), "{told:?}");
}

#[test]
fn a_rate_is_valid_from_its_first_day_to_the_day_before_its_end() {
    let folder = Folder::new();
    let settings = config::load(folder.0.path()).expect("valid");
    let fee = &settings.payments.tariffs["fee_01"];
    let amount = |year, month, day| {
        fee.amount_on(jiff::civil::date(year, month, day)).map(|amount| amount.tiyn())
    };
    assert_eq!(amount(2024, 12, 31), None);
    assert_eq!(amount(2025, 12, 31), Some(88_300));
    assert_eq!(amount(2026, 1, 1), Some(98_300));
    let first = "until = 2026-01-01";
    folder.edit("payments.toml", first, "until = 2026-01-02");
    let told = folder.mistakes();
    assert!(told.len() == 1 && told[0].contains("another rate is valid"), "{told:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_told_of_by_lines_that_exist(
        file in select(&["gateway.toml", "services.toml", "participants/demo_portal.toml"][..]),
        from in any::<Index>(),
        length in 1..40_usize,
        patch in "[a-z\\[\\]{}=.\"'0-9\n ]{0,12}",
    ) {
        let folder = Folder::new();
        let mut bytes = text(file).into_bytes();
        let from = from.index(bytes.len());
        bytes.splice(from..bytes.len().min(from + length), patch.bytes());
        fs::write(folder.path(file), &bytes).expect("file written");
        if let Err(errors) = config::load(folder.0.path()) {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            for finding in errors.findings().iter().filter(|found| found.file.ends_with(file)) {
                prop_assert!(finding.line.unwrap_or(1) <= lines, "{finding}");
            }
        }
    }
}
