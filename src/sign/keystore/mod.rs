//! Key files as the certification authorities hand them out: PKCS#12 and encrypted PKCS#8.

mod ber;
mod decrypt;
mod pfx;

pub use decrypt::ITERATIONS_MAX;
pub use pfx::{Contents, open};

use super::certificate::Certificate;
use super::key::{KeyError, Signer};
use super::pem::{self, Block};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Reader, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

/// Longest key file that is read.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// The password in a file: all of it but the last line end.
#[must_use]
pub fn password(file: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(String::from_utf8_lossy(file).into_owned());
    Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Reads a signer from a key file and, where that holds none, its certificate's file.
///
/// The key file is PKCS#12, or PKCS#8 with or without encryption, as DER or PEM; PKCS#1 and SEC1 as PEM.
/// Of several keys and certificates the first two that belong together count.
///
/// # Errors
/// What is missing, unreadable, or does not belong together.
pub fn signer(
    key_file: &[u8],
    certificate_file: Option<&[u8]>,
    password: Option<&str>,
) -> Result<Signer, KeyError> {
    if key_file.len() > FILE_BYTES_MAX {
        return Err(KeyError::Container);
    }
    let (keys, mut certificates) = keys(key_file, password)?;
    if let Some(file) = certificate_file {
        certificates.splice(..0, certificates_of(file)?);
    }
    if certificates.is_empty() {
        return Err(KeyError::NoCertificate);
    }
    let mut refused = KeyError::NoKey;
    for key in &keys {
        for der in &certificates {
            let pair = Certificate::parse(der)
                .map_err(KeyError::Certificate)
                .and_then(|certificate| Signer::pair(key, certificate));
            match pair {
                Ok(signer) => return Ok(signer),
                Err(error) => refused = error,
            }
        }
    }
    Err(refused)
}

/// Every key of a file, and every certificate that stands with them.
fn keys(file: &[u8], password: Option<&str>) -> Result<(Vec<Block>, Vec<Vec<u8>>), KeyError> {
    let asked = || password.ok_or(KeyError::PasswordMissing);
    let plain = |der| Block { label: "PRIVATE KEY".to_owned(), der };
    if file.first() == Some(&0x30) {
        if is_pfx(file) {
            let contents = open(file, asked()?)?;
            return Ok((contents.keys.into_iter().map(plain).collect(), contents.certificates));
        }
        let der = match is_encrypted(file) {
            true => decrypted(file, asked()?)?,
            false => Zeroizing::new(file.to_vec()),
        };
        return Ok((vec![plain(der)], Vec::new()));
    }
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    for block in pem::blocks(file).map_err(KeyError::Pem)? {
        match block.label.as_str() {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => keys.push(block),
            "ENCRYPTED PRIVATE KEY" => keys.push(plain(decrypted(&block.der, asked()?)?)),
            "CERTIFICATE" => certificates.push(block.der.to_vec()),
            _ => {}
        }
    }
    if keys.is_empty() { Err(KeyError::NoKey) } else { Ok((keys, certificates)) }
}

/// The certificates of a file, PEM or DER.
fn certificates_of(file: &[u8]) -> Result<Vec<Vec<u8>>, KeyError> {
    if file.first() == Some(&0x30) {
        return Ok(vec![file.to_vec()]);
    }
    let blocks = pem::blocks(file).map_err(KeyError::Pem)?.into_iter();
    let found = blocks.filter(|block| block.label == "CERTIFICATE");
    let found: Vec<_> = found.map(|block| block.der.to_vec()).collect();
    if found.is_empty() { Err(KeyError::NoCertificate) } else { Ok(found) }
}

/// A PFX begins with version 3, PKCS#8 with version 0 or 1, an encrypted one with an algorithm.
fn is_pfx(der: &[u8]) -> bool {
    first_inside(der).is_some_and(|inside| inside.starts_with(&[0x02, 0x01, 0x03]))
}

fn is_encrypted(der: &[u8]) -> bool {
    first_inside(der).is_some_and(|inside| inside.starts_with(&[0x30]))
}

/// What stands behind the head of the outermost SEQUENCE; its length may be open (BER).
fn first_inside(der: &[u8]) -> Option<&[u8]> {
    let (_, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let more = if length > 0x80 { usize::from(length & 0x7f) } else { 0 };
    rest.get(more..)
}

/// Decrypts an EncryptedPrivateKeyInfo (RFC 5208 §6) into a PrivateKeyInfo.
///
/// # Errors
/// A wrong password, an algorithm that is not supported, or a broken file.
pub fn decrypted(der: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut reader = SliceReader::new(der)?;
    let (algorithm, parameters, data) = reader.sequence(|inner| {
        let (algorithm, parameters) = identifier(inner)?;
        Ok((algorithm, parameters, OctetStringRef::decode(inner)?.as_bytes()))
    })?;
    decrypt::decrypt(algorithm, parameters, data, password)
}

/// The OID and the parameters of an AlgorithmIdentifier.
fn identifier<'d>(
    inner: &mut impl Reader<'d>,
) -> der::Result<(ObjectIdentifier, Option<AnyRef<'d>>)> {
    let found = AlgorithmIdentifierRef::decode(inner)?;
    Ok((found.oid, found.parameters))
}

#[cfg(test)]
mod tests;
