//! HTTP/1.1 by hand over any stream, so that both ends of the gateway see and say every byte.

use aws_lc_rs::digest::{Context, SHA256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// One end of a connection.
pub struct Wire<S> {
    pub stream: S,
    unread: Vec<u8>,
}

/// A body that was read: its size and digest, its first bytes, and whether its end was there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub bytes: u64,
    pub sha256: String,
    pub first: Vec<u8>,
    pub is_whole: bool,
}

/// Digests what passes.
pub struct Digest {
    context: Context,
    read: Read,
}

impl Default for Digest {
    fn default() -> Self {
        Self { context: Context::new(&SHA256), read: Read::default() }
    }
}

impl Digest {
    pub fn take(&mut self, bytes: &[u8]) {
        self.read.bytes += bytes.len() as u64;
        self.context.update(bytes);
        let room = 4096_usize.saturating_sub(self.read.first.len());
        self.read.first.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    pub fn end(self, is_whole: bool) -> Read {
        let sum = self.context.finish();
        let sha256 = qaqpa_kit::hex::lower(sum.as_ref());
        Read { sha256, is_whole, ..self.read }
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.take(bytes);
    digest.end(true).sha256
}

/// The value of a header in a head as received.
pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().skip(1).find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The status in the head of an answer.
pub fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Says bytes; false where the other side has gone.
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// The next head, without its last line break; `None` where the other side closed.
    pub async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return Some(String::from_utf8(head[..end].to_vec()).unwrap());
            }
            self.more().await?;
        }
    }

    /// The body that follows `head`, framed as it says; `is_until_close` where nothing frames it.
    pub async fn body(&mut self, head: &str, is_until_close: bool) -> Read {
        let mut digest = Digest::default();
        let is_whole = if let Some(length) = header(head, "content-length") {
            self.exactly(length.parse().unwrap(), &mut digest).await.is_some()
        } else if header(head, "transfer-encoding").is_some() {
            self.chunks(&mut digest).await.is_some()
        } else if is_until_close {
            while self.more().await.is_some() {
                digest.take(&std::mem::take(&mut self.unread));
            }
            true
        } else {
            true
        };
        digest.end(is_whole)
    }

    async fn exactly(&mut self, mut left: usize, digest: &mut Digest) -> Option<()> {
        loop {
            let taken = left.min(self.unread.len());
            digest.take(&self.unread[..taken]);
            self.unread.drain(..taken);
            left -= taken;
            if left == 0 {
                return Some(());
            }
            self.more().await?;
        }
    }

    async fn chunks(&mut self, digest: &mut Digest) -> Option<()> {
        loop {
            let line = self.line().await?;
            let size = usize::from_str_radix(&line, 16).unwrap();
            if size > 0 {
                self.exactly(size, digest).await?;
            }
            let end = self.line().await?;
            assert_eq!(end, "", "no trailer is ever passed on");
            if size == 0 {
                return Some(());
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            self.more().await?;
        }
    }

    /// Reads once; what was read is lost to the digests.
    pub async fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 32 * 1024];
        match self.stream.read(&mut buffer).await {
            Ok(bytes @ 1..) => {
                self.unread.extend_from_slice(&buffer[..bytes]);
                Some(())
            }
            _ => None,
        }
    }
}
