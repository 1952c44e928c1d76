//! PKCS#12 (RFC 7292): keys and certificates of one file, its integrity checked first.

use super::decrypt::{Hash, ITERATIONS_MAX, Purpose, bmp, decrypt, derive};
use super::{ber, decrypted, identifier};
use crate::sign::algorithm::oid;
use crate::sign::key::KeyError;
use aws_lc_rs::hmac;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _, Reader, SliceReader, Tag, TagNumber, Tagged as _};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
const X509: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");
const SHA1: ObjectIdentifier = oid("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

/// What is taken from one file, at most.
const BAGS_MAX: usize = 64;

/// Keys (PrivateKeyInfo) and certificates of a file, in its order.
#[derive(Default)]
pub struct Contents {
    pub keys: Vec<Zeroizing<Vec<u8>>>,
    pub certificates: Vec<Vec<u8>>,
}

/// Opens a file with its password.
///
/// # Errors
/// `WrongPassword` where the file's MAC does not come out; a file without a MAC, without a password's
/// protection, or with an algorithm that is not supported is refused too.
pub fn open(file: &[u8], password: &str) -> Result<Contents, KeyError> {
    let der = ber::normalized(file).ok_or(KeyError::Container)?;
    let mut reader = SliceReader::new(&der)?;
    let (version, content, mac) = reader.sequence(|inner| {
        let version = u8::decode(inner)?;
        Ok((version, content_info(AnyRef::decode(inner)?)?, AnyRef::decode(inner)?))
    })?;
    if version != 3 || content.0 != DATA {
        return Err(KeyError::Container);
    }
    let safe = content.1.decode_as::<OctetStringRef<'_>>()?.as_bytes();
    check_mac(mac, safe, password)?;
    let mut contents = Contents::default();
    // A string inside may hold BER again.
    let safe = ber::normalized(safe).ok_or(KeyError::Container)?;
    for part in sequence_of(&safe)? {
        let (kind, content) = content_info(part)?;
        let bags = match kind {
            DATA => Zeroizing::new(content.decode_as::<OctetStringRef<'_>>()?.as_bytes().to_vec()),
            ENCRYPTED_DATA => encrypted_data(content, password)?,
            other => return Err(KeyError::Unsupported(other.to_string())),
        };
        let bags = ber::normalized(&bags).ok_or(KeyError::Container)?;
        for bag in sequence_of(&bags)? {
            take(bag, password, &mut contents)?;
        }
    }
    Ok(contents)
}

/// The values of a SEQUENCE OF that is all of these bytes.
fn sequence_of(der: &[u8]) -> Result<Vec<AnyRef<'_>>, KeyError> {
    let mut reader = SliceReader::new(der)?;
    let mut found = Vec::new();
    reader.sequence(|inner| {
        while !inner.is_finished() && found.len() <= BAGS_MAX {
            found.push(AnyRef::decode(inner)?);
        }
        inner.read_slice(inner.remaining_len()).map(drop)
    })?;
    if found.len() > BAGS_MAX || !reader.is_finished() {
        return Err(KeyError::Container);
    }
    Ok(found)
}

/// Type and content of a ContentInfo, or of a bag of the same shape.
fn content_info(value: AnyRef<'_>) -> der::Result<(ObjectIdentifier, AnyRef<'_>)> {
    value.sequence(|inner| Ok((ObjectIdentifier::decode(inner)?, explicit(inner)?)))
}

/// The value inside `[0] EXPLICIT`.
fn explicit<'d>(inner: &mut impl Reader<'d>) -> der::Result<AnyRef<'d>> {
    let outer = AnyRef::decode(inner)?;
    let expected = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
    outer.tag().assert_eq(expected)?;
    AnyRef::from_der(outer.value())
}

/// MacData: HMAC over the authenticated safe, by a key of the password.
fn check_mac(mac: AnyRef<'_>, safe: &[u8], password: &str) -> Result<(), KeyError> {
    let (algorithm, expected, salt, iterations) = mac.sequence(|inner| {
        let (algorithm, expected) = inner
            .sequence(|info| Ok((identifier(info)?.0, OctetStringRef::decode(info)?.as_bytes())))?;
        let salt = OctetStringRef::decode(inner)?.as_bytes();
        Ok((algorithm, expected, salt, Option::<u32>::decode(inner)?.unwrap_or(1)))
    })?;
    let (hash, hmac) = match algorithm {
        SHA1 => (Hash::SHA1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        SHA256 => (Hash::SHA256, hmac::HMAC_SHA256),
        SHA384 => (Hash::SHA384, hmac::HMAC_SHA384),
        SHA512 => (Hash::SHA512, hmac::HMAC_SHA512),
        other => return Err(KeyError::Unsupported(other.to_string())),
    };
    let iterations = NonZeroU32::new(iterations).filter(|count| count.get() <= ITERATIONS_MAX);
    let iterations = iterations.ok_or(KeyError::Container)?;
    let length = hash.algorithm.output_len();
    let key = derive(&hash, Purpose::Mac, (&bmp(password), salt), iterations, length);
    let key = hmac::Key::new(hmac, &key);
    hmac::verify(&key, safe, expected).map_err(|_| KeyError::WrongPassword)
}

/// EncryptedData (RFC 5652 §8) with bags inside.
fn encrypted_data(content: AnyRef<'_>, password: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (kind, (algorithm, parameters), data) = content.sequence(|inner| {
        u8::decode(inner)?;
        let found = inner.sequence(|info| {
            let kind = ObjectIdentifier::decode(info)?;
            Ok((kind, identifier(info)?, AnyRef::decode(info)?))
        })?;
        inner.read_slice(inner.remaining_len())?;
        Ok(found)
    })?;
    let data = match data.tag() {
        _ if kind != DATA => return Err(KeyError::Container),
        Tag::ContextSpecific { constructed: false, number: TagNumber::N0 } => data.value().to_vec(),
        // In pieces, which only the type tells from a value inside.
        Tag::ContextSpecific { constructed: true, number: TagNumber::N0 } => {
            let mut reader = SliceReader::new(data.value())?;
            let mut whole = Vec::new();
            while !reader.is_finished() {
                whole.extend_from_slice(OctetStringRef::decode(&mut reader)?.as_bytes());
            }
            whole
        }
        _ => return Err(KeyError::Container),
    };
    decrypt(algorithm, parameters, &data, password)
}

fn take(bag: AnyRef<'_>, password: &str, contents: &mut Contents) -> Result<(), KeyError> {
    let (kind, value) = bag.sequence(|inner| {
        let found = (ObjectIdentifier::decode(inner)?, explicit(inner)?);
        // Names and ids of bags: which certificate is the key's, the key itself shows.
        inner.read_slice(inner.remaining_len())?;
        Ok(found)
    })?;
    match kind {
        KEY_BAG => contents.keys.push(Zeroizing::new(value.to_der()?)),
        SHROUDED_KEY_BAG => {
            let der = Zeroizing::new(value.to_der()?);
            contents.keys.push(decrypted(&der, password)?);
        }
        CERTIFICATE_BAG => {
            let (kind, certificate) = content_info(value)?;
            if kind == X509 {
                let der = certificate.decode_as::<OctetStringRef<'_>>()?.as_bytes().to_vec();
                contents.certificates.push(der);
            }
        }
        _ => {}
    }
    Ok(())
}
