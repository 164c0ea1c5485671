//! Drift: measured values that are plausible, and slowly or for good not what they used to be.
//!
//! What a device measures lately is held against all that it measured before, a day's rhythm included, and against what the
//! fleet as a whole does: where everybody leaves the beaten track the same way it is the weather, and nobody drifts. What
//! is averaged over many measurements shows the small and slow; a few in a row far out show the sudden.

use super::Fleet;
use super::devices::{Device, DeviceIx, Flag};
use super::kpis::Past;
use super::symptoms::is_silent;
use crate::domain::symptom::Symptom;

/// Seconds in which what lies beyond the habit is learnt, and in which what is not seen again is forgotten.
const LEARN_S: f32 = 2.0 * 86_400.0;
const FORGET_S: f32 = 14.0 * 86_400.0;
/// Measurements, and hours, before a habit says anything.
const KNOWN: u8 = 64;
const HOURS: u8 = 24;
/// Added to the hours of a device that has got new firmware on its first day: it is judged by what it had so far, as long as
/// the fleet stays where it is.
const RENEWED: u8 = 128;
/// How far beyond its habit a device must be to have drifted: this part of its noise, this share of what it is used to, and
/// this share of the value. An average over so many measurements strays by a tenth of the noise.
const NOISE: f32 = 0.5;
/// The same for a habit of less than a day, which rests on a few dozen measurements: their mean strays by an eighth of the
/// noise, and stays where it strayed.
const YOUNG_NOISE: f32 = 0.75;
const BEYOND: f32 = 0.25;
const LEAST: f32 = 0.01;
/// A measurement is far out so many spreads beyond the habit. A device that had so many more of these on one side than
/// others has jumped, and forgets it after so many, at most, that are not. Noise hardly ever gets there, and must not: how
/// often it does cannot be learnt before a habit is known.
const FAR: f32 = 2.0;
const RUN: i8 = 4;
const LONGEST_RUN: i8 = 8;
/// Where this part of the fleet measures what is far out on one side, it is what they measure that has jumped.
const WEATHER: f32 = 1.0 / 3.0;
/// Devices that say what the fleet does, picked evenly; and how many there must be.
const ASKED: usize = 4_096;
const FEWEST: usize = 60;

/// The range in which a device's measurements usually lie, when their noise is averaged out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habit {
    low: f32,
    high: f32,
    /// Since the first measurement, up to what is enough; or since new firmware came before that.
    hours: u8,
}

impl Habit {
    /// Learns where measurements are `lately`, `since_s` seconds after the last message; `seen` others came before.
    pub(super) fn learn(&mut self, lately: f32, seen: u8, since_s: u32) {
        let since_s = since_s as f32;
        let (learn, forget) = match self.hours {
            // On the first day all that is seen is usual, but for the average of a few.
            _ if seen < KNOWN / 2 => (1.0, 1.0),
            0..HOURS => (1.0, 0.0),
            _ => ((since_s / LEARN_S).min(1.0), (since_s / FORGET_S).min(1.0)),
        };
        let weight = |beyond: bool| if beyond { learn } else { forget };
        self.low += weight(lately < self.low) * (lately - self.low);
        self.high += weight(lately > self.high) * (lately - self.high);
    }

    const fn pass_hour(&mut self) {
        if self.hours % RENEWED < HOURS {
            self.hours += 1;
        }
    }

    /// Whether it has seen a day, and so its rhythm.
    const fn has_a_day(&self) -> bool {
        self.hours % RENEWED >= HOURS
    }

    fn middle(&self) -> f32 {
        f32::midpoint(self.low, self.high)
    }
}

impl Past {
    /// What would be drifting.
    fn most(&self) -> f32 {
        let Habit { low, high, .. } = self.habit;
        let noise = if self.habit.has_a_day() { NOISE } else { YOUNG_NOISE };
        (noise * self.spread).max(BEYOND * (high - low)).max(LEAST * self.habit.middle().abs()).max(1e-6)
    }

    /// How far it is beyond its habit, in what would be drifting; none where the habit is not known yet.
    fn off_habit(&self) -> Option<f32> {
        let Habit { low, high, .. } = self.habit;
        let beyond = (self.usual - high).max(0.0) + (self.usual - low).min(0.0);
        (self.seen >= KNOWN).then(|| beyond / self.most())
    }

    /// The side on which its last measurement is far beyond the habit: 1 above, -1 below.
    fn side(&self) -> i8 {
        let far = (FAR * self.spread).max(self.most());
        i8::from(self.last > self.habit.high + far) - i8::from(self.last < self.habit.low - far)
    }

    /// Counts the last measurement, far out on one side or not.
    pub(super) fn count_run(&mut self) {
        let side = self.side();
        let step = if side == 0 { -self.run.signum() } else { side };
        self.run = (self.run + step).clamp(-LONGEST_RUN, LONGEST_RUN);
    }

    fn has_jumped(&self) -> bool {
        self.seen >= KNOWN && self.run.abs() >= RUN
    }

    /// Whether it has left its habit, and the fleet has not.
    fn drifts(&self, fleet: Course) -> bool {
        let off = self.off_habit().unwrap_or(0.0);
        let may_judge = self.habit.has_a_day() || (self.habit.hours >= RENEWED && !fleet.moves);
        let crept = off.abs() > 1.0 && (off - fleet.off).abs() > 1.0;
        may_judge && (crept || (self.has_jumped() && fleet.side.abs() < WEATHER))
    }
}

/// What the fleet as a whole does: its middle device.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// How far it is beyond its habit.
    off: f32,
    /// Whether it goes to and fro by more than its noise: then a habit of less than a day is none.
    moves: bool,
    /// The share of its devices whose last measurement was far above their habit, less those far below.
    side: f32,
}

/// A value that some devices measure: now, what they used to measure, and what all others measure now.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    pub name: String,
    pub now: f64,
    /// The range in which they used to be.
    pub before: (f64, f64),
    pub others: f64,
}

impl Fleet {
    /// Looks for devices that have drifted, every minute; those that have gone silent show nothing.
    pub(super) fn look_for_drift(&mut self) {
        if self.second.rem_euclid(3_600) == 3_599 {
            self.kpis.pasts_mut().filter(|past| past.seen > 0).for_each(|past| past.habit.pass_hour());
        }
        let mut drifted = Vec::new();
        for kpi in 0..self.kpis.names().count() {
            let Some(fleet) = self.course(kpi) else { continue };
            let heard = |device: &Device| device.has(Flag::Online) && !is_silent(device, self.silent_s(device) as f32);
            let heard = self.devices.iter().filter(|(_, device)| heard(device)).map(|(ix, _)| ix);
            drifted.extend(heard.filter(|ix| self.kpis.past(kpi, *ix).is_some_and(|past| past.drifts(fleet))));
        }
        drifted.into_iter().for_each(|ix| self.show(ix, Symptom::Drifting));
    }

    /// What the fleet does; none where too few devices have a habit.
    fn course(&self, kpi: usize) -> Option<Course> {
        let pasts = self.kpis.pasts(kpi);
        let every = (pasts.len() / ASKED).max(1);
        let known: Vec<&Past> = pasts.iter().step_by(every).filter(|past| past.seen >= KNOWN).collect();
        if known.len() < FEWEST {
            return None;
        }
        let moved = |past: &&Past| (past.habit.high - past.habit.low) / (NOISE * past.spread).max(1e-6);
        let off = middle(known.iter().filter_map(|past| past.off_habit()).collect());
        let side = known.iter().map(|past| f32::from(past.side())).sum::<f32>() / known.len() as f32;
        Some(Course { off, moves: middle(known.iter().map(moved).collect()) > 1.0, side })
    }

    /// Notes that a device has got new firmware: what it measures from now on is held against what it measured before.
    pub(super) fn renew(&mut self, ix: DeviceIx) {
        let young = self.kpis.of_mut(ix).filter(|past| past.seen >= KNOWN && !past.habit.has_a_day());
        young.for_each(|past| past.habit.hours = RENEWED);
    }

    /// What has drifted most in the devices that `own` holds for, against their habits and against all others.
    pub fn drift(&self, own: impl Fn(DeviceIx) -> bool) -> Option<Drift> {
        let told = self.kpis.names().enumerate().filter_map(|(kpi, name)| {
            let (mut ours, mut theirs) = (Mean::default(), Mean::default());
            let known = self.kpis.pasts(kpi).iter().enumerate().filter(|(_, past)| past.seen >= KNOWN);
            for (n, past) in known {
                if own(DeviceIx(n as u32)) { &mut ours } else { &mut theirs }.add(past);
            }
            let drift = Drift {
                name: name.to_owned(),
                now: ours.of(ours.now)?,
                before: (ours.of(ours.low)?, ours.of(ours.high)?),
                others: theirs.of(theirs.now).unwrap_or_default(),
            };
            Some((ours.of(ours.off)?.max(ours.of(ours.jumped)?), drift))
        });
        told.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, drift)| drift)
    }
}

/// The middle one of some numbers.
fn middle(mut numbers: Vec<f32>) -> f32 {
    let half = numbers.len() / 2;
    *numbers.select_nth_unstable_by(half, f32::total_cmp).1
}

/// Sums over some devices.
#[derive(Default)]
struct Mean {
    devices: f64,
    now: f64,
    low: f64,
    high: f64,
    off: f64,
    jumped: f64,
}

impl Mean {
    fn add(&mut self, past: &Past) {
        self.devices += 1.0;
        self.now += f64::from(past.last);
        self.low += f64::from(past.habit.low);
        self.high += f64::from(past.habit.high);
        self.off += f64::from(past.off_habit().unwrap_or(0.0).abs());
        self.jumped += f64::from(u8::from(past.has_jumped()));
    }

    fn of(&self, sum: f64) -> Option<f64> {
        (self.devices > 0.0).then(|| sum / self.devices)
    }
}
