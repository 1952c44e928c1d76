//! Laws about one file at a time: its size, its first words, its names, and what must not be left in it.

use crate::tidy::source::{Source, lines};

pub(crate) const FILE_LINES_MAX: usize = 400;
pub(crate) const FUNCTION_LINES_MAX: usize = 70;
/// In tests and benches, where a function may be a table: one row a case, read like a ledger.
pub(crate) const TABLE_LINES_MAX: usize = 120;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "manager"];
/// Written in two halves, so that this file obeys its own law.
const LEFTOVERS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("to", "do!"),
    concat!("un", "implemented!"),
];
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];
const REGISTRIES: [&str; 5] = [
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js."),
    concat!("deb.", "debian.org"),
];
const CODE_ENDS: [&str; 9] =
    [".rs", ".toml", ".py", ".sh", ".yml", ".sql", ".java", "Makefile", ".ci/run"];

fn is_code(path: &str) -> bool {
    CODE_ENDS.iter().any(|end| path.ends_with(end))
}

/// Does `text` hold `word` with no letter, digit or `_` on either side?
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at), text.get(at + word.len()..));
        !before.is_some_and(|text| text.ends_with(is_name))
            && !after.is_some_and(|text| text.starts_with(is_name))
    })
}

pub(crate) fn file_too_long(source: &Source) -> Vec<String> {
    let count = source.text.lines().count();
    let is_long = source.is_rust() && count > FILE_LINES_MAX;
    is_long.then(|| format!("{}: {count} lines", source.path)).into_iter().collect()
}

/// The first line is a `//!` sentence: a capital letter or a name at its head, a stop at its end.
pub(crate) fn first_line_says_nothing(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//! ").is_some_and(|sentence| {
        sentence.split_whitespace().count() >= 4 && sentence.ends_with(['.', ':', '?'])
    });
    let is_mute = source.is_rust() && !says;
    is_mute.then(|| format!("{}:1: {first}", source.path)).into_iter().collect()
}

/// Functions, from `fn` to the closing brace, that are longer than a page.
pub(crate) fn functions_too_long(source: &Source) -> Vec<String> {
    let code = source.code();
    let foot = source.halves().0.len();
    let starts = code.match_indices("fn ").filter(|(at, _)| {
        !code
            .get(..*at)
            .is_some_and(|text| text.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    let mut found = Vec::new();
    for (at, _) in starts.filter(|_| source.is_rust()) {
        let here = code.get(at..).unwrap_or_default();
        let count = here.get(..function_bytes(here)).unwrap_or_default().lines().count();
        let count_max = if at < foot { FUNCTION_LINES_MAX } else { TABLE_LINES_MAX };
        if count > count_max {
            let line = code.get(..at).unwrap_or_default().matches('\n').count() + 1;
            let head = here.lines().next().unwrap_or_default();
            found.push(format!("{}:{line}: {count} lines: {head}", source.path));
        }
    }
    found
}

/// Bytes of a function from `fn` to its closing brace; 0 where it has no body.
fn function_bytes(here: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in here.char_indices() {
        match c {
            ';' if depth == 0 => return 0,
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && c == '}' {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    here.len()
}

/// File, folder and item names that say nothing, and `get_` before what is a noun.
pub(crate) fn names_that_say_nothing(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let is_empty = |name: &str| {
        name.split(['/', '_', '-', '.']).any(|word| EMPTY_NAMES.contains(&word))
            || ["Util", "Common", "Helper", "Manager"].iter().any(|end| name.ends_with(end))
    };
    if is_code(&source.path) && is_empty(&source.path) {
        found.push(source.path.clone());
    }
    for (number, line) in lines(&source.code()).filter(|_| source.is_rust()) {
        let words: Vec<&str> = line
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|w| !w.is_empty())
            .collect();
        for pair in words.windows(2) {
            let [kind, name] = pair else { continue };
            let is_named = ["fn", "mod", "struct", "enum", "trait", "type"].contains(kind);
            if is_named && (is_empty(name) || *kind == "fn" && name.starts_with("get_")) {
                found.push(format!("{}:{number}: {kind} {name}", source.path));
            }
        }
    }
    found
}

pub(crate) fn leftovers(source: &Source) -> Vec<String> {
    let is_left = |line: &str| {
        LEFTOVERS.iter().any(|word| match word.strip_suffix('!') {
            Some(_) => line.contains(word),
            None => has_word(line, word),
        })
    };
    offences(source, is_code(&source.path), &source.text, is_left)
}

/// A test that is ignored proves nothing; one that sleeps proves it slowly, and sometimes not.
///
/// `#[ignore = "run by …"]` marks what a test of the same file starts as a process of its own.
pub(crate) fn ignored_or_sleeping_tests(source: &Source) -> Vec<String> {
    let tests = if source.is_rust() { source.halves().1 } else { source.text.clone() };
    let is_test = source.is_rust() || source.path.starts_with("tests/") && is_code(&source.path);
    // A bench may poll: it proves nothing, it measures.
    let applies = is_test && !source.path.starts_with("benches/");
    let sleeps =
        |line: &str| ["sleep(", "sleep_until(", "sleep_ms("].iter().any(|c| line.contains(c));
    let idle = |line: &str| {
        let parent =
            line.split_once("#[ignore = \"run by ").map(|(_, tail)| tail.trim_end_matches("\"]"));
        let is_run = parent.is_some_and(|name| source.text.contains(&format!("fn {name}(")));
        line.trim_start().starts_with("#[ignore") && !is_run
    };
    let mut found = offences(source, applies, &tests, sleeps);
    found.extend(offences(source, applies && source.is_rust(), &source.text, idle));
    found
}

/// Where this or that developer keeps the clone is nobody's business; nor is the way to a registry.
pub(crate) fn places_of_a_machine(source: &Source) -> Vec<String> {
    let is_bad = |line: &str| {
        let is_inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~');
        MACHINE_PATHS.iter().any(|path| {
            line.match_indices(path)
                .any(|(at, _)| !line.get(..at).is_some_and(|t| t.ends_with(is_inside)))
        }) || REGISTRIES.iter().any(|host| line.contains(host))
    };
    offences(source, source.path != "Cargo.lock", &source.text, is_bad)
}

/// A test's name is a promise in a sentence, so it has more words than two.
pub(crate) fn test_names_that_promise_nothing(source: &Source) -> Vec<String> {
    let code = source.code();
    let mut follows_test = false;
    let mut found = Vec::new();
    for (number, line) in lines(&code).filter(|_| source.is_rust()) {
        let name =
            line.split_once("fn ").map(|(_, tail)| tail.split('(').next().unwrap_or_default());
        if let Some(name) = name.filter(|_| follows_test) {
            // `$promise`: a macro makes the test, its names stand where it is called.
            if name.split('_').count() < 3 && !name.starts_with('$') {
                found.push(format!("{}:{number}: {name}", source.path));
            }
            follows_test = false;
        }
        follows_test |= ["#[test]", "#[tokio::test"].iter().any(|mark| line.contains(mark));
    }
    found
}

fn offences(
    source: &Source,
    applies: bool,
    text: &str,
    is_bad: impl Fn(&str) -> bool,
) -> Vec<String> {
    let bad = lines(text).filter(|(_, line)| applies && is_bad(line));
    bad.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())).collect()
}

mod tests {
    use super::*;

    /// The law bites `bad` and leaves `good` alone.
    fn bites(law: fn(&Source) -> Vec<String>, bad: (&str, &str), good: (&str, &str)) {
        assert_eq!(law(&Source::new(bad.0, bad.1)).len(), 1, "{bad:?}");
        assert_eq!(law(&Source::new(good.0, good.1)), Vec::<String>::new(), "{good:?}");
    }

    #[test]
    fn a_file_of_401_lines_is_found() {
        let (long, fits) = ("x\n".repeat(401), "x\n".repeat(400));
        bites(file_too_long, ("src/a.rs", &long), ("src/a.rs", &fits));
        bites(file_too_long, ("src/a.rs", &long), ("LICENSE", &long));
    }

    #[test]
    fn a_first_line_without_a_sentence_is_found() {
        for bad in [
            "",
            "use std;",
            "//! Stuff.",
            "//! opens the journal for writing",
            "// Says why it exists.",
        ] {
            bites(
                first_line_says_nothing,
                ("src/a.rs", bad),
                ("src/a.rs", "//! Says why it exists.\n"),
            );
        }
    }

    #[test]
    fn a_function_of_71_lines_is_found() {
        let function =
            |body: usize| format!("fn a() {{\n{}}}\nfn b();\n", "    // }\n".repeat(body));
        bites(functions_too_long, ("src/a.rs", &function(69)), ("src/a.rs", &function(68)));
        let table = function(119);
        let foot = format!("#[cfg(test)]\nmod tests {{\n{}}}", function(118));
        bites(functions_too_long, ("src/a.rs", &table), ("src/a.rs", &foot));
        bites(functions_too_long, ("tests/a.rs", &table), ("tests/a.rs", &function(118)));
        let generic = format!("fn a<T>(x: [u8; 2]) where T: Fn() {{\n{}}}", "{}\n".repeat(70));
        bites(functions_too_long, ("src/a.rs", &generic), ("src/a.rs", "trait A { fn a(&self); }"));
    }

    #[test]
    fn an_empty_name_is_found_in_paths_modules_types_and_functions() {
        let good = ("src/journal/writer.rs", "fn target() {} // a manager reads this");
        for path in ["src/util.rs", "src/common/x.rs", "adapters/kit/xml_helpers.rs"] {
            bites(names_that_say_nothing, (path, ""), good);
        }
        for code in ["mod helper;", "struct PoolManager;", "fn get_name() {}", "enum HttpUtil {}"] {
            bites(names_that_say_nothing, ("src/a.rs", code), good);
        }
    }

    #[test]
    fn a_leftover_is_found_also_in_comments() {
        let good = ("src/a.rs", "// methods, todos\nlet hacker = 1;");
        for word in LEFTOVERS {
            bites(leftovers, ("src/a.rs", &format!("f(); // {word}")), good);
        }
    }

    #[test]
    fn an_ignored_or_sleeping_test_is_found_and_a_sleeping_gateway_is_not() {
        let good = ("src/a.rs", "async fn pause() { tokio::time::sleep(span).await }");
        let foot = "#[cfg(test)]\nmod tests { fn a() { thread::sleep(span) } }";
        bites(ignored_or_sleeping_tests, ("src/a.rs", foot), good);
        let waiting = "fn f() { thread::sleep(span) }";
        bites(ignored_or_sleeping_tests, ("tests/a.rs", waiting), ("benches/a.rs", waiting));
        let child = "fn kill() {}\n#[ignore = \"run by kill\"]\nfn a_life() {}";
        for bad in ["#[ignore]", "  #[ignore = \"slow\"]", "#[ignore = \"run by nobody\"]"] {
            bites(ignored_or_sleeping_tests, ("tests/a.rs", bad), ("tests/a.rs", child));
        }
        bites(ignored_or_sleeping_tests, ("tests/clients/a.py", "time.sleep(1)"), good);
    }

    #[test]
    fn a_path_of_a_machine_or_a_registry_host_is_found() {
        let good = ("a.md", "ways to work/rest; config/home/; ProtectHome=yes");
        for place in MACHINE_PATHS {
            bites(places_of_a_machine, ("a.md", &format!("see {place}qaqpa")), good);
        }
        for host in REGISTRIES {
            bites(places_of_a_machine, ("a.md", &format!("from {host}org")), good);
        }
    }

    #[test]
    fn a_test_name_of_two_words_is_found() {
        let good = ("src/a.rs", "#[test]\nfn a_twin_is_refused() {}\nfn helps_it() {}");
        bites(test_names_that_promise_nothing, ("src/a.rs", "#[test]\nfn test_twin() {}"), good);
        bites(
            test_names_that_promise_nothing,
            ("src/a.rs", "#[tokio::test]\nasync fn twin() {}"),
            good,
        );
    }
}
