//! From BER to DER: indefinite lengths and pieces of octet strings, as old signers pack a CMS.
//!
//! Source: X.690 §8.1.3.6, §8.7.3. Only the packing is made definite; no value is touched, and what is
//! signed must be DER as it came ([`super::verify`] looks for it in the original bytes).

use crate::sign::Reason;

/// Levels of nesting that are read; a CMS with a timestamp inside a timestamp has fewer than twenty.
const DEPTH_MAX: usize = 32;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// The same value in definite lengths. One zero may follow it: the C library of the НУЦ counts the one that
/// ends its text into what it packs (measured on a public message).
///
/// # Errors
/// `cms_malformed`: cut off, too deep, other bytes after the end, a tag number above 30.
pub fn definite(source: &[u8]) -> Result<Vec<u8>, Reason> {
    let mut out = Vec::with_capacity(source.len());
    match element(source, &mut out, 0)? {
        [] | [0] => Ok(out),
        _ => Err(Reason::CmsMalformed),
    }
}

/// Writes one element and returns what follows it.
fn element<'s>(source: &'s [u8], out: &mut Vec<u8>, depth: usize) -> Result<&'s [u8], Reason> {
    let malformed = Reason::CmsMalformed;
    let (&tag, rest) = source.split_first().ok_or(malformed)?;
    if depth > DEPTH_MAX || tag & 0x1f == 0x1f || tag == 0 {
        return Err(malformed);
    }
    let (length, rest) = length(rest)?;
    let is_constructed = tag & CONSTRUCTED != 0;
    if !is_constructed {
        let (content, rest) = rest.split_at_checked(length.ok_or(malformed)?).ok_or(malformed)?;
        header(tag, content.len(), out);
        out.extend_from_slice(content);
        return Ok(rest);
    }
    let mut inside = Vec::new();
    let rest = match length {
        Some(length) => {
            let (mut content, rest) = rest.split_at_checked(length).ok_or(malformed)?;
            while !content.is_empty() {
                content = element(content, &mut inside, depth + 1)?;
            }
            rest
        }
        None => {
            let mut content = rest;
            loop {
                match content {
                    [0, 0, rest @ ..] => break rest,
                    _ => content = element(content, &mut inside, depth + 1)?,
                }
            }
        }
    };
    if tag == OCTET_STRING | CONSTRUCTED {
        let joined = pieces(&inside)?;
        header(OCTET_STRING, joined.len(), out);
        out.extend_from_slice(&joined);
    } else {
        header(tag, inside.len(), out);
        out.extend_from_slice(&inside);
    }
    Ok(rest)
}

/// `None` for an indefinite length.
fn length(source: &[u8]) -> Result<(Option<usize>, &[u8]), Reason> {
    let malformed = Reason::CmsMalformed;
    let (&first, rest) = source.split_first().ok_or(malformed)?;
    match first {
        0x80 => Ok((None, rest)),
        0..0x80 => Ok((Some(usize::from(first)), rest)),
        0x81..=0x84 => {
            let (bytes, rest) =
                rest.split_at_checked(usize::from(first & 0x7f)).ok_or(malformed)?;
            let length = bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            Ok((Some(length), rest))
        }
        _ => Err(malformed),
    }
}

fn header(tag: u8, length: usize, out: &mut Vec<u8>) {
    out.push(tag);
    let bytes = length.to_be_bytes();
    let used = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let bytes = bytes.get(used..).unwrap_or_default();
    match bytes {
        [short @ 0..0x80] => out.push(*short),
        _ => {
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(0x7f));
            out.extend_from_slice(bytes);
        }
    }
}

/// The contents of definite primitive octet strings, one after the other.
fn pieces(mut inside: &[u8]) -> Result<Vec<u8>, Reason> {
    let malformed = Reason::CmsMalformed;
    let mut joined = Vec::with_capacity(inside.len());
    while let Some((&tag, rest)) = inside.split_first() {
        let (Some(length), rest) = length(rest)? else { return Err(malformed) };
        let (content, rest) = rest.split_at_checked(length).ok_or(malformed)?;
        if tag != OCTET_STRING {
            return Err(malformed);
        }
        joined.extend_from_slice(content);
        inside = rest;
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_definite_stays_as_it_is() {
        for der in [&[0x05, 0][..], &[0x30, 3, 2, 1, 5], &[0x04, 2, 1, 2], &[0xa0, 2, 5, 0]] {
            assert_eq!(definite(der).as_deref(), Ok(der));
        }
        assert_eq!(definite(&[0x05, 0, 0]).as_deref(), Ok(&[0x05, 0][..]), "a text's zero");
        let long = [&[0x04, 0x81, 200][..], &[7; 200]].concat();
        assert_eq!(definite(&long).as_deref(), Ok(&long[..]));
    }

    #[test]
    fn an_indefinite_length_and_pieces_become_one() {
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, 1, 4, 2, 2, 3, 0, 0, 2, 1, 9, 0, 0];
        assert_eq!(definite(&ber).as_deref(), Ok(&[0x30, 8, 4, 3, 1, 2, 3, 2, 1, 9][..]));
        assert_eq!(definite(&[0x04, 0x81, 1, 7]).as_deref(), Ok(&[0x04, 1, 7][..]));
    }

    #[test]
    fn garbage_is_refused_without_a_panic() {
        let deep = [[0x30, 0x80]; 500].concat();
        for ber in [
            &[][..],
            &[0x30],
            &[0x30, 0x80],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x04, 0x80, 0, 0],
            &[0x24, 3, 2, 1, 1],
            &[0x1f, 1, 0],
            &[0x05, 0, 0, 0],
            &[0x05, 0, 1],
            &[0, 0],
            &deep,
        ] {
            assert_eq!(definite(ber), Err(Reason::CmsMalformed), "{ber:?}");
        }
    }
}
