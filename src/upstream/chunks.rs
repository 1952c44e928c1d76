//! A chunked answer (RFC 9112 §7.1): extensions and trailers are passed over, bounded.
//!
//! The guard at the door only follows a body and refuses both, because readers behind it differ; here is no
//! reader behind, and servers of agencies may write them.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// Hexadecimal digits of a chunk's size; sixteen fill 64 bits.
const DIGITS_MAX: usize = 16;
/// A line with a chunk's size, its extensions included.
const SIZE_LINE_BYTES_MAX: usize = 4 * 1024;
/// All trailers of an answer.
const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// Where in a chunked body the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    Size,
    Data {
        left_bytes: u64,
    },
    /// The line end after a chunk's data.
    DataEnd,
    /// Lines after the last chunk, up to a blank one.
    Trailers {
        passed_bytes: usize,
    },
}

/// What the bytes at hand come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Data(Bytes),
    /// The body ended.
    End,
    /// More bytes are needed.
    More,
}

impl Chunks {
    /// Takes the next piece off the bytes.
    ///
    /// # Errors
    /// What is wrong with the framing; what follows is lost.
    pub(super) fn next(&mut self, bytes: &mut BytesMut) -> Result<Piece, &'static str> {
        loop {
            match *self {
                Self::Size => {
                    let Some(line) = line(bytes, SIZE_LINE_BYTES_MAX)? else {
                        return Ok(Piece::More);
                    };
                    *self = match size(&line)? {
                        0 => Self::Trailers { passed_bytes: 0 },
                        left_bytes => Self::Data { left_bytes },
                    };
                }
                Self::Data { left_bytes } => {
                    let Some((data, left_bytes)) = take(bytes, left_bytes) else {
                        return Ok(Piece::More);
                    };
                    *self = if left_bytes == 0 { Self::DataEnd } else { Self::Data { left_bytes } };
                    return Ok(Piece::Data(data));
                }
                Self::DataEnd => match line(bytes, 0)? {
                    Some(_) => *self = Self::Size,
                    None => return Ok(Piece::More),
                },
                Self::Trailers { passed_bytes } => {
                    let Some(line) = line(bytes, TRAILER_BYTES_MAX - passed_bytes)? else {
                        return Ok(Piece::More);
                    };
                    if line.is_empty() {
                        return Ok(Piece::End);
                    }
                    let passed_bytes = (passed_bytes + line.len()).min(TRAILER_BYTES_MAX);
                    *self = Self::Trailers { passed_bytes };
                }
            }
        }
    }
}

/// As much as there is of so many bytes, and how many are left then; `None` where there are none.
pub(super) fn take(bytes: &mut BytesMut, left_bytes: u64) -> Option<(Bytes, u64)> {
    let taken = bytes.len().min(usize::try_from(left_bytes).unwrap_or(usize::MAX));
    (taken > 0).then(|| (bytes.split_to(taken).freeze(), left_bytes - taken as u64))
}

/// Takes a line off the bytes, without its CR LF; `None` where it is not whole yet.
fn line(bytes: &mut BytesMut, bytes_max: usize) -> Result<Option<Bytes>, &'static str> {
    let Some(end) = memchr(b'\n', bytes) else {
        return if bytes.len() > bytes_max + 1 { Err("a line is too long") } else { Ok(None) };
    };
    let mut line = bytes.split_to(end + 1).freeze();
    line.truncate(end);
    match line.split_last() {
        Some((b'\r', text)) if text.len() <= bytes_max => line.truncate(end - 1),
        Some((b'\r', _)) => return Err("a line is too long"),
        _ => return Err("a line does not end with CR LF"),
    }
    Ok(Some(line))
}

/// The size that a line tells before its extensions.
fn size(line: &[u8]) -> Result<u64, &'static str> {
    let end = memchr(b';', line).unwrap_or(line.len());
    let digits = line.get(..end).unwrap_or_default().trim_ascii_end();
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return Err("a chunk has no size");
    }
    digits.iter().try_fold(0_u64, |size, byte| {
        let digit = char::from(*byte).to_digit(16).ok_or("a chunk's size is no number")?;
        Ok(size << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All data of a body that arrives in two parts, and the bytes behind it.
    fn read(body: &[u8], cut: usize) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
        let (first, second) = body.split_at(cut);
        let (mut chunks, mut bytes, mut data) = (Chunks::Size, BytesMut::new(), Vec::new());
        for part in [first, second] {
            bytes.extend_from_slice(part);
            loop {
                match chunks.next(&mut bytes)? {
                    Piece::Data(piece) => data.extend_from_slice(&piece),
                    Piece::End => {
                        bytes.extend_from_slice(if part == first { second } else { b"" });
                        return Ok((data, bytes.to_vec()));
                    }
                    Piece::More => break,
                }
            }
        }
        Err("not whole")
    }

    #[test]
    fn a_body_is_read_alike_wherever_it_is_cut() {
        let body = b"5;a=b\r\nhello\r\n00C \r\n, dear world\r\n0\r\nx: y\r\nz: \r\n\r\nnext";
        for cut in 0..=body.len() {
            let (data, rest) = read(body, cut).unwrap();
            assert_eq!((&data[..], &rest[..]), (&b"hello, dear world"[..], &b"next"[..]), "{cut}");
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused_wherever_it_is_cut() {
        for body in [
            "\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello, dear\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\n",
        ] {
            for cut in 0..=body.len() {
                let read = read(body.as_bytes(), cut);
                assert!(read.is_err_and(|why| why != "not whole"), "{body:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let [extension, longest] = [0, 2].map(|less| "x".repeat(SIZE_LINE_BYTES_MAX - less));
        let trailer = format!("a: {}\r\n", "x".repeat(1000));
        for (body, is_whole) in [
            (format!("1;{longest}\r\na\r\n0\r\n\r\n"), true),
            (format!("1;{extension}\r\na\r\n0\r\n\r\n"), false),
            (format!("0\r\n{}\r\n", trailer.repeat(16)), true),
            (format!("0\r\n{}\r\n", trailer.repeat(17)), false),
            (format!("1;{extension}{extension}"), false),
        ] {
            let read = read(body.as_bytes(), body.len());
            assert_eq!(read.is_ok(), is_whole, "{read:?}");
            assert!(is_whole || read != Err("not whole"));
        }
    }
}
