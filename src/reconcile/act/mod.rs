//! The act: what a reconciliation came to, as one document that both parties sign.
//!
//! It is written in one way only, so equal facts are equal bytes, and holds no time of its making. What it
//! speaks of stands in it by digest: the files that came in, and the files of the run's folder. Signatures
//! stand beside the element that they cover, outside of the run's identity.

mod read;
mod write;

pub use read::{ActError, read};

use serde_json::Value;
use std::collections::BTreeMap;

/// Namespace of the document.
pub const NAMESPACE: &str = "urn:qaqpa:act:1";
/// The id of the element that is signed.
pub const ID: &str = "act";
/// Files of a run's folder, and of its input, that one act names at most.
pub const FILES_MAX: usize = 1_024;
/// Counts of services in one act at most: 315 services × 20 branches.
pub const COUNTS_MAX: usize = 20_000;

/// One of the two that sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// `gateway`, `bank`, `treasury`, `agency` or `centre`.
    pub role: String,
    /// Twelve digits; the signer's certificate must carry them.
    pub bin: String,
    /// As it should be read by people; may be empty.
    pub name: String,
}

/// Rows and money of one side, or of the pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    pub name: String,
    pub rows: u64,
    pub sum_tiyn: i128,
}

/// A file by its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digested {
    /// The side of an input, or the name of a report.
    pub name: String,
    /// 64 hex digits of SHA-256.
    pub sha256: String,
    pub bytes: u64,
}

/// Services given by one branch in one territorial unit in the period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub service: String,
    pub branch: String,
    pub unit: String,
    /// `given`, `refused`, `in_time`, `late`.
    pub numbers: [u64; 4],
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// `payments` or `services`.
    pub kind: String,
    /// The bank of a reconciliation of payments, the agency of one of services.
    pub subject: String,
    /// First and last day, `YYYY-MM-DD`.
    pub period: [String; 2],
    pub parties: [Party; 2],
    pub totals: Vec<Total>,
    /// How many breaks of each category; both sides agree that these are open.
    pub breaks: BTreeMap<String, u64>,
    pub counts: Vec<Count>,
    pub inputs: Vec<Digested>,
    pub files: Vec<Digested>,
    /// What made the run: program, version, digest of the rules.
    pub made_by: [String; 3],
}

impl Act {
    /// The act of a run of payments, from its manifest and the digests of the files beside it.
    /// `None` where the manifest lacks something.
    #[must_use]
    pub fn of_run(manifest: &Value, parties: [Party; 2], mut files: Vec<Digested>) -> Option<Self> {
        files.sort();
        let text = |pointer: &str| manifest.pointer(pointer)?.as_str().map(str::to_owned);
        let number = |pointer: &str| manifest.pointer(pointer)?.as_u64();
        let sum = |name: &str| manifest.pointer(&format!("/sums/{name}"))?.as_i64().map(i128::from);
        let total = |name: &str, rows: &str| {
            Some(Total { name: name.to_owned(), rows: number(rows)?, sum_tiyn: sum(name)? })
        };
        let mut inputs = Vec::new();
        for side in ["journal", "register", "open"] {
            for input in manifest.pointer(&format!("/inputs/{side}"))?.as_array()? {
                let sha256 = input.get("sha256")?.as_str()?.to_owned();
                let bytes = input.get("bytes")?.as_u64()?;
                inputs.push(Digested { name: side.to_owned(), sha256, bytes });
            }
        }
        let breaks = manifest.get("breaks")?.as_object()?;
        let day = text("/opdate")?;
        Some(Self {
            kind: "payments".to_owned(),
            subject: text("/bank")?,
            period: [day.clone(), day],
            parties,
            totals: vec![
                total("journal", "/rows/journal")?,
                total("register", "/rows/register")?,
                total("carried_journal", "/carried/journal")?,
                total("carried_register", "/carried/register")?,
                total("matched", "/matched")?,
            ],
            breaks: breaks
                .iter()
                .map(|(category, count)| Some((category.clone(), count.as_u64()?)))
                .collect::<Option<_>>()?,
            counts: Vec::new(),
            inputs,
            files,
            made_by: [text("/code/name")?, text("/code/version")?, text("/rules/sha256")?],
        })
    }

    /// The document, not yet signed.
    #[must_use]
    pub fn document(&self) -> String {
        write::document(self)
    }

    /// The files of a folder that are not as the act says: by name, and what is wrong.
    #[must_use]
    pub fn differences(&self, folder: &[Digested]) -> Vec<(String, &'static str)> {
        let mut wrong = Vec::new();
        for file in &self.files {
            match folder.iter().find(|other| other.name == file.name) {
                None => wrong.push((file.name.clone(), "missing")),
                Some(other) if other.sha256 != file.sha256 => {
                    wrong.push((file.name.clone(), "another digest"));
                }
                Some(_) => {}
            }
        }
        let added = folder.iter().filter(|other| self.files.iter().all(|f| f.name != other.name));
        wrong.extend(added.map(|other| (other.name.clone(), "not in the act")));
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(super) fn act() -> Act {
        let manifest = json!({
            "bank": "BANKKZ9A", "opdate": "2026-11-22",
            "inputs": {
                "journal": [{"sha256": "aa".repeat(32), "bytes": 10, "rows": 1, "sum_tiyn": 5}],
                "register": [{"sha256": "bb".repeat(32), "bytes": 11, "rows": 1, "sum_tiyn": 5}],
                "open": [],
            },
            "rules": {"sha256": "cc".repeat(32)}, "code": {"name": "qaqpa", "version": "0.1.0"},
            "matched": 1, "rows": {"journal": 1, "register": 1},
            "carried": {"journal": 0, "register": 0}, "breaks": {"LATE_CUTOFF": 2},
            "sums": {"journal": 5, "register": 5, "carried_journal": 0, "carried_register": 0,
                     "matched": 5},
        });
        let party = |role: &str, bin: &str, name: &str| Party {
            role: role.to_owned(),
            bin: bin.to_owned(),
            name: name.to_owned(),
        };
        let parties = [
            party("gateway", "990140000017", "\"Шлюз\" & Қақпа"),
            party("bank", "980140000018", ""),
        ];
        let file =
            |name: &str| Digested { name: name.to_owned(), sha256: "dd".repeat(32), bytes: 7 };
        let mut act = Act::of_run(&manifest, parties, vec![file("b.csv"), file("a.csv")]).unwrap();
        act.counts.push(Count {
            service: "S1".to_owned(),
            branch: "almaty".to_owned(),
            unit: "750000000".to_owned(),
            numbers: [5, 1, 4, 2],
        });
        act
    }

    #[test]
    fn an_act_is_read_as_it_was_written_and_only_so() {
        let act = act();
        let text = act.document();
        assert_eq!(read(text.as_bytes()).unwrap(), act);
        for (from, to) in [
            ("<Subject>", "<Subject >"),
            (" rows=\"1\"", " rows=\"01\""),
            ("LATE_CUTOFF\" count=\"2\"", "LATE_CUTOFF\"  count=\"2\""),
            ("</Act>", "<More></More></Act>"),
            ("</Act>", "\n</Act>"),
        ] {
            let other = text.replace(from, to);
            assert_ne!(other, text, "{from}");
            assert!(read(other.as_bytes()).is_err(), "{from}");
        }
    }

    #[test]
    fn a_folder_that_changed_is_noticed() {
        let act = act();
        let mut folder = act.files.clone();
        assert_eq!(act.differences(&folder), []);
        folder[0].sha256 = "ee".repeat(32);
        folder[1].name = "c.csv".to_owned();
        let wrong: Vec<_> = act.differences(&folder);
        let wrong: Vec<_> = wrong.iter().map(|(name, what)| (name.as_str(), *what)).collect();
        assert_eq!(
            wrong,
            [("a.csv", "another digest"), ("b.csv", "missing"), ("c.csv", "not in the act")]
        );
    }
}
