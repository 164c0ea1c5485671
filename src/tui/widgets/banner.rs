//! Banners: what must not be overlooked, most urgent first. Without anything urgent they take no space.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::input::{LinkChange, LogHealth};
use crate::domain::switch::{Actuation, ActuationState};
use crate::engine::snapshot::Snapshot;
use crate::tui::format;
use crate::tui::scene::Scene;
use crate::tui::theme::Role;

/// Lines at most: a screen full of banners shows nothing else.
const MOST: usize = 3;

/// What is urgent now.
pub fn urgent(snapshot: &Snapshot) -> Vec<(String, Role)> {
    let mut banners = Vec::new();
    match &snapshot.log.health {
        LogHealth::Safe => {}
        LogHealth::Reserve => {
            banners.push(("THE DISK IS FULL: events are written from the reserve; make room now".into(), Role::Warn))
        }
        LogHealth::Unsafe { reason } => {
            banners
                .push((format!("LOG UNSAFE: {reason}; what you do is not recorded, and no switch fires"), Role::Alarm));
        }
    }
    for view in snapshot.actuations.values() {
        let Actuation { label, preview, state, broke_glass, .. } = &*view.actuation;
        if let ActuationState::Unknown { reason } = state {
            // The keys first: they must not be cut.
            let keys = "!r re-check · !t try again · !c close";
            let text = format!("{label} {}: OUTCOME UNKNOWN · {keys} · {reason}", preview.about());
            banners.push((text, Role::Alarm));
        } else if let Some(reason) = broke_glass.as_ref().filter(|_| !state.is_final()) {
            banners.push((format!("BREAK-GLASS: {label} {}: {reason}", preview.about()), Role::Alarm));
        }
    }
    for request in &snapshot.requests {
        let left = format::duration(request.expires.since_s(snapshot.at).max(0) / snapshot.pace);
        let (label, about) = (&request.arming.switch.label, request.arming.preview.about());
        let text = format!("APPROVAL {} wanted: {label} {about} · {left} left · !a", request.approval);
        banners.push((text, Role::Warn));
    }
    if let LinkChange::Down { reason, retry_ms } = &snapshot.link.state {
        let retry = format::ago((*retry_ms as i64).div_euclid(1000).max(1));
        let text = match snapshot.replay {
            Some(_) => format!("nobody listened here: {reason}; of this time nothing is known"),
            None => format!("next try within {retry} · not connected to {}: {reason}", snapshot.broker),
        };
        banners.push((text, Role::Alarm));
    }
    for (filter, reason) in &snapshot.link.blind {
        banners.push((format!("BLIND ON {filter}: {reason}"), Role::Alarm));
    }
    for incident in snapshot.open_incidents() {
        if let Some(worst) = incident.outgrown() {
            let (id, severity) = (incident.id, incident.severity);
            banners.push((
                format!("{id} is {worst} by now, and was declared {severity} · S sets it · v says why"),
                Role::Warn,
            ));
        }
    }
    let totals = &snapshot.totals;
    let limits = [
        (totals.dropped, "messages dropped: they come faster than they can be taken"),
        (totals.overflowed, "attribute values or cohorts beyond the limits, shown as (other)"),
        (totals.unkept, "steps of history not kept: the disk is too slow"),
        (totals.suppressed, "events on the wire not recorded: too many in a minute"),
    ];
    for (n, what) in limits {
        if n > 0 {
            banners.push((format!("{} {what}", format::count(n)), Role::Warn));
        }
    }
    banners.extend(snapshot.warnings.iter().map(|warning| (warning.clone(), Role::Warn)));
    banners.truncate(MOST);
    banners
}

pub fn draw(banners: &[(String, Role)], scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    for ((text, role), row) in banners.iter().zip(area.rows()) {
        let mark = if *role == Role::Alarm { "✗" } else { "!" };
        let text = format::left(&format!(" {mark} {text}"), area.width.into());
        buffer.set_line(row.x, row.y, &Line::from(scene.span(text, *role)), row.width);
    }
}
