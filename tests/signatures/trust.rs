//! Whom the gateway believes: pins, chains, days; and that belief ends when it must.

use crate::signatures::forge::{judge, message, sign, usual};
use crate::signatures::oracles::openssl;
use crate::signatures::pki::{
    Authority, Identity, Kind, NOW_UNIX_S, PKI, authority, ca, issue, leaf, self_signed,
};
use qaqpa::sign::trust::{Basis, Judged};
use qaqpa::sign::wsse;
use qaqpa::sign::{Certificate, Reason, Trust};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};
use rcgen::{BasicConstraints, DnType, IsCa, date_time_ymd};
use std::sync::Arc;

const DAY_S: i64 = 86_400;

fn trust(files: &[&str]) -> Trust {
    Trust::load(files.iter().enumerate()).expect("trust")
}

fn judged(trust: &Trust, who: &Identity) -> Result<Judged, Reason> {
    trust.judge(who.signer.certificate(), NOW_UNIX_S)
}

/// A root, an authority below it, and a leaf below that.
struct Chain {
    root: Authority,
    middle: Authority,
    leaf: Identity,
}

fn chain(
    change: impl FnOnce(&mut rcgen::CertificateParams, &mut rcgen::CertificateParams),
) -> Chain {
    let (mut root, mut middle) = (ca("Chain root"), ca("Chain middle"));
    change(&mut root, &mut middle);
    let root = authority(root, None);
    let middle = authority(middle, Some(&root));
    let leaf = issue(&leaf("Chain leaf"), Kind::P256, &middle);
    Chain { root, middle, leaf }
}

#[test]
fn a_pinned_certificate_is_believed_in_its_days_only() {
    let pinned = trust(&[&PKI.stranger.cert_pem]);
    assert_eq!(judged(&pinned, &PKI.stranger).unwrap().basis, Basis::Pinned);
    assert_eq!(judged(&pinned, &PKI.rsa), Err(Reason::CertUnknown));
    let certificate = PKI.stranger.signer.certificate();
    for (at_unix_s, reason) in [
        (certificate.not_before_unix_s() - 1, Reason::CertNotYetValid),
        (certificate.not_after_unix_s() + 1, Reason::CertExpired),
    ] {
        assert_eq!(pinned.judge(certificate, at_unix_s), Err(reason), "after a good judgement too");
    }
    assert_eq!(pinned.signers().len(), 1);
}

#[test]
fn a_chain_leads_over_loaded_authorities_to_a_loaded_anchor() {
    let chain = chain(|_, _| {});
    let (root, middle) = (chain.root.pem.as_str(), chain.middle.pem.as_str());
    let found = judged(&trust(&[root, middle]), &chain.leaf).unwrap();
    assert_eq!(found.basis, Basis::Chain);
    let in_one_file = format!("{middle}\n# and its root\n{root}");
    judged(&trust(&[&in_one_file]), &chain.leaf).expect("order does not matter");
    judged(&trust(&[middle]), &chain.leaf).expect("an authority without its root is an anchor");
    assert_eq!(judged(&trust(&[root]), &chain.leaf), Err(Reason::CertUnknown));
    assert_eq!(judged(&trust(&[]), &chain.leaf), Err(Reason::CertUnknown));
}

#[test]
fn belief_ends_with_the_first_certificate_of_the_chain_that_ends() {
    let ends = date_time_ymd(2026, 12, 1).unix_timestamp();
    let short_middle = chain(|_, middle| middle.not_after = date_time_ymd(2026, 12, 1));
    let short_root = chain(|root, _| root.not_after = date_time_ymd(2026, 12, 1));
    for chain in [short_middle, short_root] {
        let trust = trust(&[&chain.root.pem, &chain.middle.pem]);
        assert_eq!(judged(&trust, &chain.leaf).unwrap().until_unix_s, ends);
        let certificate = chain.leaf.signer.certificate();
        trust.judge(certificate, ends).expect("the last second");
        assert_eq!(trust.judge(certificate, ends + DAY_S), Err(Reason::CertExpired));
    }
}

#[test]
fn an_authority_may_do_no_more_than_its_certificate_says() {
    let short = chain(|_, middle| middle.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let below = authority(ca("Too deep"), Some(&short.middle));
    let deep = issue(&leaf("Deep leaf"), Kind::P256, &below);
    let files = trust(&[&short.root.pem, &short.middle.pem, &below.pem]);
    assert_eq!(judged(&files, &deep), Err(Reason::CertPath), "path length");
    judged(&files, &short.leaf).expect("one below is allowed");
    let no_ca = authority(leaf("No authority"), Some(&PKI.root));
    let forged = issue(&leaf("Forged"), Kind::P256, &no_ca);
    assert_eq!(judged(&trust(&[&PKI.root.pem, &no_ca.pem]), &forged), Err(Reason::CertUnknown));
    let own_ca = self_signed(&ca("Stranger's authority"), Kind::P256);
    assert_eq!(judged(&PKI.trust, &own_ca), Err(Reason::CertUnknown));
    let sub_ca = issue(&ca("Authority as signer"), Kind::P256, &PKI.root);
    assert_eq!(judged(&PKI.trust, &sub_ca), Err(Reason::CertUsage));
}

#[test]
fn trust_files_say_what_is_wrong_with_them_and_unknown_keys_do_no_harm() {
    for (file, word) in [
        ("", "no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate 1"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "does not end"),
        (PKI.rsa.key_pem.as_str(), "no certificate"),
    ] {
        let error = Trust::load([("trust.pem", file)]).unwrap_err().to_string();
        assert!(error.starts_with("trust.pem: ") && error.contains(word), "{error}");
    }
    let other = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ed25519",
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=root of another kind",
    ]);
    let other = String::from_utf8(other).unwrap();
    judged(&trust(&[&other, &PKI.root.pem]), &PKI.p256).expect("the other root does no harm");
}

#[test]
fn a_certificate_says_whom_it_speaks_for_and_its_debug_form_does_not() {
    let mut params = leaf("Қызметкер");
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), "IIN850312300121");
    let person = issue(&params, Kind::P256, &PKI.root);
    let certificate: &Certificate = person.certificate();
    assert_eq!(certificate.bin(), Some("190540007715"));
    assert_eq!(certificate.iin(), Some("850312300121"));
    assert!(certificate.may_sign() && !certificate.is_ca());
    let debug = format!("{certificate:?}");
    assert!(!debug.contains("8503") && !debug.contains("1905"), "{debug}");
    let again = PKI.trust.certificates().parse(certificate.der()).unwrap();
    assert_eq!(again.spki_sha256(), certificate.spki_sha256());
    assert_ne!(again.sha256(), again.spki_sha256());
    let odd = issue(
        &{
            let mut odd = leaf("Odd");
            odd.distinguished_name.push(DnType::OrganizationalUnitName, "BIN12345");
            odd
        },
        Kind::P256,
        &PKI.root,
    );
    assert_eq!(odd.certificate().bin(), None);
}

/// Where a bit flips, either the signature falls or the Body still means the same.
#[test]
fn no_flipped_bit_changes_the_body_unnoticed() {
    let by = &PKI.p256;
    let signed = sign(&message(), &usual(by), by).into_bytes();
    let body = |document: &[u8]| {
        let document = Document::scan(document, &Limits::default()).unwrap();
        let envelope = Envelope::read(&document).unwrap();
        let mut canonical = Vec::new();
        let mut sink = |bytes: &[u8]| canonical.extend_from_slice(bytes);
        qaqpa::sign::canonical::exclusive_without(envelope.body, &[], &mut sink);
        canonical
    };
    let genuine = body(&signed);
    let mut accepted = 0;
    for index in 0..signed.len() {
        let mut changed = signed.clone();
        changed[index] ^= 1 << (index % 7);
        if judge(&changed).is_ok() {
            accepted += 1;
            assert_eq!(body(&changed), genuine, "byte {index}");
        }
    }
    assert!(accepted < signed.len() / 20, "{accepted} of {} flips do not matter", signed.len());
    wsse::sign(&signed, &by.signer).expect("the genuine one can be signed again");
}

/// Parsing strangers' bytes must not panic, and no changed certificate may be believed.
#[test]
fn no_flipped_bit_makes_another_certificate_believed() {
    let genuine = PKI.p256.certificate().der();
    let mut read = 0;
    for index in 0..genuine.len() {
        let mut der = genuine.to_vec();
        der[index] ^= 1 << (index % 8);
        if let Ok(certificate) = Certificate::parse(&der) {
            read += 1;
            let judged = PKI.trust.judge(&Arc::new(certificate), NOW_UNIX_S);
            assert!(judged.is_err(), "byte {index}: {judged:?}");
        }
    }
    assert!(read > 50, "{read} of {} could be read at all", genuine.len());
}
