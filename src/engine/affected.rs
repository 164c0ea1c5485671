//! Which devices were ever affected by an incident: a bit each, and by name on the record, so that a room that begins
//! again does not begin to count again.

use super::recovery;
use crate::domain::cohort::CohortKey;
use crate::domain::event::Event;
use crate::domain::event::recovery::RecoveryEvent;
use crate::domain::incident::Incident;
use crate::domain::time::At;
use crate::fleet::Fleet;
use crate::fleet::devices::DeviceIx;
use crate::limits;

/// Seconds for which it must be clear whom it is about, before names are written down.
const CLEAR_S: i64 = 30;
/// They are written down at this interval, or as soon as there are so many new ones.
const EVERY_S: i64 = 60;
const MANY: u32 = 100;
/// Names in one event.
const BATCH: usize = 1_000;
/// After a room has begun again, devices that tell of themselves what the room before knew have not fallen ill again.
const LISTEN_S: i64 = 300;

/// Some devices, a bit each.
#[derive(Clone, Debug, Default)]
struct Bits {
    words: Vec<u64>,
    set: u32,
}

impl Bits {
    fn has(&self, ix: DeviceIx) -> bool {
        self.words.get(ix.0 as usize / 64).is_some_and(|word| word & (1 << (ix.0 % 64)) != 0)
    }

    fn insert(&mut self, ix: DeviceIx) {
        if self.has(ix) {
            return;
        }
        let at = ix.0 as usize / 64;
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        self.words[at] |= 1 << (ix.0 % 64);
        self.set += 1;
    }

    fn iter(&self) -> impl Iterator<Item = DeviceIx> {
        let bits = |(at, word): (usize, &u64)| {
            let word = *word;
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| DeviceIx((at * 64 + bit) as u32))
        };
        self.words.iter().enumerate().flat_map(bits)
    }
}

/// Devices that were affected at any time of an incident.
#[derive(Debug, Default)]
pub(super) struct Ever {
    cohort: CohortKey,
    /// Since when it is about this cohort, in this process.
    since: Option<At>,
    devices: Bits,
    /// Those of them that are on the record, or beyond what is named there.
    recorded: Bits,
    /// Those on the record that this process has not heard.
    unheard: Vec<String>,
    /// When names were last written down.
    written: Option<At>,
    /// Until when nothing counts as falling ill again.
    listening: Option<At>,
    /// The fewest of them that were ill since service was restored: more of them later are a regression.
    least_ill: Option<u32>,
}

impl Ever {
    /// Begins with what is on the record.
    pub(super) fn of(incident: &Incident, at: At) -> Self {
        let known = &incident.recovery.affected;
        let same = known.cohort == incident.cohort;
        let unheard = if same { known.names().map(str::to_owned).collect() } else { Vec::new() };
        Self {
            cohort: incident.cohort.clone(),
            since: Some(at),
            unheard,
            listening: (known.written > 0).then(|| at.plus_s(LISTEN_S)),
            ..Self::default()
        }
    }

    /// Where it has become clear that it is about others, those who were taken for affected before may not be.
    pub(super) fn follow(&mut self, cohort: &CohortKey, at: At) {
        if self.cohort != *cohort || self.since.is_none() {
            *self = Self { cohort: cohort.clone(), since: Some(at), ..Self::default() };
        }
    }

    /// Finds those that have been heard again.
    pub(super) fn hear(&mut self, fleet: &Fleet) {
        let (devices, recorded) = (&mut self.devices, &mut self.recorded);
        self.unheard.retain(|name| match fleet.devices().find(name) {
            Some(ix) => {
                devices.insert(ix);
                recorded.insert(ix);
                false
            }
            None => true,
        });
    }

    pub(super) fn has(&self, ix: DeviceIx) -> bool {
        self.devices.has(ix)
    }

    pub(super) fn insert(&mut self, ix: DeviceIx) {
        self.devices.insert(ix);
    }

    /// Devices on the record that this process has not heard.
    pub(super) fn unheard(&self) -> u32 {
        self.unheard.len() as u32
    }

    /// Why the incident has come back, if it has.
    pub(super) fn came_back(&mut self, incident: &Incident, ill: u32, devices: u32, at: At) -> Option<String> {
        if self.listening.is_some_and(|until| at < until) {
            return None;
        }
        recovery::came_back(incident, &mut self.least_ill, ill, devices)
    }

    /// What is to be written down now.
    pub(super) fn take_fresh(&mut self, fleet: &Fleet, incident: &Incident, at: At) -> Vec<Event> {
        let fresh = self.devices.set - self.recorded.set;
        let clear = self.since.is_some_and(|since| at.since_s(since) >= CLEAR_S);
        let waited = self.written.is_none_or(|written| at.since_s(written) >= EVERY_S);
        if fresh == 0 || !clear || !(waited || fresh >= MANY) {
            return Vec::new();
        }
        let events = self.unrecorded(fleet, incident);
        self.recorded = self.devices.clone();
        self.written = Some(at);
        events
    }

    /// Those that are not on the record yet, in batches; beyond what an incident may name, their number.
    pub(super) fn unrecorded(&self, fleet: &Fleet, incident: &Incident) -> Vec<Event> {
        let fresh = self.devices.iter().filter(|ix| !self.recorded.has(*ix));
        let room = limits::AFFECTED_NAMED.saturating_sub(incident.recovery.affected.written as usize);
        let mut names: Vec<String> = fresh.map(|ix| fleet.devices().id(ix).to_owned()).collect();
        let unnamed = names.len().saturating_sub(room) as u32;
        names.truncate(room);
        let event = |devices: &[String], unnamed| {
            let (incident, cohort, devices) = (incident.id, self.cohort.clone(), devices.to_vec());
            Event::from(RecoveryEvent::DevicesAffected { incident, cohort, devices, unnamed })
        };
        let mut events: Vec<Event> = names.chunks(BATCH).map(|batch| event(batch, 0)).collect();
        if unnamed > 0 {
            events.push(event(&[], unnamed));
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_once_and_told_in_order() {
        let mut bits = Bits::default();
        for ix in [130, 0, 63, 64, 130] {
            bits.insert(DeviceIx(ix));
        }
        assert_eq!(bits.set, 4);
        assert_eq!(bits.iter().map(|ix| ix.0).collect::<Vec<_>>(), [0, 63, 64, 130]);
        assert!(bits.has(DeviceIx(63)) && !bits.has(DeviceIx(62)) && !bits.has(DeviceIx(9_999)));
    }
}
