//! Groups: the devices with the same value of every attribute. A message touches one group; once a second the
//! groups that were touched are added up into the cohorts they belong to.

use hashbrown::{HashMap, HashSet};

use super::attributes::ValueIx;
use super::cohorts::{CohortIx, Cohorts};
use crate::domain::signal::{Signal, SignalKind};
use crate::domain::symptom::Symptom;
use crate::limits;

/// A group by its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupIx(pub u32);

/// The value of every attribute, in the order of the schema.
pub type Vector = [ValueIx; limits::ATTRIBUTES];

/// Devices alike in every attribute.
#[derive(Debug)]
pub struct Group {
    pub vector: Vector,
    /// What its devices add up to now: levels as they stand, counts of the running second.
    pub now: [u32; Signal::COUNT],
    /// The levels that the cohorts know of.
    told: [u32; Signal::COUNT],
    /// Devices that showed each symptom in the running second, and which are not zero.
    shown: [u16; Symptom::COUNT],
    shows: u32,
    /// The symptoms that are accepted as usual, a bit each: they are not counted.
    accepted: u32,
    touched: bool,
    /// The cohorts it is part of.
    pub cohorts: Box<[CohortIx]>,
}

impl Group {
    pub const fn accepted(&self) -> u32 {
        self.accepted
    }

    pub const fn accepts(&self, symptom: Symptom) -> bool {
        self.accepted & symptom.bit() != 0
    }

    /// Devices away without an excuse.
    pub fn away(&self) -> u32 {
        let now = |signal: Signal| self.now[signal as usize];
        now(Signal::Devices).saturating_sub(now(Signal::Online) + now(Signal::Updating))
    }
}

/// All groups.
#[derive(Debug, Default)]
pub struct Groups {
    groups: Vec<Group>,
    index: HashMap<Vector, GroupIx>,
    touched: Vec<GroupIx>,
    free: Vec<GroupIx>,
}

impl Groups {
    pub fn find(&self, vector: &Vector) -> Option<GroupIx> {
        self.index.get(vector).copied()
    }

    pub fn is_full(&self) -> bool {
        self.groups.len() >= limits::GROUPS && self.free.is_empty()
    }

    /// Adds a group that is not there yet.
    pub fn add(&mut self, vector: Vector, cohorts: Box<[CohortIx]>) -> GroupIx {
        let group = Group {
            vector,
            now: [0; Signal::COUNT],
            told: [0; Signal::COUNT],
            shown: [0; Symptom::COUNT],
            shows: 0,
            accepted: 0,
            touched: false,
            cohorts,
        };
        let ix = match self.free.pop() {
            Some(ix) => {
                self.groups[ix.0 as usize] = group;
                ix
            }
            None => {
                self.groups.push(group);
                GroupIx(self.groups.len() as u32 - 1)
            }
        };
        self.index.insert(vector, ix);
        ix
    }

    pub fn get(&self, group: GroupIx) -> &Group {
        &self.groups[group.0 as usize]
    }

    pub fn get_mut(&mut self, group: GroupIx) -> &mut Group {
        &mut self.groups[group.0 as usize]
    }

    /// Adds to a signal of a group; negative for a level that falls.
    pub fn add_to(&mut self, group: GroupIx, signal: Signal, n: i32) {
        let g = &mut self.groups[group.0 as usize];
        let value = &mut g.now[signal as usize];
        *value = value.saturating_add_signed(n);
        self.touch(group);
    }

    /// Counts a device that shows a symptom.
    pub fn show(&mut self, group: GroupIx, symptom: Symptom) {
        let g = &mut self.groups[group.0 as usize];
        if g.accepts(symptom) {
            return;
        }
        let count = &mut g.shown[symptom as usize];
        *count = count.saturating_add(1);
        g.shows |= symptom.bit();
        self.touch(group);
    }

    fn touch(&mut self, group: GroupIx) {
        let g = &mut self.groups[group.0 as usize];
        if !g.touched {
            g.touched = true;
            self.touched.push(group);
        }
    }

    /// Says anew which symptoms of each group, a bit each, are accepted as usual: they are counted no more.
    pub fn accept(&mut self, accepted: impl Fn(&Vector) -> u32) {
        self.groups.iter_mut().for_each(|group| group.accepted = accepted(&group.vector));
    }

    /// Groups that hold devices, with their place.
    pub fn iter(&self) -> impl Iterator<Item = (GroupIx, &Group)> {
        let all = self.groups.iter().enumerate().map(|(ix, group)| (GroupIx(ix as u32), group));
        all.filter(|(_, group)| group.now[Signal::Devices as usize] > 0)
    }

    /// Hands what changed since the last time to `cohorts`, and starts counts anew.
    pub fn settle(&mut self, cohorts: &mut Cohorts) {
        for ix in self.touched.drain(..) {
            let group = &mut self.groups[ix.0 as usize];
            group.touched = false;
            if group.shows != 0 {
                group.cohorts.iter().for_each(|cohort| cohorts.show(*cohort, &group.shown));
                (group.shown, group.shows) = ([0; Symptom::COUNT], 0);
            }
            for signal in Signal::ALL {
                let change = i64::from(group.now[signal as usize]) - i64::from(group.told[signal as usize]);
                if change != 0 {
                    group.cohorts.iter().for_each(|cohort| cohorts.add(*cohort, signal, change));
                }
                match signal.kind() {
                    SignalKind::Level => group.told[signal as usize] = group.now[signal as usize],
                    SignalKind::Count => group.now[signal as usize] = 0,
                }
            }
        }
    }

    /// Forgets groups without devices and returns their vectors; devices that are left out of account are `kept` too. Only
    /// right after [`Groups::settle`].
    pub fn sweep(&mut self, kept: &HashSet<GroupIx>) -> Vec<Vector> {
        let mut swept = Vec::new();
        for (slot, group) in self.groups.iter().enumerate() {
            let ix = GroupIx(slot as u32);
            let is_empty = group.now[Signal::Devices as usize] == 0 && !kept.contains(&ix);
            if is_empty && self.index.get(&group.vector) == Some(&ix) {
                self.index.remove(&group.vector);
                self.free.push(ix);
                swept.push(group.vector);
            }
        }
        swept
    }

    /// Sets the cohorts of every group anew, for when a grouping begins or ends.
    pub fn assign(&mut self, cohorts: impl FnMut(&Vector) -> Box<[CohortIx]>) {
        let mut cohorts = cohorts;
        for group in &mut self.groups {
            group.cohorts = cohorts(&group.vector);
        }
    }
}
