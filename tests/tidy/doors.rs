//! The law of doors: sockets, files, clocks, environment, SQL and processes are met in few rooms only.

use crate::tidy::source::Source;
use std::collections::BTreeSet;

/// A way out of pure code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Door {
    Files,
    Sockets,
    Clock,
    Environment,
    Sql,
    Processes,
}

/// A file or folder, the doors that it may open, and why.
pub(crate) type Room = (&'static str, &'static [Door], &'static str);

/// The door behind a path such as `std::fs::read`, if there is one.
fn door(path: &str) -> Option<Door> {
    let begins = |heads: &[&str]| {
        heads.iter().any(|head| {
            path.strip_prefix(head).is_some_and(|tail| tail.is_empty() || tail.starts_with("::"))
        })
    };
    let ends = |tails: &[&str]| tails.iter().any(|tail| path.ends_with(tail));
    let sockets = ["TcpListener", "TcpStream", "UdpSocket", "ToSocketAddrs"];
    match path {
        _ if begins(&["std::fs", "tokio::fs", "tempfile"]) => Some(Door::Files),
        _ if begins(&["tokio::net", "std::os::unix::net"]) => Some(Door::Sockets),
        // Addresses are plain values; only what connects is a door.
        _ if begins(&["std::net"]) && (ends(&sockets) || path == "std::net") => Some(Door::Sockets),
        _ if ends(&["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"])
            || ends(&["Uuid::now_v7"])
            || begins(&["tokio::time"]) =>
        {
            Some(Door::Clock)
        }
        _ if begins(&["std::env"]) => Some(Door::Environment),
        _ if begins(&[
            "rusqlite",
            "tokio_postgres",
            "deadpool_postgres",
            "tokio_postgres_rustls",
        ]) =>
        {
            Some(Door::Sql)
        }
        _ if begins(&["std::process::Command", "tokio::process"]) => Some(Door::Processes),
        _ => None,
    }
}

/// Every door that production code of one file opens, with its line.
pub(crate) fn doors(source: &Source) -> Vec<(usize, Door, String)> {
    let opened = paths(&source.halves().0);
    opened.into_iter().filter_map(|(line, path)| Some((line, door(&path)?, path))).collect()
}

/// Doors opened in a file that stands in no room that may open them; each once.
pub(crate) fn doors_out_of_place(source: &Source, rooms: &[Room]) -> Vec<String> {
    if !source.is_rust() || source.is_test_file() {
        return Vec::new();
    }
    let may: BTreeSet<Door> = rooms
        .iter()
        .filter(|(room, ..)| is_in(&source.path, room))
        .flat_map(|(_, doors, _)| doors.iter().copied())
        .collect();
    let mut astray: Vec<_> = doors(source);
    astray.retain(|(_, door, _)| !may.contains(door));
    astray.sort_by_key(|(line, door, _)| (*door, *line));
    astray.dedup_by_key(|(_, door, _)| *door);
    astray
        .iter()
        .map(|(line, door, path)| format!("{}:{line}: {door:?}: {path}", source.path))
        .collect()
}

/// Rows of the table that no file needs any more.
pub(crate) fn rooms_without_need(sources: &[Source], rooms: &[Room]) -> Vec<String> {
    let mut idle = Vec::new();
    for (room, may, _) in rooms {
        let inside = sources.iter().filter(|s| s.is_rust() && is_in(&s.path, room));
        let opened: BTreeSet<Door> = inside.flat_map(doors).map(|(_, door, _)| door).collect();
        let unused = may.iter().filter(|door| !opened.contains(door));
        idle.extend(unused.map(|door| format!("{room}: {door:?}")));
    }
    idle
}

/// Packages or rooms of the crate that a file of `room` names though it may not.
pub(crate) fn arrows_upward(source: &Source, room: &str, forbidden: &[&str]) -> Vec<String> {
    if !source.is_rust() || !is_in(&source.path, room) {
        return Vec::new();
    }
    let is_upward = |path: &str| {
        let inside = path.strip_prefix("crate::").unwrap_or(path);
        let head = inside.split("::").next().unwrap_or_default();
        // Inside the crate a room is named from the top; elsewhere a lone name may be a local one.
        forbidden.contains(&head) && (inside != path || room == "adapters" && path != head)
    };
    let mut upward = paths(&source.halves().0);
    upward.retain(|(_, path)| is_upward(path));
    upward.iter().map(|(line, path)| format!("{}:{line}: {path}", source.path)).collect()
}

fn is_in(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| {
        room.ends_with(".rs") && rest.is_empty() || rest.starts_with('/') || rest == ".rs"
    })
}

/// Every path that code names: those of `use` trees written out, and those in line.
pub(crate) fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut stack: Vec<String> = Vec::new();
    let mut path = String::new();
    let mut is_use = false;
    for (line, token) in tokens(code) {
        let is_name = token.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        match token {
            "::" => path.push_str("::"),
            _ if is_name && path.ends_with("::") => path.push_str(token),
            "{" if path.ends_with("::") => stack.push(std::mem::take(&mut path)),
            _ => {
                let ended = std::mem::take(&mut path);
                if !ended.is_empty() {
                    found.push((line, stack.concat() + &ended));
                }
                match token {
                    "use" => is_use = true,
                    ";" => {
                        is_use = false;
                        stack.clear();
                    }
                    "}" if is_use => drop(stack.pop()),
                    _ if is_name => path.push_str(token),
                    _ => {}
                }
            }
        }
    }
    found
}

/// Names, `::` and single marks, with their lines.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in super::source::lines(code) {
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let name =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let length = match name {
                0 if rest.starts_with("::") => 2,
                0 => rest.chars().next().map_or(1, char::len_utf8),
                _ => name,
            };
            let (token, tail) = rest.split_at(length);
            found.push((number, token));
            rest = tail.trim_start();
        }
    }
    found
}

mod tests {
    use super::*;

    const ROOMS: &[Room] = &[
        ("src/ops", &[Door::Sockets], "scrapes"),
        ("src/load.rs", &[Door::Files, Door::Environment], "the configuration"),
    ];

    fn astray(path: &str, code: &str) -> Vec<String> {
        doors_out_of_place(&Source::new(path, code), ROOMS)
    }

    #[test]
    fn a_use_tree_is_written_out() {
        let code = "use std::{\n    fs::{self, File},\n    io,\n};\nfn f() { a::b(c::<D>::e()) }";
        let found: Vec<String> = paths(code).into_iter().map(|(_, path)| path).collect();
        for path in ["std::fs::self", "std::fs::File", "std::io", "a::b"] {
            assert!(found.iter().any(|p| p == path), "{path} in {found:?}");
        }
        assert!(!found.iter().any(|p| p.starts_with("std::a")), "{found:?}");
    }

    #[test]
    fn every_kind_of_door_is_found_outside_its_room() {
        for (code, name) in [
            ("use std::fs;", "Files"),
            ("use std::{fs, io};", "Files"),
            ("fn f() { std::fs::read(p) }", "Files"),
            ("use tokio::net::TcpStream;", "Sockets"),
            ("use std::net::{IpAddr, TcpListener};", "Sockets"),
            ("fn f() { Instant::now() }", "Clock"),
            ("fn f() { std::time::SystemTime::now() }", "Clock"),
            ("use tokio::time::sleep;", "Clock"),
            ("fn f() { std::env::var(n) }", "Environment"),
            ("use rusqlite::Connection;", "Sql"),
            ("use std::process::Command;", "Processes"),
        ] {
            let found = astray("src/sign/trust.rs", code);
            assert!(
                found.len() == 1 && found.iter().all(|o| o.contains(name)),
                "{code}: {found:?}"
            );
        }
    }

    #[test]
    fn types_of_addresses_and_times_are_no_doors() {
        let code = "use std::net::SocketAddr; use std::time::{Duration, Instant}; use std::process::ExitCode;";
        assert_eq!(astray("src/sign/trust.rs", code), Vec::<String>::new());
    }

    #[test]
    fn a_room_opens_its_own_doors_and_no_other() {
        assert_eq!(astray("src/ops/http.rs", "use tokio::net::TcpListener;"), Vec::<String>::new());
        assert_eq!(astray("src/load.rs", "use std::fs;"), Vec::<String>::new());
        assert_eq!(astray("src/ops/http.rs", "use std::fs;").len(), 1);
        assert_eq!(astray("src/ops_more.rs", "use tokio::net;").len(), 1);
    }

    #[test]
    fn tests_at_the_foot_may_open_any_door() {
        let code = "fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }";
        assert_eq!(astray("src/sign/trust.rs", code), Vec::<String>::new());
    }

    #[test]
    fn a_row_that_nobody_needs_is_found() {
        let sources = [Source::new("src/ops/http.rs", "use tokio::net::TcpListener;")];
        assert_eq!(
            rooms_without_need(&sources, ROOMS),
            ["src/load.rs: Files", "src/load.rs: Environment"]
        );
    }

    #[test]
    fn an_arrow_upward_is_found_and_names_of_ones_own_are_not() {
        for (room, bad) in [
            ("adapters", "async fn f() { tokio::spawn(g()) }"),
            ("adapters", "use tokio::sync::{mpsc};"),
            ("src/sign", "use crate::tokio::x;"),
            ("src/sign", "use crate::{config, tokio};"),
        ] {
            let bad = Source::new(&format!("{room}/mod.rs"), bad);
            assert_eq!(arrows_upward(&bad, room, &["tokio"]).len(), 1, "{}", bad.text);
            assert_eq!(arrows_upward(&bad, "src/ops", &["tokio"]).len(), 0);
        }
        for (room, good) in [
            ("adapters", "// tokio::spawn\nfn tokio_free() {}"),
            ("src/sign", "fn f(tokio: u8) { crate::config::tokio(); tokio::x() }"),
        ] {
            let good = Source::new(&format!("{room}/mod.rs"), good);
            assert_eq!(arrows_upward(&good, room, &["tokio"]), Vec::<String>::new());
        }
    }
}
