//! Records of rows laid down by partition in one file without a name, and read back a partition at a time.
//!
//! Memory is bounded whatever comes: [`PARTITIONS`] buffers of 8 KiB, and four bytes for each that was
//! written. The file has no name, so a run that is killed leaves nothing behind.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Partitions that rows are spread over by the hash of their id.
pub const PARTITIONS: usize = 512;
/// One more partition: rows without an id, which wait for the residual stages.
pub const LOOSE: usize = PARTITIONS;
const BLOCK_BYTES: usize = 8 * 1_024;
/// Bytes of a record as it is laid down.
pub const RECORD_BYTES: usize = 32;

/// What stands for a row: four words, whose meaning is the writer's.
pub type Record = [u64; 4];

/// The records of one side.
pub struct Spill {
    file: File,
    partitions: Vec<Partition>,
    blocks: u32,
}

#[derive(Default)]
struct Partition {
    /// Not yet a whole block.
    tail: Vec<u8>,
    /// Numbers of the blocks that were written.
    blocks: Vec<u32>,
}

impl Spill {
    /// An empty one in a folder that exists.
    ///
    /// # Errors
    /// The disk.
    pub fn new(folder: &Path, partitions: usize) -> io::Result<Self> {
        let partitions = (0..partitions).map(|_| Partition::default()).collect();
        Ok(Self { file: tempfile::tempfile_in(folder)?, partitions, blocks: 0 })
    }

    /// Lays a record down.
    ///
    /// # Errors
    /// The disk is full or failed, or 32 TiB were written.
    #[inline]
    pub fn push(&mut self, partition: usize, record: &Record) -> io::Result<()> {
        let Some(partition) = self.partitions.get_mut(partition) else {
            return Err(io::Error::other("a partition that does not exist"));
        };
        let mut bytes = [0_u8; RECORD_BYTES];
        for (to, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(record) {
            *to = word.to_le_bytes();
        }
        partition.tail.extend_from_slice(&bytes);
        if partition.tail.len() < BLOCK_BYTES {
            return Ok(());
        }
        self.file.write_all(&partition.tail)?;
        partition.tail.clear();
        partition.blocks.push(self.blocks);
        self.blocks =
            self.blocks.checked_add(1).ok_or_else(|| io::Error::other("too many rows"))?;
        Ok(())
    }

    /// Records of a partition.
    #[must_use]
    pub fn count(&self, partition: usize) -> usize {
        self.partitions.get(partition).map_or(0, |partition| {
            (partition.blocks.len() * BLOCK_BYTES + partition.tail.len()) / RECORD_BYTES
        })
    }

    /// Reads a partition, in the order of writing.
    ///
    /// # Errors
    /// The disk failed, or `take` did.
    pub fn each(
        &self,
        partition: usize,
        mut take: impl FnMut(Record) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(partition) = self.partitions.get(partition) else { return Ok(()) };
        let mut block = [0_u8; BLOCK_BYTES];
        for number in &partition.blocks {
            self.file.read_exact_at(&mut block, u64::from(*number) * BLOCK_BYTES as u64)?;
            records(&block).try_for_each(&mut take)?;
        }
        records(&partition.tail).try_for_each(take)
    }
}

fn records(bytes: &[u8]) -> impl Iterator<Item = Record> {
    let (chunks, _) = bytes.as_chunks::<RECORD_BYTES>();
    chunks.iter().map(|chunk| {
        let (words, _) = chunk.as_chunks::<8>();
        let mut record = [0; 4];
        for (to, from) in record.iter_mut().zip(words) {
            *to = u64::from_le_bytes(*from);
        }
        record
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_comes_back_whole_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(folder.path(), 3).unwrap();
        for number in 0..1_000 {
            spill.push(1, &[number, 1, 2, 3]).unwrap();
            if number % 2 == 0 {
                spill.push(2, &[number, 4, 5, 6]).unwrap();
            }
        }
        assert!(spill.push(3, &[0; 4]).is_err());
        let read = |partition: usize| {
            let mut records = Vec::new();
            let keep = |record| {
                records.push(record);
                Ok(())
            };
            spill.each(partition, keep).unwrap();
            assert_eq!(records.len(), spill.count(partition));
            records
        };
        assert_eq!(read(0), Vec::<Record>::new());
        assert_eq!(read(1), (0..1_000).map(|n| [n, 1, 2, 3]).collect::<Vec<_>>());
        assert_eq!(read(2), (0..500).map(|n| [2 * n, 4, 5, 6]).collect::<Vec<_>>());
        let mut names = std::fs::read_dir(folder.path()).unwrap();
        assert!(names.next().is_none(), "the file has no name");
    }
}
