//! What the timeline says of switches.

use super::Weight;
use crate::domain::count::counted;
use crate::domain::event::Event;
use crate::domain::event::switch::SwitchEvent;
use crate::domain::event::waves::{Ran, WavesEvent};
use crate::domain::ids::ActuationId;
use crate::domain::switch::Preview;

/// The sentence of an event about a switch; `name` gives an actuation its name.
pub(super) fn sentence(event: &Event, name: &dyn Fn(&ActuationId) -> String) -> (Weight, String) {
    use Weight::{Action, Alarm, Quiet};
    match event {
        Event::SwitchArmed { switch, campaign } => (Quiet, format!("armed {} for {campaign}", switch.label())),
        Event::SwitchDisarmed { switch, campaign, reason } => {
            (Quiet, format!("disarmed {} for {campaign}: {reason}", switch.label()))
        }
        Event::ActuationRequested { switch, label, preview, .. } => {
            let label = label.clone().unwrap_or_else(|| switch.label());
            (Action, format!("{label} requested · {}", aimed_at(preview)))
        }
        Event::ActuationSent { actuation } => (Quiet, format!("{} sent", name(actuation))),
        Event::ActuationAccepted { actuation } => {
            (Action, format!("{} accepted: the system behind it said yes", name(actuation)))
        }
        Event::ActuationEffective { actuation, rolled_back, .. } if *rolled_back > 0 => {
            (Action, format!("{} EFFECTIVE · gone back: {}", name(actuation), counted(*rolled_back, "device")))
        }
        Event::ActuationEffective { actuation, in_flight_before: 0, silent: 0, .. } => {
            (Action, format!("{} EFFECTIVE", name(actuation)))
        }
        Event::ActuationEffective { actuation, in_flight_before, silent: 0, .. } => {
            (Action, format!("{} EFFECTIVE · in flight {in_flight_before} → 0", name(actuation)))
        }
        Event::ActuationEffective { actuation, in_flight_before, silent, .. } => (
            Action,
            format!("{} EFFECTIVE · in flight {in_flight_before} → none heard, {silent} silent", name(actuation)),
        ),
        Event::ActuationEscaped { actuation, devices, count } => {
            (Alarm, format!("{} ESCAPED by {count}: {}", name(actuation), devices.join(", ")))
        }
        Event::ActuationFailed { actuation, reason } => (Alarm, format!("{} FAILED: {reason}", name(actuation))),
        Event::ActuationUnknown { actuation, reason } => {
            (Alarm, format!("{} sent, outcome unknown: {reason}", name(actuation)))
        }
        Event::Switch(event) => of_switch(event, name),
        Event::Waves(event) => of_waves(event, name),
        // Everything else has a sentence of its own.
        _ => (Quiet, String::new()),
    }
}

fn aimed_at(preview: &Preview) -> String {
    match &preview.devices {
        Some(devices) => format!("{} · {} online", preview.about(), devices.online),
        None => format!(
            "{} · in flight {} · queued {}",
            preview.campaign,
            preview.progress.in_flight(),
            preview.progress.queued
        ),
    }
}

fn of_waves(event: &WavesEvent, name: &dyn Fn(&ActuationId) -> String) -> (Weight, String) {
    use Weight::{Action, Alarm, Normal, Quiet};
    match event {
        WavesEvent::SwitchWaveBegun { actuation, wave, of, devices } => {
            let devices = if *devices == 1 { "1 device".into() } else { format!("{devices} devices") };
            (Action, format!("{} · wave {wave} of {of} begins: {devices}", name(actuation)))
        }
        WavesEvent::SwitchWaveSoaks { actuation, wave, done, escaped, away, soak_s } => (
            Normal,
            format!("{} · wave {wave}: {done} done, {escaped} escaped, {away} away; soaks {soak_s} s", name(actuation)),
        ),
        WavesEvent::SwitchWavesPaused { actuation, wave, reason } => {
            (Alarm, format!("{} PAUSED in wave {wave}: {reason}", name(actuation)))
        }
        WavesEvent::SwitchWavesWentOn { actuation, wave } => {
            (Action, format!("{} goes on in wave {wave}", name(actuation)))
        }
        WavesEvent::VersionsKnown { versions } => {
            let ran = |Ran { version, devices, online }: &Ran| format!("{version} ({online} of {devices} online)");
            let versions: Vec<String> = versions.iter().map(ran).collect();
            (Quiet, format!("running well before the wave: {}", versions.join(", ")))
        }
    }
}

fn of_switch(event: &SwitchEvent, name: &dyn Fn(&ActuationId) -> String) -> (Weight, String) {
    use Weight::{Action, Alarm, Normal};
    match event {
        SwitchEvent::ApprovalAsked { approval, label, preview, .. } => {
            (Action, format!("approval {approval} wanted: {label} · {}", preview.about()))
        }
        SwitchEvent::ApprovalRefused { approval, uid, reason } => {
            (Alarm, format!("approval {approval} by user {uid} did not count: {reason}"))
        }
        SwitchEvent::ApprovalEnded { approval, reason } => {
            (Normal, format!("approval {approval} ended, nothing was sent: {reason}"))
        }
        SwitchEvent::Approved { approval, reason, .. } => (Action, format!("approved {approval}: {reason}")),
        SwitchEvent::GlassBroken { approval, reason, review_due } => {
            let due = review_due.to_string();
            (Alarm, format!("BREAK-GLASS on approval {approval}: {reason} · to be reviewed by {}", &due[..10]))
        }
        SwitchEvent::StepTaken { actuation, step, yes, no, reason } => {
            let because = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let weight = if *no > 0 { Alarm } else { Normal };
            (weight, format!("{} · {step}: {yes} yes, {no} no{because}", name(actuation)))
        }
        SwitchEvent::ActuationStopped { actuation, asked, left } => {
            (Action, format!("{} STOPPED: {asked} asked, {left} never asked", name(actuation)))
        }
        SwitchEvent::ActuationWaits { actuation, devices, count } => {
            let more = *count as usize - devices.len().min(*count as usize);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            (Alarm, format!("{} waits for {}{more}: alive, and still in flight", name(actuation), devices.join(", ")))
        }
        SwitchEvent::ActuationRetried { actuation } => (Action, format!("{} again, same id", name(actuation))),
        SwitchEvent::ActuationRechecked { actuation } => {
            (Action, format!("{}: looking at what became of it", name(actuation)))
        }
        SwitchEvent::SwitchTested { switch, environment, ok, took_ms, detail } => {
            let took = *took_ms as f64 / 1000.0;
            let (weight, word) = if *ok { (Action, "works") } else { (Alarm, "FAILED") };
            (weight, format!("test of {} in {environment}: {word} after {took:.1} s · {detail}", switch.label()))
        }
    }
}
