//! Who is revoked on the way: a participant with open connections, a bank with a register, whoever stamps signatures.

use crate::caller::{Caller, PERSON, PERSONS, text, until};
use crate::support::{Ground, Installation, Plan, pair_in};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::command::now_unix_us;
use qaqpa::proxy::start::Running;
use qaqpa::sign::{Signer, cms, pem};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use x509_cert::der::Decode as _;

/// The demo's root.
fn root(pki: &Path) -> Issuer<'static, KeyPair> {
    let key = std::fs::read_to_string(pki.join("root.key.pem")).unwrap();
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "Qaqpa demo root");
    root.distinguished_name.push(DnType::CountryName, "KZ");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Issuer::new(root, KeyPair::from_pem(&key).unwrap())
}

/// A list of the demo's root, laid in place in one step.
fn lay_list(pki: &Path, number: u64, revoked: &[&str]) {
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
    let signed = list.signed_by(&root(pki)).unwrap();
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
    let caller = |id| Caller::new(&ground.scratch, &running.callers[0], id, Some(id));
    let (bank, portal) = (caller("bank"), caller("portal"));
    let asked = bank.ask(PERSONS, PERSON).await;
    assert_eq!(asked.http_status, 200, "{}", text(&asked));
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
    until("the older list is refused", || {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_of_which_nobody_says_whether_it_was_revoked_brings_no_register() {
    // Nobody listens on the discard port. The policy is that of the service whose right it is.
    let gateway = "[trust]\nocsp_url = \"http://127.0.0.1:9/\"\n";
    for (policy, taken, seen) in [
        ("fail_closed", (503, Some("pki.unavailable")), (503, Some("pki.unavailable"))),
        ("degrade_and_mark", (202, None), (404, None)),
    ] {
        let services =
            format!("[agency.payments.service.PAY_BankNotice]\nrevocation = \"{policy}\"\n");
        let plan = Plan { gateway: gateway.to_owned(), services, ..Plan::default() };
        let installation = Installation::with(plan).await;
        let bank = installation.caller("bank").client;
        let csv = [("content-type", "text/csv")];
        let posted = bank.post_to("/api/v1/registers/demo", &csv, b"rows".to_vec()).await.unwrap();
        let told = (posted.http_status, posted.fault.as_deref());
        assert_eq!(told, taken, "{policy}: {}", text(&posted));
        let spool = installation.state.path().join("reconcile/spool");
        let spooled = std::fs::read_dir(spool).map_or(0, Iterator::count);
        assert_eq!(spooled, usize::from(taken.1.is_none()), "{policy}");
        let looked = bank.get("/api/v1/registers/none").await.unwrap();
        assert_eq!((looked.http_status, looked.fault.as_deref()), seen, "{policy}");
        installation.stop().await;
    }
}

/// A timestamping authority of the demo's root, for openssl.
fn lay_authority(pki: &Path) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Time stamps");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // SEQUENCE { id-kp-timeStamping }, critical (RFC 3161 §2.3).
    let purposes = vec![0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 8];
    let mut purposes = CustomExtension::from_oid_content(&[2, 5, 29, 37], purposes);
    purposes.set_criticality(true);
    params.custom_extensions.push(purposes);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &root(pki)).unwrap();
    let pair = pair_in(pki, "stamper");
    std::fs::write(&pair.key_pem, key.serialize_pem()).unwrap();
    std::fs::write(&pair.cert_pem, certificate.pem()).unwrap();
    std::fs::write(pki.join("serial"), "01\n").unwrap();
    let config = format!(
        "[tsa]\ndefault_tsa = t\n[t]\nserial = {}\ncrypto_device = builtin\nsigner_cert = {}\n\
         signer_key = {}\nsigner_digest = sha256\ndefault_policy = 1.2.398.3.3.2.6.2\n\
         digests = sha256\ness_cert_id_alg = sha256\n",
        pki.join("serial").display(),
        pair.cert_pem.display(),
        pair.key_pem.display(),
    );
    std::fs::write(pki.join("stamper.cnf"), config).unwrap();
}

/// A detached CMS that the authority has stamped, base64.
fn stamped(pki: &Path, content: &[u8], by: &Signer) -> String {
    let der = cms::sign(content, false, by, now_unix_us() / 1_000_000).unwrap();
    std::fs::write(pki.join("value"), cms::values(&der).unwrap().remove(0)).unwrap();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").current_dir(pki).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    openssl(&["ts", "-query", "-data", "value", "-sha256", "-cert", "-out", "query"]);
    let reply = ["ts", "-reply", "-config", "stamper.cnf", "-queryfile", "query", "-token_out"];
    STANDARD.encode(cms::with_stamp(&der, &openssl(&reply)).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_whose_time_stamp_is_of_a_revoked_authority_is_not_delivered() {
    let service = "GbdulInfoByBin_v2";
    let services = format!(
        "[[agency.gbd_ul.service.{service}.signature]]\nform = [\"cms\"]\n\
         signature_field = \"secondSignData\"\ncontent_field = \"portalSign\"\n"
    );
    let gateway = "[trust]\ncrl_files = [\"../pki/list.crl\"]\n".to_owned();
    let ground = Ground::lay(&Plan { gateway, services, ..Plan::default() }).await;
    let pki = ground.scratch.trust_pem.parent().unwrap().to_owned();
    lay_authority(&pki);
    lay_list(&pki, 1, &[]);
    let running = Running::start(ground.settings()).await.unwrap();
    let bank = Caller::new(&ground.scratch, &running.callers[0], "bank", Some("bank"));
    let data = format!(
        "<g:Request xmlns:g=\"http://gbdulinfobybin_v2.egp.gbdul.tamur.kz\">\
         <portalSign>words</portalSign><secondSignData>{}</secondSignData></g:Request>",
        stamped(&pki, b"words", &bank.signer)
    );
    let posted = bank.ask(service, &data).await;
    // The register's own request knows no such fields; that the call got beyond `verify` is enough.
    assert!(posted.fault.is_none() || text(&posted).contains("encode"), "{}", text(&posted));

    lay_list(&pki, 2, &["stamper"]);
    until("the newer list is read", || {
        let text = running.gate.metrics.text().unwrap();
        text.contains("qaqpa_crl_reads_total{result=\"taken\"} 2")
    })
    .await;
    let posted = bank.ask(service, &data).await;
    assert_eq!(posted.fault.as_deref(), Some("pki.revoked"), "{}", text(&posted));
    assert!(text(&posted).contains("business signature"), "{}", text(&posted));
    running.drain().await;
    ground.agencies.stop().await;
}
