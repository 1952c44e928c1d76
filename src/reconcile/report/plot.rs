//! The plot of a day: a bar for each category of breaks, its parts by age, drawn as SVG inside the page.

use super::page::{Ages, escaped};
use super::words::{Language, Word};
use crate::reconcile::breaks::{BUCKETS, CATEGORIES, Category};
use std::fmt::Write as _;

/// From young to old; blue, then brown; each pair of neighbours is apart in lightness too.
const COLOURS: [&str; 6] = ["#63b3ed", "#2b6cb0", "#2a4365", "#f6ad55", "#c05621", "#742a2a"];
/// Where bars begin, and how wide the widest is, of 800.
const LEFT: u64 = 230;
const WIDE: u64 = 480;
const STEP: usize = 26;

/// Bars of the counts of breaks, drawn to the largest.
pub(super) fn bars(language: Language, ages: &Ages) -> String {
    let count = |category: Category, bucket: &'static str| {
        ages.get(&(category, bucket)).map_or(0, |found| found.breaks)
    };
    let all =
        |category: Category| BUCKETS.map(|bucket| count(category, bucket)).iter().sum::<u64>();
    let shown: Vec<_> = CATEGORIES.into_iter().filter(|category| all(*category) > 0).collect();
    let most = shown.iter().map(|category| all(*category)).max().unwrap_or(1).max(1);
    let height = shown.len() * STEP + 34;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {height}\" role=\"img\" \
         aria-label=\"{}\" font-size=\"13\" font-family=\"system-ui,sans-serif\">\n",
        language.word(Word::Breaks)
    );
    for (at, category) in shown.iter().enumerate() {
        let top = at * STEP;
        let _infallible = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 10,
            top + 16,
            language.category(*category)
        );
        let mut before = 0;
        for (bucket, colour) in BUCKETS.into_iter().zip(COLOURS) {
            let breaks = count(*category, bucket);
            if breaks > 0 {
                // Whole pixels of the running sum, so that parts join; and at least one.
                let from = LEFT + before * WIDE / most;
                before += breaks;
                let width = (LEFT + before * WIDE / most).saturating_sub(from).max(1);
                let _infallible = write!(
                    svg,
                    "<rect x=\"{from}\" y=\"{}\" width=\"{width}\" height=\"18\" \
                     fill=\"{colour}\"><title>{}: {breaks}</title></rect>",
                    top + 2,
                    escaped(bucket)
                );
            }
        }
        let end = LEFT + (before * WIDE / most).max(1) + 8;
        let _infallible = writeln!(svg, "<text x=\"{end}\" y=\"{}\">{before}</text>", top + 16);
    }
    svg += &key(language, ages, height);
    svg + "</svg>\n"
}

/// Which colour is which age.
fn key(language: Language, ages: &Ages, height: usize) -> String {
    let top = height - 22;
    let mut svg = format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#4a5568\">{}</text>",
        LEFT - 10,
        top + 12,
        language.word(Word::Age)
    );
    let used = BUCKETS.into_iter().zip(COLOURS);
    let used = used.filter(|(bucket, _)| ages.keys().any(|(_, age)| age == bucket));
    for ((bucket, colour), x) in used.zip((LEFT..).step_by(64)) {
        let _infallible = write!(
            svg,
            "<rect x=\"{x}\" y=\"{top}\" width=\"14\" height=\"14\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"#4a5568\">{}</text>",
            x + 20,
            top + 12,
            escaped(bucket)
        );
    }
    svg + "\n"
}
