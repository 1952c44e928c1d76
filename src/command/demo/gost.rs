//! The demo's keys of ГОСТ Р 34.10-2015: a root of their own and what it certifies, made anew for each state folder.

use super::pki::{Pair, write};
use crate::command::Failure;
use crate::sign::algorithm::SignatureAlgorithm;
use crate::sign::gost::SecretKey;
use crate::sign::gost::issue::{Subject, issue};
use crate::sign::pem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};

const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::Gost2015x512;
const ROOT: &str = "CN=Qaqpa demo root (GOST),C=KZ";
const DAY_S: u64 = 86_400;

/// The root that certifies the demo's GOST keys.
pub(super) struct Root {
    key: SecretKey,
    pub(super) cert_pem: PathBuf,
}

impl Root {
    /// The root in `folder`: the one of an earlier run, or a new one.
    ///
    /// # Errors
    /// There is no randomness, or the disk failed.
    pub(super) fn find_or_make(folder: &Path) -> Result<Self, Failure> {
        let (key_pem, cert_pem) =
            (folder.join("gost-root.key.pem"), folder.join("gost-root.cert.pem"));
        if let Ok(text) = std::fs::read(&key_pem) {
            let blocks = pem::blocks(&text).map_err(Failure::work)?;
            let key = blocks.first().and_then(|block| SecretKey::from_pkcs8(&block.der));
            let key = key.ok_or_else(|| Failure::work("gost-root.key.pem is no GOST key"))?;
            return Ok(Self { key, cert_pem });
        }
        let key = generated()?;
        let certificate = certified(&key, ROOT, true, &key)?;
        write(&cert_pem, armoured("CERTIFICATE", &certificate))?;
        write(&key_pem, armoured("PRIVATE KEY", &key.to_pkcs8()))?;
        Ok(Self { key, cert_pem })
    }

    /// Makes a key and a certificate for an organisation with this BIN.
    ///
    /// # Errors
    /// There is no randomness, or the disk failed.
    pub(super) fn pair(&self, folder: &Path, name: &str, bin: &str) -> Result<Pair, Failure> {
        let pair = Pair {
            key_pem: folder.join(format!("{name}.key.pem")),
            cert_pem: folder.join(format!("{name}.cert.pem")),
        };
        if pair.key_pem.exists() && pair.cert_pem.exists() {
            return Ok(pair);
        }
        let key = generated()?;
        let subject = format!("CN={name},OU=BIN{bin},C=KZ");
        let certificate = certified(&key, &subject, false, &self.key)?;
        write(&pair.key_pem, armoured("PRIVATE KEY", &key.to_pkcs8()))?;
        write(&pair.cert_pem, armoured("CERTIFICATE", &certificate))?;
        Ok(pair)
    }
}

fn generated() -> Result<SecretKey, Failure> {
    SecretKey::generate(ALGORITHM).ok_or_else(|| Failure::work("no randomness"))
}

/// Valid from yesterday, for clocks that run behind: a year, and ten for the root.
fn certified(
    key: &SecretKey,
    name: &str,
    is_authority: bool,
    by: &SecretKey,
) -> Result<Vec<u8>, Failure> {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).map_err(Failure::work)?;
    let mut serial = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| Failure::work("no randomness"))?;
    // Positive, and without a leading zero.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    let years = if is_authority { 10 } else { 1 };
    let subject = Subject {
        name,
        key,
        is_authority,
        serial: &serial,
        from_unix_s: now.saturating_sub(DAY_S),
        until_unix_s: now.saturating_add(years * 365 * DAY_S),
    };
    issue(&subject, ROOT, by).map_err(Failure::work)
}

fn armoured(label: &str, der: &[u8]) -> zeroize::Zeroizing<String> {
    let base64 = zeroize::Zeroizing::new(STANDARD.encode(der));
    let mut text = zeroize::Zeroizing::new(format!("-----BEGIN {label}-----\n"));
    for line in base64.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
