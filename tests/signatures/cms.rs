//! CMS and timestamps against openssl, both ways, and against whoever bends them.

use crate::signatures::oracles::{folder, openssl, write};
use crate::signatures::pki::{Identity, Kind, NOW_UNIX_S, PKI, issue, leaf};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::cms;
use qaqpa::sign::{Reason, Trust};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use std::path::Path;
use std::process::Command;

pub(crate) const CONTENT: &[u8] = b"<doc><iin>850312300121</iin>\r\n</doc>";

fn named(path: &Path) -> String {
    path.display().to_string()
}

fn verify(der: &[u8], detached: Option<&[u8]>) -> Result<cms::Verified, Reason> {
    cms::verify(der, detached, &[], &CertificateCache::default())
}

fn all() -> [&'static Identity; 3] {
    [&PKI.rsa, &PKI.p256, &PKI.p384]
}

/// openssl signs in DER, or streaming in BER with indefinite lengths.
pub(crate) fn signed_by_openssl(by: &Identity, more: &[&str]) -> Vec<u8> {
    let folder = folder();
    let key = named(&write(folder.path(), "key.pem", &by.key_pem));
    let certificate = named(&write(folder.path(), "cert.pem", &by.cert_pem));
    let content = named(&write(folder.path(), "content", CONTENT));
    let arguments = [
        "cms",
        "-sign",
        "-binary",
        "-in",
        &content,
        "-signer",
        &certificate,
        "-inkey",
        &key,
        "-outform",
        "DER",
    ];
    openssl(&[&arguments[..], more].concat())
}

#[test]
fn what_openssl_signs_we_verify_in_der_and_in_ber() {
    for (by, digest, other) in [
        (&PKI.rsa, "sha256", None),
        (&PKI.rsa, "sha512", None),
        (&PKI.p256, "sha256", Some("sha384")),
        (&PKI.p384, "sha384", Some("sha256")),
    ] {
        for (more, is_attached) in [
            (&["-cades", "-nodetach"][..], true),
            (&["-cades", "-nodetach", "-stream"], true),
            (&["-cades"], false),
            (&["-cades", "-nosmimecap"], false),
        ] {
            let der = signed_by_openssl(by, &[more, &["-md", digest]].concat());
            let verified = verify(&der, (!is_attached).then_some(CONTENT));
            let verified = verified.unwrap_or_else(|reason| panic!("{more:?}: {}", reason.word()));
            assert_eq!(verified.content.as_deref(), is_attached.then_some(CONTENT));
            let [one] = &verified.signatures[..] else { panic!("one signature") };
            assert_eq!(one.certificate.sha256(), by.certificate().sha256());
            assert!(one.stamp.is_none() && one.claimed_at_unix_s.is_some());
        }
        // What openssl makes of P-384 unasked: a curve under another digest.
        for other in other.iter().copied().chain(other.map(|_| "sha512")) {
            let der = signed_by_openssl(by, &["-cades", "-nodetach", "-md", other]);
            assert!(verify(&der, None).is_ok(), "{other}");
        }
    }
}

#[test]
fn what_we_sign_openssl_verifies() {
    for by in all() {
        for is_attached in [true, false] {
            let der = cms::sign(CONTENT, is_attached, &by.signer, NOW_UNIX_S).expect("signed");
            let folder = folder();
            let file = named(&write(folder.path(), "signed.der", &der));
            let root = named(&write(folder.path(), "root.pem", &PKI.root.pem));
            let content = named(&write(folder.path(), "content", CONTENT));
            let time = NOW_UNIX_S.to_string();
            let mut arguments = vec![
                "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", &file, "-CAfile",
                &root, "-attime", &time, "-purpose", "any",
            ];
            if !is_attached {
                arguments.extend(["-content", &content]);
            }
            assert_eq!(openssl(&arguments), CONTENT);
            let verified = verify(&der, (!is_attached).then_some(CONTENT)).expect("ours");
            assert_eq!(verified.signatures[0].claimed_at_unix_s, Some(NOW_UNIX_S));
        }
    }
}

#[test]
fn a_certificate_that_is_known_need_not_be_sent() {
    let der = signed_by_openssl(&PKI.rsa, &["-nodetach", "-cades", "-nocerts"]);
    let cache = CertificateCache::default();
    let known = [PKI.p256.signer.certificate().clone(), PKI.rsa.signer.certificate().clone()];
    assert!(cms::verify(&der, None, &known, &cache).is_ok());
    let others = cms::verify(&der, None, &known[..1], &cache);
    assert_eq!(others.err(), Some(Reason::SignerCertificateMissing));
}

#[test]
fn a_cms_without_the_attributes_of_cades_is_refused() {
    for (more, reason) in [
        (&["-nodetach"][..], Reason::SignedAttributeMissing),
        (&["-nodetach", "-noattr"], Reason::SignedAttributeMissing),
        (&["-nodetach", "-cades", "-nocerts"], Reason::SignerCertificateMissing),
    ] {
        let der = signed_by_openssl(&PKI.rsa, more);
        assert_eq!(verify(&der, None).err(), Some(reason), "{more:?}");
    }
    let attached = cms::sign(CONTENT, true, &PKI.rsa.signer, NOW_UNIX_S).expect("signed");
    let detached = cms::sign(CONTENT, false, &PKI.rsa.signer, NOW_UNIX_S).expect("signed");
    assert_eq!(verify(&attached, Some(CONTENT)).err(), Some(Reason::ContentAmbiguous));
    assert_eq!(verify(&detached, None).err(), Some(Reason::ContentMissing));
    assert_eq!(verify(&detached, Some(b"other")).err(), Some(Reason::DigestMismatch));
    let old = signed_by_openssl(&PKI.rsa, &["-nodetach", "-cades", "-md", "sha1"]);
    assert_eq!(verify(&old, None).err(), Some(Reason::AlgForbidden));
}

/// Where a bit flips, the signature falls or the content, the signer and the time still are the same.
#[test]
fn no_flipped_bit_changes_what_a_cms_says_unnoticed() {
    let by = &PKI.p256;
    let der = cms::sign(CONTENT, true, &by.signer, NOW_UNIX_S).expect("signed");
    for index in 0..der.len() {
        let mut changed = der.clone();
        changed[index] ^= 1 << (index % 8);
        if let Ok(verified) = verify(&changed, None) {
            assert_eq!(verified.content.as_deref(), Some(CONTENT), "byte {index}");
            assert_eq!(verified.signatures[0].certificate.sha256(), by.certificate().sha256());
            assert_eq!(verified.signatures[0].claimed_at_unix_s, Some(NOW_UNIX_S), "byte {index}");
        }
        let cut = &der[..index];
        assert!(verify(cut, None).is_err(), "cut at {index}");
    }
}

/// A token of openssl over the signature value of a CMS.
fn stamped(authority: &Identity, over: &[u8]) -> Vec<u8> {
    let folder = folder();
    let path = folder.path();
    let key = named(&write(path, "tsa.key", &authority.key_pem));
    let certificate = named(&write(path, "tsa.pem", &authority.cert_pem));
    let data = named(&write(path, "value", over));
    let query = named(&path.join("query.tsq"));
    let serial = named(&write(path, "serial", "01\n"));
    let config = format!(
        "[tsa]\ndefault_tsa = t\n[t]\nserial = {serial}\ncrypto_device = builtin\nsigner_cert = {certificate}\n\
         signer_key = {key}\nsigner_digest = sha256\ndefault_policy = 1.2.398.3.3.2.6.2\n\
         digests = sha256, sha384, sha512\naccuracy = secs:1\ness_cert_id_alg = sha256\n"
    );
    let config = named(&write(path, "tsa.cnf", config));
    let run = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().expect("openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run(&["ts", "-query", "-data", &data, "-sha256", "-cert", "-out", &query]);
    run(&["ts", "-reply", "-config", &config, "-queryfile", &query, "-token_out"])
}

fn authority() -> Identity {
    let mut params = leaf("Timestamps");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    // rcgen writes the extension without the critical mark that openssl demands.
    issue_critical(&params)
}

/// A certificate whose extended key usage is critical (RFC 3161 §2.3).
fn issue_critical(params: &rcgen::CertificateParams) -> Identity {
    let mut params = params.clone();
    params.extended_key_usages.clear();
    // SEQUENCE { id-kp-timeStamping }
    let content = vec![0x30, 0x0a, 0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, 8];
    let mut extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 37], content);
    extension.set_criticality(true);
    params.custom_extensions.push(extension);
    issue(&params, Kind::Rsa, &PKI.root)
}

#[test]
fn a_token_of_openssl_proves_when_a_value_existed() {
    let authority = authority();
    let value = b"a signature value";
    let token = stamped(&authority, value);
    let cache = CertificateCache::default();
    let stamp = cms::stamp::verify(&token, value, &cache).expect("a token");
    assert_eq!(stamp.policy, "1.2.398.3.3.2.6.2");
    assert_eq!(stamp.certificate.sha256(), authority.certificate().sha256());
    let now = jiff::Timestamp::now().as_second();
    assert!((now - 60..=now).contains(&stamp.at_unix_s), "{}", stamp.at_unix_s);
    assert_eq!(stamp.judge(&PKI.trust).map(drop), Ok(()));
    let empty = Trust::load(Vec::<(&str, &str)>::new()).expect("no trust");
    assert_eq!(stamp.judge(&empty), Err(Reason::TimestampInvalid));
    let other = cms::stamp::verify(&token, b"another value", &cache);
    assert_eq!(other.err(), Some(Reason::TimestampInvalid));
    // A CMS of anybody is no token, and neither is a token by a key for messages.
    let plain = cms::sign(value, true, &PKI.rsa.signer, NOW_UNIX_S).expect("signed");
    let of_anybody = cms::stamp::verify(&plain, value, &cache);
    assert_eq!(of_anybody.err(), Some(Reason::TimestampInvalid));
}

#[test]
fn a_signature_with_a_timestamp_is_one_of_its_time() {
    let authority = authority();
    let der = cms::sign(CONTENT, true, &PKI.rsa.signer, NOW_UNIX_S).expect("signed");
    let value = cms::values(&der).expect("values").remove(0);
    let token = stamped(&authority, &value);
    let with = cms::with_stamp(&der, &token).expect("stamped");
    let verified = verify(&with, None).expect("CAdES-T");
    let stamp = verified.signatures[0].stamp.as_ref().expect("a stamp");
    assert_eq!(stamp.judge(&PKI.trust).map(drop), Ok(()));
    let elsewhere = cms::sign(b"other", true, &PKI.rsa.signer, NOW_UNIX_S).expect("signed");
    let moved = cms::with_stamp(&elsewhere, &token).expect("stamped");
    assert_eq!(verify(&moved, None).err(), Some(Reason::TimestampInvalid));
    let folder = folder();
    let file = named(&write(folder.path(), "stamped.der", &with));
    let root = named(&write(folder.path(), "root.pem", &PKI.root.pem));
    let time = NOW_UNIX_S.to_string();
    let content = openssl(&[
        "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", &file, "-CAfile", &root,
        "-attime", &time, "-purpose", "any",
    ]);
    assert_eq!(content, CONTENT, "openssl reads what we put together");
}
