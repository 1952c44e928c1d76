//! A page to print in each language: what came in, the breaks by category and age with a plot, the most urgent ones.

use super::breaks::{Entry, Found};
use super::csv::text;
use super::folder::{self, Folder};
use super::plot;
use super::words::{LANGUAGES, Language, Word};
use crate::reconcile::breaks::{BUCKETS, CATEGORIES, Category};
use crate::reconcile::counts::Tally;
use crate::reconcile::run::Statement;
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
    /// In each language.
    why: [String; 3],
    candidates: String,
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
            why: LANGUAGES.map(|language| language.why(entry.finding)),
            candidates: redact::ids(&entry.finding.candidates).into_owned(),
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
    let title = word(Word::Title);
    let (bank, day) = (escaped(&statement.window.bank), statement.window.day);
    let mut body = format!("<h1>{title}</h1>\n<p class=day>{bank} · {day}</p>\n");
    body += &totals(language, statement);
    let _infallible = writeln!(body, "<h2>{}</h2>", word(Word::Breaks));
    if ages.is_empty() {
        let _infallible = writeln!(body, "<p>{}</p>", word(Word::None));
    } else {
        let bars = plot::by_category(language, ages);
        body += &plot::bars(language, &bars, plot::most(&bars));
        body += &by_age(language, ages);
        body += &most_urgent(language, urgent);
    }
    sheet(language, &format!("{title}: {bank}, {day}"), &body)
}

/// A page to print around its body: nothing runs in it and nothing is loaded.
pub(in crate::reconcile) fn sheet(language: Language, title: &str, body: &str) -> String {
    let code = language.code();
    format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style></head>\n<body>\n{body}</body>\n</html>\n"
    )
}

const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;color:#1a202c;max-width:64em;\
    margin:2em auto;padding:0 1.5em}h1{font-size:1.6em;margin:0}\
    h2{font-size:1.2em;margin:1.6em 0 .4em}h3{font-size:1em;margin:1.4em 0 .2em}.day{color:#4a5568;margin:.1em 0 1.2em}\
    table{border-collapse:collapse;width:100%;margin:.8em 0}\
    th,td{border-bottom:1px solid #cbd5e0;padding:.3em .6em;text-align:left;vertical-align:top}\
    th{border-bottom:2px solid #718096;font-weight:600}td.n,th.n{text-align:right;\
    font-variant-numeric:tabular-nums;white-space:nowrap}table.w th{white-space:normal}td.k{overflow-wrap:anywhere;min-width:11em}\
    tfoot td{border-bottom:0;border-top:2px solid #718096;font-weight:600}\
    tr.d td{background:#fff5e6;print-color-adjust:exact}small{color:#4a5568}code{font-size:.85em;overflow-wrap:anywhere}\
    svg{width:100%;height:auto;margin:.4em 0;-webkit-print-color-adjust:exact;print-color-adjust:exact}\
    tr{break-inside:avoid}thead{display:table-header-group}tfoot{display:table-row-group}\
    h2,h3{break-after:avoid}section{break-inside:avoid}@page{size:A4;margin:14mm}\
    @media print{body{margin:0;padding:0;max-width:none;font-size:10px}}";

fn totals(language: Language, statement: &Statement) -> String {
    let word = |word| language.word(word);
    let mut table = format!(
        "<table><thead><tr><th></th><th class=n>{}</th><th class=n>{}</th></tr></thead>\n",
        word(Word::Rows),
        word(Word::Tenge)
    );
    let counts = &statement.counts;
    let mut lines = vec![
        (Word::Journal, statement.journal_rows),
        (Word::Register, statement.register_rows),
        (Word::Carried, statement.carried()),
        (Word::Matched, counts.matched),
    ];
    if statement.carried() == Tally::default() {
        lines.retain(|(name, _)| *name != Word::Carried);
    }
    for (name, Tally { rows, sum_tiyn }) in lines {
        let _infallible = writeln!(
            table,
            "<tr><td>{}</td><td class=n>{rows}</td><td class=n>{}</td></tr>",
            word(name),
            grouped(sum_tiyn)
        );
    }
    table + "</table>\n"
}

/// Categories down, ages across: how many, and the money.
pub(super) fn by_age(language: Language, ages: &Ages) -> String {
    let word = |word| language.word(word);
    let used = BUCKETS.into_iter().filter(|bucket| ages.keys().any(|(_, age)| age == bucket));
    let used: Vec<_> = used.collect();
    let mut table = format!("<table><thead><tr><th>{}</th>", word(Word::Category));
    for bucket in &used {
        let _infallible = write!(table, "<th class=n>{}</th>", escaped(bucket));
    }
    let _infallible = writeln!(
        table,
        "<th class=n>{}</th><th class=n>{}</th></tr></thead>",
        word(Word::Count),
        word(Word::Sum)
    );
    let row = |name: &str, is_mine: &dyn Fn(Category) -> bool| {
        let found = |bucket: Option<&str>| {
            let mine = ages.iter().filter(|((category, age), _)| {
                is_mine(*category) && bucket.is_none_or(|bucket| *age == bucket)
            });
            mine.fold(Found::default(), |sum, (_, found)| Found {
                breaks: sum.breaks + found.breaks,
                sum_tiyn: sum.sum_tiyn + found.sum_tiyn,
            })
        };
        let mut row = format!("<tr><td>{name}</td>");
        for bucket in &used {
            let breaks = found(Some(bucket)).breaks;
            let shown = if breaks == 0 { String::new() } else { breaks.to_string() };
            let _infallible = write!(row, "<td class=n>{shown}</td>");
        }
        let all = found(None);
        let (breaks, sum) = (all.breaks, grouped(all.sum_tiyn));
        row + &format!("<td class=n>{breaks}</td><td class=n>{sum}</td></tr>\n")
    };
    for category in CATEGORIES {
        if ages.keys().any(|(other, _)| *other == category) {
            let name =
                format!("{}<br><small>{}</small>", language.category(category), category.word());
            table += &row(&name, &|other| other == category);
        }
    }
    let total = row(word(Word::Total), &|_| true);
    let days = word(Word::Age);
    table
        + &format!(
            "<tfoot>{total}</tfoot></table>\n<p><small>{days}: {}</small></p>\n",
            escaped(&BUCKETS.join(", "))
        )
}

fn most_urgent(language: Language, urgent: &Urgent) -> String {
    let word = |word| language.word(word);
    let mut table = format!(
        "<h2>{}</h2>\n<p>{}</p>\n<table><thead><tr><th>{}</th><th>{}</th><th class=n>{}</th>\
         <th class=n>{}</th><th>{}</th><th>{}</th></tr></thead>\n",
        word(Word::Urgent),
        word(Word::First),
        word(Word::Category),
        word(Word::Key),
        word(Word::Days),
        word(Word::Sum),
        word(Word::Why),
        word(Word::Acts)
    );
    for (_, _, shown) in &urgent.rows {
        let _infallible = writeln!(
            table,
            "<tr><td>{}</td><td class=k>{}</td><td class=n>{}</td><td class=n>{}</td>\
             <td class=k>{}<br><small>{}</small></td><td>{}</td></tr>",
            language.category(shown.category),
            escaped(&shown.key),
            shown.age_days,
            grouped(i128::from(shown.amount_tiyn)),
            escaped(language.of(shown.why.each_ref().map(String::as_str))),
            escaped(&shown.candidates),
            language.acts(shown.category.acts())
        );
    }
    table + "</table>\n"
}

/// Tenge with groups of thousands, as people read them: `19 875.00`.
pub(in crate::reconcile) fn grouped(sum_tiyn: i128) -> String {
    let (sign, sum) = (if sum_tiyn < 0 { "-" } else { "" }, sum_tiyn.unsigned_abs());
    let (tenge, tiyn) = ((sum / 100).to_string(), sum % 100);
    let mut text = String::from(sign);
    for (at, digit) in tenge.chars().enumerate() {
        if at > 0 && (tenge.len() - at) % 3 == 0 {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text + &format!(".{tiyn:02}")
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_bank_can_become_no_markup() {
        assert_eq!(escaped("<script>\"&"), "&lt;script&gt;&quot;&amp;");
        assert_eq!(grouped(1_987_500), "19\u{a0}875.00");
        assert_eq!(grouped(-100_000_005), "-1\u{a0}000\u{a0}000.05");
    }
}
