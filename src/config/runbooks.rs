//! The runbook library: the shipped ones, and a team's own before them.

use std::path::Path;
use std::sync::Arc;

use crate::domain::runbook::{Runbook, markdown};

macro_rules! shipped {
    ($($id:literal),*) => {
        &[$((concat!("runbooks/", $id, ".md"), include_str!(concat!("../../runbooks/", $id, ".md")))),*]
    };
}

/// The shipped runbooks: file and text.
pub const SHIPPED: &[(&str, &str)] = shipped![
    "bad-firmware",
    "mass-disconnect",
    "security",
    "data-quality",
    "capacity-cost",
    "traffic-spike",
    "regional-outage",
    "certificate-expiry"
];

/// Runbooks that can be used, and what is wrong with those that cannot.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub runbooks: Vec<Arc<Runbook>>,
    pub problems: Vec<String>,
}

/// Reads the library. A file with a mistake does not close the room: the shipped one is used, and the mistake is told.
pub fn library(directory: Option<&Path>) -> Library {
    let mut library = Library::default();
    for (name, source) in own_files(directory, "runbooks", &mut library.problems) {
        match markdown::read(&source) {
            Ok(runbook) => library.runbooks.push(runbook.into()),
            Err(mistake) => library.problems.push(format!("{name}: {mistake}; the shipped ones are used meanwhile")),
        }
    }
    for (name, source) in SHIPPED {
        match markdown::read(source) {
            Ok(runbook) if library.runbooks.iter().any(|own| own.id == runbook.id) => {}
            Ok(runbook) => library.runbooks.push(runbook.into()),
            Err(mistake) => library.problems.push(format!("{name}: {mistake}")),
        }
    }
    library
}

/// The Markdown files of a team: name and text. What cannot be read is told among the `problems`.
pub fn own_files(directory: Option<&Path>, what: &str, problems: &mut Vec<String>) -> Vec<(String, String)> {
    let Some(directory) = directory else { return Vec::new() };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(format!("the {what} in {} cannot be read: {error}", directory.display()));
            return Vec::new();
        }
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        match std::fs::read_to_string(&path) {
            Ok(source) => files.push((path.display().to_string(), source)),
            Err(error) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_runbooks_have_no_mistake() {
        let library = library(None);
        assert_eq!(library.problems, [""; 0]);
        assert_eq!(library.runbooks.len(), SHIPPED.len());
    }

    #[test]
    fn a_teams_own_runbook_goes_first_and_a_broken_one_is_told_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let own = SHIPPED[0].1.replace("title: Bad firmware push", "title: Ours");
        std::fs::write(directory.path().join("a.md"), own).unwrap();
        std::fs::write(directory.path().join("b.md"), "---\nid: x\n").unwrap();
        let own_library = library(Some(directory.path()));
        assert_eq!(own_library.runbooks[0].title, "Ours");
        assert_eq!(own_library.runbooks.len(), SHIPPED.len());
        assert!(own_library.problems[0].contains("b.md: line 2: expected `---`"), "{:?}", own_library.problems);
        assert!(library(Some(Path::new("/no/such/place"))).problems[0].contains("cannot be read"));
    }
}
