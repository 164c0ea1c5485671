//! Facts about incidents from live data, counted every few seconds: who is affected, what they have in common, and what
//! has become of every device that ever was. `triage` makes answers of them, `recovery` checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::affected::Ever;
use super::{State, recovery, triage};
use crate::domain::alert::{self, Alert};
use crate::domain::campaign::OtaState;
use crate::domain::cohort::CohortKey;
use crate::domain::event::Event;
use crate::domain::ids::{AlertId, IncidentId};
use crate::domain::incident::Incident;
use crate::domain::query::Answer;
use crate::domain::recovery::{Checked, Remaining};
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::attributes::ValueIx;
use crate::fleet::devices::{Device, DeviceIx, Flag};

/// Seconds between two looks: each goes over all devices.
const EVERY_S: i64 = 5;
/// Devices named as those that send most.
const TALKERS: usize = 3;

/// Groups of symptoms that questions and checks are about.
pub(super) mod kind {
    use crate::domain::symptom::Symptom as S;

    pub const AWAY: u32 = S::Offline.bit();
    pub const ERRING: u32 = S::Erring.bit();
    pub const REBOOTING: u32 = S::Rebooting.bit();
    pub const RETURNING: u32 = S::Reconnecting.bit();
    pub const QUALITY: u32 = S::Malformed.bit()
        | S::Implausible.bit()
        | S::Stuck.bit()
        | S::Disordered.bit()
        | S::Drifting.bit()
        | S::Silent.bit();
    pub const UPDATE: u32 = S::BadSignature.bit() | S::UpdateFailing.bit();
    pub const BACKLOG: u32 = S::Queueing.bit();
    pub const FLOODING: u32 = S::Flooding.bit();
    /// What a healthy device does not do.
    pub const ERRORS: u32 = ERRING | REBOOTING | RETURNING | S::AuthFailing.bit() | S::Refused.bit();
    pub const ALL: [u32; 9] = [AWAY, ERRING, REBOOTING, RETURNING, QUALITY, UPDATE, BACKLOG, FLOODING, ERRORS];
}

/// Some devices, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowd {
    pub devices: u32,
    /// Devices that show any symptom of each group in [`kind::ALL`].
    shown: [u32; kind::ALL.len()],
    /// Devices in the middle of an update.
    pub in_flight: u32,
    /// Devices that tell how much waits in them.
    pub with_queue: u32,
}

impl Crowd {
    fn add(&mut self, device: &Device, bits: u32) {
        const TELLS_QUEUE: u16 = 1 << 4;
        self.devices += 1;
        for (n, mask) in kind::ALL.iter().enumerate() {
            self.shown[n] += u32::from(bits & mask != 0);
        }
        self.in_flight += u32::from(device.ota.in_flight());
        self.with_queue += u32::from(device.fields & TELLS_QUEUE != 0);
    }

    /// The same with some more that are away, as far as anybody knows.
    pub(super) fn with_away(&self, devices: u32) -> Self {
        let mut all = self.clone();
        all.devices += devices;
        for (n, mask) in kind::ALL.iter().enumerate() {
            all.shown[n] += if mask & kind::AWAY != 0 { devices } else { 0 };
        }
        all
    }

    /// Devices that show any symptom of a group.
    pub(super) fn showing(&self, group: u32) -> u32 {
        kind::ALL.iter().position(|mask| *mask == group).map_or(0, |n| self.shown[n])
    }

    /// Devices that are not away.
    pub(super) fn here(&self) -> u32 {
        self.devices - self.showing(kind::AWAY)
    }

    /// The share that shows any symptom of a group, 0..=1.
    pub(super) fn share(&self, group: u32) -> f64 {
        if self.devices == 0 { 0.0 } else { f64::from(self.showing(group)) / f64::from(self.devices) }
    }
}

/// What one look at all devices says of a subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    /// The devices that it is about, and all others.
    pub inside: Crowd,
    pub outside: Crowd,
    /// Devices that were ever affected, and all that never were.
    pub ever: Crowd,
    pub never: Crowd,
    /// Of devices that were ever affected, those that this process has not heard at all: no crowd has them.
    pub unheard: u32,
    pub remaining: Remaining,
    /// Of devices that were ever affected, those that show again what it is about.
    pub ill: u32,
    /// Devices that show what it is about, everywhere and inside.
    pub affected: u32,
    pub affected_inside: u32,
    /// For every attribute: its values among the affected, with devices affected and devices in all, most first.
    pub values: Vec<Vec<(ValueIx, u32, u32)>>,
    /// Affected devices by their last error code, most first.
    pub codes: Vec<(u16, u32)>,
    /// Those that send most: reports in the running minute (or the usual number), and usually.
    pub talkers: Vec<(DeviceIx, u16, u16)>,
    /// One of the affected, where there is only one.
    pub example: Option<DeviceIx>,
}

/// What is known of one incident just now.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// When it was looked at.
    pub at: At,
    pub answers: Vec<Answer>,
    pub checks: Vec<Checked>,
    pub remaining: Remaining,
}

/// What is known of every open incident, and of the alert in front of those that nobody has declared.
#[derive(Debug, Default)]
pub struct Facts {
    incidents: BTreeMap<IncidentId, Arc<Known>>,
    alert: Option<(AlertId, Arc<Known>)>,
    ever: BTreeMap<IncidentId, Ever>,
    looked: Option<At>,
}

impl Facts {
    pub fn of(&self, incident: IncidentId) -> Option<&Arc<Known>> {
        self.incidents.get(&incident)
    }

    /// Devices that were affected and are not on the record yet.
    pub(super) fn unrecorded(&self, fleet: &Fleet, incident: &Incident) -> Vec<Event> {
        self.ever.get(&incident.id).map(|ever| ever.unrecorded(fleet, incident)).unwrap_or_default()
    }

    pub const fn incidents(&self) -> &BTreeMap<IncidentId, Arc<Known>> {
        &self.incidents
    }

    pub const fn alert(&self) -> Option<&(AlertId, Arc<Known>)> {
        self.alert.as_ref()
    }
}

/// What is asked about: an incident, or an alert before it is one.
pub(super) struct Subject<'a> {
    pub incident: Option<&'a Incident>,
    pub cohort: CohortKey,
    pub onset: Option<At>,
    /// The symptoms, a bit each, of which any makes a device affected.
    pub asked: u32,
    pub alerts: Vec<&'a Alert>,
    /// Open alerts about something else: what they explain is no relapse of this.
    pub others: Vec<&'a Alert>,
}

impl<'a> Subject<'a> {
    fn incident(state: &'a State, incident: &'a Incident) -> Self {
        let alerts: Vec<_> = incident.alerts.iter().filter_map(|id| state.room.alerts.get(id)).collect();
        let asked = asked(&alerts);
        let (cohort, onset) = (incident.cohort.clone(), incident.moments.onset);
        let is_other = |alert: &&Alert| !incident.alerts.contains(&alert.id) && !alert.finding.cohort.is_fleet();
        let others = state.room.open_alerts().filter(is_other).collect();
        Self { incident: Some(incident), cohort, onset, asked, alerts, others }
    }

    fn alert(state: &'a State, alert: &'a Alert) -> Self {
        let suspect = state.suspects().of_alert(alert.id).first();
        let cohort = suspect.map_or_else(|| alert.finding.cohort.clone(), |suspect| suspect.cohort.clone());
        let alerts = vec![alert];
        Self {
            incident: None,
            cohort,
            onset: Some(alert.finding.onset),
            asked: asked(&alerts),
            alerts,
            others: Vec::new(),
        }
    }
}

/// The symptoms that alerts are about; any at all, where no alert says what is wrong.
fn asked(alerts: &[&Alert]) -> u32 {
    let signals = alerts.iter().flat_map(|alert| alert.signals());
    let asked = signals.filter_map(Symptom::of).fold(0, |bits, symptom| bits | symptom.bit());
    if asked == 0 { u32::MAX } else { asked }
}

/// Looks again where it is time to; says who was affected, and which incidents came back after service was restored.
pub(super) fn tick(state: &mut State, at: At) -> Vec<Event> {
    if !state.link.is_up() || state.facts.looked.is_some_and(|looked| at.since_s(looked) < EVERY_S) {
        return Vec::new();
    }
    let mut facts = std::mem::take(&mut state.facts);
    facts.looked = Some(at);
    let open: Vec<&Incident> = state.room.open_incidents().collect();
    facts.ever.retain(|id, _| open.iter().any(|incident| incident.id == *id));
    facts.incidents.retain(|id, _| open.iter().any(|incident| incident.id == *id));
    let mut events = Vec::new();
    for incident in open {
        let subject = Subject::incident(state, incident);
        let ever = facts.ever.entry(incident.id).or_insert_with(|| Ever::of(incident, at));
        let counted = count(&state.fleet, &subject, ever, at);
        events.extend(ever.take_fresh(&state.fleet, incident, at));
        let came_back = ever.came_back(incident, counted.ill, counted.ever.devices, at);
        events.extend(came_back.map(|reason| Event::Reopened { incident: incident.id, reason }));
        let answers = triage::answers(state, &subject, &counted, at);
        let checks = recovery::checks(state, incident, &counted, at);
        let known = Known { at, answers, checks, remaining: counted.remaining };
        facts.incidents.insert(incident.id, Arc::new(known));
    }
    let loose = state.room.open_alerts().filter(|alert| state.room.incident_of(alert.id).is_none());
    facts.alert = alert::in_front(loose).map(|alert| {
        let subject = Subject::alert(state, alert);
        let counted = count(&state.fleet, &subject, &mut Ever::default(), at);
        let answers = triage::answers(state, &subject, &counted, at);
        (alert.id, Arc::new(Known { at, answers, checks: Vec::new(), remaining: counted.remaining }))
    });
    state.facts = facts;
    events
}

fn count(fleet: &Fleet, subject: &Subject<'_>, ever: &mut Ever, at: At) -> Count {
    ever.follow(&subject.cohort, at);
    ever.hear(fleet);
    let conditions = fleet.values_of(&subject.cohort);
    let is_of = |device: &Device, conditions: &[(usize, ValueIx)]| {
        let vector = fleet.vector(device.group);
        conditions.iter().all(|(attribute, value)| vector[*attribute] == *value)
    };
    let holds = |device: &Device| conditions.as_ref().is_some_and(|conditions| is_of(device, conditions));
    let others = subject.others.iter().filter_map(|alert| {
        let conditions = fleet.values_of(&alert.finding.cohort)?;
        Some((conditions, asked(&[alert])))
    });
    let others: Vec<_> = others.collect();
    let mut counted = Count { unheard: ever.unheard(), ..Count::default() };
    counted.remaining.ever = counted.unheard;
    counted.remaining.unheard = counted.unheard;
    // By group of devices alike: how many, and how many affected.
    let mut groups: Vec<(u32, u32)> = Vec::new();
    let mut codes: HashMap<u16, u32> = HashMap::new();
    for (ix, device) in fleet.devices().iter().filter(|(_, device)| !device.has(Flag::Suppressed)) {
        let bits = fleet.symptoms(device);
        let inside = holds(device);
        let affected = bits & subject.asked != 0;
        if inside && affected {
            ever.insert(ix);
            counted.affected_inside += 1;
        }
        let group = device.group.0 as usize;
        if groups.len() <= group {
            groups.resize(group + 1, (0, 0));
        }
        groups[group].0 += 1;
        if affected {
            counted.affected += 1;
            counted.example = Some(ix);
            groups[group].1 += 1;
            if device.error_code != 0 {
                *codes.entry(device.error_code).or_default() += 1;
            }
        }
        if inside { &mut counted.inside } else { &mut counted.outside }.add(device, bits);
        if ever.has(ix) {
            // It was affected, and is not back: that it is being sent back is no excuse for it.
            let is_moving = device.ota.in_flight() || device.has(Flag::Leaving);
            let is_sent_back = !device.has(Flag::Online) && is_moving;
            let bits = if is_sent_back { bits | kind::AWAY } else { bits };
            counted.ever.add(device, bits);
            let is_others = || others.iter().any(|(of, asked)| bits & asked != 0 && is_of(device, of));
            counted.ill += u32::from(affected && !is_others());
            remains(&mut counted.remaining, fleet, ix, device, bits, subject);
        } else {
            counted.never.add(device, bits);
        }
        talk(&mut counted.talkers, ix, device);
    }
    counted.codes = codes.into_iter().collect();
    counted.codes.sort_by_key(|(code, n)| (std::cmp::Reverse(*n), *code));
    counted.values = values(fleet, &groups);
    counted
}

/// What has become of a device that was affected.
fn remains(remaining: &mut Remaining, fleet: &Fleet, ix: DeviceIx, device: &Device, bits: u32, subject: &Subject<'_>) {
    remaining.ever += 1;
    remaining.rolled_back += u32::from(device.ota == OtaState::RolledBack);
    let heard = subject.onset.is_none_or(|onset| fleet.seen(ix).is_some_and(|seen| seen > onset));
    let wrong = kind::ERRORS | kind::QUALITY | kind::UPDATE | kind::BACKLOG | subject.asked;
    let count = match (bits & kind::AWAY != 0, bits & wrong & !kind::AWAY != 0) {
        (true, _) if heard => &mut remaining.away,
        (true, _) => &mut remaining.unheard,
        (false, true) => &mut remaining.unhealthy,
        (false, false) => &mut remaining.healthy,
    };
    *count += 1;
}

/// Keeps the devices that send most.
fn talk(talkers: &mut Vec<(DeviceIx, u16, u16)>, ix: DeviceIx, device: &Device) {
    let now = device.reports.max(device.usual);
    if talkers.len() == TALKERS && talkers.last().is_some_and(|(_, least, _)| now <= *least) {
        return;
    }
    let at = talkers.partition_point(|(_, other, _)| *other >= now);
    talkers.insert(at, (ix, now, device.usual));
    talkers.truncate(TALKERS);
}

/// Of every attribute, the values of affected devices.
fn values(fleet: &Fleet, groups: &[(u32, u32)]) -> Vec<Vec<(ValueIx, u32, u32)>> {
    let attributes = fleet.schema().names().len();
    let mut sums: Vec<HashMap<ValueIx, (u32, u32)>> = vec![HashMap::new(); attributes];
    for (ix, group) in fleet.groups().iter() {
        let Some((devices, affected)) = groups.get(ix.0 as usize).filter(|(devices, _)| *devices > 0) else { continue };
        for (attribute, value) in group.vector[..attributes].iter().enumerate() {
            let sum = sums[attribute].entry(*value).or_default();
            *sum = (sum.0 + affected, sum.1 + devices);
        }
    }
    let sorted = |sums: HashMap<ValueIx, (u32, u32)>| {
        let mut values: Vec<_> =
            sums.into_iter().map(|(value, (affected, devices))| (value, affected, devices)).collect();
        values.sort_by_key(|(value, affected, _)| (std::cmp::Reverse(*affected), *value));
        values
    };
    sums.into_iter().map(sorted).collect()
}
