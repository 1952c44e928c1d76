//! PEM (RFC 7468) in memory that is wiped: keys pass through here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One `-----BEGIN …-----` block.
pub struct Block {
    /// What stands after `BEGIN`, e.g. `CERTIFICATE` or `PRIVATE KEY`.
    pub label: String,
    /// Its bytes, wiped when dropped.
    pub der: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({}, {} bytes)", self.label, self.der.len())
    }
}

/// Every block of a PEM file in order; text between blocks is ignored.
///
/// # Errors
/// A block that does not end, or whose inside is not base64; the text says which block.
pub fn blocks(text: &[u8]) -> Result<Vec<Block>, String> {
    let mut found = Vec::new();
    let mut open: Option<(String, Zeroizing<Vec<u8>>)> = None;
    for line in text.split(|&byte| byte == b'\n' || byte == b'\r').map(<[u8]>::trim_ascii) {
        match &mut open {
            None => {
                if let Some(label) = boundary(line, "-----BEGIN ") {
                    open = Some((label, Zeroizing::new(Vec::with_capacity(text.len()))));
                }
            }
            Some((label, base64)) => match boundary(line, "-----END ") {
                Some(end) if end == *label => {
                    found.push(decoded(label, base64, found.len() + 1)?);
                    open = None;
                }
                Some(_) => return Err(format!("PEM block `{label}` ends with another label")),
                // RFC 1421 headers (`Proc-Type: 4,ENCRYPTED`) are no base64 and fail below.
                None => base64.extend_from_slice(line),
            },
        }
    }
    match open {
        Some((label, _)) => Err(format!("PEM block `{label}` does not end")),
        None => Ok(found),
    }
}

/// The certificates of a file: of its PEM blocks, or the whole file where it is no text but DER.
///
/// # Errors
/// As [`blocks`].
pub fn certificates(file: &[u8]) -> Result<Vec<Zeroizing<Vec<u8>>>, String> {
    // A SEQUENCE of more than 127 bytes, which no text begins with.
    if let [0x30, 0x81..=0x84, ..] = file {
        return Ok(vec![Zeroizing::new(file.to_vec())]);
    }
    let blocks = blocks(file)?.into_iter().filter(|block| block.label == "CERTIFICATE");
    Ok(blocks.map(|block| block.der).collect())
}

fn boundary(line: &[u8], mark: &str) -> Option<String> {
    let label = line.strip_prefix(mark.as_bytes())?.strip_suffix(b"-----")?;
    Some(String::from_utf8_lossy(label).into_owned())
}

fn decoded(label: &str, base64: &[u8], number: usize) -> Result<Block, String> {
    let mut der = Zeroizing::new(vec![0_u8; base64.len()]);
    let length = STANDARD
        .decode_slice(base64, &mut der)
        .map_err(|_| format!("PEM block {number} (`{label}`) is not plain base64"))?;
    der.truncate(length);
    Ok(Block { label: label.to_owned(), der })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_read_whatever_its_line_ends() {
        let text = "text\r\n-----BEGIN A B-----\r\nAQID\r\nBA==\r\n-----END A B-----\n-----BEGIN C-----\nBQ==\n-----END C-----";
        let found = blocks(text.as_bytes()).unwrap();
        assert_eq!(found[0].label, "A B");
        assert_eq!(found[0].der.as_slice(), [1, 2, 3, 4]);
        assert_eq!((found[1].label.as_str(), found[1].der.as_slice()), ("C", &[5_u8][..]));
    }

    #[test]
    fn a_broken_block_is_refused_by_name() {
        for text in [
            "-----BEGIN A-----\nAQID",
            "-----BEGIN A-----\nA!ID\n-----END A-----",
            "-----BEGIN A-----\nAQID\n-----END B-----",
        ] {
            assert!(blocks(text.as_bytes()).unwrap_err().contains("`A`"));
        }
    }
}
