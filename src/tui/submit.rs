//! What a form sends: its fields read, checked, and made into a command.

pub mod direct;
pub mod record;
pub mod respond;

use std::collections::BTreeSet;

use super::app::{App, Asked};
use super::format;
use super::overlays::form::{Form, Purpose};
use crate::domain::clock::Moment;
use crate::domain::cohort::CohortKey;
use crate::domain::command::{Command, Declare, SwitchCommand};
use crate::domain::incident::{IncidentType, Severity};
use crate::domain::lens::Filter;
use crate::domain::runbook::StepMark;
use crate::domain::switch::template::Values;
use crate::domain::text::visible_name;
use crate::domain::time::At;
use crate::domain::verdict::{Extent, Origin};
use crate::limits;
use crate::tui::update::pull;
use respond::Asks;

/// Bytes of a file with a list of devices: two hundred thousand names.
const LIST: u64 = 8 * 1024 * 1024;

/// Sends a form.
///
/// # Errors
/// What is wrong with a field, for the person to mend it.
pub(super) fn submit(app: &mut App, form: &Form) -> Result<(), String> {
    let typed = |n: usize| form.fields[n].typed();
    let chosen = |n: usize| form.fields[n].chosen();
    let command = match form.purpose.clone() {
        Purpose::Declare { alert, cohort } => {
            if typed(0).trim().is_empty() {
                return Err("an incident needs a title: what is happening, to whom".into());
            }
            Command::Declare(Declare {
                title: Some(typed(0)),
                severity: Some(Severity::ALL[chosen(1)]),
                kind: Some(IncidentType::ALL[chosen(2)]),
                // An empty name stands for nobody yet.
                commander: Some(typed(3)),
                alert,
                cohort,
            })
        }
        Purpose::Severity(incident) => Command::SetSeverity { incident, severity: Severity::ALL[chosen(0)] },
        Purpose::Type(incident) => Command::SetType { incident, kind: IncidentType::ALL[chosen(0)] },
        Purpose::Origin(incident) => {
            // The first choice of how far it reaches leaves it to the room.
            let extent = chosen(1).checked_sub(1).map(|n| Extent::ALL[n]);
            Command::Overrule { incident, origin: Some(Origin::ALL[chosen(0)]), extent }
        }
        Purpose::About(incident) => {
            Command::SetCohort { incident, cohort: cohort(&typed(0), &app.snapshot.attributes)? }
        }
        Purpose::Commander(incident) => Command::SetCommander { incident, name: required(&typed(0), "a name")? },
        Purpose::Rename(incident) => Command::Retitle { incident, title: required(&typed(0), "a title")? },
        Purpose::Reopen(incident) => Command::Reopen { incident, reason: required(&typed(0), "a reason")? },
        Purpose::Skip { incident, step } => {
            Command::MarkStep { incident, step, mark: StepMark::Skipped(required(&typed(0), "a reason")?) }
        }
        Purpose::Parameters(switch) => {
            let known = app.snapshot.switches.iter().find(|known| known.id == switch).cloned();
            let known = known.ok_or_else(|| format!("there is no switch {switch} any more"))?;
            // What was picked, if there was a choice, stands before what is given.
            let first = form.fields.len().saturating_sub(known.parameters.len());
            let mut parameters = Values::new();
            for (n, name) in known.parameters.iter().enumerate() {
                let value = required(&typed(first + n), name)?;
                if name == "values" {
                    let _: serde_json::Value =
                        serde_json::from_str(&value).map_err(|error| format!("`values` is not JSON: {error}"))?;
                }
                parameters.insert(name.clone(), value);
            }
            known.schema.check(&parameters)?;
            let scopes = pull::scopes(app);
            pull::arm(app, switch, scopes, 0, parameters);
            return Ok(());
        }
        Purpose::BreakGlass(approval) => {
            Command::Switch(SwitchCommand::BreakGlass { approval, reason: required(&typed(0), "a reason")? })
        }
        Purpose::Devices => {
            app.ui.marked = list(&typed(0))?;
            let now = app.snapshot.at;
            app.ui.say(
                format!("{} marked for the next switch", format::counted(app.ui.marked.len() as u64, "device")),
                false,
                now,
            );
            return Ok(());
        }
        Purpose::Close(actuation) => {
            Command::Switch(SwitchCommand::Close { actuation, reason: required(&typed(0), "a reason")? })
        }
        Purpose::Correct(incident) => Command::Correct {
            incident,
            moment: Moment::ALL[chosen(0)],
            to: time(&typed(1), app.snapshot.at)?,
            reason: required(&typed(2), "a reason")?,
        },
        Purpose::Respond(Asks::Compose(_, templates)) => {
            if let Some(template) = templates.get(chosen(0)) {
                crate::tui::update::updates::compose(app, template);
            }
            return Ok(());
        }
        Purpose::Respond(asks) => {
            let snapshot = app.snapshot.clone();
            let updates = app.ui.incident(&snapshot).map(|incident| incident.updates.clone()).unwrap_or_default();
            let cadence = |audience| updates.cadence(audience, &snapshot.cadences);
            respond::command(form, asks, snapshot.at, cadence)?
        }
        Purpose::Direct(asks) => direct::command(form, asks, &app.snapshot.attributes)?,
        Purpose::Record(asks) => record::command(form, asks, app.snapshot.at)?,
        Purpose::Filter => {
            app.ui.filter = Filter::parse(&typed(0), &app.snapshot.attributes)?;
            app.ui.device = 0;
            return Ok(());
        }
        Purpose::GroupBy => {
            let attributes = &app.snapshot.attributes;
            let first = attributes[chosen(0)].clone();
            let second = chosen(1).checked_sub(1).map(|at| attributes[at].clone()).filter(|second| *second != first);
            app.ui.group_by = std::iter::once(first).chain(second).collect();
            app.ui.cohort = None;
            return Ok(());
        }
    };
    app.command(command, Asked::Plainly);
    Ok(())
}

/// The names in a list, or in the file that it names.
fn list(text: &str) -> Result<BTreeSet<String>, String> {
    let text = match text.trim().strip_prefix('@') {
        Some(path) => {
            let unreadable = |error| format!("{path} cannot be read: {error}");
            let size = std::fs::metadata(path).map_err(unreadable)?.len();
            if size > LIST {
                return Err(format!("{path} has {size} bytes; a list of devices has {LIST} at most"));
            }
            std::fs::read_to_string(path).map_err(unreadable)?
        }
        None => text.to_owned(),
    };
    let names = text.split(|c: char| c.is_whitespace() || c == ',').filter(|name| !name.is_empty());
    Ok(names.map(|name| visible_name(name, limits::DEVICE_ID).into_owned()).collect())
}

fn required(text: &str, what: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err(format!("this needs {what}")) } else { Ok(text.trim().to_owned()) }
}

/// `firmware=3.2.5 hardware=rev-B`; nothing at all is the whole fleet.
fn cohort(text: &str, attributes: &[String]) -> Result<CohortKey, String> {
    let pairs = text.split_whitespace().map(|pair| {
        let wrong = || format!("`{pair}` is not `attribute=value`; write firmware=3.2.5 hardware=rev-B");
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name = match name {
            "fw" => "firmware",
            "hw" => "hardware",
            name => name,
        };
        let known = attributes.iter().any(|attribute| attribute == name);
        let unknown = || format!("no attribute `{name}`; there are {}", attributes.join(", "));
        known.then_some((name, value)).ok_or_else(unknown)
    });
    pairs.into_iter().try_fold(CohortKey::default(), |key, pair| pair.map(|(name, value)| key.and(name, value)))
}

/// `17:38:52` or `17:38`, the last time it was that late in UTC; or a whole RFC 3339 time.
fn time(text: &str, now: At) -> Result<At, String> {
    let text = text.trim().trim_end_matches('Z');
    if let Ok(at) = text.parse::<At>().or_else(|_| format!("{text}Z").parse::<At>()) {
        return Ok(at);
    }
    let wrong = || format!("`{text}` is not a time; write 17:38:52, or 2026-11-20T17:38:52Z");
    let parts: Vec<i64> = text.split(':').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let (h, m, s) = match parts[..] {
        [h, m] => (h, m, 0),
        [h, m, s] => (h, m, s),
        _ => return Err(wrong()),
    };
    if !((0..24).contains(&h) && (0..60).contains(&m) && (0..60).contains(&s)) {
        return Err(wrong());
    }
    let midnight = now.second().div_euclid(86_400) * 86_400;
    let today = At::from_ms((midnight + h * 3600 + m * 60 + s) * 1000);
    Ok(if today > now { today.plus_s(-86_400) } else { today })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        let now: At = "2026-11-20T17:42:00Z".parse().unwrap();
        let cases = [
            ("17:38:52", Some("2026-11-20T17:38:52.000Z")),
            ("17:38", Some("2026-11-20T17:38:00.000Z")),
            ("23:10", Some("2026-11-19T23:10:00.000Z")),
            ("2026-11-20T10:00:00Z", Some("2026-11-20T10:00:00.000Z")),
            ("2026-11-20T10:00:00+02:00", Some("2026-11-20T08:00:00.000Z")),
            ("25:00", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(time(text, now).ok().map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }
}
