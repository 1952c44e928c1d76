//! A participant whose certificate is revoked while its connections are open.

use crate::caller::{PERSON, PERSONS};
use crate::support::{Ground, Plan, pair_in};
use qaqpa::proxy::start::Running;
use qaqpa::sign::pem;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use std::path::Path;
use std::time::{Duration, Instant};
use x509_cert::der::Decode as _;

/// A list of the demo's root, laid in place in one step.
fn lay_list(pki: &Path, number: u64, revoked: &[&str]) {
    let key = std::fs::read_to_string(pki.join("root.key.pem")).unwrap();
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "Qaqpa demo root");
    root.distinguished_name.push(DnType::CountryName, "KZ");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = Issuer::new(root, KeyPair::from_pem(&key).unwrap());
    let revoked = revoked.iter().map(|id| {
        let blocks = pem::blocks(&std::fs::read(pair_in(pki, id).cert_pem).unwrap()).unwrap();
        let certificate = x509_cert::Certificate::from_der(&blocks[0].der).unwrap();
        RevokedCertParams {
            serial_number: SerialNumber::from_slice(
                certificate.tbs_certificate.serial_number.as_bytes(),
            ),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        }
    });
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2046, 1, 1),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let signed = list.signed_by(&issuer).unwrap();
    std::fs::write(pki.join("list.new"), signed.pem().unwrap()).unwrap();
    std::fs::rename(pki.join("list.new"), pki.join("list.crl")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_participant_is_cut_off_within_five_seconds_on_its_open_connection() {
    let gateway =
        "[trust]\ncrl_files = [\"../pki/list.crl\"]\ncrl_seen_file = \"../pki/list.seen\"\n\
         revocation = \"fail_closed\"\n"
            .to_owned();
    let ground = Ground::lay(&Plan { gateway, ..Plan::default() }).await;
    let pki = ground.scratch.trust_pem.parent().unwrap().to_owned();
    lay_list(&pki, 1, &[]);
    let running = Running::start(ground.settings()).await.unwrap();
    let caller =
        |id| crate::caller::Caller::new(&ground.scratch, &running.callers[0], id, Some(id));
    let (bank, portal) = (caller("bank"), caller("portal"));
    let asked = bank.ask(PERSONS, PERSON).await;
    assert_eq!(asked.http_status, 200, "{}", crate::caller::text(&asked));
    let entry = running.gate.journal.entry(asked.entry.unwrap().parse().unwrap()).await.unwrap();
    let found = entry.expect("an entry").revocation.expect("evidence");
    assert!(found.starts_with("good crl number 01 sha256 "), "{found}");

    lay_list(&pki, 2, &["bank"]);
    let begun = Instant::now();
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let refused = loop {
        looks.tick().await;
        match bank.client.post(bank.sign(&bank.message(PERSONS, PERSON))).await {
            Ok(posted) if posted.http_status == 200 => {}
            // Told why, or cut off between two requests.
            refused => break refused.ok().and_then(|posted| posted.fault),
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "still served");
    };
    assert!(refused.is_none_or(|code| code == "pki.revoked"));
    assert_eq!(portal.ask(PERSONS, PERSON).await.http_status, 200, "another is served on");

    // An older list does not bring it back.
    lay_list(&pki, 1, &[]);
    let text = || running.gate.metrics.text().unwrap();
    crate::caller::until("the older list is refused", || {
        text().contains("qaqpa_crl_reads_total{result=\"refused\"} 1")
    })
    .await;
    let again = caller("bank").client.post(bank.sign(&bank.message(PERSONS, PERSON))).await;
    assert!(again.is_err() || again.is_ok_and(|posted| posted.http_status != 200));
    running.drain().await;

    // A restart does not bring it back either.
    let running = Running::start(ground.settings()).await.unwrap();
    let text = running.gate.metrics.text().unwrap();
    assert!(text.contains("qaqpa_crl_reads_total{result=\"refused\"} 1"), "{text}");
    assert!(text.contains("qaqpa_crl_lists 0"), "{text}");
    running.drain().await;
    ground.agencies.stop().await;
}
