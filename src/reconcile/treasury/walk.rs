//! Walks over one file in a neutral form, front to back, and holds its promises against what was read.

use crate::reconcile::ingest::LINE_BYTES_MAX;
use crate::reconcile::ingest::frame::trailer;
use crate::reconcile::ingest::row::Reason;
use aws_lc_rs::digest::{Context, SHA256};
use std::io::{self, BufRead, Read};

/// What a header promises of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    pub count: u64,
    pub sum_tiyn: i64,
}

/// A file that kept its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// SHA-256 of all bytes, which is its identity.
    pub digest: [u8; 32],
    pub bytes: u64,
    pub rows: u64,
    pub sum_tiyn: i128,
}

/// Why a walk ended early.
#[derive(Debug)]
pub enum Stop {
    /// The file is wrong: the line, 0 for the whole file, and the reason.
    Wrong(u64, String),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads header, rows and trailer; `row` is told of each row and returns its amount.
///
/// # Errors
/// The first line that is wrong, a promise that is not kept, or the disk.
pub fn walk(
    from: &mut impl BufRead,
    first: impl FnOnce(&[u8]) -> Result<Promise, Reason>,
    mut row: impl FnMut(&[u8]) -> Result<i64, Stop>,
) -> Result<Walked, Stop> {
    let mut hash = Context::new(&SHA256);
    let mut line = Vec::new();
    let (mut number, mut bytes) = (0_u64, 0_u64);
    let wrong = |number: u64| move |reason: Reason| Stop::Wrong(number, reason.0);
    let mut first = Some(first);
    let mut promise = Promise { count: 0, sum_tiyn: 0 };
    let (mut rows, mut sum_tiyn) = (0_u64, 0_i128);
    loop {
        line.clear();
        let most = LINE_BYTES_MAX as u64 + 2;
        let count = from.by_ref().take(most).read_until(b'\n', &mut line)? as u64;
        number += 1;
        if count == 0 {
            let what =
                if number == 1 { "empty" } else { "no trailer: cut off, or still being written" };
            return Err(Stop::Wrong(0, what.to_owned()));
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > LINE_BYTES_MAX {
            return Err(Stop::Wrong(number, "a line longer than 1024 bytes".to_owned()));
        }
        if let Some(first) = first.take() {
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            promise = first(text).map_err(wrong(number))?;
        } else if text.first() == Some(&b'#') {
            let promised = trailer(text).map_err(wrong(number))?;
            if hash.clone().finish().as_ref() != promised {
                let reason = "trailer: sha256 is not that of the file".to_owned();
                return Err(Stop::Wrong(number, reason));
            }
            hash.update(&line);
            bytes += count;
            break;
        } else {
            let amount = row(text).map_err(|stop| match stop {
                Stop::Wrong(_, reason) => Stop::Wrong(number, reason),
                io => io,
            })?;
            rows += 1;
            sum_tiyn += i128::from(amount);
        }
        hash.update(&line);
        bytes += count;
    }
    if from.read(&mut [0])? != 0 {
        return Err(Stop::Wrong(number + 1, "something follows the trailer".to_owned()));
    }
    if promise.count != rows {
        let reason = format!("count={} in the header, {rows} rows", promise.count);
        return Err(Stop::Wrong(0, reason));
    }
    if i128::from(promise.sum_tiyn) != sum_tiyn {
        let reason = format!("sum={} in the header, {sum_tiyn} in the rows", promise.sum_tiyn);
        return Err(Stop::Wrong(0, reason));
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    Ok(Walked { digest, bytes, rows, sum_tiyn })
}
