//! `warroom incidents`: what happened so far, a line each.

use clap::Args;

use super::{Common, Failure, Which};
use crate::domain::clock::{Clock, ClockState, Targets};
use crate::engine::room::Room;
use crate::store::read;
use crate::tui::format;

#[derive(Args)]
pub(super) struct IncidentsArgs {
    #[command(flatten)]
    which: Which,
    /// For programs.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(common: &Common, args: &IncidentsArgs) -> Result<(), Failure> {
    let records = read::open(&args.which.path(common)?)?.records;
    let mut room = Room::default();
    records.iter().for_each(|record| room.apply(record));
    let now = args.which.now(&records);
    if args.json {
        let incidents: Vec<_> = room
            .incidents
            .values()
            .map(|incident| {
                serde_json::json!({
                    "id": incident.id, "title": incident.title, "severity": incident.severity, "type": incident.kind,
                    "stage": incident.stage(), "commander": incident.commander, "moments": incident.moments,
                })
            })
            .collect();
        say!("{}", serde_json::json!({ "schema": 1, "incidents": incidents }));
        return Ok(());
    }
    if room.incidents.is_empty() {
        say!("no incident is on record");
    }
    for incident in room.incidents.values() {
        let clocks = Clock::ALL.map(|clock| {
            let reading = clock.read(&incident.moments, &Targets::default(), now);
            let running = if reading.state == ClockState::Running { " running" } else { "" };
            format!("{} {}{running}", clock, format::duration(reading.elapsed_s))
        });
        say!(
            "{:7} {} {:12} {} · {} · {}",
            incident.id.to_string(),
            incident.severity,
            incident.stage().name(),
            incident.title,
            incident.kind,
            clocks.join(" ")
        );
        if let Some(owed) = super::actions::owed(incident, now) {
            say!("        {owed}");
        }
    }
    Ok(())
}
