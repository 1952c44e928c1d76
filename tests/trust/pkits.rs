//! NIST's Public Key Interoperability Test Suite: every case of what is enforced, and a list of the others.

use qaqpa::sign::trust::status::Status;
use qaqpa::sign::{Certificate, Trust};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// 2026-11-22T05:00:00Z; the suite's certificates hold until the end of 2030.
const NOW_UNIX_S: i64 = 1_795_323_600;

/// Cases that are not enforced, one a line: the beginning of the name, a tab, and why.
const SKIPPED: &str = include_str!("pkits_skipped.tsv");

fn suite() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target");
    let suite = target.join("tools/pkits");
    assert!(suite.join("certs").exists(), "PKITS is missing; run `make tools`");
    suite
}

/// The files of a folder, by name without the extension.
fn files(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(suite().join(folder)).expect("folder");
    entries
        .map(|entry| entry.expect("entry").path())
        .map(|path| {
            let name = path.file_stem().expect("name").to_string_lossy().into_owned();
            (name, fs::read(path).expect("file"))
        })
        .collect()
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// What we say of one certificate of the suite.
fn verdict(trust: &Trust, der: &[u8]) -> Result<(), String> {
    let certificate = Certificate::parse(der).map_err(|reason| reason.word().to_owned())?;
    let judged = trust.judge(&Arc::new(certificate), NOW_UNIX_S);
    let judged = judged.map_err(|reason| reason.word().to_owned())?;
    let shelf = trust.shelf();
    for (below, issuer) in judged.path.iter().zip(judged.path.iter().skip(1)) {
        match shelf.look_up(below, issuer, NOW_UNIX_S).map(|found| found.status) {
            Some(Status::Good) => {}
            Some(Status::Unknown(why)) => return Err(why.word().to_owned()),
            Some(Status::Revoked { reason, .. }) => return Err(reason.word().to_owned()),
            None => return Err("no list".to_owned()),
        }
    }
    Ok(())
}

#[test]
fn every_enforced_case_of_the_suite_ends_as_the_suite_says() {
    let certificates = files("certs");
    let is_leaf = |name: &str| name.ends_with("EE");
    let authorities: String =
        certificates.iter().filter(|(name, _)| !is_leaf(name)).map(|(_, der)| pem(der)).collect();
    let trust = Trust::load([("PKITS", authorities)]).expect("trust");
    let mut refused = Vec::new();
    for (name, der) in files("crls") {
        if let Err(error) = trust.shelve(&der, NOW_UNIX_S) {
            refused.push(format!("{name}: {error}"));
        }
    }
    let (mut wrong, mut enforced) = (Vec::new(), 0);
    for (name, der) in certificates.iter().filter(|(name, _)| is_leaf(name)) {
        if SKIPPED
            .lines()
            .any(|line| line.split('\t').next().is_some_and(|own| name.starts_with(own)))
        {
            continue;
        }
        enforced += 1;
        let said = verdict(&trust, der);
        if said.is_ok() == name.starts_with("Invalid") {
            wrong.push(format!("{name}: {said:?}"));
        }
    }
    let told = format!("{}\nlists refused:\n{}", wrong.join("\n"), refused.join("\n"));
    assert!(wrong.is_empty(), "{} of {enforced} cases:\n{told}", wrong.len());
    assert!(enforced > 100, "{enforced}");
}
