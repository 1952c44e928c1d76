//! A page to print in each language: what came in, the breaks by category and age with a plot, the most urgent ones.

use super::breaks::{Entry, Found};
use super::csv::text;
use super::folder::{self, Folder};
use super::words::{LANGUAGES, Language, Word};
use crate::reconcile::breaks::{BUCKETS, CATEGORIES, Category};
use crate::reconcile::counts::Tally;
use crate::reconcile::run::Statement;
use qaqpa_kit::money::Tiyn;
use qaqpa_kit::redact;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Breaks on the page at most.
const SHOWN_MAX: usize = 200;

/// The most urgent breaks: by priority, then by id.
#[derive(Default)]
pub(super) struct Urgent {
    rows: BTreeSet<(Reverse<i64>, String, Shown)>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    category: Category,
    key: String,
    age_days: u32,
    amount_tiyn: i64,
    why: String,
}

impl Urgent {
    /// Keeps it where it is more urgent than what is kept.
    pub(super) fn offer(&mut self, entry: &Entry<'_>) {
        let is_full = self.rows.len() >= SHOWN_MAX;
        let least = self.rows.last().map(|(Reverse(priority), ..)| *priority);
        if is_full && least.is_some_and(|least| entry.priority < least) {
            return;
        }
        let shown = Shown {
            category: entry.category,
            key: redact::ids(&text(&entry.finding.key())).into_owned(),
            age_days: entry.age.days,
            amount_tiyn: entry.finding.amount_tiyn(),
            why: entry.finding.why(),
        };
        self.rows.insert((Reverse(entry.priority), entry.id.clone(), shown));
        if self.rows.len() > SHOWN_MAX {
            self.rows.pop_last();
        }
    }
}

/// Breaks by category and age.
pub(super) type Ages = BTreeMap<(Category, &'static str), Found>;

/// Writes the page in every language.
pub(super) fn write(
    folder: &Folder,
    statement: &Statement,
    ages: &Ages,
    urgent: &Urgent,
) -> io::Result<()> {
    for language in LANGUAGES {
        let mut file = folder.file(&format!("report.{}.html", language.code()))?;
        file.write_all(page(language, statement, ages, urgent).as_bytes())?;
        folder::close(file)?;
    }
    Ok(())
}

fn page(language: Language, statement: &Statement, ages: &Ages, urgent: &Urgent) -> String {
    let word = |word| language.word(word);
    let (title, code) = (word(Word::Title), language.code());
    let (bank, day) = (escaped(&statement.window.bank), statement.window.day);
    let mut body = format!("<h1>{title}: {bank}, {day}</h1>\n");
    body += &totals(language, statement);
    let _infallible = writeln!(body, "<h2>{}</h2>", word(Word::Breaks));
    if ages.is_empty() {
        let _infallible = writeln!(body, "<p>{}</p>", word(Word::None));
    } else {
        body += &plot(language, ages);
        body += &by_age(language, ages);
        body += &most_urgent(language, urgent);
    }
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}: {bank}, {day}</title>\n<style>{STYLE}</style></head>\n<body>\n{body}</body>\n</html>\n"
    )
}

const STYLE: &str = "body{font:14px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
    table{border-collapse:collapse;width:100%;margin:1em 0}\
    th,td{border-bottom:1px solid #999;padding:.2em .6em;text-align:left}\
    td.n{text-align:right;font-variant-numeric:tabular-nums}\
    tr{break-inside:avoid}thead{display:table-header-group}\
    @media print{body{margin:0;font-size:11px}}";

fn totals(language: Language, statement: &Statement) -> String {
    let word = |word| language.word(word);
    let mut table = format!(
        "<table><thead><tr><th></th><th>{}</th><th>{}</th></tr></thead>\n",
        word(Word::Rows),
        word(Word::Tenge)
    );
    let mut carried = statement.journal_carried;
    carried.rows += statement.register_carried.rows;
    carried.sum_tiyn += statement.register_carried.sum_tiyn;
    for (name, tally) in [
        (Word::Journal, statement.journal_rows),
        (Word::Register, statement.register_rows),
        (Word::Carried, carried),
        (Word::Matched, statement.counts.matched),
    ] {
        let Tally { rows, sum_tiyn } = tally;
        let _infallible = writeln!(
            table,
            "<tr><td>{}</td><td class=n>{rows}</td><td class=n>{}</td></tr>",
            word(name),
            tenge(sum_tiyn)
        );
    }
    table + "</table>\n"
}

/// Bars of the counts of breaks, drawn to the largest.
fn plot(language: Language, ages: &Ages) -> String {
    let count = |category: Category| {
        let mine = ages.iter().filter(|((other, _), _)| *other == category);
        mine.map(|(_, found)| found.breaks).sum::<u64>()
    };
    let bars: Vec<_> = CATEGORIES.map(|category| (category, count(category))).into();
    let bars: Vec<_> = bars.into_iter().filter(|(_, count)| *count > 0).collect();
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let height = bars.len() * 24;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {height}\" role=\"img\" \
         aria-label=\"{}\">\n",
        language.word(Word::Breaks)
    );
    for (at, (category, count)) in bars.iter().enumerate() {
        let top = at * 24;
        // Whole pixels, and at least one.
        let width = (count * 460 / most).max(1);
        let _infallible = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\" font-size=\"13\">{}</text>\
             <rect x=\"250\" y=\"{}\" width=\"{width}\" height=\"16\" fill=\"#2b6cb0\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"13\">{count}</text>",
            top + 16,
            language.category(*category),
            top + 3,
            width + 256,
            top + 16
        );
    }
    svg + "</svg>\n"
}

fn by_age(language: Language, ages: &Ages) -> String {
    let word = |word| language.word(word);
    let mut table = format!(
        "<table><thead><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr></thead>\n",
        word(Word::Category),
        word(Word::Age),
        word(Word::Count),
        word(Word::Sum)
    );
    for category in CATEGORIES {
        for bucket in BUCKETS {
            let Some(found) = ages.get(&(category, bucket)) else { continue };
            let _infallible = writeln!(
                table,
                "<tr><td>{}<br><small>{}</small></td><td>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
                language.category(category),
                category.word(),
                escaped(bucket),
                found.breaks,
                tenge(found.sum_tiyn)
            );
        }
    }
    table + "</table>\n"
}

fn most_urgent(language: Language, urgent: &Urgent) -> String {
    let word = |word| language.word(word);
    let mut table = format!(
        "<p>{}</p>\n<table><thead><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th><th>{}</th>\
         <th>{}</th></tr></thead>\n",
        word(Word::First),
        word(Word::Category),
        word(Word::Key),
        word(Word::Age),
        word(Word::Sum),
        word(Word::Why),
        word(Word::Acts)
    );
    for (_, _, shown) in &urgent.rows {
        let _infallible = writeln!(
            table,
            "<tr><td>{}</td><td>{}</td><td class=n>{}</td><td class=n>{}</td><td>{}</td><td>{}</td></tr>",
            language.category(shown.category),
            escaped(&shown.key),
            shown.age_days,
            tenge(i128::from(shown.amount_tiyn)),
            escaped(&shown.why),
            language.acts(shown.category.acts())
        );
    }
    table + "</table>\n"
}

fn tenge(sum_tiyn: i128) -> String {
    i64::try_from(sum_tiyn).map_or_else(|_| sum_tiyn.to_string(), |sum| Tiyn::new(sum).to_string())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_bank_can_become_no_markup() {
        assert_eq!(escaped("<script>\"&"), "&lt;script&gt;&quot;&amp;");
        assert_eq!(tenge(1_987_500), "19875.00");
    }
}
