//! The books of a simulated bank: its own file, written through before anybody is answered.
//!
//! One JSON object a line: what it received, and what it booked. It knows nothing of the gateway's
//! books; who compares the two reads both. A second order for the same payment is booked a second
//! time: this bank forgives no gateway that sends twice.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// An order arrived.
    Order { end_to_end_id: String, amount_tiyn: i64 },
    /// Somebody asked what became of it.
    Inquiry { end_to_end_id: String },
    /// It is taken on, and will be booked.
    Queued { end_to_end_id: String },
    /// The payer's account was debited.
    Booked { end_to_end_id: String, amount_tiyn: i64 },
    /// It will not be paid.
    Rejected { end_to_end_id: String },
}

/// What the bank knows of one payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub orders: u64,
    /// By the last of them.
    pub ordered_tiyn: i64,
    pub inquiries: u64,
    pub is_queued: bool,
    /// How often it was booked; more than once is what must never be.
    pub bookings: u64,
    pub booked_tiyn: i64,
    pub is_rejected: bool,
}

impl Account {
    fn note(&mut self, line: &Line) {
        match line {
            Line::Order { amount_tiyn, .. } => {
                self.orders += 1;
                self.ordered_tiyn = *amount_tiyn;
            }
            Line::Inquiry { .. } => self.inquiries += 1,
            Line::Queued { .. } => self.is_queued = true,
            Line::Booked { amount_tiyn, .. } => {
                self.bookings += 1;
                self.booked_tiyn = self.booked_tiyn.saturating_add(*amount_tiyn);
            }
            Line::Rejected { .. } => self.is_rejected = true,
        }
    }
}

impl Line {
    fn end_to_end_id(&self) -> &str {
        match self {
            Self::Order { end_to_end_id, .. }
            | Self::Inquiry { end_to_end_id }
            | Self::Queued { end_to_end_id }
            | Self::Booked { end_to_end_id, .. }
            | Self::Rejected { end_to_end_id } => end_to_end_id,
        }
    }
}

/// The books.
pub struct Ledger(Mutex<Books>);

struct Books {
    file: File,
    accounts: BTreeMap<String, Account>,
}

/// Every payment that a bank's file tells of, by its end-to-end id. A last line that a crash cut is
/// left out: nobody was answered for it.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read(path: &Path) -> io::Result<BTreeMap<String, Account>> {
    let text = std::fs::read_to_string(path)?;
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    for whole in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let line: Line = serde_json::from_str(whole)?;
        accounts.entry(line.end_to_end_id().to_owned()).or_default().note(&line);
    }
    Ok(accounts)
}

impl Ledger {
    /// Opens the books, or begins new ones.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let accounts = if path.exists() { read(path)? } else { BTreeMap::new() };
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self(Mutex::new(Books { file, accounts })))
    }

    /// Writes a line through to the disk; the payment as it is then.
    ///
    /// # Errors
    /// The disk failed: nobody may be answered.
    pub fn write(&self, line: &Line) -> io::Result<Account> {
        let mut books = self.books();
        let text = serde_json::to_string(line)? + "\n";
        books.file.write_all(text.as_bytes())?;
        books.file.sync_data()?;
        let account = books.accounts.entry(line.end_to_end_id().to_owned()).or_default();
        account.note(line);
        Ok(account.clone())
    }

    /// Every payment, by its end-to-end id.
    #[must_use]
    pub fn accounts(&self) -> BTreeMap<String, Account> {
        self.books().accounts.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bank_booked_stands_in_its_file_and_twice_is_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.ledger");
        let id = || "GW1".to_owned();
        let booked = Line::Booked { end_to_end_id: id(), amount_tiyn: 100 };
        let ledger = Ledger::open(&path).unwrap();
        ledger.write(&Line::Order { end_to_end_id: id(), amount_tiyn: 100 }).unwrap();
        assert_eq!(ledger.write(&booked).unwrap().bookings, 1);
        let again = Ledger::open(&path).unwrap();
        let account = again.write(&booked).unwrap();
        assert_eq!((account.orders, account.bookings, account.booked_tiyn), (1, 2, 200));
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"li").unwrap();
        assert_eq!(read(&path).unwrap()["GW1"], account, "a line that was cut was never answered");
    }
}
