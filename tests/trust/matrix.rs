//! Role × BIN × days × revocation of a certificate from a test authority: who may speak for a participant.

use crate::trust::lists::{Authority, NOW_UNIX_S};
use qaqpa::config::settings::Participant;
use qaqpa::proxy::identify::is_bound;
use qaqpa::sign::trust::status::Status;
use qaqpa::sign::{Certificate, Reason};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose, date_time_ymd};
use std::sync::Arc;

const OWN: &str = "190540007715";
const OTHER: &str = "120940000452";

/// Roles in the extended key usage (НУЦ profile), and whether a person's IIN stands beside.
const ROLES: [(&str, &[u64], bool); 6] = [
    ("information system", &[1, 2, 398, 3, 3, 4, 1, 2, 6], false),
    ("organisation", &[1, 2, 398, 3, 3, 4, 1, 2], false),
    ("head", &[1, 2, 398, 3, 3, 4, 1, 2, 1], true),
    ("employee", &[1, 2, 398, 3, 3, 4, 1, 2, 5], true),
    ("individual", &[1, 2, 398, 3, 3, 4, 1, 1], true),
    ("individual without a name", &[1, 2, 398, 3, 3, 4, 1, 1], false),
];

fn participant() -> Participant {
    Participant {
        bin: Some(OWN.to_owned()),
        ..crate::house::participant(crate::house::quota(1, 1, 1))
    }
}

#[test]
fn only_an_organisations_own_certificate_in_its_days_and_not_revoked_speaks_for_it() {
    let authority = Authority::new("Matrix");
    let trust = authority.trust();
    let days = [("now", 2026, 2028), ("ended", 2024, 2025), ("not yet", 2027, 2028)];
    let fates = [("good", None), ("revoked", Some(1)), ("held", Some(6))];
    let (mut cases, mut revoked) = (Vec::new(), Vec::new());
    for (role, oid, is_person) in ROLES {
        for bin in [Some(OWN), Some(OTHER), None] {
            for (span, from, until) in days {
                for (fate, reason) in fates {
                    let mut params = CertificateParams::default();
                    params.distinguished_name.push(DnType::CommonName, role);
                    if let Some(bin) = bin {
                        let unit = format!("BIN{bin}");
                        params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
                    }
                    if is_person {
                        let serial = DnType::CustomDnType(vec![2, 5, 4, 5]);
                        params.distinguished_name.push(serial, "IIN850312300121");
                    }
                    params.extended_key_usages = vec![
                        ExtendedKeyUsagePurpose::ClientAuth,
                        ExtendedKeyUsagePurpose::Other(oid.to_vec()),
                    ];
                    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
                    params.not_before = date_time_ymd(from, 1, 1);
                    params.not_after = date_time_ymd(until, 1, 1);
                    let serial = u32::try_from(cases.len()).unwrap() + 1;
                    params.serial_number = Some(u64::from(serial).into());
                    let der = authority.issue(&params);
                    revoked.extend(reason.map(|reason| (serial, reason)));
                    let is_own = !is_person && !role.starts_with("individual") && bin == Some(OWN);
                    let expected = match (is_own, span, fate) {
                        (true, "now", "good") => "accepted",
                        (_, "ended", _) => "cert_expired",
                        (_, "not yet", _) => "cert_not_yet_valid",
                        (_, _, "revoked" | "held") => "revoked",
                        _ => "not bound",
                    };
                    cases.push((format!("{role}, {bin:?}, {span}, {fate}"), der, expected));
                }
            }
        }
    }
    trust.shelve(&authority.list(&revoked, 1), NOW_UNIX_S).expect("a list");
    assert_eq!(cases.len(), 162);
    let participant = participant();
    for (name, der, expected) in cases {
        let certificate = Arc::new(Certificate::parse(&der).expect("a certificate"));
        let said = match trust.judge(&certificate, NOW_UNIX_S) {
            Err(reason) => Reason::word(reason),
            Ok(judged) => {
                let (own, issuer) = judged.certificate().expect("a path");
                let found = trust.shelf().look_up(own, issuer.expect("an issuer"), NOW_UNIX_S);
                match found.expect("a list").status {
                    Status::Revoked { .. } => "revoked",
                    Status::Good if is_bound(&participant, &certificate, NOW_UNIX_S) => "accepted",
                    Status::Good => "not bound",
                    Status::Unknown(why) => why.word(),
                }
            }
        };
        assert_eq!(said, expected, "{name}");
    }
}
