//! Rows that stay open, in a form that the next day's run takes up again.
//!
//! `#open;v=1;bank=…;opdate=…;count=N;sum=S;enc=utf-8`, then a row a line: the side, the day since which
//! it is open, and the twelve fields as they came; the trailer is that of the neutral form.

use super::folder;
use crate::payments::calendar::OperatingDay;
use crate::reconcile::breaks::OPEN;
use crate::reconcile::counts::Tally;
use crate::reconcile::ingest::source::Line;
use crate::reconcile::run::Statement;
use aws_lc_rs::digest::{Context, SHA256};
use qaqpa_kit::hex;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// The file's name.
pub(super) const NAME: &str = "open.csv";

/// The file under way.
pub(super) struct Open {
    to: BufWriter<File>,
    hash: Context,
}

impl Open {
    /// Begins with what the run has counted already.
    pub(super) fn new(to: BufWriter<File>, statement: &Statement) -> io::Result<Self> {
        let mut open = Self { to, hash: Context::new(&SHA256) };
        let mut total = Tally::default();
        for category in OPEN {
            if let Some(broken) = statement.counts.broken.get(&category) {
                total.rows += broken.journal.rows + broken.register.rows;
                total.sum_tiyn += broken.journal.sum_tiyn + broken.register.sum_tiyn;
            }
        }
        let (bank, day) = (&statement.window.bank, statement.window.day);
        let Tally { rows, sum_tiyn } = total;
        let head =
            format!("#open;v=1;bank={bank};opdate={day};count={rows};sum={sum_tiyn};enc=utf-8\n");
        open.put(head.as_bytes()).map(|()| open)
    }

    /// One more row.
    pub(super) fn row(&mut self, line: &Line, since: OperatingDay) -> io::Result<()> {
        let side = if line.is_partial { "statement" } else { line.side.word() };
        self.put(format!("{side};{since};").as_bytes())?;
        self.put(line.text())?;
        self.put(b"\n")
    }

    /// The last row is written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let digest = hex::lower(self.hash.clone().finish().as_ref());
        self.put(format!("#end;sha256={digest}\n").as_bytes())?;
        folder::close(self.to)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.to.write_all(bytes)
    }
}
