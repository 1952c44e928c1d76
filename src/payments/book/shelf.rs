//! The rows of reconciliation in a book: runs, files and breaks, read once and written once like all others.

use super::{Tracked, Write, insert, put, split};
use crate::payments::breaks::record::{Break, BreakStep, RegisterFile, Run};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What of a book belongs to reconciliation.
#[derive(Debug, Default)]
pub(in crate::payments) struct Shelf {
    runs: BTreeMap<String, Tracked<Run>>,
    items: BTreeMap<String, Tracked<Break>>,
    files: HashMap<String, RegisterFile>,
    new_files: Vec<RegisterFile>,
    new_steps: Vec<BreakStep>,
}

impl Shelf {
    pub(super) fn absorb_run(&mut self, row: Value) -> Result<(), serde_json::Error> {
        let row: Run = serde_json::from_value(row)?;
        let version = row.version;
        self.runs.entry(row.id.clone()).or_insert(Tracked::read(row, version));
        Ok(())
    }

    pub(super) fn absorb_break(&mut self, row: Value) -> Result<(), serde_json::Error> {
        let row: Break = serde_json::from_value(row)?;
        let version = row.version;
        self.items.entry(row.id.clone()).or_insert(Tracked::read(row, version));
        Ok(())
    }

    pub(super) fn absorb_file(&mut self, row: Value) -> Result<(), serde_json::Error> {
        let row: RegisterFile = serde_json::from_value(row)?;
        self.files.insert(row.id.clone(), row);
        Ok(())
    }

    pub(in crate::payments) fn run(&self, id: &str) -> Option<&Run> {
        self.runs.get(id).map(|tracked| &tracked.row)
    }

    pub(in crate::payments) fn item(&self, id: &str) -> Option<&Break> {
        self.items.get(id).map(|tracked| &tracked.row)
    }

    pub(in crate::payments) fn file(&self, id: &str) -> Option<&RegisterFile> {
        self.files.get(id)
    }

    pub(in crate::payments) fn put_run(&mut self, run: Run) {
        put(&mut self.runs, run.id.clone(), run);
    }

    pub(in crate::payments) fn put_break(&mut self, item: Break) {
        put(&mut self.items, item.id.clone(), item);
    }

    pub(in crate::payments) fn put_file(&mut self, file: RegisterFile) {
        self.files.insert(file.id.clone(), file.clone());
        self.new_files.push(file);
    }

    pub(in crate::payments) fn put_step(&mut self, step: BreakStep) {
        self.new_steps.push(step);
    }

    /// What is to be written, changed rows first.
    pub(super) fn writes(&self, writes: &mut Vec<Write>) -> Result<(), serde_json::Error> {
        let mut inserts = Vec::new();
        split("reconcile_run", self.runs.values(), writes, &mut inserts)?;
        split("break_item", self.items.values(), writes, &mut inserts)?;
        writes.append(&mut inserts);
        writes.push(insert("register_file", &self.new_files)?);
        writes.push(insert("break_step", &self.new_steps)?);
        Ok(())
    }
}
