//! The screens: which widgets stand where.
//!
//! ```text
//! header      what this is, the incident, the link, the time
//! banners     only what is urgent
//! clocks      TTD TTA TTM TTR, the fleet
//! due         what must not be missed, and how long there is
//! body        one of the screens
//! footer      the keys that matter now
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::format;
use super::layout::{self, Frame, SMALLEST, Shape, Shown};
use super::scene::{Scene, lines};
use super::theme::Role;
use super::ui::View;
use super::widgets::{
    banner, chart, clocks, cohorts, devices, drill, due, footer, header, metrics, rollout, runbook, scrubber, switches,
    timeline, updates, why,
};
use crate::domain::clock::Clock;

/// Draws everything.
pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    if scene.shape == Shape::TooSmall {
        return draw_too_small(scene, area, buffer);
    }
    let banners = banner::urgent(scene.snapshot);
    let past = scrubber::height(scene);
    let frame = frame(scene, area);
    header::draw(scene, frame.header, buffer);
    if scene.snapshot.joined {
        draw_joined(scene, area, frame.footer, buffer);
        return;
    }
    let [scrubbed, told] = Layout::vertical([Constraint::Length(past), Constraint::Fill(1)]).areas(frame.banner);
    scrubber::draw(scene, scrubbed, buffer);
    banner::draw(&banners, scene, told, buffer);
    clocks::draw(scene, frame.clocks, buffer);
    due::draw(scene, frame.due, buffer);
    match scene.ui.view {
        View::Room => draw_room(scene, frame.body, buffer),
        View::Fleet => draw_fleet(scene, frame.body, buffer),
        View::Runbook => runbook::draw(scene, frame.body, buffer),
        View::Timeline => timeline::draw(scene, frame.body, buffer),
        View::Updates => updates::draw(scene, frame.body, buffer),
        View::Switches => switches::draw(scene, frame.body, buffer),
        View::Drill => drill::draw(scene, frame.body, buffer),
        View::Metrics => metrics::draw(scene, frame.body, buffer),
    }
    footer::draw(scene, frame.footer, buffer);
    for overlay in &scene.ui.overlays {
        overlay.draw(scene, area, buffer);
    }
}

/// What stands above and below the body, and what is left for it.
pub fn frame(scene: &Scene<'_>, area: Rect) -> Frame {
    let above = banner::urgent(scene.snapshot).len() as u16 + scrubber::height(scene);
    layout::frame(area, above, !due::is_empty(scene))
}

/// The terminal of a facilitator who has joined has one screen, and it has all the room.
fn draw_joined(scene: &Scene<'_>, area: Rect, footer: Rect, buffer: &mut Buffer) {
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area };
    drill::draw(scene, body, buffer);
    footer::draw(scene, footer, buffer);
    for overlay in &scene.ui.overlays {
        overlay.draw(scene, area, buffer);
    }
}

/// What is needed, and the little that fits: how bad it is and how long it has lasted.
fn draw_too_small(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let snapshot = scene.snapshot;
    let needs = format!("warroom needs {}×{}, this is {}×{}", SMALLEST.0, SMALLEST.1, area.width, area.height);
    let mut told = vec![Line::from(scene.span(needs, Role::Warn))];
    if let Some(incident) = scene.ui.incident(snapshot) {
        told.push(Line::from(
            scene.span(format!("{} {} {}", incident.severity, incident.id, incident.title), Role::Alarm),
        ));
        let reading = Clock::Mitigate.read(&incident.moments, &snapshot.targets, snapshot.at);
        told.push(Line::from(
            scene.span(format!("TTM {} {}", format::duration(reading.elapsed_s), reading.word()), Role::Text),
        ));
        told.push(Line::from(scene.span(format!("IC {}", incident.commander_name()), Role::Text)));
    } else if let Some(alert) = snapshot.alert_in_front() {
        told.push(Line::from(scene.span(format!("alert {} {}", alert.id, alert.finding.cohort), Role::Alarm)));
    }
    let online = format!(
        "{} of {} online",
        format::count(snapshot.totals.online.into()),
        format::count(snapshot.totals.devices.into())
    );
    told.push(Line::from(scene.span(online, Role::Text)));
    lines(&told, area, buffer);
}

/// Cohorts that a folded room shows although a rollout stands above them.
const FEW: usize = 5;

fn draw_room(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    let snapshot = scene.snapshot;
    let nothing_rolls = snapshot.campaigns.is_empty() && snapshot.actuations.is_empty();
    // That there is none is worth a few rows only where nobody else wants them.
    let rollout = !nothing_rolls || (scene.shape == Shape::Folded && snapshot.table.total <= FEW);
    let runbook = scene.ui.incident(snapshot).is_some();
    let alert = scene.ui.alert(snapshot).is_some();
    let room = layout::room(body, scene.shape, Shown { rollout, runbook, alert });
    cohorts::draw(scene, room.cohorts, buffer);
    chart::draw(scene, room.chart, buffer);
    runbook::draw(scene, room.runbook, buffer);
    why::draw(scene, room.why, buffer);
    rollout::draw(scene, room.rollout, buffer);
    timeline::draw(scene, room.timeline, buffer);
}

fn draw_fleet(scene: &Scene<'_>, body: Rect, buffer: &mut Buffer) {
    if scene.ui.opened.is_some() {
        return devices::draw_one(scene, body, buffer);
    }
    let fleet = layout::fleet(body, scene.shape);
    cohorts::draw(scene, fleet.cohorts, buffer);
    chart::draw(scene, fleet.chart, buffer);
    devices::draw(scene, fleet.devices, buffer);
}
