//! `warroom runbook`: what is in the library, and whether it is right.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Common, Failure};
use crate::config::{Config, runbooks, templates};
use crate::domain::runbook::Runbook;
use crate::domain::runbook::lint::{self, Known};
use crate::domain::runbook::markdown;
use crate::domain::switch::standard::access;
use crate::domain::time::At;
use crate::domain::update::template;
use crate::runtime::clock::Clock;

#[derive(Args)]
pub(super) struct RunbookArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Runbooks that incidents can take up.
    List,
    /// One of them, as the room has it.
    Show { id: String },
    /// Check files, or the whole library: runbooks by their sections, references and review, templates by their facts and
    /// promises. Files with `audience:` in their front matter are templates.
    Lint { files: Vec<PathBuf> },
}

pub(super) fn run(common: &Common, args: &RunbookArgs) -> Result<(), Failure> {
    let config = common.config()?.unwrap_or_default();
    let library = runbooks::library(config.runbooks.directory.as_deref());
    let now = Clock::live().now();
    match &args.what {
        What::List => {
            for runbook in &library.runbooks {
                let steps = runbook.steps().count();
                let stale = if runbook.is_stale(now) { " · review is due" } else { "" };
                let types = runbook.types.iter().map(|kind| kind.id()).collect::<Vec<_>>().join(", ");
                say!(
                    "{:18} {:24} {types} · {steps} steps · reviewed {}{stale}",
                    runbook.id,
                    runbook.title,
                    runbook.reviewed
                );
            }
            problems(library.problems)
        }
        What::Show { id } => {
            let runbook = library.runbooks.iter().find(|runbook| runbook.id == *id);
            let runbook =
                runbook.ok_or_else(|| Failure::Usage(format!("no runbook `{id}`; see `warroom runbook list`")))?;
            show(runbook);
            Ok(())
        }
        What::Lint { files } if files.is_empty() => problems(lint_library(&config, now)),
        What::Lint { files } => {
            let known = known(&config);
            problems(files.iter().flat_map(|path| lint_file(path, &known, now)).collect())
        }
    }
}

fn show(runbook: &Runbook) {
    say!("{}", runbook.title);
    say!("owner {} · reviewed {} · applies to {}", runbook.owner, runbook.reviewed, runbook.applies_to);
    for section in &runbook.sections {
        say!("\n{}", section.title.to_uppercase());
        for step in &section.steps {
            let mut bound = Vec::new();
            bound.extend(step.switch.as_ref().map(|switch| format!("switch {switch}")));
            bound.extend(step.query.map(|query| query.question().to_owned()));
            bound.extend(step.diagnostic.map(|diagnostic| format!("diagnostic {}", diagnostic.id())));
            bound.extend(step.update.as_ref().map(|template| format!("update {template}")));
            bound.extend(step.timer.as_ref().map(|timer| {
                let whom = timer.contact.as_ref().map(|contact| format!(", then wake {contact}")).unwrap_or_default();
                format!("within {} min{whom}", timer.within_s / 60)
            }));
            let bound = if bound.is_empty() { String::new() } else { format!("  [{}]", bound.join(" · ")) };
            say!("  [ ] {}{bound}", step.text);
        }
    }
}

fn known(config: &Config) -> Known {
    let templates = templates::library(config.updates.directory.as_deref());
    // What every drill has may be named too: a room without it says so when the step is taken.
    let switches = config.switches().into_iter().chain(access(&config.fleet.root));
    let mut switches: Vec<String> = switches.map(|switch| switch.id.0).collect();
    switches.dedup();
    Known { switches, templates: templates.ids() }
}

/// What is wrong with a file, each line with its name before it.
fn lint_source(name: &str, source: &str, known: &Known, now: At) -> Vec<String> {
    let is_template =
        source.lines().take_while(|line| !line.starts_with('#')).any(|line| line.starts_with("audience:"));
    if is_template {
        return template::read(source).err().map(|mistake| format!("{name}: {mistake}")).into_iter().collect();
    }
    match markdown::parse(source) {
        Err(mistake) => vec![format!("{name}: {mistake}")],
        Ok(source) => lint::lint(&source, known, now).iter().map(|mistake| format!("{name}: {mistake}")).collect(),
    }
}

fn lint_file(path: &PathBuf, known: &Known, now: At) -> Vec<String> {
    match std::fs::read_to_string(path) {
        Ok(source) => lint_source(&path.display().to_string(), &source, known, now),
        Err(error) => vec![format!("{}: {error}", path.display())],
    }
}

/// The team's own files, and the shipped ones that they do not replace; and whom runbooks name and nobody can reach.
fn lint_library(config: &Config, now: At) -> Vec<String> {
    let known = known(config);
    let mut problems = Vec::new();
    let library = runbooks::library(config.runbooks.directory.as_deref());
    for directory in [&config.runbooks.directory, &config.updates.directory].into_iter().flatten() {
        let mut unread = Vec::new();
        for (name, source) in runbooks::own_files(Some(directory), "files", &mut unread) {
            problems.extend(lint_source(&name, &source, &known, now));
        }
        problems.append(&mut unread);
    }
    for (name, source) in runbooks::SHIPPED {
        let replaced = markdown::read(source)
            .is_ok_and(|shipped| library.runbooks.iter().any(|used| used.id == shipped.id && **used != shipped));
        if !replaced {
            problems.extend(lint_source(name, source, &known, now));
        }
    }
    if !config.contacts.is_empty() {
        for runbook in &library.runbooks {
            let named = runbook.steps().filter_map(|step| step.timer.as_ref()?.contact.as_ref());
            for contact in named.filter(|contact| !config.contacts.contains_key(*contact)) {
                problems.push(format!("runbook {}: nobody is configured as `{contact}` under [contacts]", runbook.id));
            }
        }
    }
    problems.dedup();
    problems
}

fn problems(problems: Vec<String>) -> Result<(), Failure> {
    if problems.is_empty() { Ok(()) } else { Err(Failure::Run(problems.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_library_is_right_on_the_day_it_was_reviewed() {
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        assert_eq!(lint_library(&Config::default(), now), [""; 0]);
        let later = "2027-02-15T00:00:00Z".parse().unwrap();
        assert_eq!(lint_library(&Config::default(), later).len(), runbooks::SHIPPED.len(), "reviews grow old");
    }

    #[test]
    fn who_cannot_be_reached_is_told_once_anybody_can() {
        let mut config = Config::default();
        config.contacts.insert("firmware-lead".into(), "Ada, +46 70 000 00 00".into());
        let told = lint_library(&config, "2026-11-20T00:00:00Z".parse().unwrap()).join("\n");
        assert!(told.contains("runbook bad-firmware: nobody is configured as `second-approver`"), "{told}");
        assert!(!told.contains("`firmware-lead`"));
    }
}
