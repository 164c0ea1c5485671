//! The waves of an actuation: which one runs, how long it must still stay well, and how the stop rules stand for it.

use ratatui::text::Line;

use crate::domain::rollout::Limit;
use crate::domain::switch::waves::Plan;
use crate::engine::snapshot::WavesView;
use crate::tui::action::Action;
use crate::tui::format;
use crate::tui::scene::{Scene, wrap};
use crate::tui::theme::Role;

/// Waves whose sizes are shown one by one.
const SIZES: usize = 6;

/// The sizes of the waves, and how long each soaks: `1, 10, 89 devices · each soaks 10:00`.
pub fn sizes(plan: &Plan) -> String {
    let sizes: Vec<String> = plan.sizes().take(SIZES).map(|n| format::count(n.into())).collect();
    let more = if usize::from(plan.waves()) > SIZES { ", …" } else { "" };
    let soak = match plan.waves() {
        1 => String::new(),
        _ => format!(" · soak {} between them", format::duration(plan.soak_s.into())),
    };
    format!("{}{more} devices{soak}", sizes.join(", "))
}

/// Where the waves are, what they wait for, and the values of the rules. Of `known` devices it is known what became.
pub fn lines<'a>(scene: &Scene<'a>, view: &WavesView, is_unknown: bool, known: u32, width: usize) -> Vec<Line<'a>> {
    let WavesView { plan, course, standings } = view;
    let (from, to) = plan.range(course.begun);
    if is_unknown {
        let never = plan.ends.last().map_or(0, |end| end - to);
        let told = format!(
            "{} of {} waves were begun: {} asked, {} never",
            course.begun,
            plan.waves(),
            format::counted(to.into(), "device"),
            format::count(never.into())
        );
        return vec![Line::from(scene.span(format!("   {told}"), Role::Warn))];
    }
    let of = format!("wave {} of {}: {}", course.begun, plan.waves(), format::counted((to - from).into(), "device"));
    let mut shown = Vec::new();
    let mut say = |text: String, role| {
        let wrapped = wrap(&text, width.saturating_sub(2));
        shown.extend(wrapped.into_iter().map(|text| Line::from(scene.span(format!("   {text}"), role))));
    };
    match (&course.paused, course.soaks) {
        (Some(pause), _) => {
            say(format!("■ {of} · PAUSED {}Z: {}", format::clock(pause.at), pause.reason), Role::Alarm);
            let (go_on, stop) = (scene.key(Action::GoOn), scene.key(Action::StopActuation));
            if !scene.snapshot.read_only {
                say(format!("{go_on} goes on all the same · {stop} asks nobody any more"), Role::Key);
            }
        }
        (None, Some(since)) => {
            let left_s = (i64::from(plan.soak_s) - scene.snapshot.at.since_s(since)).max(0);
            say(format!("▸ {of} · soaks, {} to go", format::duration(left_s)), Role::Warn);
        }
        (None, None) => {
            let waits = format::count(to.saturating_sub(known).into());
            say(format!("▸ {of} · waits for {waits} of them"), Role::Warn);
        }
    }
    let rules: Vec<String> = standings
        .iter()
        .map(|standing| {
            let mark = if standing.crossed { "✗ " } else { "" };
            let (value, limit) = (standing.value * 100.0, standing.limit.share() * 100.0);
            let least = if matches!(standing.limit, Limit::Below(_)) { "min " } else { "" };
            format!(
                "{mark}{} {value:.1}/{least}{limit:.0} % of {}",
                standing.rule,
                format::count(standing.sample.into())
            )
        })
        .collect();
    if !rules.is_empty() {
        say(format!("stop rules: {}", rules.join(" · ")), Role::Muted);
    }
    shown
}
