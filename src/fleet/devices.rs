//! The device table: sixty bytes a device, its id in one arena, found by hash.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::groups::GroupIx;
use crate::domain::campaign::OtaState;
use crate::domain::symptom::Symptom;
use crate::limits;

/// A device by its place in the table; it keeps it for the life of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIx(pub u32);

/// What is known of a device. Strings are interned elsewhere; a million of these are 60 MB.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    pub group: GroupIx,
    /// Last message, in seconds since the table began.
    pub seen: u32,
    /// The highest sequence number of its telemetry; see `HAS_SEQ`.
    pub seq: u32,
    pub boots: u32,
    /// The error counter of its telemetry.
    pub errors: u32,
    pub queue: u16,
    /// What it has shown to be wrong with it, lately.
    pub shown: Shown,
    /// Reports in the running minute, and its usual number of them in one; 0 where not known yet.
    pub reports: u16,
    pub usual: u16,
    /// Seconds between its messages when it is slow; 0 where not known yet.
    pub period_s: f32,
    /// The last error code, interned.
    pub error_code: u16,
    /// The fields that its telemetry always has, and how many messages in a row have had exactly these.
    pub fields: u16,
    pub steady: u8,
    /// The lowest battery since it was last charged.
    pub battery_low: u8,
    /// How often it came back lately: one is forgiven every minute.
    pub returns: u8,
    /// Seconds for which it was away before it came back last.
    pub away: u16,
    flags: u32,
    /// Percent, or [`Device::UNKNOWN_BATTERY`].
    pub battery: u8,
    /// dBm, 0 where not told.
    pub rssi: i8,
    pub campaign: u8,
    pub wave: u8,
    pub ota: OtaState,
}

impl Device {
    pub const UNKNOWN_BATTERY: u8 = 255;

    const fn new(group: GroupIx, seen: u32) -> Self {
        Self {
            group,
            seen,
            seq: 0,
            boots: 0,
            errors: 0,
            queue: 0,
            shown: Shown { minute: 0, now: 0, lately: 0, earlier: 0 },
            reports: 0,
            usual: 0,
            period_s: 0.0,
            error_code: 0,
            fields: 0,
            steady: 0,
            battery_low: Self::UNKNOWN_BATTERY,
            returns: 0,
            away: 0,
            flags: 0,
            battery: Self::UNKNOWN_BATTERY,
            rssi: 0,
            campaign: 0,
            wave: 0,
            ota: OtaState::None,
        }
    }

    /// Whether it is not to be counted at all. One that is worked on at this hour is not missed, and yet its update may
    /// go wrong: rollouts like to go out at such hours.
    pub const fn is_on_leave(&self) -> bool {
        self.has(Flag::Suppressed) && !self.has(Flag::Planned)
    }

    pub const fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u32 != 0
    }

    pub const fn set(&mut self, flag: Flag, on: bool) {
        if on {
            self.flags |= flag as u32;
        } else {
            self.flags &= !(flag as u32);
        }
    }
}

impl Device {
    /// What it shows just now, a bit each: that it is away without an excuse, and what it has shown in the last minutes.
    pub const fn showing(&self, minute: u16) -> u32 {
        let away = !self.has(Flag::Online) && !self.has(Flag::Excused);
        let shown = self.shown.recent(minute) & !Symptom::Offline.bit();
        if away { shown | Symptom::Offline.bit() } else { shown }
    }

    /// Whether it may be away, and boot, because of its update. One that keeps coming back from it does not get through.
    pub const fn is_updating(&self) -> bool {
        self.ota.in_flight() && !self.has(Flag::KeepsComingBack)
    }

    /// Whether it was heard but once, and never told its presence: names are easily made up.
    pub const fn was_heard_once(&self) -> bool {
        !self.has(Flag::HeardAgain) && !self.has(Flag::HasStatus)
    }

    /// Notes that it has come back. Many tell of their boot, and of their firmware, only in the messages after that.
    pub fn is_back(&mut self, away_s: u32) {
        self.away = away_s.min(u16::MAX.into()) as u16;
        self.set(Flag::JustBack, true);
        self.set(Flag::WasJustBack, false);
        self.set(Flag::JustMoved, false);
    }

    /// Whether it came back a minute or two ago.
    pub const fn has_just_come_back(&self) -> bool {
        self.has(Flag::JustBack) || self.has(Flag::WasJustBack)
    }

    /// Notes that it is another thing, or somewhere else, than it was. Whether it was so a minute or two ago already.
    pub const fn changes(&mut self) -> bool {
        let again = self.has(Flag::JustChanged) || self.has(Flag::WasJustChanged);
        self.set(Flag::JustChanged, true);
        again
    }

    /// A minute is over, and what was so in the one before it is forgotten.
    pub const fn forgets_minute(&mut self) {
        if !self.has(Flag::JustBack) {
            self.set(Flag::JustMoved, false);
        }
        self.set(Flag::WasJustBack, self.has(Flag::JustBack));
        self.set(Flag::JustBack, false);
        self.set(Flag::WasJustChanged, self.has(Flag::JustChanged));
        self.set(Flag::JustChanged, false);
    }

    /// Notes that it has come back from the update that it is in. Some updates boot twice.
    pub const fn comes_back(&mut self) {
        let next = match (self.has(Flag::CameBack), self.has(Flag::CameBackTwice)) {
            (false, _) => Flag::CameBack,
            (true, false) => Flag::CameBackTwice,
            (true, true) => Flag::KeepsComingBack,
        };
        self.set(next, true);
    }

    /// Another update begins, or this one is over.
    pub const fn begins_anew(&mut self) {
        self.set(Flag::CameBack, false);
        self.set(Flag::CameBackTwice, false);
        self.set(Flag::KeepsComingBack, false);
    }
}

/// Yes-or-no facts about a device, a bit each.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Flag {
    /// Connected, as far as known.
    Online = 1,
    /// It has told its presence by a status; silence alone does not make it offline.
    HasStatus = 2,
    HasSeq = 4,
    HasBoots = 8,
    /// It reports errors as events; the counter in its telemetry would count them twice.
    SendsErrors = 16,
    HasErrors = 32,
    /// Offline in the middle of an update, and not for too long, or at an hour at which it usually is: it is not missed yet.
    Excused = 64,
    /// In maintenance, suspended, decommissioned, cleared, worked on or a stranger: heard, but neither counted nor missed.
    Suppressed = 128,
    /// It sent many times its usual reports in the minute that ended last.
    SentMany = 256,
    /// Its last telemetry lacked fields, or its last two.
    Lacked = 512,
    LackedTwice = 1024,
    /// Some of its fields come and go, and always have.
    Forgetful = 2048,
    /// It came back once, twice, or again and again from the update that it is in.
    CameBack = 4096,
    CameBackTwice = 8192,
    KeepsComingBack = 16_384,
    /// It went away as others did that came back with another firmware.
    Leaving = 32_768,
    /// It was heard more than once; and has reported, rather than told its presence or its update.
    HeardAgain = 65_536,
    HasReported = 131_072,
    /// Suppressed because the broker was told to forget it.
    Cleared = 262_144,
    /// Suppressed because it is worked on at this hour.
    Planned = 524_288,
    /// Suppressed because it was heard once and never again: names are easily made up.
    Stranger = 1 << 25,
    /// It came back in this minute, or in the one before; and has told another firmware since.
    JustBack = 1 << 20,
    WasJustBack = 1 << 21,
    JustMoved = 1 << 22,
    /// It changed an attribute other than its versions in this minute, or in the one before.
    JustChanged = 1 << 23,
    WasJustChanged = 1 << 24,
}

/// The symptoms of a device, a bit each: of the running minute, and of the last minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    minute: u16,
    now: u32,
    lately: u32,
    earlier: u32,
}

/// Not a symptom: the bit behind them.
const CUT: u32 = 1 << 31;
const _: () = assert!(Symptom::COUNT < 31);

/// Minutes in which what a device showed is kept together; it is forgotten after one to two times as long.
const EPOCH_MIN: u16 = 3;

impl Shown {
    /// Notes a symptom. Whether it is the first time in this minute.
    pub const fn note(&mut self, symptom: Symptom, minute: u16) -> bool {
        self.roll(minute);
        let bit = symptom.bit();
        let first = self.now & bit == 0;
        self.now |= bit;
        self.lately |= bit;
        first
    }

    /// Notes that the power was cut. Whether it was not in the last minutes before.
    pub const fn note_cut(&mut self, minute: u16) -> bool {
        self.roll(minute);
        let first = (self.lately | self.earlier) & CUT == 0;
        self.lately |= CUT;
        first
    }

    /// The symptoms of the last three to six minutes.
    pub const fn recent(&self, minute: u16) -> u32 {
        !CUT & match (minute / EPOCH_MIN).wrapping_sub(self.minute / EPOCH_MIN) {
            0 => self.lately | self.earlier,
            1 => self.lately,
            _ => 0,
        }
    }

    /// The symptoms of this minute; in its beginning, those of the one before.
    pub const fn just_now(&self, minute: u16) -> u32 {
        if minute.wrapping_sub(self.minute) <= 1 { self.now } else { 0 }
    }

    const fn roll(&mut self, minute: u16) {
        if minute == self.minute {
            return;
        }
        match (minute / EPOCH_MIN).wrapping_sub(self.minute / EPOCH_MIN) {
            0 => {}
            1 => (self.earlier, self.lately) = (self.lately, 0),
            _ => (self.earlier, self.lately) = (0, 0),
        }
        self.now = 0;
        self.minute = minute;
    }
}

/// Bytes of ids in one block, so that growing never copies them.
const BLOCK: usize = 1 << 20;
/// Records in one block.
const RECORDS: usize = 4096;

/// All devices.
#[derive(Debug, Default)]
pub struct DeviceTable {
    records: Vec<Vec<Device>>,
    /// Where each id lies: block, offset and length packed.
    ids: Vec<IdPlace>,
    blocks: Vec<String>,
    index: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

#[derive(Clone, Copy, Debug)]
struct IdPlace {
    block: u16,
    len: u16,
    start: u32,
}

impl DeviceTable {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn find(&self, id: &str) -> Option<DeviceIx> {
        let hash = self.hasher.hash_one(id);
        self.index.find(hash, |ix| self.id(DeviceIx(*ix)) == id).map(|ix| DeviceIx(*ix))
    }

    /// Adds a device that is not there yet; none when the table is full.
    pub fn add(&mut self, id: &str, group: GroupIx, seen: u32) -> Option<DeviceIx> {
        if self.len() >= limits::DEVICES {
            return None;
        }
        let ix = self.len() as u32;
        let place = self.keep_id(id);
        self.ids.push(place);
        match self.records.last_mut() {
            Some(block) if block.len() < RECORDS => block.push(Device::new(group, seen)),
            _ => {
                let mut block = Vec::with_capacity(RECORDS);
                block.push(Device::new(group, seen));
                self.records.push(block);
            }
        }
        let hash = self.hasher.hash_one(id);
        let Self { index, ids, blocks, hasher, .. } = self;
        index.insert_unique(hash, ix, |ix| hasher.hash_one(id_at(blocks, ids[*ix as usize])));
        Some(DeviceIx(ix))
    }

    fn keep_id(&mut self, id: &str) -> IdPlace {
        if self.blocks.last().is_none_or(|block| block.len() + id.len() > BLOCK) {
            self.blocks.push(String::with_capacity(BLOCK));
        }
        let number = self.blocks.len() - 1;
        let block = &mut self.blocks[number];
        let place = IdPlace { block: number as u16, len: id.len() as u16, start: block.len() as u32 };
        block.push_str(id);
        place
    }

    pub fn id(&self, device: DeviceIx) -> &str {
        id_at(&self.blocks, self.ids[device.0 as usize])
    }

    pub fn get(&self, device: DeviceIx) -> &Device {
        &self.records[device.0 as usize / RECORDS][device.0 as usize % RECORDS]
    }

    pub fn get_mut(&mut self, device: DeviceIx) -> &mut Device {
        &mut self.records[device.0 as usize / RECORDS][device.0 as usize % RECORDS]
    }

    pub fn iter(&self) -> impl Iterator<Item = (DeviceIx, &Device)> {
        self.records.iter().flatten().enumerate().map(|(ix, device)| (DeviceIx(ix as u32), device))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (DeviceIx, &mut Device)> {
        self.records.iter_mut().flatten().enumerate().map(|(ix, device)| (DeviceIx(ix as u32), device))
    }
}

fn id_at(blocks: &[String], place: IdPlace) -> &str {
    &blocks[usize::from(place.block)][place.start as usize..place.start as usize + usize::from(place.len)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_stays_small() {
        assert_eq!(size_of::<Device>(), 64);
        assert_eq!(size_of::<IdPlace>(), 8);
    }

    #[test]
    fn a_symptom_counts_once_a_minute_and_is_forgotten_after_some() {
        let mut shown = Shown::default();
        let minutes = [(30, true), (30, false), (31, true), (33, true)];
        for (minute, first) in minutes {
            assert_eq!(shown.note(Symptom::Rebooting, minute), first, "minute {minute}");
        }
        shown.note(Symptom::Erring, 37);
        let both = Symptom::Erring.bit() | Symptom::Rebooting.bit();
        for (minute, recent) in [(37, both), (38, both), (39, Symptom::Erring.bit()), (42, 0), (100, 0)] {
            assert_eq!(shown.recent(minute), recent, "minute {minute}");
        }
    }

    #[test]
    fn devices_are_found_by_their_whole_id() {
        let mut table = DeviceTable::default();
        for n in 0..10_000 {
            table.add(&format!("dev-{n}"), GroupIx(0), n).unwrap();
        }
        for n in [0, 1, 4095, 4096, 9999] {
            let found = table.find(&format!("dev-{n}")).unwrap();
            assert_eq!((table.id(found), table.get(found).seen), (format!("dev-{n}").as_str(), n));
        }
        assert_eq!(table.find("dev-"), None);
        assert_eq!(table.iter().count(), 10_000);
    }
}
