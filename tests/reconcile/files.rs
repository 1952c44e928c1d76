//! Runs `qaqpa reconcile` and reads what it says and what it leaves.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run said.
pub struct Said {
    pub code: i32,
    pub errors: String,
    /// Standard output.
    pub text: String,
    /// The last line of standard output.
    pub line: Value,
}

/// Runs it over the two files of a folder, into `out` beside them.
pub fn reconcile(folder: &Path, more: &[&str]) -> Said {
    let journal = folder.join("journal.csv");
    let register = folder.join("register.csv");
    run(&[("--journal", &journal), ("--register", &register), ("--out", &folder.join("out"))], more)
}

/// Runs it over files by their options.
pub fn run(files: &[(&str, &Path)], more: &[&str]) -> Said {
    let out = command(files).args(more).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    Said {
        code: out.status.code().unwrap_or(-1),
        errors: String::from_utf8_lossy(&out.stderr).into_owned(),
        line: text.lines().last().and_then(|l| serde_json::from_str(l).ok()).unwrap_or_default(),
        text,
    }
}

/// The command, not yet run.
pub fn command(files: &[(&str, &Path)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qaqpa"));
    command.arg("reconcile");
    for (option, path) in files {
        command.arg(option).arg(path);
    }
    command
}

/// Every file of a folder by its name.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    entries.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}
