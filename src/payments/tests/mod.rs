//! A hundred thousand random histories against a model that knows no table: no invariant may break.

mod applied;
mod cases;
mod closings;
mod history;
mod invariants;
mod kinds;
mod model;
mod permutations;
mod returns;
mod stores;

use super::book::Book;
use super::command::{Answered, Command, Reply};
use super::decide::{Request, Rules, recall};
use super::record::BankWindow;
use crate::config::settings::Bank;
use jiff::civil::{Weekday, date, time};
use qaqpa_kit::bank::Placement;
use qaqpa_kit::ids::Bic;
use qaqpa_kit::manifest::Name;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const BANKS: [&str; 2] = ["alpha", "beta"];

/// One book for a whole history, as a store with one writer is.
struct World {
    book: Book,
    rules: Rules,
}

impl World {
    fn new() -> Self {
        let mut book = Book::default();
        for id in BANKS {
            let window = BankWindow {
                id: id.to_owned(),
                closed_through: None,
                closed_at_us: None,
                version: 1,
            };
            book.put_window(window);
        }
        Self { book, rules: rules() }
    }

    fn run(&mut self, command: Command) -> Reply {
        if let Command::Close { bank, .. } = &command {
            self.book.count_totals(bank);
        }
        let request = Request { command, key: None };
        let answered = request.decide(&mut self.book, &self.rules);
        while let Some(word) = recall(&self.book) {
            word.decide(&mut self.book, &self.rules);
        }
        match answered {
            Answered::Now(reply, None) => reply,
            other => panic!("{other:?}"),
        }
    }
}

fn bank(id: &str) -> Bank {
    let text = || id.to_owned();
    Bank {
        id: text(),
        name: Name { kk: text(), ru: text(), en: text() },
        bic: Bic::parse("BANKKZ9A").expect("valid"),
        participant: None,
        agency: None,
        dialect: None,
        placement: Placement::default(),
        cut_off: time(16, 0, 0, 0),
        rest_days: vec![Weekday::Saturday, Weekday::Sunday],
        holidays: [date(2026, 12, 16)].into(),
        working_days: [].into(),
    }
}

fn rules() -> Rules {
    let banks: BTreeMap<_, _> =
        BANKS.iter().map(|id| ((*id).to_owned(), Arc::new(bank(id)))).collect();
    Rules {
        banks,
        inquiry_pause_max: Duration::from_secs(300),
        not_found_min: 2,
        quiet: Duration::from_secs(60),
        recipients: ["agency".to_owned(), "portal".to_owned()].into(),
        notice_pauses: vec![Duration::from_secs(1), Duration::from_secs(5)],
    }
}
