//! An operating day of a bank, made by a seed: both sides' rows, and every difference that was put in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A row in the order of the neutral form.
pub type Row = [String; 12];

/// Numbers that a seed determines (SplitMix64).
pub struct Seed(pub u64);

impl Seed {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

/// Both sides of a day.
#[derive(Clone, Default)]
pub struct Day {
    pub journal: Vec<Row>,
    pub register: Vec<Row>,
    /// By category.
    pub breaks: BTreeMap<String, u64>,
    pub matched: u64,
}

/// A row that nothing is wrong with.
pub fn row(number: u64, seed: &mut Seed) -> Row {
    let minute = 540 + seed.below(410);
    let (kbk, knp) = [("108125", "911"), ("204101", "913"), ("", "")][seed.below(3) as usize];
    [
        format!("GW261122{number:08}"),
        format!("47{number:08}"),
        format!("9{number:011}"),
        "990140000017".to_owned(),
        kbk.to_owned(),
        knp.to_owned(),
        (1 + seed.below(10_000_000)).to_string(),
        "KZT".to_owned(),
        "POSTED".to_owned(),
        format!("2026-11-22T{:02}:{:02}:{:02}+05:00", minute / 60, minute % 60, seed.below(60)),
        "2026-11-22".to_owned(),
        ["CLEARING", "GROSS"][seed.below(2) as usize].to_owned(),
    ]
}

const KINDS: u64 = 15;

impl Day {
    /// A day with `rows` payments, of which one in `rarity` differs somehow.
    pub fn seeded(seed: u64, rows: u64, rarity: u64) -> Self {
        Self::of(0..rows, Seed(seed), rarity, true)
    }

    /// A part of a day, by the numbers of its payments: every row has its id, and copies are equal.
    pub fn numbered(numbers: Range<u64>, seed: u64, rarity: u64) -> Self {
        Self::of(numbers, Seed(seed), rarity, false)
    }

    fn of(numbers: Range<u64>, mut seed: Seed, rarity: u64, with_riddles: bool) -> Self {
        let mut day = Self::default();
        for number in numbers {
            let row = row(number, &mut seed);
            if seed.below(rarity) == 0 {
                let kind = seed.below(KINDS);
                // Copies that differ, and rows without an id, are for the tests.
                let is_riddle = (3..=6).contains(&kind) || kind == 13;
                let kind = if with_riddles || !is_riddle { kind } else { 7 };
                day.differ(row, kind, &mut seed);
            } else {
                day.pair(row.clone(), row);
                day.matched += 1;
            }
        }
        seed.shuffle(&mut day.register);
        day
    }

    fn pair(&mut self, journal: Row, register: Row) {
        self.journal.push(journal);
        self.register.push(register);
    }

    fn broken(&mut self, category: &str) {
        *self.breaks.entry(category.to_owned()).or_default() += 1;
    }

    /// A pair, of which one side has some rows more.
    fn repeat(&mut self, row: Row, is_in_bank: bool, copies: u64) {
        let (side, category) = if is_in_bank {
            (&mut self.register, "DUPLICATE_IN_BANK")
        } else {
            (&mut self.journal, "DUPLICATE_IN_GATEWAY")
        };
        side.extend((0..copies).map(|copy| {
            let mut again = row.clone();
            // A copy that says something else does not take the place of the good one.
            if copy == 1 {
                again[6] = "1".to_owned();
            }
            again
        }));
        (0..copies).for_each(|_| self.broken(category));
        self.matched += 1;
        self.pair(row.clone(), row);
    }

    /// A row that the bank sent twice without its id: one of the two is found by its receipt.
    fn repeat_loose(&mut self, row: Row) {
        let mut other = row.clone();
        other[0] = String::new();
        self.register.push(other.clone());
        self.matched += 1;
        self.pair(row, other);
        self.broken("DUPLICATE_IN_BANK");
    }

    fn differ(&mut self, row: Row, kind: u64, seed: &mut Seed) {
        let mut other = row.clone();
        let category = match kind {
            0 => {
                self.journal.push(row);
                return self.broken("MISSING_IN_BANK");
            }
            1 => {
                self.register.push(row);
                return self.broken("MISSING_IN_GATEWAY");
            }
            2 => {
                let words = ["RETURNED", "REFUND", "REVERSAL"];
                other[8] = words[seed.below(3) as usize].to_owned();
                self.register.push(other);
                return self.broken("RETURN_UNLINKED");
            }
            3 | 4 => {
                let copies = 1 + seed.below(3);
                return self.repeat(row, kind == 3, copies);
            }
            5 => {
                other[0] = String::new();
                self.matched += 1;
                return self.pair(row, other); // found by its receipt
            }
            6 => {
                (other[0], other[1]) = (String::new(), String::new());
                self.matched += 1;
                return self.pair(row, other); // found by payer and amount
            }
            7 => {
                other[6] = (other[6].parse::<u64>().unwrap() + 1).to_string();
                "AMOUNT_MISMATCH"
            }
            8 => {
                other[8] = "REJECTED".to_owned();
                "STATUS_MISMATCH"
            }
            9 => {
                let field = 2 + seed.below(4) as usize;
                other[field] =
                    ["123456789012", "980140000018", "101999", "912"][field - 2].to_owned();
                "REQUISITE_MISMATCH"
            }
            10 => {
                other[9] = "2026-11-22T11:00:00Z".to_owned();
                "LATE_CUTOFF"
            }
            11 => {
                other[10] = "2026-11-23".to_owned();
                "LATE_CUTOFF"
            }
            12 => {
                let mut row = row;
                row[8] = ["EXPIRED", "CANCELLED"][seed.below(2) as usize].to_owned();
                self.pair(row, other);
                return self.broken("LATE_CREDIT");
            }
            13 => return self.repeat_loose(row),
            _ => {
                let mut row = row;
                row[8] = "SURPLUS".to_owned();
                self.pair(row, other);
                return self.broken("DOUBLE_PAID_CHARGE");
            }
        };
        self.pair(row, other);
        self.broken(category);
    }

    /// Writes both files into a folder.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        std::fs::create_dir_all(folder).unwrap();
        let put = |name: &str, rows: &[Row]| {
            let path = folder.join(format!("{name}.csv"));
            std::fs::write(&path, neutral(name, "2026-11-22", rows, "\n")).unwrap();
            path
        };
        (put("journal", &self.journal), put("register", &self.register))
    }
}

/// A file in the neutral form.
pub fn neutral(side: &str, day: &str, rows: &[Row], end: &str) -> Vec<u8> {
    let sum: u64 = rows.iter().map(|row| row[6].parse::<u64>().unwrap()).sum();
    let count = rows.len();
    let mut text =
        format!("#{side};v=1;bank=BANKKZ9A;opdate={day};count={count};sum={sum};enc=utf-8{end}");
    for row in rows {
        write!(text, "{}{end}", row.join(";")).unwrap();
    }
    sealed(text.as_bytes())
}

/// The bytes with their trailer.
pub fn sealed(body: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    let hex = qaqpa_kit::hex::lower(digest.as_ref());
    [body, format!("#end;sha256={hex}\n").as_bytes()].concat()
}
