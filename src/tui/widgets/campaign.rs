//! A rollout in full: its waves, one a row, and how its stop rules stand for each of them, one a column.

use ratatui::text::{Line, Span};

use crate::domain::rollout::{Limit, Standing, of_wave};
use crate::engine::snapshot::{CampaignView, WaveView};
use crate::tui::format;
use crate::tui::scene::{Scene, wrap};
use crate::tui::theme::Role;

const INDENT: &str = "   ";
/// The columns of a wave, each with its width.
const COLUMNS: [(&str, usize); 7] =
    [("planned", 9), ("done", 10), ("in flight", 11), ("queued", 9), ("failed", 8), ("rolled back", 12), ("since", 11)];
/// The column with a wave's number.
const NUMBER: usize = 5;
/// The column with the limit of a rule.
const LIMIT: usize = 10;
/// A wave among the rules.
const WAVE: usize = 14;
/// The longest name of a rule that is shown whole.
const LONGEST: usize = 24;

/// What the values of a measure are: of the wave's devices, and of those that no wave has touched.
const MEASURES: &str = "measures / untouched";

/// Everything about a rollout but its headline.
pub fn lines<'a>(scene: &Scene<'a>, view: &CampaignView, width: usize) -> Vec<Line<'a>> {
    let mut shown = waves(scene, view);
    shown.extend(view.waves.iter().find_map(|wave| soak(scene, view, wave)));
    shown.extend(rules(scene, view, width));
    shown.extend(measures(scene, view, width));
    shown
}

fn heading<'a>(scene: &Scene<'a>, text: String) -> Line<'a> {
    Line::from(scene.span(format!("{INDENT}{text}"), Role::Muted))
}

fn waves<'a>(scene: &Scene<'a>, view: &CampaignView) -> Vec<Line<'a>> {
    if view.waves.is_empty() {
        return Vec::new();
    }
    let columns: String = COLUMNS.iter().map(|(name, width)| format::right(name, *width)).collect();
    let mut shown = vec![heading(scene, format!("{:NUMBER$}{columns}", "wave"))];
    shown.extend(view.waves.iter().map(|wave| {
        let runs = view.wave == Some(wave.wave) && view.active;
        let usual = if runs { Role::Text } else { Role::Muted };
        let name = if wave.wave == 0 { "all".into() } else { wave.wave.to_string() };
        let n = |n: u32| format::count(n.into());
        let bad = |count: u32| (n(count), if count > 0 { Role::Alarm } else { usual });
        let progress = &wave.progress;
        let cells = [
            (wave.plan.map_or("–".into(), |plan| n(plan.planned)), usual),
            (n(progress.succeeded), usual),
            (n(progress.in_flight()), usual),
            (n(progress.queued), usual),
            bad(progress.failed),
            bad(progress.rolled_back),
            (wave.started.map_or("–".into(), |at| format!("{}Z", format::clock(at))), usual),
        ];
        let mut row = vec![scene.span(format!("{INDENT}{name:NUMBER$}"), if runs { Role::Title } else { usual })];
        row.extend(
            cells
                .into_iter()
                .zip(COLUMNS)
                .map(|((text, role), (_, width))| scene.span(format::right(&text, width), role)),
        );
        Line::from(row)
    }));
    shown
}

/// How long the wave that runs must still prove itself; nothing of waves that others have followed.
fn soak<'a>(scene: &Scene<'a>, view: &CampaignView, wave: &WaveView) -> Option<Line<'a>> {
    let soak = wave.soak.filter(|_| view.wave == Some(wave.wave))?;
    let until = format::clock(soak.until);
    let left_s = soak.until.since_s(scene.snapshot.at);
    let (text, role) = match (soak.is_well, left_s) {
        (false, _) => ("✗ soak: a stop rule is crossed, so its time does not count".into(), Role::Alarm),
        (true, ..=0) => (format!("✓ soaked since {until}Z"), Role::Good),
        (true, left_s) => (format!("soaks until {until}Z · {} left", format::ago(left_s)), Role::Text),
    };
    Some(Line::from(scene.span(format!("{INDENT}{text}"), role)))
}

/// The last waves of some that have a column each, in their order.
fn latest(mut waves: Vec<u16>, room: usize) -> Vec<u16> {
    waves.sort_unstable();
    waves.dedup();
    waves.split_off(waves.len().saturating_sub((room / WAVE).max(1)))
}

/// The names of waves above their columns.
fn named(waves: &[u16]) -> String {
    let name = |wave: &u16| if *wave == 0 { "all".into() } else { format!("wave {wave}") };
    waves.iter().map(|wave| format::right(&name(wave), WAVE)).collect()
}

/// The column of names: as wide as the longest, within reason.
fn names<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or(0).clamp("stop rules".len(), LONGEST)
}

/// How the stop rules stand: each value of each wave that has started devices, beside its limit.
fn rules<'a>(scene: &Scene<'a>, view: &CampaignView, width: usize) -> Vec<Line<'a>> {
    let Some(first) = view.standings.first() else { return Vec::new() };
    let name = names(view.standings.iter().map(|standing| standing.rule.as_str()));
    let room = width.saturating_sub(INDENT.len() + name + LIMIT);
    let waves = latest(view.standings.iter().map(|standing| standing.wave).collect(), room);
    let mut rules = vec![(first.rule.as_str(), first.limit)];
    for standing in &view.standings {
        let rule = (standing.rule.as_str(), standing.limit);
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    let started = |wave: &u16| {
        let of_wave = view.standings.iter().filter(|standing| standing.wave == *wave);
        let devices = of_wave.map(|standing| standing.sample).max().unwrap_or(0);
        format::right(&format::count(devices.into()), WAVE)
    };
    let limit = format::right("limit", LIMIT);
    let since = match view.bad_since {
        0 => String::new(),
        bad => format!("; {} failed or went back since", format::counted(bad.into(), "device")),
    };
    let stood = (!view.active).then(|| heading(scene, format!("as it was when the rollout stopped{since}")));
    let mut shown = vec![Line::default()];
    shown.extend(stood);
    shown.extend([
        heading(scene, format!("{:name$}{limit}{}", "stop rules", named(&waves))),
        heading(
            scene,
            format!("{:name$}{}", "started", " ".repeat(LIMIT)) + &waves.iter().map(started).collect::<String>(),
        ),
    ]);
    for (rule, limit) in rules {
        let (least, share) = match limit {
            Limit::Above(share) => ("", share),
            Limit::Below(share) => ("min ", share),
        };
        let limit_told = format::right(&format!("{least}{} %", trimmed(share * 100.0)), LIMIT);
        let mut row = vec![
            scene.span(format!("{INDENT}{}", format::left(rule, name)), Role::Text),
            scene.span(limit_told, Role::Muted),
        ];
        row.extend(waves.iter().map(|wave| {
            let is_it =
                |standing: &&Standing| standing.wave == *wave && standing.rule == rule && standing.limit == limit;
            cell(scene, view.standings.iter().find(is_it))
        }));
        shown.push(Line::from(row));
    }
    // What a value is compared with says why a limit that it is beyond is not crossed.
    let beyond = view.standings.iter().filter(|standing| waves.contains(&standing.wave) && is_beyond(standing));
    for standing in beyond {
        let told = format!(
            "! {}{}: {:.1} %, and not crossed: {}",
            standing.rule,
            of_wave(standing.wave),
            standing.value * 100.0,
            standing.beside()
        );
        let wrapped = wrap(&told, width.saturating_sub(INDENT.len()));
        shown.extend(wrapped.into_iter().map(|text| Line::from(scene.span(format!("{INDENT}{text}"), Role::Warn))));
    }
    shown
}

/// `2`, `0.5`: no digits that say nothing.
fn trimmed(n: f64) -> String {
    let text = format!("{n:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Beyond its limit, and not crossed.
fn is_beyond(standing: &Standing) -> bool {
    standing.sample > 0 && !standing.crossed && standing.limit.is_crossed(standing.value, None, None)
}

fn cell<'a>(scene: &Scene<'a>, standing: Option<&Standing>) -> Span<'a> {
    let (text, role) = match standing.filter(|standing| standing.sample > 0) {
        None => ("–".into(), Role::Muted),
        Some(standing) => {
            let (mark, role) = match (standing.crossed, is_beyond(standing)) {
                (true, _) => ("✗ ", Role::Alarm),
                (false, true) => ("! ", Role::Warn),
                (false, false) => ("", Role::Text),
            };
            (format!("{mark}{:.1}", standing.value * 100.0), role)
        }
    };
    Span::styled(format::right(&text, WAVE), scene.data(role))
}

/// What the devices of each wave measure, beside those that no wave has touched.
fn measures<'a>(scene: &Scene<'a>, view: &CampaignView, width: usize) -> Vec<Line<'a>> {
    let Some(first) = view.comparisons.first() else { return Vec::new() };
    // The column of the rules, so that waves stand below themselves.
    let rules = view.standings.iter().map(|standing| standing.rule.as_str());
    let name = names(rules.chain(view.comparisons.iter().map(|compared| compared.name.as_str())));
    let room = width.saturating_sub(INDENT.len() + name + LIMIT);
    let waves = latest(view.comparisons.iter().map(|compared| compared.wave).collect(), room);
    let mut measures = vec![first.name.as_str()];
    for compared in &view.comparisons {
        if !measures.contains(&compared.name.as_str()) {
            measures.push(&compared.name);
        }
    }
    let mut shown = vec![heading(scene, format!("{:width$}{}", MEASURES, named(&waves), width = name + LIMIT))];
    for measure in measures {
        let mut row = vec![scene.span(format!("{INDENT}{}", format::left(measure, name + LIMIT)), Role::Text)];
        row.extend(waves.iter().map(|wave| {
            let found = view.comparisons.iter().find(|compared| compared.wave == *wave && compared.name == measure);
            let text = found.map_or("–".into(), |compared| format!("{:.1} / {:.1}", compared.value, compared.others));
            scene.span(format::right(&text, WAVE), Role::Text)
        }));
        shown.push(Line::from(row));
    }
    shown
}
