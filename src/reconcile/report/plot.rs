//! Plots of breaks: a bar for each category or day, its parts by age, drawn as SVG inside the page.

use super::page::{Ages, escaped};
use super::words::{Language, Word};
use crate::reconcile::breaks::{BUCKETS, CATEGORIES};
use std::fmt::Write as _;

/// From young to old; blue, then brown; each pair of neighbours is apart in lightness too.
const COLOURS: [&str; 6] = ["#63b3ed", "#2b6cb0", "#2a4365", "#f6ad55", "#c05621", "#742a2a"];
/// Where bars begin, and how wide the widest is, of 800.
const LEFT: u64 = 230;
const WIDE: u64 = 480;
const STEP: usize = 26;

/// A bar: its name as markup, and its breaks in each of the [`BUCKETS`].
pub(super) struct Bar {
    pub name: String,
    pub breaks: [u64; BUCKETS.len()],
}

impl Bar {
    /// All its breaks.
    pub(super) fn all(&self) -> u64 {
        self.breaks.iter().sum()
    }
}

/// A bar for each category that has breaks.
pub(super) fn by_category(language: Language, ages: &Ages) -> Vec<Bar> {
    let bars = CATEGORIES.into_iter().map(|category| Bar {
        name: language.category(category).to_owned(),
        breaks: BUCKETS.map(|bucket| ages.get(&(category, bucket)).map_or(0, |found| found.breaks)),
    });
    bars.filter(|bar| bar.all() > 0).collect()
}

/// A bar for a day with all its categories.
pub(super) fn of_day(name: String, ages: &Ages) -> Bar {
    let of = |bucket: &str| {
        let mine = ages.iter().filter(|((_, age), _)| *age == bucket);
        mine.map(|(_, found)| found.breaks).sum()
    };
    Bar { name, breaks: BUCKETS.map(of) }
}

/// The most breaks that one of them has, and at least one.
pub(super) fn most(bars: &[Bar]) -> u64 {
    bars.iter().map(Bar::all).max().unwrap_or(1).max(1)
}

/// Draws bars to a scale on which `most` is the widest.
pub(super) fn bars(language: Language, bars: &[Bar], most: u64) -> String {
    let height = bars.len() * STEP + 34;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {height}\" role=\"img\" \
         aria-label=\"{}\" font-size=\"13\" font-family=\"system-ui,sans-serif\">\n",
        language.word(Word::Breaks)
    );
    for (at, bar) in bars.iter().enumerate() {
        let top = at * STEP;
        let _infallible = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 10,
            top + 16,
            bar.name
        );
        let mut before = 0;
        for ((bucket, breaks), colour) in BUCKETS.into_iter().zip(bar.breaks).zip(COLOURS) {
            if breaks > 0 {
                // Whole pixels of the running sum, so that parts join; and at least one.
                let from = LEFT + scaled(before, most);
                before += breaks;
                let width = (LEFT + scaled(before, most)).saturating_sub(from).max(1);
                let _infallible = write!(
                    svg,
                    "<rect x=\"{from}\" y=\"{}\" width=\"{width}\" height=\"18\" \
                     fill=\"{colour}\"><title>{}: {breaks}</title></rect>",
                    top + 2,
                    escaped(bucket)
                );
            }
        }
        let end = LEFT + scaled(before, most).max(1) + 8;
        let _infallible = writeln!(svg, "<text x=\"{end}\" y=\"{}\">{before}</text>", top + 16);
    }
    svg += &key(language, bars, height);
    svg + "</svg>\n"
}

/// Pixels of so many breaks.
fn scaled(breaks: u64, most: u64) -> u64 {
    breaks.saturating_mul(WIDE) / most
}

/// Which colour is which age.
fn key(language: Language, bars: &[Bar], height: usize) -> String {
    let top = height - 22;
    let mut svg = format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#4a5568\">{}</text>",
        LEFT - 10,
        top + 12,
        language.word(Word::Age)
    );
    let is_used =
        |at: usize| bars.iter().any(|bar| bar.breaks.get(at).is_some_and(|breaks| *breaks > 0));
    let used = BUCKETS.into_iter().zip(COLOURS).enumerate().filter(|(at, _)| is_used(*at));
    for ((_, (bucket, colour)), x) in used.zip((LEFT..).step_by(64)) {
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
