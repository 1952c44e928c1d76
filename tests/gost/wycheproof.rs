//! Wycheproof for the signatures that we accept: nothing invalid passes, nothing valid is refused.
//!
//! Enforced: ECDSA on P-256 with SHA-256 and P-384 with SHA-384, both with SHA-512, each as r‖s, which is
//! what XMLDSig and JWS carry; RSA PKCS#1 v1.5 of 2048 bits and more with SHA-256, -384, -512. Skipped, because the allow-list
//! has none of them: other curves, SHA-1, SHA-224, SHA-3, SHAKE and SHA-512/x, RSA-PSS, and the DER form
//! of ECDSA, which no format of ours carries. What Wycheproof calls acceptable (a missing NULL) we may
//! refuse. Keys with the exponent 3 are refused as keys (`key_too_weak`), valid signature or not.

use der::Decode as _;
use qaqpa::sign::Reason;
use qaqpa::sign::algorithm::SignatureAlgorithm;
use qaqpa::sign::key::VerifyingKey;
use wycheproof::TestResult;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// Cases judged, and those judged otherwise.
#[derive(Default)]
struct Tally {
    count: usize,
    weak_keys: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn judge(
        &mut self,
        name: &str,
        (spki, algorithm): (&[u8], SignatureAlgorithm),
        (message, signature, expected): (&[u8], &[u8], TestResult),
    ) {
        self.count += 1;
        let spki = SubjectPublicKeyInfoOwned::from_der(spki).expect("a key");
        let is_valid = match VerifyingKey::parse(&spki) {
            Ok(key) => key.verify(algorithm, message, signature).is_ok(),
            Err(Reason::KeyTooWeak) => {
                self.weak_keys += 1;
                return;
            }
            Err(_) => false,
        };
        let is_right = match expected {
            TestResult::Valid => is_valid,
            TestResult::Invalid => !is_valid,
            TestResult::Acceptable => true,
        };
        if !is_right {
            self.wrong.push(name.to_owned());
        }
    }

    fn close(self, count_min: usize) {
        println!("{} cases, {} of them with keys that are too weak", self.count, self.weak_keys);
        assert!(self.weak_keys * 10 < self.count, "{} keys are too weak", self.weak_keys);
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.count >= count_min, "{} cases are left", self.count);
    }
}

#[test]
fn every_ecdsa_case_of_wycheproof_is_judged_rightly() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let mut tally = Tally::default();
    for (name, algorithm) in [
        (TestName::EcdsaSecp256r1Sha256P1363, SignatureAlgorithm::EcdsaSha256),
        (TestName::EcdsaSecp384r1Sha384P1363, SignatureAlgorithm::EcdsaSha384),
        (TestName::EcdsaSecp256r1Sha512P1363, SignatureAlgorithm::EcdsaSha512),
        (TestName::EcdsaSecp384r1Sha512P1363, SignatureAlgorithm::EcdsaSha512),
    ] {
        for group in TestSet::load(name).expect("a test set").test_groups {
            for test in group.tests {
                let case = (&test.msg[..], &test.sig[..], test.result);
                let name = format!("{name:?} {}: {}", test.tc_id, test.comment);
                tally.judge(&name, (&group.der, algorithm), case);
            }
        }
    }
    tally.close(800);
}

#[test]
fn every_rsa_case_of_wycheproof_is_judged_rightly() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let mut tally = Tally::default();
    for (name, algorithm) in [
        (TestName::Rsa2048Sha256, SignatureAlgorithm::RsaSha256),
        (TestName::Rsa2048Sha384, SignatureAlgorithm::RsaSha384),
        (TestName::Rsa2048Sha512, SignatureAlgorithm::RsaSha512),
        (TestName::Rsa3072Sha256, SignatureAlgorithm::RsaSha256),
        (TestName::Rsa3072Sha384, SignatureAlgorithm::RsaSha384),
        (TestName::Rsa3072Sha512, SignatureAlgorithm::RsaSha512),
        (TestName::Rsa4096Sha256, SignatureAlgorithm::RsaSha256),
        (TestName::Rsa4096Sha384, SignatureAlgorithm::RsaSha384),
        (TestName::Rsa4096Sha512, SignatureAlgorithm::RsaSha512),
        (TestName::Rsa8192Sha256, SignatureAlgorithm::RsaSha256),
        (TestName::Rsa8192Sha384, SignatureAlgorithm::RsaSha384),
        (TestName::Rsa8192Sha512, SignatureAlgorithm::RsaSha512),
    ] {
        for group in TestSet::load(name).expect("a test set").test_groups {
            for test in group.tests {
                let case = (&test.msg[..], &test.sig[..], test.result);
                let name = format!("{name:?} {}: {}", test.tc_id, test.comment);
                tally.judge(&name, (&group.der, algorithm), case);
            }
        }
    }
    tally.close(2000);
}
