//! A chunked body (RFC 9112 §7.1), without extensions and trailers, which readers treat differently.

use super::reason::{Offence, Reason};

/// Hexadecimal digits of a chunk's size; sixteen fill 64 bits.
const DIGITS_MAX: u8 = 16;

/// Where in a chunked body the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunked {
    Size {
        digits: u8,
        bytes: u64,
    },
    /// The line feed that ends a size.
    SizeEnd {
        bytes: u64,
    },
    Data {
        left_bytes: u64,
    },
    DataReturn,
    DataEnd,
    /// The blank line after the last chunk.
    LastReturn,
    LastEnd,
}

impl Default for Chunked {
    fn default() -> Self {
        Self::Size { digits: 0, bytes: 0 }
    }
}

impl Chunked {
    /// How many of the bytes belong to the body, and whether it ends with them.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(usize, bool), Offence> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let Self::Data { left_bytes } = *self {
                let here = bytes.len() - at;
                let taken = here.min(usize::try_from(left_bytes).unwrap_or(usize::MAX));
                at += taken;
                let left_bytes = left_bytes - taken as u64;
                *self = if left_bytes == 0 { Self::DataReturn } else { Self::Data { left_bytes } };
                continue;
            }
            let next = self.next(byte).map_err(|reason| Offence { reason, at })?;
            at += 1;
            match next {
                Some(next) => *self = next,
                None => return Ok((at, true)),
            }
        }
        Ok((at, false))
    }

    /// What follows a byte that is not data; `None` where the body ends with it.
    fn next(self, byte: u8) -> Result<Option<Self>, Reason> {
        Ok(Some(match (self, byte) {
            (Self::Size { digits: 1.., bytes }, b'\r') => Self::SizeEnd { bytes },
            (Self::Size { digits: 1.., .. }, b';') => return Err(Reason::ChunkExtension),
            (Self::Size { digits, bytes }, _) => {
                let digit = char::from(byte).to_digit(16).ok_or(match byte {
                    b'\n' => Reason::BareLf,
                    _ => Reason::ChunkSize,
                })?;
                if digits == DIGITS_MAX {
                    return Err(Reason::ChunkSize);
                }
                Self::Size { digits: digits + 1, bytes: bytes << 4 | u64::from(digit) }
            }
            (Self::SizeEnd { bytes: 0 }, b'\n') => Self::LastReturn,
            (Self::SizeEnd { bytes }, b'\n') => Self::Data { left_bytes: bytes },
            (Self::SizeEnd { .. } | Self::DataEnd | Self::LastEnd, _) if byte != b'\n' => {
                return Err(Reason::BareCr);
            }
            (Self::DataReturn, b'\r') => Self::DataEnd,
            (Self::DataReturn, _) => return Err(Reason::ChunkEnd),
            (Self::LastReturn, b'\r') => Self::LastEnd,
            (Self::LastReturn, b'\n') => return Err(Reason::BareLf),
            (Self::LastReturn, _) => return Err(Reason::Trailer),
            (Self::LastEnd, _) => return Ok(None),
            (Self::SizeEnd { .. } | Self::DataEnd | Self::Data { .. }, _) => Self::default(),
        }))
    }
}
