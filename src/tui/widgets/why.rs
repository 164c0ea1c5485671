//! Why: what the incident, or the alert, rests on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr;

use crate::domain::acceptance::Acceptance;
use crate::domain::alert::Alert;
use crate::domain::campaign::CampaignState;
use crate::domain::cohort::CohortKey;
use crate::domain::cost::IF_NOTHING_MORE;
use crate::domain::incident::Incident;
use crate::domain::rollout::of_wave;
use crate::domain::share::percent;
use crate::domain::signal::Signal;
use crate::domain::verdict::Origin;
use crate::engine::snapshot::Snapshot;
use crate::tui::action::Action;
use crate::tui::action::respond::Respond;
use crate::tui::format;
use crate::tui::layout::Shape;
use crate::tui::scene::{Scene, cut, lines, wrap};
use crate::tui::theme::Role;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let incident = incident(scene);
    let bill = incident.and_then(|incident| scene.snapshot.bills.get(&incident.id)).filter(|bill| bill.total() > 0);
    let room = usize::from(area.width).saturating_sub(4);
    let title = bill.map_or_else(
        || "why".into(),
        |bill| {
            let title = format!("why · cost {}", bill.sum());
            let full = format!("{title} {IF_NOTHING_MORE}");
            match bill.may_fall() {
                false => title,
                true if full.width() <= room => full,
                true => format!("why · may cost {}", bill.sum()),
            }
        },
    );
    let inner = scene.pane(&title, None, area, buffer);
    let width = usize::from(inner.width).saturating_sub(2);
    lines(&cut(content(scene, width), inner.height.into(), inner.width.into()), inner, buffer);
}

/// The incident, where the cursor is not on a cohort that something else is wrong with.
fn incident<'a>(scene: &Scene<'a>) -> Option<&'a Incident> {
    let incident = scene.ui.incident(scene.snapshot).filter(|_| scene.ui.chosen_alert(scene.snapshot).is_none());
    incident.map(AsRef::as_ref)
}

fn content<'a>(scene: &Scene<'a>, width: usize) -> Vec<Line<'a>> {
    let snapshot = scene.snapshot;
    let say = |text: String, role: Role| Line::from(scene.span(format!(" {text}"), role));
    let wrapped =
        |text: &str, role: Role| wrap(text, width).into_iter().map(|text| say(text, role)).collect::<Vec<_>>();
    if let Some(incident) = incident(scene) {
        let alert = snapshot.alerts.iter().find(|alert| incident.alerts.contains(&alert.id));
        let origin = match incident.origin {
            Origin::Undecided => "",
            Origin::Device => " · device",
            Origin::Platform => " · platform",
        };
        let about = format!("{}{origin} · {} · {}", incident.kind, incident.cohort.sentence(), incident.stage().name());
        let mut content = wrapped(&about, Role::Title);
        match alert {
            Some(alert) => content.extend(evidence(scene, alert, &incident.cohort, width)),
            None => content.extend(wrapped(&format!("declared by hand, by {}", incident.declared_by), Role::Muted)),
        }
        if let Some(note) = incident.notes.last() {
            content.extend(wrapped(&format!("{} noted: {}", note.by, note.text.replace('\n', " ⏎ ")), Role::Muted));
        }
        content.extend(left_out(scene).map(|line| say(line, Role::Muted)));
        return content;
    }
    if let Some(alert) = scene.ui.alert(snapshot) {
        let proposal = snapshot.proposals.get(&alert.id);
        let kind = proposal.map(|p| format!("looks like {}, {} · ", p.kind, p.severity)).unwrap_or_default();
        let about = snapshot.about(alert);
        let mut content = wrapped(&format!("{kind}{}", about.sentence()), Role::Alarm);
        content.extend(evidence(scene, alert, about, width));
        let taken = alert.acknowledged.as_ref().map_or_else(
            || format!("{} takes it", scene.key(Action::Acknowledge)),
            |(at, by)| format!("{by} took it at {}", format::clock(*at)),
        );
        let keys = wrapped(&format!("{taken} · {} declares an incident", scene.key(Action::Declare)), Role::Key);
        // Where there are three lines they are the evidence's: the footer has the keys.
        let place = if scene.shape == Shape::Folded { content.len() } else { 0 };
        content.splice(place..place, keys);
        let others = snapshot.loose_alerts().filter(|other| other.id != alert.id);
        content.extend(others.flat_map(|other| wrapped(&in_a_line(snapshot, other), Role::Warn)));
        content.extend(left_out(scene).map(|line| say(line, Role::Muted)));
        return content;
    }
    let crossed = crossed_rules(snapshot);
    if !crossed.is_empty() {
        let mut content: Vec<_> = crossed.iter().flat_map(|rule| wrapped(rule, Role::Alarm)).collect();
        content.extend(wrapped("no alert says yet what is behind it", Role::Muted));
        return content;
    }
    let nothing = if snapshot.link.is_up() && !snapshot.accepted.is_empty() {
        "nothing else is wrong that the room can see"
    } else if snapshot.link.is_up() {
        "nothing is wrong that the room can see"
    } else if snapshot.totals.devices == 0 {
        "the room sees nothing: it is not connected"
    } else {
        "the room sees nothing new: it is not connected"
    };
    let mut content = wrapped(nothing, if snapshot.link.is_up() { Role::Muted } else { Role::Warn });
    content.extend(snapshot.accepted.iter().flat_map(|known| wrapped(&accepted(known), Role::Muted)));
    if !snapshot.accepted.is_empty() && !snapshot.read_only {
        let key = scene.key(Action::Respond(Respond::WatchAgain));
        content.push(say(format!("{key} takes back what was accepted"), Role::Muted));
    }
    if !snapshot.codes.is_empty() {
        let codes: Vec<_> =
            snapshot.codes.iter().take(3).map(|(code, n)| format!("{code} ×{}", format::count(*n))).collect();
        content.push(say(format!("error codes so far: {}", codes.join(", ")), Role::Muted));
    }
    // Where there are few lines the footer has the keys.
    if !snapshot.read_only && scene.shape != Shape::Folded {
        content.push(say(format!("{} declares by hand", scene.key(Action::DeclareByHand)), Role::Muted));
    }
    content
}

/// An alert in a line: whom it is about, and what they do.
pub fn in_a_line(snapshot: &Snapshot, alert: &Alert) -> String {
    let signals: Vec<_> = alert.signals().map(|signal| signal.name()).collect();
    format!("{} {} · {}", alert.id, snapshot.about(alert).sentence(), signals.join(", "))
}

/// That there is something that the room does not count.
fn left_out(scene: &Scene<'_>) -> Option<String> {
    let accepted = scene.snapshot.accepted.len();
    let key = scene.key(Action::Respond(Respond::WatchAgain));
    (accepted > 0).then(|| format!("{accepted} accepted as usual, and not counted · {key} takes back"))
}

fn accepted(known: &Acceptance) -> String {
    let until = known.until.map(|until| format!(" until {}", until.utc().format("%Y-%m-%d %H:%MZ")));
    format!("as usual{}: {} · {}: {}", until.unwrap_or_default(), known.usual, known.by, known.reason)
}

/// The stop rules that are crossed in rollouts that are not over.
fn crossed_rules(snapshot: &Snapshot) -> Vec<String> {
    let open = snapshot.campaigns.iter().filter(|campaign| campaign.state != CampaignState::Finished);
    let crossed = open.flat_map(|campaign| {
        let standings = campaign.standings.iter().filter(|standing| standing.crossed);
        standings.map(|standing| format!("stop rule crossed · {}{}: {standing}", campaign.id, of_wave(standing.wave)))
    });
    crossed.collect()
}

/// How the alert's cohort is now, and what was seen when it was raised: the two must not be taken for one another.
fn evidence<'a>(scene: &Scene<'a>, alert: &Alert, about: &CohortKey, width: usize) -> Vec<Line<'a>> {
    // Those suspected by now may be fewer than those among whom it was raised.
    let wider = (alert.finding.cohort != *about).then(|| format!(" in {}:", alert.finding.cohort));
    let now = scene.snapshot.alerts_now.get(&alert.id).filter(|now| now.devices > 0);
    let now = now.map_or_else(String::new, |now| {
        let online = now.online.min(now.devices);
        let share = percent(f64::from(online) / f64::from(now.devices));
        let (away, devices) = (format::count((now.devices - online).into()), format::count(now.devices.into()));
        let of = wider.as_deref().unwrap_or_default();
        let away = format!("{away} of {devices} away ({share} online)");
        // Who is away is so now; what devices showed is counted over some minutes, and outlasts its cause by as many.
        let affected = now.affected.filter(|_| alert.finding.signal != Signal::Online);
        let affected = affected.map(|n| format!("{} affected in the last minutes", format::count(n.into())));
        let away = (affected.is_none() || online < now.devices).then(|| format!("now{of} {away}"));
        let told: Vec<String> = affected.into_iter().chain(away).collect();
        format!("{}{} · ", told.join(" · "), scene.age())
    });
    let cleared = alert.cleared.map(|at| format!(" · cleared {}Z", format::clock(at))).unwrap_or_default();
    let now = format!("{now}since {}Z{cleared}", format::clock(alert.finding.onset));
    let also: Vec<_> = alert.also.iter().map(|finding| finding.signal.name()).collect();
    let also = if also.is_empty() { String::new() } else { format!(" · also {}", also.join(", ")) };
    let of = wider.as_deref().unwrap_or(":");
    let then = format!("at {} {}Z{of} {}{also}", alert.id, format::clock(alert.at), alert.finding.evidence);
    [(now, Role::Title), (then, Role::Text)]
        .into_iter()
        .flat_map(|(text, role)| wrap(&text, width).into_iter().map(move |text| (text, role)).collect::<Vec<_>>())
        .map(|(text, role)| Line::from(scene.span(format!(" {text}"), role)))
        .collect()
}
