//! The bytes of a list, entry by entry, with nothing allocated for one.

use super::super::serial::Serial;
use super::super::signed::{Signed, contents, is_same_algorithm};
use super::mark::NUMBER_BYTES_MAX;
use super::{Crl, CrlError, Entry, RevocationReason, Scope};
use crate::sign::certificate::unix_s;
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Reader, SliceReader, Tag, TagNumber};
use x509_cert::time::Time;

const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");
const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");

/// Least bytes of an entry: header, a serial number of one octet, a UTCTime.
const ENTRY_BYTES_MIN: usize = 2 + 3 + 15;

impl From<der::Error> for CrlError {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// What the extensions of a list say.
#[derive(Default)]
struct Extensions {
    number: Vec<u8>,
    base_number: Option<Vec<u8>>,
    key_id: Option<Vec<u8>>,
    scope: Scope,
}

/// Reads `tbsCertList`.
pub(super) fn body(signed: &Signed<'_>, sha256: [u8; 32]) -> Result<Crl, CrlError> {
    let inside = contents(signed.body)?;
    let mut reader = SliceReader::new(inside)?;
    if reader.peek_tag()? != Tag::Integer || u8::decode(&mut reader)? != 1 {
        return Err(CrlError::Malformed);
    }
    // Parameters may be absent here and NULL outside: measured on a list of 2026.
    if !is_same_algorithm(contents(reader.tlv_bytes()?)?, signed.algorithm) {
        return Err(CrlError::Malformed);
    }
    let issuer = reader.tlv_bytes()?.to_vec();
    let this_update_unix_s = unix_s(Time::decode(&mut reader)?);
    if reader.is_finished() || !is_time(reader.peek_tag()?) {
        return Err(CrlError::NoNextUpdate);
    }
    let next_update_unix_s = unix_s(Time::decode(&mut reader)?);
    let mut list: &[u8] = &[];
    if !reader.is_finished() && reader.peek_tag()? == Tag::Sequence {
        list = contents(reader.tlv_bytes()?)?;
    }
    let extensions =
        if reader.is_finished() { Extensions::default() } else { of_list(&mut reader)? };
    reader.finish(())?;
    let is_delta = extensions.base_number.is_some();
    Ok(Crl {
        issuer,
        sha256,
        this_update_unix_s,
        next_update_unix_s,
        number: extensions.number,
        base_number: extensions.base_number,
        key_id: extensions.key_id,
        signer: None,
        scope: extensions.scope,
        entries: entries(list, is_delta)?,
    })
}

fn is_time(tag: Tag) -> bool {
    matches!(tag, Tag::UtcTime | Tag::GeneralizedTime)
}

/// The entries, sorted. Memory is asked for once, by the least size of an entry.
fn entries(list: &[u8], is_delta: bool) -> Result<Box<[Entry]>, CrlError> {
    let mut sorted = Vec::with_capacity(count(list)?);
    let mut reader = SliceReader::new(list)?;
    while !reader.is_finished() {
        let read = entry(contents(reader.tlv_bytes()?)?)?;
        if read.reason == RevocationReason::REMOVE_FROM_CRL.0 && !is_delta {
            return Err(CrlError::Malformed);
        }
        sorted.push(read);
    }
    if !sorted.is_sorted() {
        sorted.sort_unstable();
    }
    Ok(sorted.into_boxed_slice())
}

/// How many entries there are: their headers alone are read.
fn count(list: &[u8]) -> Result<usize, CrlError> {
    let mut reader = SliceReader::new(list)?;
    let (mut entries, most) = (0, list.len() / ENTRY_BYTES_MIN);
    while !reader.is_finished() && entries <= most {
        reader.tlv_bytes()?;
        entries += 1;
    }
    if entries > most { Err(CrlError::Malformed) } else { Ok(entries) }
}

fn entry(inside: &[u8]) -> Result<Entry, CrlError> {
    let mut reader = SliceReader::new(inside)?;
    let serial = Serial::read(reader.tlv_bytes()?)?;
    let at_unix_s = unix_s(Time::decode(&mut reader)?);
    let mut reason = RevocationReason::UNSPECIFIED.0;
    if !reader.is_finished() {
        let extensions = contents(reader.tlv_bytes()?)?;
        reader.finish(())?;
        each(extensions, |id, is_critical, value| {
            match id {
                REASON_CODE => reason = reason_code(value)?,
                // Entries of another issuer: the list is indirect, whatever it says of itself.
                CERTIFICATE_ISSUER => return Err(CrlError::Indirect),
                _ if is_critical => return Err(CrlError::UnknownExtension),
                _ => {}
            }
            Ok(())
        })?;
    }
    Ok(Entry { serial, reason, at_unix_s: u32::try_from(at_unix_s).unwrap_or(u32::MAX) })
}

fn reason_code(value: &[u8]) -> Result<u8, CrlError> {
    match value {
        [0x0a, 1, code @ (0..=6 | 8..=10)] => Ok(*code),
        _ => Err(CrlError::Malformed),
    }
}

fn of_list<'r>(reader: &mut impl Reader<'r>) -> Result<Extensions, CrlError> {
    let header = der::Header::decode(reader)?;
    if header.tag != (Tag::ContextSpecific { constructed: true, number: TagNumber::N0 }) {
        return Err(CrlError::Malformed);
    }
    let extensions = contents(reader.read_slice(header.length)?)?;
    let mut read = Extensions::default();
    let mut seen = Vec::new();
    each(extensions, |id, is_critical, value| {
        if seen.contains(&id) {
            return Err(CrlError::Malformed);
        }
        seen.push(id);
        match id {
            CRL_NUMBER => read.number = number(value)?,
            DELTA_CRL_INDICATOR => read.base_number = Some(number(value)?),
            ISSUING_DISTRIBUTION_POINT => read.scope = Scope::read(value)?,
            AUTHORITY_KEY_ID => read.key_id = key_id(value)?,
            _ if is_critical => return Err(CrlError::UnknownExtension),
            _ => {}
        }
        Ok(())
    })?;
    Ok(read)
}

/// A number of at most twenty octets, without leading zeros.
fn number(value: &[u8]) -> Result<Vec<u8>, CrlError> {
    let number = der::asn1::UintRef::from_der(value)?.as_bytes();
    if number.len() > NUMBER_BYTES_MAX { Err(CrlError::Malformed) } else { Ok(number.to_vec()) }
}

fn key_id(value: &[u8]) -> Result<Option<Vec<u8>>, CrlError> {
    let read = x509_cert::ext::pkix::AuthorityKeyIdentifier::from_der(value)?;
    Ok(read.key_identifier.map(|id| id.as_bytes().to_vec()))
}

/// Hands every extension over: its OID, whether it is critical, and its value.
fn each(
    extensions: &[u8],
    mut take: impl FnMut(ObjectIdentifier, bool, &[u8]) -> Result<(), CrlError>,
) -> Result<(), CrlError> {
    let mut reader = SliceReader::new(extensions)?;
    while !reader.is_finished() {
        let mut one = SliceReader::new(contents(reader.tlv_bytes()?)?)?;
        let id = ObjectIdentifier::decode(&mut one)?;
        let is_critical = one.peek_tag()? == Tag::Boolean && bool::decode(&mut one)?;
        let value = der::asn1::OctetStringRef::decode(&mut one)?;
        one.finish(())?;
        take(id, is_critical, value.as_bytes())?;
    }
    Ok(())
}
