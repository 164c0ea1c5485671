//! What `analyze` says to people: what the room would have written down, and what it would have thought of it.

use std::sync::Arc;

use crate::detect::JUDGES_AFTER_S;
use crate::detect::suspects::Suspect;
use crate::domain::count::counted;
use crate::domain::fault::Fault;
use crate::domain::incident::Incident;
use crate::domain::time::At;
use crate::engine::timeline::{Entry, Weight};
use crate::runtime::playback::Played;

pub(super) fn tell(played: &Played, unread: u64) {
    let time = |at: Option<At>| at.map_or_else(|| "–".into(), |at| at.to_string());
    let messages = counted(played.messages, "message");
    let devices = counted(played.devices as u64, "device");
    say!("{messages} of {devices}, {} to {}", time(played.from), time(played.to));
    left_out(played, unread).iter().for_each(|line| say!("{line}"));
    say!();
    // The room keeps the newest.
    let forgotten = played.timeline.first().map_or(0, |first| first.seq.0.saturating_sub(1));
    if forgotten > 0 {
        say!("earlier, and not kept: {}", counted(forgotten, "line"));
    }
    // How an incident stands now and then is told once, in the end.
    let is_told = |entry: &&Arc<Entry>| entry.weight != Weight::Quiet || entry.incident.is_none();
    for entry in played.timeline.iter().filter(is_told) {
        say!("{}  {}", entry.at, entry.text);
    }
    for (incident, suspects) in &played.incidents {
        say!();
        thought(played, incident, suspects).iter().for_each(|line| say!("{line}"));
    }
    if played.alerts.is_empty() {
        say!("{}", nothing(played));
    }
}

/// What of the capture does not count, or not by its name.
fn left_out(played: &Played, unread: u64) -> Vec<String> {
    let mut told = Vec::new();
    if unread > 0 {
        told.push(format!("not messages: {}", counted(unread, "line")));
    }
    let mut faults: Vec<&(Fault, u64)> = played.faults.iter().collect();
    faults.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let kinds: Vec<String> = faults.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
    if !kinds.is_empty() {
        told.push(format!("not readable as they are: {}", kinds.join(", ")));
    }
    if played.overflowed > 0 {
        told.push(format!("beyond the limits, counted as (other): {} values or cohorts", played.overflowed));
    }
    if played.dropped > 0 {
        told.push(format!("that the recorder had no room for: {}", counted(played.dropped, "message")));
    }
    told
}

/// An incident, who is suspected, and why.
fn thought(played: &Played, incident: &Incident, suspects: &[Suspect]) -> Vec<String> {
    let Incident { id, kind, title, origin, .. } = incident;
    let severity = incident.worst_severity();
    let mut told = vec![format!("{id} {severity} {kind} · {origin} · {title}")];
    told.extend(suspects.iter().map(|suspect| {
        format!(
            "    {}: {} of {} devices affected, {:.0} % of all affected, {:.0} times as often as the others",
            suspect.cohort.sentence(),
            suspect.affected,
            suspect.devices,
            suspect.share_of_affected * 100.0,
            suspect.lift
        )
    }));
    if let (true, Some(most)) = (suspects.is_empty(), played.most.get(id)) {
        told.push(format!("    no attribute explains it: {} affected at once", counted(*most, "device")));
    }
    if let Some(impact) = incident.learning.impact.filter(|impact| impact.away_device_s > 0) {
        let hours = impact.away_device_s as f64 / 3600.0;
        told.push(format!(
            "    at most {} of {} devices away, {hours:.1} device hours",
            impact.most_away, impact.devices
        ));
    }
    let why = incident.verdict.iter().flat_map(|verdict| &verdict.evidence);
    told.extend(why.map(|why| format!("    · {why}")));
    told
}

/// What it means that nothing was raised.
fn nothing(played: &Played) -> String {
    if played.devices == 0 && played.messages > 0 {
        return "no device was found in it: the routes do not fit its topics. A configuration with other routes, or with the \
                preset of its devices, is given with --config; `warroom config init` writes one to begin with"
            .into();
    }
    let length_s = played.to.zip(played.from).map_or(0, |(to, from)| to.since_s(from));
    if length_s < JUDGES_AFTER_S {
        return format!("too short to be judged: it takes {JUDGES_AFTER_S} s to learn what is usual");
    }
    "nothing that the room would have raised".into()
}
