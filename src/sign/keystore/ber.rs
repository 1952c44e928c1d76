//! BER of older software (indefinite lengths, strings in pieces) made DER, within bounds.

use zeroize::Zeroizing;

/// How deep values may lie in one another.
const DEPTH_MAX: usize = 24;

/// The same value in DER, as far as lengths and OCTET STRINGs go; `None` for what is no single value.
pub(super) fn normalized(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let rest = value(bytes, &mut out, DEPTH_MAX)?;
    rest.is_empty().then_some(out)
}

/// A value's first byte, its content (`None`: until the end-of-contents mark), and what follows the head.
struct Head<'b> {
    tag: u8,
    length: Option<usize>,
    rest: &'b [u8],
}

fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let (&tag, bytes) = bytes.split_first()?;
    // Tags above 30 occur in no key file.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, mut rest) = bytes.split_first()?;
    let length = match first {
        0x80 if tag & 0x20 != 0 => None,
        0..0x80 => Some(usize::from(first)),
        0x81..=0x84 => {
            let (length, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            Some(length.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)))
        }
        _ => return None,
    };
    Some(Head { tag, length, rest })
}

/// Copies one value and returns what stands behind it.
fn value<'b>(bytes: &'b [u8], out: &mut Vec<u8>, depth: usize) -> Option<&'b [u8]> {
    let depth = depth.checked_sub(1)?;
    let Head { tag, length, rest } = head(bytes)?;
    if tag & 0x20 == 0 {
        let (content, rest) = rest.split_at_checked(length?)?;
        push(out, tag, content);
        return Some(rest);
    }
    // An OCTET STRING in pieces becomes one.
    let is_pieces = tag == 0x24;
    let mut content = Zeroizing::new(Vec::new());
    let (mut inside, after) = match length {
        Some(length) => {
            rest.split_at_checked(length).map(|(inside, after)| (inside, Some(after)))?
        }
        None => (rest, None),
    };
    let after = loop {
        match (after, inside) {
            (Some(after), []) => break after,
            (None, [0, 0, after @ ..]) => break after,
            _ => {}
        }
        let mut piece = Zeroizing::new(Vec::new());
        inside = value(inside, &mut piece, depth)?;
        if is_pieces {
            let piece = head(&piece).filter(|head| head.tag == 0x04)?;
            content.extend_from_slice(piece.rest);
        } else {
            content.extend_from_slice(&piece);
        }
    };
    push(out, if is_pieces { 0x04 } else { tag }, &content);
    Some(after)
}

fn push(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|&byte| byte == 0).collect();
    match significant[..] {
        [] => out.push(0),
        [one] if one < 0x80 => out.push(one),
        _ => {
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
            out.extend_from_slice(&significant);
        }
    }
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_open_ends_are_put_together() {
        let ber = [
            0x30, 0x80, 0x24, 0x80, 0x04, 0x02, 1, 2, 0x04, 0x81, 0x01, 3, 0, 0, 0xa0, 0x03, 2, 1,
            5, 0, 0,
        ];
        let der = [0x30, 0x0a, 0x04, 0x03, 1, 2, 3, 0xa0, 0x03, 2, 1, 5];
        assert_eq!(normalized(&ber).unwrap().as_slice(), der);
        assert_eq!(normalized(&der).unwrap().as_slice(), der);
    }

    #[test]
    fn what_is_cut_or_goes_too_deep_is_refused() {
        let ber = [0x30, 0x80, 0x04, 0x02, 1, 2, 0, 0];
        for end in 0..ber.len() {
            assert!(normalized(&ber[..end]).is_none());
        }
        assert!(normalized(&[&ber[..], &[0]].concat()).is_none());
        assert!(normalized(&[0x30, 0x80].repeat(100_000)).is_none());
        assert!(normalized(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
    }
}
