//! What a run says on a terminal: a table of both sides, the pairs and the breaks, in a language.

use crate::command::check;
use crate::reconcile::breaks::{CATEGORIES, Category};
use crate::reconcile::counts::{Broken, Tally};
use crate::reconcile::report::words::{Language, Word};
use crate::reconcile::run::Statement;
use comfy_table::{Cell, CellAlignment};

/// The table of a statement.
pub(super) fn table(statement: &Statement, language: Language) -> String {
    let word = |word| language.word(word).to_owned();
    let mut table = check::table([String::new(), word(Word::Rows), word(Word::Tenge)]);
    let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let mut row = |name: String, Tally { rows, sum_tiyn }| {
        table.add_row([Cell::new(name), number(rows.to_string()), number(tenge(sum_tiyn))]);
    };
    for (name, tally) in [
        (Word::Journal, statement.journal_rows),
        (Word::Register, statement.register_rows),
        (Word::Carried, statement.carried()),
        (Word::Matched, statement.counts.matched),
    ] {
        if name != Word::Carried || tally.rows > 0 {
            row(word(name), tally);
        }
    }
    let found = |category: Category| Some((category, statement.counts.broken.get(&category)?));
    for (category, broken) in CATEGORIES.into_iter().filter_map(found) {
        let name = format!("{} ({})", language.category(category), category.word());
        row(name, question(broken));
    }
    if statement.counts.broken.is_empty() {
        row(word(Word::None), Tally::default());
    }
    let (bank, day) = (&statement.window.bank, statement.window.day);
    format!("{}: {bank}, {day}\n{}\n", language.word(Word::Title), table.trim_fmt())
}

/// How many breaks, and the larger side of their money.
fn question(broken: &Broken) -> Tally {
    let sum_tiyn = broken.journal.sum_tiyn.max(broken.register.sum_tiyn);
    Tally { rows: broken.breaks, sum_tiyn }
}

/// Tenge with two decimals.
fn tenge(sum_tiyn: i128) -> String {
    format!("{}.{:02}", sum_tiyn / 100, sum_tiyn % 100)
}
