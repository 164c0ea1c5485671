//! Stop rules: how each stands, wave by wave, against the devices that the wave has not touched.

use std::collections::BTreeMap;

use super::census::symptoms;
use crate::domain::campaign::OtaState;
use crate::domain::rollout::{Comparison, Metric, RolloutPolicy, Standing, StopRule};
use crate::domain::symptom::Symptom;
use crate::fleet::Fleet;
use crate::fleet::campaigns::CampaignIx;
use crate::fleet::devices::{Device, Flag};

/// Devices of a wave, or all others.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    started: u32,
    failed: u32,
    rolled_back: u32,
    not_back: u32,
    shown: [u32; Symptom::COUNT],
}

impl Tally {
    fn add(&mut self, device: &Device, silent_s: u32, policy: &RolloutPolicy, minute: u16) {
        self.started += 1;
        self.failed += u32::from(device.ota == OtaState::Failed);
        self.rolled_back += u32::from(device.ota == OtaState::RolledBack);
        self.not_back += u32::from(device.ota.in_flight() && silent_s > policy.reconnect_s);
        let shown = symptoms(device, minute);
        for symptom in Symptom::ALL.into_iter().filter(|symptom| shown & symptom.bit() != 0) {
            self.shown[symptom as usize] += 1;
        }
    }

    fn share(&self, metric: Metric) -> f64 {
        let n = match metric {
            Metric::Failed => self.failed,
            Metric::RolledBack => self.rolled_back,
            Metric::NotBack => self.not_back,
            Metric::Shows(symptom) => self.shown[symptom as usize],
        };
        f64::from(n) / f64::from(self.started.max(1))
    }
}

/// How the rules stand for the waves of a campaign that have started devices.
pub fn standings(fleet: &Fleet, campaign: CampaignIx, policy: &RolloutPolicy) -> Vec<Standing> {
    let minute = fleet.minute();
    let mut waves: BTreeMap<u8, Tally> = BTreeMap::new();
    let mut others = Tally::default();
    for (_, device) in fleet.devices().iter().filter(|(_, device)| !device.has(Flag::Suppressed)) {
        let is_started = device.campaign == campaign.0
            && (device.ota.in_flight()
                || matches!(device.ota, OtaState::Succeeded | OtaState::Failed | OtaState::RolledBack));
        let tally = if is_started { waves.entry(device.wave).or_default() } else { &mut others };
        tally.add(device, fleet.silent_s(device), policy, minute);
    }
    let standing = |wave: u8, tally: &Tally, rule: &StopRule| {
        let (value, others) = (tally.share(rule.metric), others.share(rule.metric));
        let stands_out = rule.times_others.is_none_or(|times| value > times * others);
        Standing {
            rule: rule.metric.to_string(),
            wave: wave.into(),
            value,
            above: rule.above,
            sample: tally.started,
            others,
            crossed: tally.started >= rule.minimum && value > rule.above && stands_out,
        }
    };
    let rules =
        |wave: u8| policy.rules.iter().filter(move |rule| rule.wave.is_none_or(|asked| asked == u16::from(wave)));
    waves.iter().flat_map(|(wave, tally)| rules(*wave).map(|rule| standing(*wave, tally, rule))).collect()
}

/// What the devices of each wave measure, beside the devices that the campaign has not touched.
pub fn comparisons(fleet: &Fleet, campaign: CampaignIx) -> Vec<Comparison> {
    let mut told = Vec::new();
    for (kpi, name) in fleet.kpis().names().enumerate() {
        let mut others = Mean::default();
        let mut waves: BTreeMap<u8, Mean> = BTreeMap::new();
        for (ix, device) in fleet.devices().iter() {
            let Some(value) = fleet.kpis().last(kpi, ix) else { continue };
            match (device.campaign == campaign.0, device.ota) {
                (true, OtaState::Succeeded) => waves.entry(device.wave).or_default().add(value),
                (false, _) | (true, OtaState::None | OtaState::Queued) => others.add(value),
                _ => {}
            }
        }
        let Some(others) = others.get() else { continue };
        let of_wave = |(wave, mean): (u8, Mean)| {
            Some(Comparison { name: name.to_owned(), wave: wave.into(), value: mean.get()?, others })
        };
        told.extend(waves.into_iter().filter_map(of_wave));
    }
    told
}

/// A mean that grows.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    n: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.n += 1;
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
            *missing.entry(named.join(", ")).or_default() += group.now[crate::domain::signal::Signal::Devices as usize];
        }
    }
    let mut missing: Vec<_> = missing.into_iter().filter(|(named, _)| !named.is_empty()).collect();
    missing.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    missing
}
