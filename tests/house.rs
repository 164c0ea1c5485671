//! The rules of the house, held by reading its code: who may know whom, and what may be spoken where.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which modules each module may use. What is not named may not be used.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("limits", &[]),
    ("document", &[]),
    ("fleet", &["domain", "limits"]),
    ("detect", &["domain", "fleet", "limits"]),
    ("engine", &["domain", "fleet", "detect", "limits"]),
    ("mqtt", &["limits"]),
    ("ingest", &["domain", "fleet", "limits"]),
    ("store", &["domain", "limits"]),
    ("actuate", &["domain", "mqtt", "limits"]),
    // Its friends are the encoder beside the decoders, and the words in which a team decides about rollouts.
    ("drill", &["config::rollout", "domain", "document", "mqtt", "limits", "ingest::encode"]),
    ("report", &["domain", "engine", "limits"]),
    ("config", &["domain", "document", "fleet", "ingest", "limits"]),
    ("tui", &["domain", "document", "engine", "limits"]),
    ("runtime", &["actuate", "detect", "domain", "drill", "engine", "ingest", "limits", "mqtt", "store"]),
    (
        "cli",
        &[
            "actuate", "config", "detect", "document", "domain", "drill", "engine", "ingest", "limits", "mqtt",
            "report", "runtime", "store", "tui",
        ],
    ),
];

/// What may be spoken only in some modules: a word of the code, and where.
const SPOKEN_ONLY: &[(&str, &[&str])] = &[
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("tui_textarea", &["tui"]),
    ("terminput", &["tui"]),
    ("rumqttc", &["mqtt"]),
    ("rusqlite", &["store"]),
    ("ureq", &["actuate"]),
    ("tokio::process", &["actuate"]),
    ("UnixListener", &["runtime"]),
    ("SystemTime::now", &["runtime"]),
    ("Utc::now", &[]),
    ("Local::now", &[]),
    ("RandomState", &["runtime", "fleet"]),
    ("fastrand", &["drill"]),
    ("std::process::Command", &["config"]),
    ("unsafe", &[]),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
        let mut entries: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.to_string_lossy().ends_with("tests.rs") {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.into_iter().map(|(path, source)| (path.strip_prefix(&root).unwrap().to_owned(), code_of(&source))).collect()
}

/// The code without comments, and without the tests at its end.
fn code_of(source: &str) -> String {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The module that a file belongs to: its first directory, or its own name.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Paths into this crate that a file uses: `crate::engine::snapshot`, with braces taken apart at the first level.
fn used(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest: String = code[at + "crate::".len()..].chars().filter(|c| !c.is_whitespace()).take(400).collect();
        match rest.strip_prefix('{') {
            None => paths.push(path_of(&rest)),
            Some(list) => {
                let mut depth = 0;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => paths.push(path_of(&std::mem::take(&mut item))),
                        c => item.push(c),
                    }
                }
                paths.push(path_of(&item));
            }
        }
    }
    paths
}

fn path_of(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect()
}

#[test]
fn nobody_knows_whom_they_must_not_know() {
    let rules: BTreeMap<&str, &[&str]> = MAY_KNOW.iter().copied().collect();
    let mut broken = Vec::new();
    for (path, code) in sources() {
        let own = module(&path);
        if own == "lib" || own == "main" {
            continue;
        }
        let allowed =
            rules.get(own.as_str()).unwrap_or_else(|| panic!("no rule for the module {own}; add one to MAY_KNOW"));
        for used in used(&code) {
            let other = used.split(':').next().unwrap();
            let fine = other == own
                || !rules.contains_key(other)
                || allowed.iter().any(|a| used == *a || used.starts_with(&format!("{a}::")) || *a == other);
            if !fine {
                broken.push(format!("{} uses crate::{used}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "the house has rules (tests/house.rs):\n{}", broken.join("\n"));
}

#[test]
fn what_belongs_to_one_module_is_spoken_there_alone() {
    let mut broken = Vec::new();
    for (path, code) in sources() {
        for (word, places) in SPOKEN_ONLY {
            let spoken = code.match_indices(word).any(|(at, _)| {
                let before = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let after = code[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
                before && after
            });
            if spoken && !places.contains(&module(&path).as_str()) {
                broken.push(format!("{} speaks of {word}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "the house has rules (tests/house.rs):\n{}", broken.join("\n"));
}

#[test]
fn files_hold_one_idea_each() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, code)| (path, code.lines().filter(|line| !line.trim().is_empty()).count()))
        .filter(|(_, lines)| *lines > 420)
        .collect();
    assert!(long.is_empty(), "files that have grown past one idea: {long:?}");
    for drawer in ["utils", "common", "helpers", "misc"] {
        assert!(
            !sources().iter().any(|(path, _)| path.to_string_lossy().contains(drawer)),
            "no drawer called {drawer}"
        );
    }
}
