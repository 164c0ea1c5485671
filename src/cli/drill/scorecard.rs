//! The scorecard on a terminal.

use crate::domain::count::counted;
use crate::domain::drill::{DrillPlan, Gap, Scorecard};

/// Tells how a game day went, in a few lines.
pub(super) fn tell(plan: &DrillPlan, score: &Scorecard, gaps: &[Gap]) {
    say!("{} · {} · {} devices · seed {}", plan.scenario, plan.title, plan.devices, plan.seed);
    for planted in &score.planted {
        let what = planted.expected.kind.map_or("something".into(), |kind| kind.to_string());
        let whom = planted.expected.suspect.as_ref().map(|suspect| format!(" · {}", suspect.sentence()));
        let made = planted.incident.as_deref().unwrap_or("no incident");
        say!("\n{what}{} → {made}", whom.unwrap_or_default());
        for measure in &planted.measures {
            let mark = measure.mark();
            say!("  {mark} {:14} {:28} expected {}", measure.what, measure.was, measure.expected);
        }
    }
    for alarm in &score.false_alarms {
        say!("  ✗ false alarm    {alarm}");
    }
    for missed in &score.missed_updates {
        say!("  ✗ missed update  {missed}");
    }
    for pulled in &score.switches {
        let ended = pulled.ended_ms.map(|ms| format!(" after {:.1} s", ms as f64 / 1000.0)).unwrap_or_default();
        say!("  {} {} · {}{ended}", pulled.switch, pulled.target, pulled.state);
    }
    say!("\n{} · {}", score.sentence(), counted(gaps.len() as u64, "gap"));
    for gap in gaps {
        let again = if gap.times > 1 { format!(" (the {}. time)", gap.times) } else { String::new() };
        say!("  – {}{again}", gap.text);
    }
}
