//! Makes the snapshot: reads the state, and prepares what the lens asks for.

mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::drill::view::DrillView;
use super::snapshot::{
    ActuationView, AlertNow, CampaignView, Chart, DevicePage, DeviceRow, DeviceView, LogView, Snapshot, Soak, Totals,
    WaveView, WavesView,
};
use super::switches::run::Run;
use super::{State, decide, recovery, runbooks, suspects, switches::Switches, updates};
use crate::detect::probes;
use crate::domain::alert::{self, Alert};
use crate::domain::cohort::CohortKey;
use crate::domain::cost::Bill;
use crate::domain::due::Due;
use crate::domain::ids::AlertId;
use crate::domain::incident::{Declaration, Incident};
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::campaigns::{Campaign, Wave};
use crate::fleet::cohorts::Cohort;
use crate::fleet::devices::{Device, DeviceIx, Flag};
use crate::fleet::filter::Sieve;

/// Points of a chart: more than a wide terminal has columns.
const CHART: u32 = 300;
/// Seconds after which an event should be on disk.
const LATE_S: i64 = 2;

pub(super) fn snapshot(state: &State, at: At) -> Snapshot {
    let fleet = &state.fleet;
    let room = &state.room;
    Snapshot {
        at,
        broker: state.settings.broker.clone(),
        root: state.settings.root.clone(),
        environment: state.settings.environment.clone(),
        operator: state.settings.operator.clone(),
        read_only: state.settings.read_only,
        drill: state.drill.clone(),
        joined: false,
        game_day: DrillView::of(state, at, totals(state).rate).map(Arc::new),
        game_days: state.settings.game_days.clone(),
        replay: state.replay.clone(),
        link: state.link.clone(),
        log: log(state, at),
        totals: totals(state),
        attributes: fleet.schema().names().to_vec(),
        lens: state.lens.clone(),
        table: table::table(state),
        chart: chart(state, at),
        devices: state.lens.devices.map(|(first, n)| page(state, first, n)),
        device: state.lens.device.as_deref().and_then(|id| device(fleet, fleet.devices().find(id)?)),
        alerts: room.alerts.values().cloned().collect(),
        accepted: room.accepted_at(at).cloned().collect(),
        verdicts: room
            .open_incidents()
            .filter_map(|i| Some((i.id, state.suspects.verdict_on(i.id)?.clone())))
            .collect(),
        suspects: room.open_incidents().map(|i| (i.id, state.suspects.in_incident(i))).collect(),
        proposals: proposals(state),
        proposed: alert::in_front(loose(state)).map(|alert| (alert.id, suspects::verdict_on(state, alert))),
        probes: probes::idle(suspects::own_link(state, None), state.reaches.last(), state.fleet.broker()),
        incidents: room.incidents.iter().map(|(id, incident)| (*id, Arc::new(incident.clone()))).collect(),
        actuations: actuations(state, at),
        campaigns: fleet.campaigns().iter().map(|known| campaign(state, known)).collect(),
        arming: state.switches.arming.clone(),
        requests: state.switches.requests.values().cloned().collect(),
        switches: state.settings.switches.clone(),
        good_versions: super::switches::known::offered(state),
        tests: room.tests.clone(),
        timeline: room.timeline.shared(),
        faults: fleet.faults().counts(),
        samples: fleet.faults().samples(),
        codes: fleet.codes().top(8),
        targets: state.settings.targets,
        bills: room.incidents.values().map(|incident| (incident.id, bill(state, incident, at))).collect(),
        regimes: state.settings.regimes.clone(),
        rates: state.settings.rates.clone(),
        past: None,
        alerts_now: alerts_now(state),
        shell_options: state.settings.shell_options.clone(),
        subscriptions: state.settings.subscriptions.clone(),
        socket: state.settings.socket.clone(),
        socket_closed: state.settings.socket_closed.clone(),
        pace: state.replay.as_ref().map_or(state.settings.pace, |replay| replay.speed.ceil().max(1.0) as i64),
        names_per_site: state.settings.names_per_site,
        warnings: state.settings.warnings.iter().cloned().chain(fleet.unfit()).collect(),
        due: due(state, at),
        known: state.facts.incidents().clone(),
        known_of_alert: state.facts.alert().cloned(),
        templates: state.settings.templates.clone(),
        channels: state.settings.channels.clone(),
        cadences: state.settings.cadences,
        contacts: state.settings.contacts.clone(),
        library: state.settings.runbooks.clone(),
    }
}

/// What is due, from every area that has deadlines, the first first.
fn due(state: &State, at: At) -> Vec<Due> {
    let mut due: Vec<Due> = runbooks::due(state);
    due.extend(recovery::due(state, at));
    due.extend(updates::due(state, at));
    due.extend(state.room.incidents.values().flat_map(|incident| incident.regulation.due(incident.id, at)));
    due.extend(state.room.incidents.values().filter_map(|incident| incident.learning.due(incident, at)));
    due.sort_by_key(|due| (due.at, due.kind));
    due
}

fn proposals(state: &State) -> BTreeMap<AlertId, Declaration> {
    loose(state).map(|alert| (alert.id, decide::propose(state, alert))).collect()
}

/// Open alerts that belong to no incident.
fn loose(state: &State) -> impl DoubleEndedIterator<Item = &Alert> + Clone {
    state.room.open_alerts().filter(|alert| state.room.incident_of(alert.id).is_none())
}

/// With what is measured just now, rather than what was written down last.
fn bill(state: &State, incident: &Incident, at: At) -> Bill {
    let impact = state.impacts.of(incident);
    let worked = (incident.declared, incident.moments.resolved);
    Bill::of(&state.settings.rates, &incident.learning.costs, impact.as_ref(), worked, at)
}

fn alerts_now(state: &State) -> BTreeMap<AlertId, AlertNow> {
    let now = |alert: &Alert| {
        let cohort = state.fleet.cohort(&alert.finding.cohort)?;
        let (online, devices) = (cohort.level(Signal::Online), cohort.level(Signal::Devices));
        Some((alert.id, AlertNow { online, devices, affected: state.suspects.affected(alert.id) }))
    };
    state.room.open_alerts().filter_map(now).collect()
}

/// An event waits for the disk as long as that takes; only what waits longer is worth a word.
fn log(state: &State, at: At) -> LogView {
    let room = &state.room;
    let waiting = room.timeline.iter().rev().take_while(|entry| entry.seq > state.durable);
    let is_late = waiting.last().is_some_and(|oldest| at.since_s(oldest.at) >= LATE_S);
    let late = if is_late { room.last.0.saturating_sub(state.durable.0) } else { 0 };
    LogView { health: state.log.clone(), durable: state.durable, late }
}

fn totals(state: &State) -> Totals {
    let fleet = state.fleet.cohorts().fleet();
    Totals {
        devices: fleet.level(Signal::Devices),
        online: fleet.level(Signal::Online),
        rate: rate(fleet, Signal::Messages, 5).unwrap_or(0.0),
        received: state.fleet.received(),
        dropped: state.dropped,
        faults: state.fleet.faults().total(),
        overflowed: state.fleet.overflowed(),
        left_out: state.fleet.suppressed(),
        strangers: state.fleet.strangers(),
        suppressed: state.wire.suppressed,
        unkept: state.unkept,
        unfollowed: state.fleet.kpis().refused,
    }
}

fn rate(cohort: &Cohort, signal: Signal, seconds: usize) -> Option<f64> {
    let series = cohort.series(signal);
    let n = series.seconds().min(seconds);
    (n > 0).then(|| series.sum(n) / n as f64)
}

/// The cohort that is asked for; where nobody follows that combination, the rarest of its values that somebody does.
fn followed<'s>(state: &'s State, key: &CohortKey) -> Option<(CohortKey, &'s Cohort)> {
    if let Some(cohort) = state.fleet.cohort(key) {
        return Some((key.clone(), cohort));
    }
    let parts = key.0.iter().map(|(name, value)| CohortKey::default().and(name, value));
    let known = parts.filter_map(|part| state.fleet.cohort(&part).map(|cohort| (part, cohort)));
    known.min_by_key(|(_, cohort)| cohort.level(Signal::Devices))
}

fn chart(state: &State, at: At) -> Chart {
    let lens = &state.lens;
    let key = lens.cohort.clone().unwrap_or_default();
    let finest_s = if lens.signal.has_series() { 1 } else { 60 };
    let step_s = (lens.span_s / CHART).max(finest_s);
    let end = At::from_ms(at.second() * 1000);
    let empty = Chart { cohort: key.clone(), signal: Some(lens.signal), end, step_s, ..Chart::default() };
    let Some((key, cohort)) = followed(state, &key) else { return empty };
    let empty = Chart { cohort: key, ..empty };
    let value = |back: usize| -> Option<f32> {
        // While our own link was down there is nothing to draw: the last known value is not a measurement.
        if state.link.was_down(end.plus_s(-(back as i64))) {
            return None;
        }
        if !lens.signal.has_series() {
            let shown = cohort.shown_back(Symptom::of(lens.signal)?, back / 60)?;
            return Some(shown as f32);
        }
        let series = cohort.series(lens.signal);
        Some(match (lens.signal, lens.signal.kind()) {
            (Signal::Online, _) => (cohort.online_share_back(back)? * 100.0) as f32,
            (_, SignalKind::Level) => series.back(back)? as f32,
            (_, SignalKind::Count) => {
                // Counts are smoothed over a few seconds; single ones would draw a comb.
                let width = (step_s as usize).max(5);
                let sum: u32 = (back..back + width).filter_map(|b| series.back(b)).sum();
                series.back(back)?;
                sum as f32 / width as f32
            }
        })
    };
    let points = (0..lens.span_s / step_s).rev().map(|n| value((n * step_s) as usize)).collect();
    let marks = state.room.timeline.iter().rev().filter_map(|entry| {
        let back = at.since_s(entry.at);
        (back < i64::from(lens.span_s)).then(|| entry.mark.clone().map(|mark| (back as u32, mark)))
    });
    Chart { points, marks: marks.flatten().take(64).collect(), ..empty }
}

fn page(state: &State, first: usize, n: usize) -> DevicePage {
    let fleet = &state.fleet;
    let sieve = Sieve::new(&state.lens.filter, fleet);
    let cohort = state.lens.cohort.as_ref().map(|key| narrowed(fleet, key));
    let passes = |ix: DeviceIx, device: &Device| {
        sieve.passes(fleet, ix, device) && cohort.as_ref().is_none_or(|cohort| cohort.passes(fleet, ix, device))
    };
    let mut page = DevicePage { first, ..DevicePage::default() };
    for (ix, device) in fleet.devices().iter() {
        if !passes(ix, device) {
            continue;
        }
        if page.total >= first && page.rows.len() < n {
            page.rows.push(device_row(fleet, ix));
        }
        page.total += 1;
    }
    page
}

/// A sieve that lets one cohort through.
fn narrowed(fleet: &Fleet, key: &CohortKey) -> Sieve {
    use crate::domain::lens::{Condition, Filter};
    let condition = |(attribute, value): (&String, &String)| Condition::Attribute {
        attribute: attribute.clone(),
        value: value.clone(),
        negated: false,
    };
    Sieve::new(&Filter { conditions: key.0.iter().map(condition).collect() }, fleet)
}

fn device_row(fleet: &Fleet, ix: DeviceIx) -> DeviceRow {
    let device = fleet.devices().get(ix);
    DeviceRow {
        id: fleet.devices().id(ix).to_owned(),
        online: device.has(Flag::Online),
        seen: fleet.seen(ix),
        values: fleet.schema().all().map(|attribute| fleet.value(device.group, attribute).to_owned()).collect(),
        boots: device.has(Flag::HasBoots).then_some(device.boots),
        battery: (device.battery != Device::UNKNOWN_BATTERY).then_some(device.battery),
        symptoms: fleet.symptoms(device),
        error: fleet.codes().name(device.error_code).to_owned(),
        ota: device.ota,
    }
}

fn device(fleet: &Fleet, ix: DeviceIx) -> Option<DeviceView> {
    let device = fleet.devices().get(ix);
    let in_campaign = device.ota != crate::domain::campaign::OtaState::None;
    let campaign = in_campaign.then(|| fleet.campaigns().iter().nth(device.campaign.into())).flatten();
    Some(DeviceView {
        row: device_row(fleet, ix),
        rssi: (device.rssi != 0).then_some(device.rssi),
        queue: device.queue.into(),
        seq: device.has(Flag::HasSeq).then_some(device.seq),
        campaign: campaign.map(|campaign| (campaign.id.clone(), device.wave.into())),
        measured: fleet.measured(ix).map(|measured| (measured.to_string(), measured.should.is_none())).collect(),
        messages: fleet.messages().of(ix).take(50).cloned().collect(),
    })
}

fn campaign(state: &State, campaign: &Campaign) -> CampaignView {
    let standings = state.rollouts.standings.get(&campaign.id).cloned().unwrap_or_default();
    let is_well = |wave: u16| !standings.iter().any(|standing| standing.wave == wave && standing.crossed);
    let soak = |wave: &Wave| {
        let until = wave.started?.plus_s(state.settings.rollout.soak_s?.into());
        Some(Soak { until, is_well: is_well(wave.wave) })
    };
    let wave = |wave: &Wave| WaveView {
        wave: wave.wave,
        progress: wave.counted(),
        plan: wave.plan,
        started: wave.started,
        soak: soak(wave),
    };
    CampaignView {
        id: campaign.id.clone(),
        state: campaign.state,
        target: campaign.target.clone(),
        wave: campaign.wave,
        progress: campaign.counted(),
        unheard: campaign.unheard(),
        bad_since: state.rollouts.stopped.bad_since(&campaign.id),
        waves: campaign.waves.iter().map(wave).collect(),
        active: campaign.is_active(),
        comparisons: state.rollouts.comparisons.get(&campaign.id).cloned().unwrap_or_default(),
        standings: standings.clone(),
    }
}

fn waves(actuation: &crate::domain::switch::Actuation, run: Option<&Run>) -> Option<WavesView> {
    let plan = actuation.preview.devices.as_ref()?.waves.clone()?;
    let standings = run.and_then(Run::staging).map(|staging| staging.standings.clone()).unwrap_or_default();
    Some(WavesView { plan, course: actuation.course.clone(), standings })
}

fn actuations(state: &State, at: At) -> BTreeMap<crate::domain::ids::ActuationId, ActuationView> {
    let switches: &Switches = &state.switches;
    let view = |actuation: &crate::domain::switch::Actuation| {
        // Counting the devices in flight means looking at every device; only open actuations are worth it.
        let campaign = (!actuation.state.is_final()).then(|| state.fleet.campaigns().find(&actuation.preview.campaign));
        let in_flight =
            campaign.flatten().map_or((0, 0), |ix| state.fleet.in_flight(ix, super::switches::proof::SILENT_S));
        let run = switches.runs.get(&actuation.id);
        let position = run.filter(|run| run.position().2 > 1).map(Run::position);
        ActuationView {
            tally: run.filter(|_| actuation.preview.devices.is_some()).map(|run| run.tally(&state.fleet)),
            step: position.map(|(name, at, of)| (name.to_owned(), at, of)),
            waves: waves(actuation, run),
            waits_for: super::switches::proof::waits_for(state, actuation, at),
            actuation: Arc::new(actuation.clone()),
            in_flight,
            escaped: switches.watches.escaped(&actuation.id),
            provable: actuation.state.is_final() || run.is_some() || switches.watches.holds(&actuation.id),
        }
    };
    state.room.actuations.iter().map(|(id, actuation)| (id.clone(), view(actuation))).collect()
}
