//! The books of a simulated bank: its own file, written through before anybody is answered.
//!
//! One JSON object a line: what it received, what it booked, and what it asked of the gateway. It knows
//! nothing of the gateway's books; who compares the two reads both. A second order for the same payment
//! is booked a second time: this bank forgives no gateway that sends twice.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// An order arrived; with `reverses` it gives back the payment of that end-to-end id.
    Order { end_to_end_id: String, amount_tiyn: i64, reverses: Option<String> },
    /// Somebody asked what became of it.
    Inquiry { end_to_end_id: String },
    /// It is taken on, and will be booked.
    Queued { end_to_end_id: String },
    /// The payer's account was debited, or of a refund credited.
    Booked { end_to_end_id: String, amount_tiyn: i64 },
    /// It will not be paid.
    Rejected { end_to_end_id: String },
    /// A customer's money was taken for a charge, under the bank's own id.
    Taken { name: String, charge: String, amount_tiyn: i64 },
    /// The bank has a word to say of an order.
    Word { name: String, end_to_end_id: String },
    /// It asks the gateway what bears this name: again, or for the first time.
    Asked { name: String },
    /// The gateway answered for good: taken, or refused and the money given back.
    Answered { name: String, is_done: bool, sha256: String },
}

/// What the bank knows of one order.
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
    /// The payment that it gives back.
    pub reverses: Option<String>,
}

/// What the bank asks of the gateway under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The charge that a customer's money was taken for, and how much; of a word nothing.
    pub charge: Option<String>,
    pub taken_tiyn: i64,
    /// How often it was asked.
    pub asked: u64,
    /// Answers that end it.
    pub done: u64,
    pub refused: u64,
    /// SHA-256 of these answers; more than one is what must never be.
    pub answers: BTreeSet<String>,
}

impl Call {
    /// Whether the gateway has answered for good.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.done + self.refused > 0
    }
}

/// Everything that a bank knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// By end-to-end id.
    pub orders: BTreeMap<String, Account>,
    /// By the bank's own names.
    pub calls: BTreeMap<String, Call>,
}

impl Books {
    /// Takes a line in; how many such lines there are of this name now.
    fn note(&mut self, line: &Line) -> u64 {
        match line {
            Line::Order { end_to_end_id, .. }
            | Line::Inquiry { end_to_end_id }
            | Line::Queued { end_to_end_id }
            | Line::Booked { end_to_end_id, .. }
            | Line::Rejected { end_to_end_id } => {
                self.orders.entry(end_to_end_id.clone()).or_default().note(line)
            }
            Line::Taken { name, .. }
            | Line::Word { name, .. }
            | Line::Asked { name }
            | Line::Answered { name, .. } => self.calls.entry(name.clone()).or_default().note(line),
        }
    }
}

impl Account {
    fn note(&mut self, line: &Line) -> u64 {
        match line {
            Line::Order { amount_tiyn, reverses, .. } => {
                self.orders += 1;
                self.ordered_tiyn = *amount_tiyn;
                self.reverses.clone_from(reverses);
                self.orders
            }
            Line::Inquiry { .. } => {
                self.inquiries += 1;
                self.inquiries
            }
            Line::Booked { amount_tiyn, .. } => {
                self.bookings += 1;
                self.booked_tiyn = self.booked_tiyn.saturating_add(*amount_tiyn);
                self.bookings
            }
            Line::Queued { .. } => {
                self.is_queued = true;
                1
            }
            _ => {
                self.is_rejected = true;
                1
            }
        }
    }
}

impl Call {
    fn note(&mut self, line: &Line) -> u64 {
        match line {
            Line::Taken { charge, amount_tiyn, .. } => {
                self.charge = Some(charge.clone());
                self.taken_tiyn = *amount_tiyn;
                1
            }
            Line::Asked { .. } => {
                self.asked += 1;
                self.asked
            }
            Line::Answered { is_done, sha256, .. } => {
                let counted = if *is_done { &mut self.done } else { &mut self.refused };
                *counted += 1;
                self.answers.insert(sha256.clone());
                *counted
            }
            _ => 1,
        }
    }
}

/// The books, and their file.
pub struct Ledger(Mutex<Kept>);

struct Kept {
    file: File,
    books: Books,
}

/// What a bank's file tells. A last line that a crash cut is left out: nobody was answered for it.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read(path: &Path) -> io::Result<Books> {
    let text = std::fs::read_to_string(path)?;
    let mut books = Books::default();
    for whole in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        books.note(&serde_json::from_str(whole)?);
    }
    Ok(books)
}

impl Ledger {
    /// Opens the books, or begins new ones.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let books = if path.exists() { read(path)? } else { Books::default() };
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self(Mutex::new(Kept { file, books })))
    }

    /// Writes a line through to the disk; how many such lines there are of this name now.
    ///
    /// # Errors
    /// The disk failed: nobody may be answered.
    pub fn write(&self, line: &Line) -> io::Result<u64> {
        let mut kept = self.kept();
        let text = serde_json::to_string(line)? + "\n";
        kept.file.write_all(text.as_bytes())?;
        kept.file.sync_data()?;
        Ok(kept.books.note(line))
    }

    /// Everything that is known now.
    #[must_use]
    pub fn books(&self) -> Books {
        self.kept().books.clone()
    }

    /// What is known of one order now.
    #[must_use]
    pub fn account(&self, end_to_end_id: &str) -> Account {
        self.kept().books.orders.get(end_to_end_id).cloned().unwrap_or_default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
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
        let order = Line::Order { end_to_end_id: id(), amount_tiyn: 100, reverses: None };
        let ledger = Ledger::open(&path).unwrap();
        ledger.write(&order).unwrap();
        assert_eq!(ledger.write(&booked).unwrap(), 1);
        let again = Ledger::open(&path).unwrap();
        assert_eq!(again.write(&booked).unwrap(), 2);
        let account = again.account("GW1");
        assert_eq!((account.orders, account.bookings, account.booked_tiyn), (1, 2, 200));
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"li").unwrap();
        assert_eq!(read(&path).unwrap(), again.books(), "a line that was cut was never answered");
    }

    #[test]
    fn other_words_in_answer_to_the_same_question_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("bank.ledger")).unwrap();
        let name = || "1".to_owned();
        let taken = Line::Taken { name: name(), charge: "c".to_owned(), amount_tiyn: 5 };
        ledger.write(&taken).unwrap();
        assert!(!ledger.books().calls["1"].is_answered());
        for sha256 in ["a", "a", "b"] {
            let sha256 = sha256.to_owned();
            ledger.write(&Line::Answered { name: name(), is_done: true, sha256 }).unwrap();
        }
        let call = ledger.books().calls.remove("1").unwrap();
        assert_eq!((call.taken_tiyn, call.done, call.answers.len()), (5, 3, 2));
    }
}
