//! Every table of participants, agencies and payments: its keys are in the examples, its numbers have limits.

use super::{Folder, text};
use qaqpa::config::ranges;

/// Tables of participants and services, in the file that shows them.
const TABLES: [(&str, &str); 19] = [
    ("participants/demo_portal.toml", ""),
    ("participants/demo_portal.toml", "[quota]\n"),
    ("participants/demo_portal.toml", "[service_quota.contract]\n"),
    ("participants/demo_portal.toml", "[[certificate]]\n"),
    ("services.toml", "[agency.gbd_fl]\n"),
    ("services.toml", "[agency.gbd_fl.quota]\n"),
    ("services.toml", "[agency.gbd_fl.breaker]\n"),
    ("services.toml", "[agency.gbd_fl.line]\n"),
    ("services.toml", "[agency.gbd_fl.calendar]\n"),
    ("services.toml", "[[agency.gbd_fl.calendar.maintenance]]\n"),
    ("services.toml", "[agency.labour_contracts.service.contract]\n"),
    ("services.toml", "[[agency.gbd_fl.answer_certificate]]\n"),
    ("services.toml", "[[agency.fines.service.fines.operation]]\n"),
    ("payments.toml", ""),
    ("payments.toml", "[bank.demo_bank]\n"),
    ("payments.toml", "[notice.demo_portal]\n"),
    ("payments.toml", "[kbk.108125]\n"),
    ("payments.toml", "[tariff.fee_01]\n"),
    ("payments.toml", "[[tariff.fee_01.rate]]\n"),
];

/// The keys that a table may hold, as the gateway itself tells them.
fn known_keys(folder: &Folder, file: &str, table: &str) -> Vec<String> {
    folder.write(file, &format!("{table}zzzzzzzzzz = 1\n"));
    let told = folder.mistakes();
    // Other files may hold the mistakes of other questions.
    let of_file = told.iter().find(|line| line.starts_with(file) && line.contains("zzzzzzzzzz"));
    let (_, list) = of_file
        .and_then(|told| told.split_once("known here are "))
        .expect("the known keys are told");
    let list = list.lines().next().unwrap_or_default();
    list.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

#[test]
fn the_examples_show_every_key_of_participants_and_agencies() {
    let folder = Folder::new();
    for (file, table) in TABLES {
        let example = text(file);
        for key in known_keys(&folder, file, table) {
            let ways = [format!("{key} = "), format!("[{key}"), format!(".{key}")];
            assert!(ways.iter().any(|way| example.contains(way)), "{file}: {table} lacks {key}");
        }
    }
}

#[test]
fn no_number_of_participants_and_agencies_is_without_limits() {
    let folder = Folder::new();
    let mut numbers = 0;
    for (file, table) in TABLES {
        for key in known_keys(&folder, file, table) {
            folder.write(file, &format!("{table}{key} = 2000000000000\n"));
            let told = folder.mistakes().join("\n");
            let is_told = told.contains("stands where") || told.contains("is beyond");
            assert!(is_told, "{table}{key}: {told}");
            numbers += usize::from(told.contains("is beyond"));
        }
    }
    assert_eq!(numbers, ranges::PARTICIPANT.len() + ranges::SERVICES.len());
}
