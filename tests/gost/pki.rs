//! Authorities and signers with the country's keys, made anew for each run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qaqpa::sign::Signer;
use qaqpa::sign::algorithm::SignatureAlgorithm;
use qaqpa::sign::gost::SecretKey;
use qaqpa::sign::gost::issue::{Subject, issue};

/// The moment at which all tests judge: 2026-11-22T05:00:00Z.
pub(crate) const NOW_UNIX_S: i64 = 1_795_323_600;
const FROM_UNIX_S: u64 = 1_795_000_000;
const UNTIL_UNIX_S: u64 = 1_826_000_000;

pub(crate) const ALL: [SignatureAlgorithm; 3] = [
    SignatureAlgorithm::Gost2004,
    SignatureAlgorithm::Gost2015x256,
    SignatureAlgorithm::Gost2015x512,
];

/// A small generator of numbers (xorshift64*): the same seed yields the same ones.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `count`.
    pub(crate) fn roll(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % count
    }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

/// A key with its certificate.
pub(crate) struct Identity {
    pub(crate) name: &'static str,
    pub(crate) key: SecretKey,
    pub(crate) der: Vec<u8>,
}

impl Identity {
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    pub(crate) fn signer(&self) -> Signer {
        let key = pem("PRIVATE KEY", &self.key.to_pkcs8());
        Signer::from_pem(key.as_bytes(), self.pem().as_bytes()).expect("a pair")
    }
}

pub(crate) fn authority(
    name: &'static str,
    algorithm: SignatureAlgorithm,
    above: Option<&Identity>,
) -> Identity {
    certified(name, algorithm, above, true)
}

pub(crate) fn leaf(
    name: &'static str,
    algorithm: SignatureAlgorithm,
    above: &Identity,
) -> Identity {
    certified(name, algorithm, Some(above), false)
}

fn certified(
    name: &'static str,
    algorithm: SignatureAlgorithm,
    above: Option<&Identity>,
    is_authority: bool,
) -> Identity {
    let key = SecretKey::generate(algorithm).expect("a key");
    let subject = Subject {
        name,
        key: &key,
        is_authority,
        serial: &[7, 1, 2, 3],
        from_unix_s: FROM_UNIX_S,
        until_unix_s: UNTIL_UNIX_S,
    };
    let der = match above {
        Some(above) => issue(&subject, above.name, &above.key),
        None => issue(&subject, name, &key),
    };
    Identity { name, der: der.expect("a certificate"), key }
}
