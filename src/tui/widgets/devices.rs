//! Devices one by one, and one device from close by.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::campaign::OtaState;
use crate::domain::cohort::CohortKey;
use crate::domain::symptom::Symptom;
use crate::engine::snapshot::{DevicePage, DeviceRow, DeviceView};
use crate::tui::format;
use crate::tui::scene::{Scene, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::ui::Pane;

/// Attributes that stand in the list, as far as there is room.
const SHOWN: [&str; 5] = ["firmware", "hardware", "site", "carrier", "config"];
/// Columns of the last error, and the least for what is wrong with a device.
const ERROR: usize = 8;
const WRONG: usize = 16;
/// Columns of all that every device has: mark, name, last seen, boots, battery, update, error, what is wrong.
const FIXED: usize = 3 + 20 + 10 + 7 + 6 + 14 + ERROR + WRONG;

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let empty = DevicePage::default();
    let page = scene.snapshot.devices.as_ref().unwrap_or(&empty);
    let cohort = scene.snapshot.lens.cohort.as_ref().filter(|cohort| !cohort.is_fleet());
    let of = cohort.map(|cohort| format!(" · {cohort}")).unwrap_or_default();
    let marked = match scene.ui.marked.len() {
        0 => String::new(),
        n => format!(" · {} marked (+)", format::count(n as u64)),
    };
    let title = format!("devices{of} · {}{marked}{}", format::count(page.total as u64), scene.age());
    let inner = scene.pane(&title, Some(Pane::Devices), area, buffer);
    if inner.is_empty() {
        return;
    }
    let columns = columns(scene, cohort, inner.width.into());
    let mut heading = format!("   {}{}", format::left("device", 20), format::right("last seen", 10));
    for (name, _, width) in &columns {
        heading += &format!("  {}", format::left(name, *width));
    }
    heading += &format::right("boots", 7);
    if has_battery(inner.width.into()) {
        heading += &format::right("batt", 6);
    }
    heading += &format!("  {}{}wrong now", format::left("update", 12), format::left("error", ERROR));
    let mut shown = vec![Line::from(scene.span(heading, Role::Muted))];
    if page.rows.is_empty() {
        shown.push(Line::from(scene.span("   no device passes", Role::Muted)));
    }
    for (n, row) in page.rows.iter().enumerate() {
        let selected = scene.ui.focus(scene.snapshot) == Pane::Devices && page.first + n == scene.ui.device;
        shown.push(device_line(scene, row, &columns, selected, inner.width.into()));
    }
    lines(&shown, inner, buffer);
}

/// Name, place and width of the attributes there is room for; not those that are the same in the whole cohort.
fn columns(scene: &Scene<'_>, cohort: Option<&CohortKey>, width: usize) -> Vec<(&'static str, usize, usize)> {
    let mut left = width.saturating_sub(FIXED);
    let mut columns = Vec::new();
    for name in SHOWN.into_iter().filter(|name| !cohort.is_some_and(|cohort| cohort.0.contains_key(*name))) {
        let Some(at) = scene.snapshot.attributes.iter().position(|known| known == name) else { continue };
        if left >= 14 {
            columns.push((name, at, 12));
            left -= 14;
        }
    }
    columns
}

/// Whether there is room for the battery: what is wrong with a device comes first.
const fn has_battery(width: usize) -> bool {
    width >= FIXED
}

fn device_line<'a>(
    scene: &Scene<'a>,
    row: &DeviceRow,
    columns: &[(&'static str, usize, usize)],
    selected: bool,
    width: usize,
) -> Line<'a> {
    let seen = row.seen.map_or_else(|| "·".into(), |at| format!("{} ago", format::ago(scene.snapshot.at.since_s(at))));
    let mut text = format!("{}{}", format::left(&row.id, 20), format::right(&seen, 10));
    for (_, at, width) in columns {
        text += &format!("  {}", format::left(row.values.get(*at).map_or("", String::as_str), *width));
    }
    text += &format::right(&row.boots.map_or_else(|| "·".into(), |n| n.to_string()), 7);
    if has_battery(width) {
        text += &format::right(&row.battery.map_or_else(|| "·".into(), |n| format!("{n}%")), 6);
    }
    let update = if row.ota == OtaState::None { "" } else { row.ota.name() };
    text += &format!("  {}{} {}", format::left(update, 12), format::left(&row.error, ERROR - 1), wrong(row));
    let (mark, role) = mark(row);
    let text = format::left(&text, width.saturating_sub(3));
    let marked = if scene.ui.marked.contains(&row.id) { "+" } else { " " };
    if selected {
        return Line::from(scene.span(format::left(&format!("{marked}{mark} {text}"), width), Role::Selected));
    }
    Line::from(vec![
        Span::styled(marked, scene.data(Role::Key)),
        Span::styled(format!("{mark} "), scene.data(role)),
        Span::styled(text, scene.data(Role::Text)),
    ])
}

/// What stands before a device: whether it is there, whether it should be, and whether something else is wrong with it.
const fn mark(row: &DeviceRow) -> (&'static str, Role) {
    match (row.online, row.symptoms) {
        (true, 0) => ("●", Role::Good),
        (true, _) => ("!", Role::Warn),
        (false, symptoms) if symptoms & Symptom::Offline.bit() != 0 => ("✗", Role::Alarm),
        // It sleeps, is updated, or is worked on.
        (false, _) => ("○", Role::Muted),
    }
}

/// What is wrong with a device just now.
fn wrong(row: &DeviceRow) -> String {
    Symptom::of_bits(row.symptoms).map(Symptom::name).collect::<Vec<_>>().join(", ")
}

/// One device from close by: its attributes, its numbers, its last messages as they came.
pub fn draw_one(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let id = scene.ui.opened.clone().unwrap_or_default();
    let inner = scene.pane(&format!("device {id} · Esc goes back"), Some(Pane::Devices), area, buffer);
    let Some(device) = scene.snapshot.device.as_ref().filter(|device| device.row.id == id) else {
        let line = Line::from(scene.span("   looking …", Role::Muted));
        return lines(&[line], inner, buffer);
    };
    let content = device_content(scene, device, inner.width.into());
    lines(&content, inner, buffer);
}

fn device_content<'a>(scene: &Scene<'a>, device: &DeviceView, width: usize) -> Vec<Line<'a>> {
    let row = &device.row;
    let (mark, role) = mark(row);
    let state = if row.online { "online" } else { "offline" };
    let ago = |at| format!("last message {} ago", format::ago(scene.snapshot.at.since_s(at)));
    let seen = format!(" · {}", row.seen.map_or_else(|| "not heard since the room opened".into(), ago));
    let mut content =
        vec![Line::from(vec![scene.span(format!(" {mark} {state}"), role), scene.span(seen, Role::Text)])];
    let facts = |pairs: Vec<(String, String)>| {
        let mut spans = vec![Span::raw(" ")];
        for (name, value) in pairs {
            spans.push(scene.span(format!("{name} "), Role::Muted));
            spans.push(scene.span(format!("{value}   "), Role::Text));
        }
        Line::from(spans)
    };
    let known = scene.snapshot.attributes.iter().cloned().zip(row.values.iter().cloned());
    let known: Vec<_> = known.filter(|(_, value)| value != "unknown").collect();
    content.extend(known.chunks(4).map(|chunk| facts(chunk.to_vec())));
    let or_dot = |value: Option<String>| value.unwrap_or_else(|| "·".into());
    content.push(facts(vec![
        ("boots".into(), or_dot(row.boots.map(|n| n.to_string()))),
        ("battery".into(), or_dot(row.battery.map(|n| format!("{n} %")))),
        ("rssi".into(), or_dot(device.rssi.map(|n| format!("{n} dBm")))),
        ("queue".into(), device.queue.to_string()),
        ("seq".into(), or_dot(device.seq.map(|n| n.to_string()))),
    ]));
    if let Some((campaign, wave)) = &device.campaign {
        content.push(facts(vec![("update".into(), format!("{campaign} wave {wave}: {}", row.ota.name()))]));
    }
    if !row.error.is_empty() {
        content.push(facts(vec![("last error".into(), row.error.clone())]));
    }
    if row.symptoms != 0 {
        content.push(facts(vec![("wrong now".into(), wrong(row))]));
    }
    if !device.measured.is_empty() {
        let values = device.measured.iter().map(|(words, is_right)| {
            scene.span(format!(" {words}  "), if *is_right { Role::Text } else { Role::Warn })
        });
        let values: Vec<Span<'a>> = values.collect();
        content.push(Line::default());
        content.push(Line::from(scene.span(" MEASURED LAST", Role::Muted)));
        content.extend(values.chunks(3).map(|row| Line::from(row.to_vec())));
    }
    content.push(Line::default());
    content.push(Line::from(scene.span(" MESSAGES, NEWEST FIRST", Role::Muted)));
    for message in &device.messages {
        let retained = if message.retained { " (retained)" } else { "" };
        let head = format!(" {} {}{retained}", format::clock(message.at), message.topic);
        content.push(Line::from(scene.span(head, Role::Key)));
        let preview = if message.preview.is_empty() { "(empty)" } else { &message.preview };
        let told = wrap(preview, width.saturating_sub(4));
        content.extend(told.into_iter().map(|text| Line::from(scene.span(format!("   {text}"), Role::Text))));
    }
    if device.messages.is_empty() {
        content.push(Line::from(scene.span("   none since the room looks at it; telemetry follows", Role::Muted)));
    }
    content
}
