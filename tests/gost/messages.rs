//! CMS and documents signed with the country's keys: openssl's engine computes and judges, we read and write.
//!
//! The engine knows Russian OIDs alone, so what it signs is put into a CMS of ours in the place of our own
//! value; every length is the same.

use crate::gost::engine::{Engine, bytes, hex, turned};
use crate::gost::pki::{ALL, Identity, NOW_UNIX_S, authority, leaf};
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerInfo, SignerInfos};
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode as _, Encode as _};
use hyper::HeaderMap;
use qaqpa::sign::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use qaqpa::sign::business::enveloped;
use qaqpa::sign::business::root::{self, Root};
use qaqpa::sign::business::seal::{self, Forms};
use qaqpa::sign::certificate::CertificateCache;
use qaqpa::sign::key::KeyError;
use qaqpa::sign::rest::{Parts, http, jws as call};
use qaqpa::sign::{Reason, cms as messages, document};
use qaqpa_kit::xml::{Document, Limits};
use serde_json::Map;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

const CONTENT: &[u8] = "<doc><iin>850312300121</iin>Қазақ\r\n</doc>".as_bytes();

fn signer(algorithm: SignatureAlgorithm) -> (Identity, Identity) {
    let root = authority("CN=Root,C=KZ", algorithm, None);
    let by = leaf("CN=Signer,OU=BIN190540007715,C=KZ", algorithm, &root);
    (root, by)
}

fn verify(der: &[u8], detached: Option<&[u8]>) -> Result<messages::Verified, Reason> {
    messages::verify(der, detached, &[], &CertificateCache::default())
}

fn info(der: &[u8]) -> SignerInfo {
    let info = ContentInfo::from_der(der).expect("a CMS");
    let data: SignedData = info.content.decode_as().expect("SignedData");
    data.signer_infos.0.into_vec().remove(0)
}

/// The engine's digest; it has no ГОСТ 34.311-95 with the НУЦ's S-box, so that one is ours.
fn digest(engine: &mut Engine, algorithm: SignatureAlgorithm, of: &[u8]) -> Vec<u8> {
    match algorithm {
        SignatureAlgorithm::Gost2004 => DigestAlgorithm::Gost34311.digest(of).as_ref().to_vec(),
        _ => bytes(&engine.ask(&format!("digest {} {}", algorithm.family().word(), hex(of)))),
    }
}

fn replaced(source: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> = memchr::memmem::find_iter(source, from).collect();
    assert!(!places.is_empty(), "nothing to replace");
    let mut out = source.to_vec();
    for at in places {
        out[at..at + to.len()].copy_from_slice(to);
    }
    out
}

#[test]
fn the_engine_verifies_the_cms_that_we_sign() {
    let mut engine = Engine::start();
    for algorithm in ALL {
        let (_, by) = signer(algorithm);
        let word = algorithm.family().word();
        let public = by.key.public_octets().expect("a public key");
        assert_eq!(engine.ask(&format!("key {word} {}", hex(&public))), "ok");
        for is_attached in [true, false] {
            let der = messages::sign(CONTENT, is_attached, &by.signer(), NOW_UNIX_S);
            let der = der.expect("signed");
            let info = info(&der);
            assert_eq!(info.signature_algorithm.oid, algorithm.oid());
            assert_eq!(info.digest_alg.oid, algorithm.digest().oid());
            let attributes = info.signed_attrs.expect("attributes").to_der().expect("DER");
            let content = digest(&mut engine, algorithm, CONTENT);
            assert!(memchr::memmem::find(&attributes, &content).is_some(), "its messageDigest");
            let signed = digest(&mut engine, algorithm, &attributes);
            let value = hex(&turned(info.signature.as_bytes()));
            assert_eq!(engine.ask(&format!("verify {word} {} {value}", hex(&signed))), "1");
            let verified = verify(&der, (!is_attached).then_some(CONTENT)).expect("valid");
            assert_eq!(verified.signatures[0].algorithm, algorithm);
            assert_eq!(verified.signatures[0].certificate.der(), by.der);
        }
    }
}

#[test]
fn we_verify_the_cms_that_the_engine_signs_and_refuse_what_was_changed() {
    let mut engine = Engine::start();
    for algorithm in ALL {
        let (root, by) = signer(algorithm);
        let word = algorithm.family().word();
        let theirs = bytes(&engine.ask(&format!("new {word}")));
        let own = by.key.public_octets().expect("a public key");
        // The engine's key in a certificate of our authority.
        let unsigned = replaced(&by.der, &own, &theirs);
        let read = x509_cert::Certificate::from_der(&unsigned).expect("a certificate");
        let body = read.tbs_certificate.to_der().expect("DER");
        let value = root.key.sign(&body).expect("a signature");
        let certificate = replaced(&unsigned, read.signature.raw_bytes(), &value);
        let identity = |der: &[u8]| DigestAlgorithm::Sha256.digest(der).as_ref().to_vec();
        for is_attached in [true, false] {
            let der = messages::sign(CONTENT, is_attached, &by.signer(), NOW_UNIX_S);
            let der = replaced(&der.expect("signed"), &by.der, &certificate);
            let der = replaced(&der, &identity(&by.der), &identity(&certificate));
            let info = info(&der);
            let detached = (!is_attached).then_some(CONTENT);
            assert_eq!(verify(&der, detached).err(), Some(Reason::BadSignature), "our own value");
            let attributes = info.signed_attrs.expect("attributes").to_der().expect("DER");
            let signed = digest(&mut engine, algorithm, &attributes);
            let value = turned(&bytes(&engine.ask(&format!("sign {word} {}", hex(&signed)))));
            let der = replaced(&der, info.signature.as_bytes(), &value);
            let verified = verify(&der, detached).expect("valid");
            assert_eq!(verified.signatures[0].certificate.der(), certificate);
            // The engine's own order of bytes is not the НУЦ's.
            let other = replaced(&der, &value, &turned(&value));
            assert_eq!(verify(&other, detached).err(), Some(Reason::BadSignature));
            let other = [CONTENT, b" "].concat();
            if detached.is_some() {
                assert_eq!(verify(&der, Some(&other)).err(), Some(Reason::DigestMismatch));
            }
        }
    }
}

const SIGNING_CERTIFICATE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SIGNING_CERTIFICATE_1: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");

/// Signed anew as the НУЦ's own library writes it: parameters are NULL, the signature's algorithm may be the
/// key's, and of the certificate its attributes say `named` or nothing.
fn as_kalkan(
    der: &[u8],
    by: &Identity,
    oid: ObjectIdentifier,
    named: Option<Attribute>,
) -> Vec<u8> {
    let mut info = ContentInfo::from_der(der).expect("a CMS");
    let mut data: SignedData = info.content.decode_as().expect("SignedData");
    let mut signer = data.signer_infos.0.into_vec().remove(0);
    let own = signer.signed_attrs.take().expect("attributes").into_vec();
    let kept = own.into_iter().filter(|one| one.oid != SIGNING_CERTIFICATE).chain(named);
    let attributes = SetOfVec::try_from(kept.collect::<Vec<_>>()).expect("a SET");
    let value = by.key.sign(&attributes.to_der().expect("DER")).expect("signed");
    signer.signed_attrs = Some(attributes);
    signer.signature = OctetString::new(value).expect("octets");
    signer.digest_alg.parameters = Some(Any::null());
    signer.signature_algorithm = AlgorithmIdentifierOwned { oid, parameters: Some(Any::null()) };
    data.signer_infos = SignerInfos::try_from(vec![signer]).expect("a signer");
    info.content = Any::encode_from(&data).expect("DER");
    info.to_der().expect("DER")
}

/// `signingCertificate` of version 1 with this digest.
fn named_by(digest: &[u8]) -> Attribute {
    let wrap = |inside: Vec<u8>| Any::new(der::Tag::Sequence, inside).expect("a SEQUENCE");
    let digest = OctetString::new(digest).and_then(|octets| octets.to_der()).expect("octets");
    let certs = wrap(wrap(digest).to_der().expect("DER"));
    let value = wrap(certs.to_der().expect("DER"));
    let values = SetOfVec::try_from(vec![value]).expect("a SET");
    Attribute { oid: SIGNING_CERTIFICATE_1, values }
}

#[test]
fn a_cms_of_the_authoritys_own_library_need_not_name_its_certificate() {
    for algorithm in ALL {
        let (_, by) = signer(algorithm);
        for (is_attached, oid) in [(true, algorithm.oid()), (false, algorithm.key_oid())] {
            let detached = (!is_attached).then_some(CONTENT);
            let der = messages::sign(CONTENT, is_attached, &by.signer(), NOW_UNIX_S);
            let der = der.expect("signed");
            let plain = as_kalkan(&der, &by, oid, None);
            let verified = verify(&plain, detached).expect("valid");
            assert_eq!(verified.signatures[0].algorithm, algorithm);
            assert_eq!(verified.signatures[0].certificate.der(), by.der);
            let with_end = [&plain[..], &[0]].concat();
            assert!(verify(&with_end, detached).is_ok(), "the zero of a text in C");
            let longer = [&plain[..], &[0, 0]].concat();
            assert_eq!(verify(&longer, detached).err(), Some(Reason::CmsMalformed));
            // What is said of the certificate must be true all the same.
            let own =
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &by.der);
            let named = as_kalkan(&der, &by, oid, Some(named_by(own.as_ref())));
            assert!(verify(&named, detached).is_ok());
            let named = as_kalkan(&der, &by, oid, Some(named_by(&[0; 20])));
            assert_eq!(verify(&named, detached).err(), Some(Reason::SigningCertificateMismatch));
            if is_attached {
                let other = replaced(&plain, "Қазақ".as_bytes(), "қазақ".as_bytes());
                assert_eq!(verify(&other, None).err(), Some(Reason::DigestMismatch));
            }
        }
    }
}

#[test]
fn a_document_is_signed_in_itself_in_data_and_as_text_in_data() {
    let document = "<r:ask xmlns:r=\"urn:r\"><r:iin>850312300121</r:iin></r:ask>";
    let cache = CertificateCache::default();
    for algorithm in ALL {
        let (_, by) = signer(algorithm);
        let signed = seal::sign(document.as_bytes(), &by.signer(), Forms::USUAL).expect("signed");
        let signed = String::from_utf8(signed).expect("text");
        let escaped = signed.replace('&', "&amp;").replace('<', "&lt;");
        let judge = |data: &str| {
            let envelope = format!("<e xmlns:q=\"urn:q\"><data>{data}</data></e>");
            let document = Document::scan(envelope.as_bytes(), &Limits::default()).expect("XML");
            let data = document.root().children().next().expect("data");
            root::look(data, &Limits::default(), |root| {
                enveloped::verify(root, &cache).map(|found| found[0].algorithm)
            })
            .map_err(|refusal| refusal.reason)
        };
        let whole = Document::scan(signed.as_bytes(), &Limits::default()).expect("XML");
        let found = enveloped::verify(&Root::of_document(&whole), &cache).expect("valid");
        assert_eq!(found[0].certificate.der(), by.der);
        assert_eq!(judge(&signed), Ok(algorithm));
        assert_eq!(judge(&escaped), Ok(algorithm));
        let changed = escaped.replace("0121", "0122");
        assert_eq!(judge(&changed), Err(Reason::DigestMismatch));
        // A reader that stops at the comment would see another document.
        let split = escaped.replace("0121", "01<!-- -->21");
        assert_eq!(judge(&split), Err(Reason::DocumentAmbiguous));
    }
}

#[test]
fn over_rest_nothing_is_signed_with_a_gost_key_and_the_reason_is_said() {
    let headers = HeaderMap::new();
    let parts = Parts {
        method: "POST",
        scheme: "https",
        authority: Some("gate.kz"),
        target: "/x",
        headers: &headers,
        body: b"{}",
    };
    for algorithm in ALL {
        let signer = signer(algorithm).1.signer();
        let refused = KeyError::Unregistered(algorithm.family());
        assert_eq!(document::sign("receipt", b"{}", &signer).unwrap_err(), refused);
        assert_eq!(call::sign(b"{}", false, Map::new(), &signer).unwrap_err(), refused);
        assert_eq!(http::sign(&parts, &signer, NOW_UNIX_S, "n").unwrap_err(), refused);
        let text = refused.to_string();
        assert!(text.contains("no algorithm is registered") && text.contains("cms"), "{text}");
    }
}
