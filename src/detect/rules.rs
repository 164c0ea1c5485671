//! Stop rules: how each stands, wave by wave, against the devices that the wave's campaign has not touched.

use std::collections::BTreeMap;

use super::MINIMUM_SAMPLE;
use crate::domain::campaign::OtaState;
use crate::domain::rollout::{Comparison, Metric, RolloutPolicy, Standing, StopRule};
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;
use crate::fleet::Fleet;
use crate::fleet::campaigns::{Campaign, CampaignIx, Wave as Followed};
use crate::fleet::devices::{Device, DeviceIx, Flag};
use crate::limits;

/// What the rules remember between two looks.
#[derive(Debug, Default)]
pub struct Memory {
    /// When each device last did what a rule with a window asks.
    deeds: Vec<Vec<Done>>,
    /// What the devices did that a campaign had not started, while they were enough to compare with: the last wave
    /// leaves nobody who could tell.
    others: BTreeMap<String, [Option<f64>; limits::STOP_RULES]>,
}

impl Memory {
    /// Notes what a device does of what a rule asks. Whether it did it within so many minutes, in the rollout that it is in.
    fn within(
        &mut self,
        rule: usize,
        (ix, device): (DeviceIx, &Device),
        does: Deed,
        minute: u16,
        minutes: u32,
    ) -> bool {
        if self.deeds.len() <= rule {
            self.deeds.resize_with(rule + 1, Vec::new);
        }
        let (deeds, at) = (&mut self.deeds[rule], ix.0 as usize);
        if deeds.len() <= at {
            deeds.resize(at + 1, Done::default());
        }
        let (done, rollout) = (&mut deeds[at], Done::in_rollout(device));
        if done.rollout != rollout {
            *done = Done { rollout, minute: 0 };
        }
        done.minute = match does {
            Deed::Now => minute,
            Deed::State if done.minute > 0 => done.minute,
            Deed::State => minute,
            Deed::NoState => 0,
            Deed::Not => done.minute,
        };
        // The fleet's minutes wrap.
        let age = u32::from(minute.checked_sub(done.minute).unwrap_or_else(|| minute + (u16::MAX - done.minute)));
        done.minute > 0 && age <= minutes
    }

    /// What devices do that a campaign has not started, as each rule asks it: now, or when there were enough of them.
    fn compare(&mut self, campaign: &str, others: &Tally) -> [Option<f64>; limits::STOP_RULES] {
        let known = self.others.entry(campaign.to_owned()).or_default();
        for (rule, known) in known.iter_mut().enumerate() {
            if others.asked[rule] >= MINIMUM_SAMPLE {
                *known = Some(others.share(rule));
            }
        }
        *known
    }

    /// Forgets campaigns that are gone.
    pub fn retain(&mut self, is_known: impl Fn(&String) -> bool) {
        self.others.retain(|campaign, _| is_known(campaign));
    }
}

/// What a device did of what a rule asks, and when: what it did before a rollout reached it is not of that rollout.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// The rollout that it was in: 0 before any has started it.
    rollout: u16,
    /// The minute of the fleet; 0 where it never has.
    minute: u16,
}

impl Done {
    fn in_rollout(device: &Device) -> u16 {
        if is_untouched(device) { 0 } else { u16::from(device.campaign) + 1 }
    }
}

/// Whether no campaign has started it.
const fn is_untouched(device: &Device) -> bool {
    !device.ota.has_started()
}

/// What a device does of what a rule asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// It has just happened.
    Now,
    /// It is in the state that is asked for, or is not.
    State,
    NoState,
    /// It has not happened now.
    Not,
}

/// Some devices: how many do what each rule is about, and what they measure.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    devices: u32,
    /// Those of them that a rule can say something of already.
    asked: [u32; limits::STOP_RULES],
    do_it: [u32; limits::STOP_RULES],
    measured: [Mean; limits::KPIS],
}

impl Tally {
    fn add(&mut self, seen: &Seen) {
        self.devices += 1;
        for rule in 0..limits::STOP_RULES {
            self.asked[rule] += seen.asked >> rule & 1;
            self.do_it[rule] += seen.rules >> rule & 1;
        }
        self.measured.iter_mut().zip(seen.measured).for_each(|(mean, value)| mean.add(value));
    }

    fn without(mut self, others: &Self) -> Self {
        self.devices -= others.devices;
        self.asked.iter_mut().zip(others.asked).for_each(|(all, own)| *all -= own);
        self.do_it.iter_mut().zip(others.do_it).for_each(|(all, own)| *all -= own);
        self.measured.iter_mut().zip(others.measured).for_each(|(all, own)| all.take_out(own));
        self
    }

    fn share(&self, rule: usize) -> f64 {
        f64::from(self.do_it[rule]) / f64::from(self.asked[rule].max(1))
    }
}

/// One device, as the rules see it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// A bit for each rule that can say something of it, and for each whose metric it shows.
    asked: u32,
    rules: u32,
    measured: [Option<f64>; limits::KPIS],
}

/// Devices that a wave has started, and what those of them measure that have got through.
#[derive(Clone, Debug, Default)]
struct Wave {
    started: Tally,
    updated: [Mean; limits::KPIS],
}

/// All campaigns, counted in one pass over the devices.
#[derive(Debug)]
pub struct Survey {
    all: Tally,
    waves: BTreeMap<(CampaignIx, u8), Wave>,
}

impl Survey {
    /// Counts every device that is not left out of account.
    pub fn take(fleet: &Fleet, policy: &RolloutPolicy, memory: &mut Memory) -> Self {
        let mut survey = Self { all: Tally::default(), waves: BTreeMap::new() };
        for (ix, device) in fleet.devices().iter().filter(|(_, device)| !device.is_on_leave()) {
            let seen = look_at(fleet, ix, device, policy, memory);
            survey.all.add(&seen);
            if is_untouched(device) {
                continue;
            }
            let wave = survey.waves.entry((CampaignIx(device.campaign), device.wave)).or_default();
            wave.started.add(&seen);
            if device.ota == OtaState::Succeeded {
                wave.updated.iter_mut().zip(seen.measured).for_each(|(mean, value)| mean.add(value));
            }
        }
        survey
    }

    fn waves(&self, campaign: CampaignIx) -> impl Iterator<Item = (u8, &Wave)> {
        self.waves.range((campaign, 0)..=(campaign, u8::MAX)).map(|((_, wave), counted)| (*wave, counted))
    }

    /// The devices that a campaign has not started.
    fn others(&self, campaign: CampaignIx) -> Tally {
        self.waves(campaign).fold(self.all, |others, (_, wave)| others.without(&wave.started))
    }

    /// How the rules stand for the waves of a campaign that have started devices.
    pub fn standings(
        &self,
        (campaign, id): (CampaignIx, &str),
        policy: &RolloutPolicy,
        memory: &mut Memory,
    ) -> Vec<Standing> {
        let others = memory.compare(id, &self.others(campaign));
        let standing = |wave: u8, tally: &Tally, (n, rule): (usize, &StopRule)| {
            stands(rule, wave.into(), tally.share(n), tally.asked[n], others[n])
        };
        let asked_of = |wave: u8| {
            let about = move |rule: &StopRule| rule.wave.is_none_or(|asked| asked == u16::from(wave));
            policy.rules.iter().take(limits::STOP_RULES).enumerate().filter(move |(_, rule)| about(rule))
        };
        let of_wave = |(wave, counted)| {
            let counted: &Wave = counted;
            asked_of(wave).map(move |rule| standing(wave, &counted.started, rule))
        };
        self.waves(campaign).flat_map(of_wave).collect()
    }

    /// What the devices measure that each wave has updated, beside those that the campaign has not started.
    pub fn comparisons(&self, fleet: &Fleet, campaign: CampaignIx) -> Vec<Comparison> {
        let others = self.others(campaign);
        let mut told = Vec::new();
        for (kpi, name) in fleet.kpis().names().enumerate() {
            let Some(others) = others.measured[kpi].get() else { continue };
            let compared = self.waves(campaign).filter_map(|(wave, counted)| {
                let value = counted.updated[kpi].get()?;
                Some(Comparison { name: name.to_owned(), wave: wave.into(), value, others })
            });
            told.extend(compared);
        }
        told
    }
}

/// How a rule stands, where a share of so many devices does what it asks.
fn stands(rule: &StopRule, wave: u16, value: f64, sample: u32, others: Option<f64>) -> Standing {
    let enough = sample >= rule.minimum.max(1);
    Standing {
        rule: rule.name(),
        wave,
        value,
        limit: rule.limit,
        sample,
        others,
        crossed: enough && rule.limit.is_crossed(value, others, rule.times_others),
    }
}

/// How the rules about failed updates stand for waves of which the controller has counted more devices than were heard of: a
/// room that is opened in the middle of a rollout has nothing else.
pub fn by_the_controller<'a>(
    campaign: &'a Campaign,
    policy: &'a RolloutPolicy,
) -> impl Iterator<Item = Standing> + use<'a> {
    let unheard = |wave: &&Followed| wave.counted().done() > wave.progress.done();
    campaign.waves.iter().filter(unheard).flat_map(|wave| {
        let (counted, started) = (wave.counted(), wave.counted().started());
        let asked = policy.rules.iter().take(limits::STOP_RULES).filter(|rule| {
            rule.metric == Metric::Failed && rule.window_s.is_none() && rule.wave.is_none_or(|asked| asked == wave.wave)
        });
        asked.map(move |rule| {
            stands(rule, wave.wave, f64::from(counted.failed) / f64::from(started.max(1)), started, None)
        })
    })
}

/// What the rules ask of a device, all at once.
fn look_at(fleet: &Fleet, ix: DeviceIx, device: &Device, policy: &RolloutPolicy, memory: &mut Memory) -> Seen {
    let minute = fleet.minute();
    let (shown, just_shown) = (device.showing(minute), just_shown(device, minute));
    let state = |asked: OtaState| if device.ota == asked { Deed::State } else { Deed::NoState };
    let is_overdue = |window_s: Option<u32>| {
        // Of whom only the broker's store has spoken, nobody knows when it began.
        device.seen > 0 && fleet.is_overdue(device, window_s.unwrap_or(policy.reconnect_s))
    };
    // Who restarts for the update, or sleeps as every night, is not missed.
    let is_here = device.has(Flag::Online) || device.has(Flag::Excused);
    // An update that goes on has neither got through nor failed to.
    let asked = |rule: &StopRule| match rule.metric {
        Metric::Succeeded => device.ota.is_over() || is_overdue(rule.window_s),
        _ => true,
    };
    let mut does = |n: usize, rule: &StopRule| match (rule.metric, rule.window_s) {
        (Metric::NotBack, window_s) => is_overdue(window_s),
        (Metric::Succeeded, _) => device.ota == OtaState::Succeeded,
        (Metric::Online, None) => is_here,
        (Metric::Failed, None) => device.ota == OtaState::Failed,
        (Metric::RolledBack, None) => device.ota == OtaState::RolledBack,
        (Metric::Shows(symptom), None) => shown & symptom.bit() != 0,
        (metric, Some(window_s)) => {
            let deed = match metric {
                Metric::Failed => state(OtaState::Failed),
                Metric::Online if is_here => Deed::Now,
                Metric::Online => Deed::Not,
                Metric::Shows(symptom) if just_shown & symptom.bit() != 0 => Deed::Now,
                Metric::Shows(_) => Deed::Not,
                _ => state(OtaState::RolledBack),
            };
            memory.within(n, (ix, device), deed, minute, window_s.div_ceil(60))
        }
    };
    let rules = policy.rules.iter().take(limits::STOP_RULES).enumerate();
    Seen {
        asked: rules.clone().fold(0, |bits, (n, rule)| bits | u32::from(asked(rule)) << n),
        rules: rules.fold(0, |bits, (n, rule)| bits | u32::from(does(n, rule)) << n),
        measured: std::array::from_fn(|kpi| fleet.kpis().last(kpi, ix)),
    }
}

/// What a device has shown in this minute or the one before, a bit each; being away is so now.
fn just_shown(device: &Device, minute: u16) -> u32 {
    let away = device.showing(minute) & Symptom::Offline.bit();
    away | device.shown.just_now(minute) & !Symptom::Offline.bit()
}

/// A mean that grows.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    n: u32,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.n += 1;
        }
    }

    fn take_out(&mut self, other: Self) {
        self.sum -= other.sum;
        self.n -= other.n;
    }

    fn get(self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / f64::from(self.n))
    }
}

/// Combinations of a campaign's firmware with other attributes that are in the fleet and were not tested, each with its
/// devices, the largest first.
pub fn untested(fleet: &Fleet, target: &str, policy: &RolloutPolicy) -> Vec<(String, u32)> {
    let tested: Vec<_> = policy.tested.iter().filter(|row| row.get("firmware").is_some_and(|f| f == target)).collect();
    let mut attributes: Vec<&String> = policy.tested.iter().flat_map(BTreeMap::keys).collect();
    attributes.sort();
    attributes.dedup();
    attributes.retain(|attribute| *attribute != "firmware");
    let mut missing: BTreeMap<String, u32> = BTreeMap::new();
    for (ix, group) in fleet.groups().iter() {
        let value = |attribute: &str| Some(fleet.value(ix, fleet.schema().find(attribute)?));
        let fits = |row: &BTreeMap<String, String>| {
            row.iter().filter(|(name, _)| *name != "firmware").all(|(name, v)| value(name) == Some(v.as_str()))
        };
        if !tested.iter().any(|row| fits(row)) {
            let named: Vec<String> =
                attributes.iter().filter_map(|name| Some(format!("{name} {}", value(name)?))).collect();
            *missing.entry(named.join(", ")).or_default() += group.now[Signal::Devices as usize];
        }
    }
    let mut missing: Vec<_> = missing.into_iter().filter(|(named, _)| !named.is_empty()).collect();
    missing.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    missing
}
