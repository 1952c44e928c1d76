//! System calls of a program, as strace saw them.
//!
//! Include it with `#[path = "support/strace.rs"] mod strace;`.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail so")]

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

const CALLS: &str = "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg,connect,\
     read,readv,recvfrom,recvmsg";

/// One system call, from its line to the line in which it returned.
pub(crate) struct Event {
    name: String,
    /// Arguments and result; sockets and files by name.
    pub(crate) text: String,
    pub(crate) unix_s: f64,
    pub(crate) begun: usize,
    pub(crate) ended: usize,
}

impl Event {
    pub(crate) fn is(&self, names: &[&str], about: &str) -> bool {
        names.contains(&self.name.as_str()) && self.text.contains(about)
    }

    /// The file or socket it is about, as strace writes it: `12<TCP:[127.0.0.1:40000->127.0.0.1:5432]>`.
    pub(crate) fn descriptor(&self) -> String {
        self.text.split_inclusive("]>").next().unwrap_or_default().to_owned()
    }

    pub(crate) fn is_good(&self) -> bool {
        self.text.trim_end().ends_with(" = 0")
    }
}

pub(crate) const WRITES: [&str; 4] = ["write", "writev", "sendto", "sendmsg"];
pub(crate) const READS: [&str; 4] = ["read", "readv", "recvfrom", "recvmsg"];

/// The words before a program that let strace write its calls into a file.
pub(crate) fn before<'a>(trace: &'a Path, program: &'a str) -> Vec<&'a str> {
    let strace = Command::new("strace").arg("-V").output();
    assert!(strace.is_ok_and(|out| out.status.success()), "strace is missing: run `make tools`");
    let strace = ["strace", "-D", "-f", "-ttt", "-yy", "-s", "65536", "-e", CALLS, "-o"];
    [&strace[..], &[trace.to_str().unwrap(), program]].concat()
}

/// What a file holds of a trace; `None` while its program has not ended.
pub(crate) fn events(trace: &Path) -> Option<Vec<Event>> {
    let bytes = std::fs::read(trace).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().last().filter(|line| line.contains("+++ exited with"))?;
    let mut unfinished: HashMap<&str, Event> = HashMap::new();
    let mut events = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // `1234  1795348800.123456 write(…`: short numbers of threads are padded.
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((time, rest)) = rest.trim_start().split_once(' ') else { continue };
        if let Some((_, end)) = rest.split_once(" resumed>") {
            if let Some(event) = unfinished.remove(thread) {
                events.push(Event { text: event.text + end, ended: number, ..event });
            }
            continue;
        }
        let Some((name, text)) = rest.split_once('(') else { continue };
        let event = Event {
            name: name.to_owned(),
            text: text.to_owned(),
            unix_s: time.parse().expect("a time"),
            begun: number,
            ended: number,
        };
        match rest.ends_with("<unfinished ...>") {
            true => drop(unfinished.insert(thread, event)),
            false => events.push(event),
        }
    }
    events.sort_by_key(|event| event.begun);
    Some(events)
}
