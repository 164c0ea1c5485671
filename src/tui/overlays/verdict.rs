//! The verdict: what the room thinks an incident is and why, who is suspected, and how to overrule it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::cohort::CohortKey;
use crate::domain::command::Command;
use crate::domain::ids::AlertId;
use crate::domain::incident::Incident;
use crate::domain::probe::{Points, Probe};
use crate::domain::share::percent;
use crate::domain::verdict::{Extent, Verdict};
use crate::engine::snapshot::{Snapshot, Suspect};
use crate::tui::action::Action;
use crate::tui::format;
use crate::tui::key::{Code, Key};
use crate::tui::layout::centred;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::Ui;

/// Columns that the window takes where there are so many.
const WIDTH: u16 = 96;

/// The suspects of the incident that is looked at, the best first.
pub fn suspects<'a>(ui: &Ui, snapshot: &'a Snapshot) -> &'a [Suspect] {
    let incident = ui.incident(snapshot).map(|incident| incident.id);
    incident.and_then(|id| snapshot.suspects.get(&id)).map_or(&[], |suspects| &suspects[..])
}

/// What a key does to the selected suspect: Enter says that it is the one, `-` that it is not.
pub fn decide(key: Key, selected: usize, ui: &Ui, snapshot: &Snapshot) -> Option<Command> {
    let incident = ui.incident(snapshot)?.id;
    let cohort = suspects(ui, snapshot).get(selected)?.cohort.clone();
    match key.code {
        Code::Enter => Some(Command::SetCohort { incident, cohort }),
        Code::Char('-') => Some(Command::RejectSuspect { incident, cohort }),
        _ => None,
    }
}

pub fn draw(selected: usize, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let width = area.width.min(WIDTH);
    let text_width = usize::from(width).saturating_sub(4);
    let (title, content) = match scene.ui.incident(scene.snapshot) {
        Some(incident) => {
            (format!("verdict · {} · Esc closes", incident.id), content(scene, incident, selected, text_width))
        }
        None => match &scene.snapshot.proposed {
            Some((alert, verdict)) => {
                (format!("verdict · {alert}, not declared · Esc closes"), proposed(scene, *alert, verdict, text_width))
            }
            None => {
                let nothing = "no alert and no incident: there is nothing to judge";
                let mut content = vec![Line::from(scene.span(nothing, Role::Muted)), Line::default()];
                content.extend(asked(scene, &scene.snapshot.probes, text_width));
                ("verdict · Esc closes".into(), content)
            }
        },
    };
    let height = (content.len() as u16 + 2).min(area.height.saturating_sub(2));
    let inner = scene.window(&title, Role::Focus, centred(area, width, height), buffer);
    lines(&content, inner, buffer);
}

/// What would be declared of an alert, and why.
fn proposed<'a>(scene: &Scene<'a>, alert: AlertId, verdict: &Verdict, width: usize) -> Vec<Line<'a>> {
    let mut content = looks(scene, verdict, width);
    content.push(Line::default());
    if let Some(proposal) = scene.snapshot.proposals.get(&alert) {
        let would =
            format!("would be {} · about {} · {}", proposal.severity, proposal.cohort.sentence(), proposal.title);
        content.extend(wrap(&would, width).into_iter().map(|text| Line::from(scene.span(text, Role::Warn))));
    }
    content.extend(asked(scene, &verdict.probes, width));
    if !scene.snapshot.read_only {
        let keys = format!(
            "{} declares it; every part of it can be changed there and later · {} takes the alert",
            scene.key(Action::Declare),
            scene.key(Action::Acknowledge)
        );
        content.push(Line::default());
        content.extend(wrap(&keys, width).into_iter().map(|text| Line::from(scene.span(text, Role::Key))));
    }
    content
}

/// What it looks like, and the reasons.
fn looks<'a>(scene: &Scene<'a>, verdict: &Verdict, width: usize) -> Vec<Line<'a>> {
    let say = |text: String, role: Role| Line::from(scene.span(text, role));
    let looks = format!("looks like {} · {} · {}", verdict.kind, verdict.origin, verdict.extent.name());
    let mut content = vec![say(looks, Role::Title)];
    for why in &verdict.evidence {
        let wrapped = wrap(why, width.saturating_sub(2));
        let bullet = |(n, text)| say(format!("{}{text}", if n == 0 { "· " } else { "  " }), Role::Text);
        content.extend(wrapped.into_iter().enumerate().map(bullet));
    }
    content
}

fn content<'a>(scene: &Scene<'a>, incident: &Incident, selected: usize, width: usize) -> Vec<Line<'a>> {
    let mut content = judged(scene, incident, width);
    if let Some(verdict) = verdict(scene.snapshot, incident) {
        content.extend(asked(scene, &verdict.probes, width));
        content.push(Line::default());
    }
    content.extend(listed(scene, incident, selected, width));
    if !scene.snapshot.read_only {
        let overrule = format!(
            "Enter it is this one · - not this one · {} about others · {} type · {} whose fault",
            scene.key(Action::About),
            scene.key(Action::Type),
            scene.key(Action::Origin)
        );
        content.push(Line::default());
        content.extend(wrap(&overrule, width).into_iter().map(|text| Line::from(scene.span(text, Role::Key))));
    }
    content
}

/// What is thought of an incident now, or was when it was last looked at.
fn verdict<'a>(snapshot: &'a Snapshot, incident: &'a Incident) -> Option<&'a Verdict> {
    snapshot.verdicts.get(&incident.id).or(incident.verdict.as_ref())
}

/// The questions that tell platform from device, each with its answer.
fn asked<'a>(scene: &Scene<'a>, probes: &[Probe], width: usize) -> Vec<Line<'a>> {
    let line = |probe: &Probe| {
        let role = match probe.points {
            Points::Platform => Role::Warn,
            Points::Device => Role::Title,
            Points::Neither => Role::Text,
            Points::Unknown => Role::Muted,
        };
        let text = format!("{:<9} {:<8}  {}", probe.question.name(), probe.points.name(), probe.words);
        Line::from(scene.span(format::left(&text, width), role))
    };
    let head = (!probes.is_empty()).then(|| Line::from(scene.span("PROBE     SPEAKS FOR", Role::Muted)));
    head.into_iter().chain(probes.iter().map(line)).collect()
}

/// What the room thinks, why, and what people have said instead.
fn judged<'a>(scene: &Scene<'a>, incident: &Incident, width: usize) -> Vec<Line<'a>> {
    let say = |text: String, role: Role| Line::from(scene.span(text, role));
    let mut content = Vec::new();
    match verdict(scene.snapshot, incident) {
        Some(verdict) => content.extend(looks(scene, verdict, width)),
        None => content.push(say("no alert speaks for it: it is what people say it is".into(), Role::Muted)),
    }
    let overruled = incident.overruled;
    let said = [
        (overruled.kind, format!("type {}", incident.kind)),
        (overruled.origin, format!("fault of {}", incident.origin)),
        (overruled.extent, incident.extent.map_or("", Extent::sentence).to_owned()),
        (overruled.cohort, format!("about {}", incident.cohort.sentence())),
    ];
    let said: Vec<String> = said.into_iter().filter(|(by_people, _)| *by_people).map(|(_, what)| what).collect();
    if !said.is_empty() {
        content.push(say(format!("people say: {}", said.join(" · ")), Role::Warn));
    }
    if !incident.rejected.is_empty() {
        let rejected: Vec<String> = incident.rejected.iter().map(CohortKey::sentence).collect();
        content.push(say(format!("ruled out: {}", rejected.join(", ")), Role::Warn));
    }
    content.push(Line::default());
    content
}

fn listed<'a>(scene: &Scene<'a>, incident: &Incident, selected: usize, width: usize) -> Vec<Line<'a>> {
    let all = suspects(scene.ui, scene.snapshot);
    if all.is_empty() {
        let nobody = "no suspects: nothing that devices share explains it, or it is over";
        return vec![Line::from(scene.span(nobody, Role::Muted))];
    }
    let name_width = width.saturating_sub(38).max(16);
    let head = format!("{}  devices affected  of all   × others", format::left("SUSPECTS", name_width));
    let mut content = vec![Line::from(scene.span(head, Role::Muted))];
    let selected = selected.min(all.len() - 1);
    for (n, suspect) in all.iter().enumerate() {
        let mark = if incident.cohort == suspect.cohort { "▸ " } else { "  " };
        let name = format!("{mark}{}", suspect.cohort.sentence());
        let lift = if suspect.lift < 1000.0 { format!("{:.1}", suspect.lift) } else { "over 1000".into() };
        let row = format!(
            "{} {} {} {} {}",
            format::left(&name, name_width),
            format::right(&format::count(suspect.devices.into()), 8),
            format::right(&format::count(suspect.affected.into()), 8),
            format::right(format::percent(suspect.share_of_affected).trim_start(), 7),
            format::right(&lift, 10),
        );
        content.push(Line::from(scene.span(row, if n == selected { Role::Selected } else { Role::Text })));
        if !suspect.equivalents.is_empty() {
            let same: Vec<String> = suspect.equivalents.iter().map(CohortKey::sentence).collect();
            let text = format!("    the same devices: {}", same.join(", or "));
            content.push(Line::from(scene.span(format::left(&text, width), Role::Muted)));
        }
        for other in &suspect.instead {
            let (devices, affected) = (f64::from(other.devices.max(1)), f64::from(other.affected));
            let share = percent(affected / devices);
            let text = format!("    nearly as well: {} ({share} affected)", other.cohort.sentence());
            content.push(Line::from(scene.span(format::left(&text, width), Role::Muted)));
        }
    }
    content
}
