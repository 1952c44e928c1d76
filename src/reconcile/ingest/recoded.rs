//! A neutral file in another encoding, or with other ends of lines: written down once more as the house reads it.
//!
//! What the trailer promises is the digest of the bytes that came, so that is taken of those, before.

use super::formats::{Decoded, Lines, plain, wide};
use super::frame;
use super::intake::{Intake, Stop};
use super::{BUFFER_BYTES, Input};
use aws_lc_rs::digest::{Context, SHA256};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileExt;

/// Bytes at the end of a file that its trailer is looked for in.
const TAIL_BYTES: u64 = 1_024;

/// The encoding that a file has to be read in; `None`: UTF-8 with line feeds, as nearly all are.
pub(super) fn encoding(head: &[u8]) -> Option<&'static Encoding> {
    let text = plain(head);
    let end = memchr::memchr2(b'\n', b'\r', &text).unwrap_or(text.len());
    let (line, rest) = text.split_at_checked(end)?;
    let named = frame::encoding(line).filter(|named| *named != UTF_8 && !head.starts_with(MARK));
    let has_returns = rest.starts_with(b"\r") && !rest.starts_with(b"\r\n");
    wide(head).or(named).or(has_returns.then_some(UTF_8))
}

/// The mark of UTF-8, which says more than the header.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads such a file, and hands back the text that its rows stand in.
pub(super) fn file(
    intake: &mut Intake<'_>,
    mut file: File,
    encoding: &'static Encoding,
) -> Result<(Input, File), Stop> {
    let bytes = file.metadata()?.len();
    let before = trailer_at(&file, bytes, encoding)?;
    let mut hash = Context::new(&SHA256);
    hashed(&mut hash, (&mut file).take(before))?;
    intake.sealed = Some(hash.clone());
    hashed(&mut hash, (&mut file).take(bytes - before))?;
    file.rewind()?;
    let mut text = tempfile::tempfile_in(intake.reading.scratch)?;
    let mut to = BufWriter::with_capacity(BUFFER_BYTES, text.try_clone()?);
    let mut decoded = Decoded::new(&mut file, encoding);
    let mut lines = Lines::new(&mut decoded);
    while let Some(line) = lines.next()? {
        to.write_all(line)?;
        to.write_all(b"\n")?;
    }
    to.flush()?;
    text.rewind()?;
    let input = intake.file(&text)?;
    let mut identity = [0; 32];
    identity.copy_from_slice(hash.finish().as_ref());
    Ok((Input { digest: identity, bytes, ..input }, text))
}

fn hashed(hash: &mut Context, mut from: impl Read) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

/// Where the trailer begins; the end of a file that has none.
fn trailer_at(file: &File, bytes: u64, encoding: &'static Encoding) -> io::Result<u64> {
    let start = bytes.saturating_sub(TAIL_BYTES);
    let mut tail = vec![0; usize::try_from(bytes - start).map_err(io::Error::other)?];
    file.read_exact_at(&mut tail, start)?;
    let mark: &[u8] = if encoding == UTF_16LE {
        b"#\0e\0n\0d\0;\0"
    } else if encoding == UTF_16BE {
        b"\0#\0e\0n\0d\0;"
    } else {
        b"#end;"
    };
    let at = memchr::memmem::rfind(&tail, mark);
    Ok(at.map_or(bytes, |at| start + at as u64))
}
