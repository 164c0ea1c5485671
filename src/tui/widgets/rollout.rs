//! The rollout: campaigns with their waves, and how far a pulled switch has come.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::campaign::Progress;
use crate::domain::rollout::of_wave;
use crate::engine::snapshot::{ActuationView, CampaignView, Snapshot};
use crate::tui::action::Action;
use crate::tui::format;
use crate::tui::layout::Shape;
use crate::tui::scene::{Scene, cut, lines, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::actuation;

/// Why there is no rollout to be seen.
pub fn none(snapshot: &Snapshot) -> &'static str {
    match snapshot.past {
        Some(_) => " not kept: the timeline has what was done",
        None => " no campaign has been seen on this broker",
    }
}

pub fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let inner = scene.pane("rollout", None, area, buffer);
    let snapshot = scene.snapshot;
    let width = usize::from(inner.width).saturating_sub(2);
    let mut content = Vec::new();
    for view in newest_actuations(snapshot).into_iter().take(2) {
        content.extend(actuation::lines(scene, view, width));
    }
    for view in by_importance(snapshot) {
        let mut told = campaign(scene, view, width);
        if scene.shape == Shape::Folded {
            // There are two lines: numbers go before pictures, and a crossed stop rule before numbers.
            let is_crossed = view.standings.iter().any(|standing| standing.crossed);
            told.drain(1..if is_crossed { 3 } else { 2 });
        }
        content.extend(told);
    }
    if content.is_empty() {
        content.push(Line::from(scene.span(none(scene.snapshot), Role::Muted)));
    }
    lines(&cut(content, inner.height.into(), inner.width.into()), inner, buffer);
}

/// Active campaigns first.
pub fn by_importance(snapshot: &Snapshot) -> Vec<&CampaignView> {
    let mut campaigns: Vec<_> = snapshot.campaigns.iter().collect();
    campaigns.sort_by_key(|campaign| (!campaign.active, std::cmp::Reverse(campaign.progress.in_flight())));
    campaigns
}

/// The newest first.
pub fn newest_actuations(snapshot: &Snapshot) -> Vec<&ActuationView> {
    let mut views: Vec<_> = snapshot.actuations.values().collect();
    views.sort_by_key(|view| std::cmp::Reverse(view.actuation.requested));
    views
}

/// Where the devices of a campaign are. Who has failed stands first: it must not be cut.
fn numbers(progress: &Progress, number: fn(u64) -> String) -> String {
    let n = |n: u32| number(n.into());
    let bad = if progress.bad() > 0 { format!("failed or back {} · ", n(progress.bad())) } else { String::new() };
    let (done, flying, queued) = (n(progress.succeeded), n(progress.in_flight()), n(progress.queued));
    format!("{bad}done {done} · in flight {flying} · queued {queued}")
}

/// A campaign: a headline, and what its devices are doing.
pub fn campaign<'a>(scene: &Scene<'a>, view: &CampaignView, width: usize) -> Vec<Line<'a>> {
    let progress = &view.progress;
    let total = f64::from(progress.total().max(1));
    let bar_width = width.clamp(8, 60);
    let cells = |n: u32| ((f64::from(n) / total) * bar_width as f64).round() as usize;
    let (done, flying) = (cells(progress.done()), cells(progress.in_flight()));
    let (done, flying) = (done.min(bar_width), flying.min(bar_width - done.min(bar_width)));
    let wave = view.wave.map(|wave| format!(" · wave {wave}")).unwrap_or_default();
    let state = if view.active { Role::Warn } else { Role::Muted };
    let mut key = Vec::new();
    if view.active && !scene.snapshot.read_only && scene.snapshot.replay.is_none() {
        key.push(scene.span(format!("  {} halts", scene.key(Action::HaltOta)), Role::Key));
    }
    let mut headline = vec![
        scene.span(format!(" {} → {}", view.id, view.target), Role::Title),
        scene.span(format!("  {}{wave}", view.state), state),
    ];
    headline.append(&mut key);
    let numbers = [format::count, format::short].map(|number| numbers(progress, number));
    let numbers = numbers.iter().find(|text| text.width() <= width).unwrap_or(&numbers[1]);
    let mut told = vec![
        Line::from(headline),
        Line::from(vec![
            Span::raw(" "),
            Span::styled("━".repeat(done), scene.data(Role::Good)),
            Span::styled("━".repeat(flying), scene.data(Role::Warn)),
            scene.span("─".repeat(bar_width - done - flying), Role::Border),
        ]),
    ];
    // Where there are two lines the numbers have one of them.
    let shown = if scene.shape == Shape::Folded { vec![numbers.clone()] } else { wrap(numbers, width) };
    told.extend(shown.into_iter().map(|text| Line::from(scene.span(format!(" {text}"), Role::Text))));
    for standing in view.standings.iter().filter(|standing| standing.crossed) {
        let text = format!("✗ stop rule{}: {standing}", of_wave(standing.wave));
        let texts = wrap(&text, width).into_iter();
        told.extend(texts.map(|text| Line::from(scene.span(format!(" {text}"), Role::Alarm))));
    }
    told
}
