//! Records of rows laid down by partition in one file without a name, and read back a partition at a time.
//!
//! Memory is bounded whatever comes: a block for each of [`PARTITIONS`], the full ones while they are few,
//! so that the file of a usual day stays empty, and four bytes for each. The file has no name, so a run
//! that is killed leaves nothing behind.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Partitions that rows are spread over by the hash of their id.
pub const PARTITIONS: usize = 512;
/// One more partition: rows without an id, which wait for the residual stages.
pub const LOOSE: usize = PARTITIONS;
const BLOCK_RECORDS: usize = 128;
const BLOCK_BYTES: usize = BLOCK_RECORDS * RECORD_BYTES;
/// Records of full blocks that stay in memory, 12 MiB; with more all are written, and from there on so
/// many at a time as [`WRITTEN_MAX`] says.
const HELD_MAX: usize = 3_072 * BLOCK_RECORDS;
const WRITTEN_MAX: usize = 64 * BLOCK_RECORDS;
/// Bytes of a record as it is laid down.
const RECORD_BYTES: usize = 32;

/// What stands for a row: four words, whose meaning is the writer's.
pub type Record = [u64; 4];

/// The records of one side.
pub struct Spill {
    folder: PathBuf,
    /// Made when the first block has to go there.
    file: Option<File>,
    /// What [`Spill::keep`] forgot, closed with the spill: giving back what was written takes the kernel
    /// longer than proving a clean day.
    _forgotten: Option<File>,
    partitions: Vec<Partition>,
    /// A block for each partition, of which the first records are its last ones.
    tails: Vec<Record>,
    /// Full blocks that stand in the file.
    written: u32,
    /// Those that follow them.
    held: Vec<Record>,
    held_max: usize,
}

#[derive(Default)]
struct Partition {
    /// Records of its tail; never a whole block.
    tail: usize,
    /// Numbers of its full blocks.
    blocks: Vec<u32>,
}

impl Spill {
    /// An empty one, with a folder for what does not fit in memory.
    #[must_use]
    pub fn new(folder: &Path, partitions: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            file: None,
            _forgotten: None,
            tails: vec![[0; 4]; partitions * BLOCK_RECORDS],
            partitions: (0..partitions).map(|_| Partition::default()).collect(),
            written: 0,
            held: Vec::new(),
            held_max: HELD_MAX,
        }
    }

    /// Forgets all partitions but one.
    ///
    /// # Errors
    /// The disk.
    pub fn keep(&mut self, partition: usize) -> io::Result<()> {
        let mut kept = Self::new(&self.folder, self.partitions.len());
        self.each(partition, |record| kept.push(partition, &record))?;
        kept._forgotten = self.file.take();
        *self = kept;
        Ok(())
    }

    /// Lays a record down.
    ///
    /// # Errors
    /// The disk is full or failed, or 16 TiB were written.
    #[inline]
    pub fn push(&mut self, partition: usize, record: &Record) -> io::Result<()> {
        let at = self.partitions.get_mut(partition);
        let tail = self.tails.as_chunks_mut::<BLOCK_RECORDS>().0.get_mut(partition);
        let Some((partition, tail)) = at.zip(tail) else {
            return Err(io::Error::other("a partition that does not exist"));
        };
        if let Some(place) = tail.get_mut(partition.tail) {
            *place = *record;
        }
        partition.tail += 1;
        if partition.tail < BLOCK_RECORDS {
            return Ok(());
        }
        partition.tail = 0;
        let number = u32::try_from(self.held.len() / BLOCK_RECORDS).ok();
        let number = number.and_then(|held| self.written.checked_add(held));
        partition.blocks.push(number.ok_or_else(|| io::Error::other("too many rows"))?);
        if self.held.is_empty() {
            // What is not used of it takes no memory.
            self.held.reserve_exact(self.held_max);
        }
        self.held.extend_from_slice(tail);
        if self.held.len() < self.held_max { Ok(()) } else { self.write() }
    }

    /// Puts the blocks in memory into the file.
    #[cold]
    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        let mut bytes = Vec::with_capacity(WRITTEN_MAX * RECORD_BYTES);
        for records in self.held.chunks(WRITTEN_MAX) {
            bytes.clear();
            for word in records.as_flattened() {
                bytes.extend_from_slice(&word.to_le_bytes());
            }
            file.write_all(&bytes)?;
            self.written += u32::try_from(records.len() / BLOCK_RECORDS).unwrap_or_default();
        }
        self.held_max = self.held_max.min(WRITTEN_MAX);
        self.held.clear();
        self.held.shrink_to(self.held_max);
        Ok(())
    }

    /// Records of a partition.
    #[must_use]
    pub fn count(&self, partition: usize) -> usize {
        let records = |it: &Partition| it.blocks.len() * BLOCK_RECORDS + it.tail;
        self.partitions.get(partition).map_or(0, records)
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
        let tail = self.tails.as_chunks::<BLOCK_RECORDS>().0.get(partition);
        let Some((partition, tail)) = self.partitions.get(partition).zip(tail) else {
            return Ok(());
        };
        let (held, _) = self.held.as_chunks::<BLOCK_RECORDS>();
        let mut block = [0_u8; BLOCK_BYTES];
        for number in &partition.blocks {
            let at = number.checked_sub(self.written);
            if let Some(records) = at.and_then(|at| held.get(at as usize)) {
                records.iter().copied().try_for_each(&mut take)?;
                continue;
            }
            let file = self.file.as_ref().ok_or_else(|| io::Error::other("a block of no file"))?;
            file.read_exact_at(&mut block, u64::from(*number) * BLOCK_BYTES as u64)?;
            records(&block).try_for_each(&mut take)?;
        }
        tail.iter().take(partition.tail).copied().try_for_each(take)
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
        // All in memory, all but the last in the file, and some in each.
        for held_max in [HELD_MAX, 1, 3 * BLOCK_RECORDS] {
            let mut spill = Spill::new(folder.path(), 3);
            spill.held_max = held_max;
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
            let second: Vec<_> = (0..500).map(|n| [2 * n, 4, 5, 6]).collect();
            assert_eq!(read(2), second);
            spill.keep(2).unwrap();
            let mut kept = Vec::new();
            spill
                .each(2, |record| {
                    kept.push(record);
                    Ok(())
                })
                .unwrap();
            assert_eq!((kept, spill.count(1)), (second, 0));
        }
        let mut names = std::fs::read_dir(folder.path()).unwrap();
        assert!(names.next().is_none(), "the file has no name");
    }
}
