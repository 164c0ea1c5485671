//! What is wrong with a runbook that can be read: references to nothing, nobody to wake, a review that is too old.

use super::markdown::Source;
use super::markdown::{REQUIRED_SECTIONS, RunbookError};
use super::{REVIEW_DAYS, Section};
use crate::domain::time::At;

/// What a runbook may refer to.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub switches: Vec<String>,
    pub templates: Vec<String>,
}

/// Everything that is wrong with a runbook, in the order of its lines.
pub fn lint(source: &Source, known: &Known, now: At) -> Vec<RunbookError> {
    let Source { runbook, lines, reviewed_line, sections } = source;
    let mut found = Vec::new();
    let mut say = |line: usize, message: String| found.push(RunbookError { line, message });
    match runbook.review_age_days(now) {
        Some(days) if days > REVIEW_DAYS => say(
            *reviewed_line,
            format!("reviewed {days} days ago, more than {REVIEW_DAYS}; read it again, mend it, and set the date"),
        ),
        _ => {}
    }
    for (section, line) in runbook.sections.iter().zip(sections) {
        let required = REQUIRED_SECTIONS.iter().any(|name| section.title.eq_ignore_ascii_case(name));
        if required && section.steps.is_empty() {
            say(*line, format!("`## {}` has no step; expected `- [ ] …` below it", section.title));
        }
        if section.title.eq_ignore_ascii_case("escalate") && !names_somebody(section) {
            let example = "`- [ ] … {timer: 15 min; contact: firmware-lead}`";
            say(*line, format!("nobody is named under `## {}`; expected a step such as {example}", section.title));
        }
    }
    for step in runbook.steps() {
        let line = lines.get(&step.id).copied().unwrap_or(1);
        if let Some(switch) = step.switch.as_ref().filter(|switch| !known.switches.contains(&switch.0)) {
            say(line, format!("there is no switch `{switch}`; there are {}", known.switches.join(", ")));
        }
        if let Some(template) = step.update.as_ref().filter(|template| !known.templates.contains(template)) {
            say(line, format!("there is no template `{template}`; there are {}", known.templates.join(", ")));
        }
    }
    found.sort_by_key(|mistake| mistake.line);
    found
}

fn names_somebody(section: &Section) -> bool {
    section.steps.iter().any(|step| step.timer.as_ref().is_some_and(|timer| timer.contact.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::runbook::markdown;

    const GOOD: &str = "---\nid: x\ntitle: A title\ntype: bad-firmware\nowner: fleet\nreviewed: 2026-10-01\n---\n## Confirm\n- [ ] one\n## Contain\n- [ ] stop {switch: ota-halt}\n## Communicate\n- [ ] tell {update: internal-first}\n## Escalate\n- [ ] call {timer: 15 min; contact: lead}\n## Debug\n- [ ] look\n";

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_its_mend() {
        let known = Known { switches: vec!["ota-halt".into()], templates: vec!["internal-first".into()] };
        let now = "2026-11-20T17:30:00Z".parse().unwrap();
        let told = |source: &str| -> Vec<String> {
            let source = markdown::parse(source).unwrap();
            lint(&source, &known, now).iter().map(ToString::to_string).collect()
        };
        assert_eq!(told(GOOD), [""; 0]);
        let cases = [
            (GOOD.replace("2026-10-01", "2026-08-01"), "line 6: reviewed 111 days ago, more than 92"),
            (GOOD.replace("ota-halt", "ota-hold"), "line 11: there is no switch `ota-hold`; there are ota-halt"),
            (GOOD.replace("internal-first", "intern"), "line 13: there is no template `intern`"),
            (GOOD.replace("; contact: lead", ""), "line 14: nobody is named under `## Escalate`"),
            (GOOD.replace("- [ ] look\n", ""), "line 16: `## Debug` has no step"),
        ];
        for (source, expected) in cases {
            let told = told(&source);
            assert!(told.len() == 1 && told[0].starts_with(expected), "{expected}: {told:?}");
        }
    }
}
