//! Chains and SOAP envelopes signed with the country's keys, in the spellings that live software writes.

use crate::gost::pki::{ALL, Identity, NOW_UNIX_S, authority, leaf, pem};
use qaqpa::sign::algorithm::SignatureAlgorithm;
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::{Certificate, Reason, Trust, keystore, wsse};
use qaqpa_kit::soap::Envelope;
use qaqpa_kit::xml::{Document, Limits};
use std::sync::Arc;

const ENVELOPE: &str = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">\
    <soap:Body><a:ask xmlns:a=\"urn:a\">Қазақ &amp; co</a:ask></soap:Body></soap:Envelope>";

fn signed(by: &Identity) -> String {
    String::from_utf8(wsse::sign(ENVELOPE.as_bytes(), &by.signer()).expect("signed")).expect("text")
}

fn judge(document: &str) -> Result<wsse::Signed, Reason> {
    let document = Document::scan(document.as_bytes(), &Limits::default()).expect("well-formed");
    let envelope = Envelope::read(&document).expect("an envelope");
    let judged = wsse::verify(&envelope, &[], &CertificateCache::default(), NOW_UNIX_S);
    judged.map_err(|refusal| refusal.reason)
}

fn root(algorithm: SignatureAlgorithm) -> Identity {
    authority("CN=Root,C=KZ", algorithm, None)
}

/// A three-step chain of one algorithm, judged with the root in the trust files.
fn chained(algorithm: SignatureAlgorithm, trust: impl Fn(Trust) -> Trust) -> Result<(), Reason> {
    let root = root(algorithm);
    let middle = authority("CN=Middle,C=KZ", algorithm, Some(&root));
    let signer = leaf("CN=Signer,OU=BIN190540007715,C=KZ", algorithm, &middle);
    let files = [("root", root.pem()), ("middle", middle.pem())];
    let trust = trust(Trust::load(files).expect("trust"));
    let certificate = Arc::new(Certificate::parse(&signer.der).expect("a certificate"));
    assert_eq!(certificate.family(), algorithm.family());
    assert_eq!(certificate.bin(), Some("190540007715"));
    trust.judge(&certificate, NOW_UNIX_S).map(drop)
}

#[test]
fn a_chain_of_the_countrys_keys_is_believed() {
    for algorithm in [SignatureAlgorithm::Gost2004, SignatureAlgorithm::Gost2015x512] {
        assert_eq!(chained(algorithm, |trust| trust), Ok(()), "{algorithm:?}");
    }
}

#[test]
fn the_unverified_256_bits_of_2015_are_believed_only_where_the_operator_says_so() {
    let algorithm = SignatureAlgorithm::Gost2015x256;
    assert_eq!(chained(algorithm, |trust| trust), Err(Reason::KeyTypeForbidden));
    assert_eq!(chained(algorithm, |trust| trust.with_unverified(true)), Ok(()));
}

#[test]
fn a_chain_whose_link_was_signed_by_another_key_is_refused() {
    for algorithm in [SignatureAlgorithm::Gost2004, SignatureAlgorithm::Gost2015x512] {
        let (root, namesake) = (root(algorithm), root(algorithm));
        let signer = leaf("CN=Signer,C=KZ", algorithm, &namesake);
        let trust = Trust::load([("root", root.pem())]).expect("trust");
        let certificate = Arc::new(Certificate::parse(&signer.der).expect("a certificate"));
        let refused = trust.judge(&certificate, NOW_UNIX_S).unwrap_err();
        assert!(matches!(refused, Reason::CertPath | Reason::CertUnknown), "{refused:?}");
    }
}

#[test]
fn an_envelope_is_signed_and_verified_with_each_of_the_countrys_algorithms() {
    for algorithm in ALL {
        let by = leaf("CN=Signer,C=KZ", algorithm, &root(algorithm));
        let document = signed(&by);
        assert!(document.contains(algorithm.uri()) && document.contains(algorithm.digest().uri()));
        let judged = judge(&document).expect("accepted");
        assert_eq!(judged.family, algorithm.family());
        assert_eq!(judged.certificate.der(), by.der);
        let changed = document.replace("Қазақ", "қазақ");
        assert_eq!(judge(&changed).unwrap_err(), Reason::DigestMismatch);
        let changed = document.replacen("<ds:SignedInfo>", "<ds:SignedInfo >", 1);
        assert!(judge(&changed).is_ok(), "white space in a tag is not signed");
        let changed = document.replacen("<ds:Reference ", "<ds:Reference Id=\"r\" ", 1);
        assert_eq!(judge(&changed).unwrap_err(), Reason::BadSignature);
    }
}

#[test]
fn a_signature_value_may_be_broken_into_lines_as_java_does() {
    let by = leaf("CN=Signer,C=KZ", SignatureAlgorithm::Gost2015x512, &root(ALL[2]));
    let document = signed(&by);
    let (before, rest) = document.split_once("<ds:SignatureValue>").expect("a value");
    let (value, after) = rest.split_once("</ds:SignatureValue>").expect("an end");
    for end in ["\n", "\r\n", "&#13;\n", "&#xD;&#xA;"] {
        let lines = value.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + end);
        let lines: String = lines.collect();
        let broken = format!("{before}<ds:SignatureValue>\n{lines}</ds:SignatureValue>{after}");
        assert!(judge(&broken).is_ok(), "{end:?}");
    }
}

#[test]
fn the_algorithms_of_2015_are_understood_by_the_names_of_2012_too() {
    for algorithm in [SignatureAlgorithm::Gost2015x256, SignatureAlgorithm::Gost2015x512] {
        let by = leaf("CN=Signer,C=KZ", algorithm, &root(algorithm));
        let other = |text: &str| {
            text.replace("pkigovkz:xmlsec:algorithms", "cpxmlsec:algorithms")
                .replace("gostr34102015-gostr34112015", "gostr34102012-gostr34112012")
                .replace("gostr34112015", "gostr34112012")
        };
        let document = other(&signed(&by));
        let (_, rest) = document.split_once("<ds:SignedInfo>").expect("SignedInfo");
        let (info, _) = rest.split_once("</ds:SignedInfo>").expect("its end");
        let canonical = format!(
            "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}</ds:SignedInfo>"
        );
        assert!(canonical.contains("cpxmlsec"));
        let value = by.key.sign(canonical.as_bytes()).expect("a signature");
        let (before, rest) = document.split_once("<ds:SignatureValue>").expect("a value");
        let (_, after) = rest.split_once("</ds:SignatureValue>").expect("an end");
        let value = pem("X", &value).lines().filter(|line| !line.contains('-')).collect::<String>();
        let document = format!("{before}<ds:SignatureValue>{value}</ds:SignatureValue>{after}");
        assert!(judge(&document).is_ok(), "{algorithm:?}");
    }
}

#[test]
fn a_signature_method_of_another_family_than_the_key_is_refused() {
    let by = leaf("CN=Signer,C=KZ", SignatureAlgorithm::Gost2015x512, &root(ALL[2]));
    let document = signed(&by);
    for other in [SignatureAlgorithm::Gost2004, SignatureAlgorithm::Gost2015x256] {
        let changed = document.replace(SignatureAlgorithm::Gost2015x512.uri(), other.uri());
        assert_eq!(judge(&changed).unwrap_err(), Reason::AlgKeyMismatch);
    }
}

#[test]
fn a_key_signs_from_its_file_with_and_without_the_wrapping() {
    for algorithm in ALL {
        let by = leaf("CN=Signer,C=KZ", algorithm, &root(algorithm));
        let certificate = by.pem();
        let der = by.key.to_pkcs8();
        assert!(keystore::signer(&der, Some(certificate.as_bytes()), None).is_ok());
        assert!(keystore::signer(&der, Some(&by.der), None).is_ok());
        let other = leaf("CN=Other,C=KZ", algorithm, &root(algorithm));
        assert!(keystore::signer(&der, Some(&other.der), None).is_err());
    }
}
