//! Generated incidents: from a seed a fleet, a fault, and what is to be said of it.

use std::fmt::Write as _;

use warroom::detect::verdict::Origin;
use warroom::domain::cohort::CohortKey;
use warroom::domain::incident::IncidentType;
use warroom::drill::world::Published;

/// What never arrives.
#[derive(Clone, Copy, Debug)]
pub enum Unsaid {
    Nothing,
    /// What controller and devices say of the rollout.
    Rollout,
    /// Anything, between these seconds: the broker hangs.
    All(i64, i64),
}

/// What is really the matter.
#[derive(Clone, Debug)]
pub struct Truth {
    pub kind: IncidentType,
    /// Who is to be suspected; nobody where all are hit alike.
    pub suspects: Vec<CohortKey>,
    pub origin: Origin,
}

/// One generated incident.
#[derive(Clone, Debug)]
pub struct Case {
    pub family: &'static str,
    pub seed: u64,
    pub scenario: String,
    /// None where nothing is the matter.
    pub truth: Option<Truth>,
    pub unsaid: Unsaid,
    /// Seconds into the simulation at which the fault begins, and at which all ends.
    pub at_s: i64,
    pub seconds: i64,
    /// It comes with a rollout, device by device.
    pub spreads: bool,
    /// What a device says when a rollout has brought it the fault.
    sign: Sign,
}

/// What a device says when it is hit.
#[derive(Clone, Debug)]
enum Sign {
    None,
    /// That it has booted into this firmware, on this hardware where only that is hit.
    Boots(&'static str, Option<&'static str>),
    /// That its update has failed.
    Fails,
}

impl Case {
    /// Whether a message never arrives, so many seconds into the simulation.
    pub fn is_unsaid(&self, message: &Published, second: i64) -> bool {
        let topic = &message.message.topic;
        match self.unsaid {
            Unsaid::Nothing => false,
            Unsaid::Rollout => topic.ends_with("/ota") || topic.starts_with("fleet/ota/"),
            Unsaid::All(from, to) => (from..to).contains(&second),
        }
    }

    /// Whether a message shows a device that a rollout has just brought into the fault.
    pub fn shows(&self, message: &Published) -> bool {
        let topic = &message.message.topic;
        if matches!(self.sign, Sign::None) || !(topic.ends_with("/status") || topic.ends_with("/ota")) {
            return false;
        }
        let Ok(said) = serde_json::from_slice::<serde_json::Value>(&message.message.payload) else { return false };
        match self.sign {
            Sign::Boots(firmware, hardware) => {
                said["boot_reason"] == "ota"
                    && said["firmware"] == firmware
                    && hardware.is_none_or(|hardware| said["hardware"] == hardware)
            }
            Sign::Fails => said["state"] == "failed" || said["state"] == "rolled-back",
            Sign::None => false,
        }
    }
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn of(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..4 {
            dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 >> 33) ^ self.0;
        mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 33
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * (self.next() % 10_000) as f64 / 10_000.0
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

const VALUES: [(&str, &[&str]); 5] = [
    ("hardware", &["rev-A", "rev-B", "rev-C"]),
    ("region", &["eu-west", "eu-north", "us-east", "ap-south"]),
    ("carrier", &["telenor", "vodafone", "t-mobile", "wifi"]),
    ("customer", &["acme", "borealis", "corvus"]),
    ("config", &["c-41", "c-40"]),
];

/// The incident of a seed.
pub fn case(seed: u64) -> Case {
    let mut dice = Dice::of(seed);
    match seed % 12 {
        0 => rollout(seed, &mut dice, "rollout: crash loop", "boot-loop", true),
        1 => {
            let effect = dice.one(&["boot-loop", "offline", "battery-drain", "silent", "slow-fix", "error-burst"]);
            rollout(seed, &mut dice, "rollout: all revisions", effect, false)
        }
        2 => {
            let effect = dice.one(&["signature-failure", "update-failure", "self-rollback"]);
            rollout(seed, &mut dice, "rollout: updates fail", effect, true)
        }
        3 => {
            let by = dice.one(&["region", "carrier"]);
            step(seed, &mut dice, "disconnect: one attribute", "offline", &[by], IncidentType::MassDisconnect, None)
        }
        4 => {
            let by = dice.one(&[["region", "carrier"], ["hardware", "carrier"], ["hardware", "region"]]);
            step(seed, &mut dice, "disconnect: two attributes", "offline", &by, IncidentType::MassDisconnect, None)
        }
        5 => {
            let by = dice.one(&["region", "carrier", "hardware"]);
            step(
                seed,
                &mut dice,
                "disconnect: 2 % of the fleet",
                "offline",
                &[by],
                IncidentType::MassDisconnect,
                Some(0.02),
            )
        }
        6 => {
            let by = dice.one(&["carrier", "region"]);
            step(seed, &mut dice, "reconnect storm", "reconnect-storm", &[by], IncidentType::MassDisconnect, None)
        }
        7 => {
            let (by, effect) = (dice.one(&["customer", "config"]), dice.one(&["auth-failure", "spoofed-identity"]));
            step(seed, &mut dice, "security", effect, &[by], IncidentType::Security, None)
        }
        8 => {
            let effect = dice.one(&[
                "unit-error",
                "out-of-range",
                "stuck-values",
                "wrong-format",
                "missing-field",
                "out-of-order",
                "clock-skew",
            ]);
            let by = dice.one(&["hardware", "config", "customer"]);
            step(seed, &mut dice, "data quality", effect, &[by], IncidentType::DataQuality, None)
        }
        9 => {
            let (by, effect) = (dice.one(&["customer", "config"]), dice.one(&["flood", "throttled", "backlog"]));
            step(seed, &mut dice, "capacity", effect, &[by], IncidentType::CapacityCost, None)
        }
        10 => platform(seed, &mut dice),
        _ => twice(seed, &mut dice),
    }
}

/// Of each attribute the values, with the share of the devices that have them.
type Shares = Vec<(&'static str, Vec<(&'static str, f64)>)>;

/// A fleet, with the share of each attribute value.
fn fleet(dice: &mut Dice, devices: usize, telemetry_s: usize) -> (String, Shares) {
    let mut text = format!(
        "id = \"g\"\ntitle = \"g\"\nstory = \"g\"\n[fleet]\nprefix = \"d\"\ndevices = {devices}\nsites = 120\n\
         telemetry_s = {telemetry_s}\nchurn_per_hour = {:.3}\nerrors_per_hour = {:.3}\n[fleet.attributes]\n\
         firmware = {{ \"3.2.4\" = 8, \"3.2.3\" = {} }}\n",
        dice.between(0.01, 0.08),
        dice.between(0.01, 0.2),
        dice.one(&[1, 2, 4])
    );
    let mut shares = Vec::new();
    for (name, values) in VALUES {
        let weights: Vec<f64> = values.iter().map(|_| dice.one(&[1.0, 2.0, 3.0, 4.0, 6.0])).collect();
        let sum: f64 = weights.iter().sum();
        let listed: Vec<_> = values.iter().zip(&weights).map(|(value, weight)| format!("{value} = {weight}")).collect();
        writeln!(text, "{name} = {{ {} }}", listed.join(", ")).unwrap();
        shares.push((name, values.iter().zip(weights).map(|(value, weight)| (*value, weight / sum)).collect()));
    }
    (text, shares)
}

fn pick(dice: &mut Dice, shares: &Shares, by: &str) -> (&'static str, f64) {
    let values = &shares.iter().find(|(name, _)| *name == by).unwrap().1;
    dice.one(values)
}

fn fault(effect: &str, only: &[(&str, &str)], share: f64, at_s: i64, ramp_s: usize) -> String {
    let only: Vec<_> = only.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
    format!(
        "[[fault]]\neffect = \"{effect}\"\nwhere = {{ {} }}\nshare = {share:.4}\nat_s = {at_s}\nramp_s = {ramp_s}\ncode = \"0x45\"\n",
        only.join(", ")
    )
}

fn key(only: &[(&str, &str)]) -> CohortKey {
    only.iter().fold(CohortKey::default(), |key, (name, value)| key.and(name, value))
}

/// Where a fault of these attributes comes from: what belongs to the device, or the network around it.
fn origin(by: &[&str], synchronous: bool) -> Origin {
    let is_device = |name: &&str| ["firmware", "hardware", "config", "customer"].contains(name);
    match (by.iter().any(is_device), synchronous) {
        (true, _) => Origin::Device,
        (false, true) => Origin::Platform,
        (false, false) => Origin::Undecided,
    }
}

/// A fault that begins at a moment in devices that share something. `of_fleet` sets its size.
fn step(
    seed: u64,
    dice: &mut Dice,
    family: &'static str,
    effect: &str,
    by: &[&'static str],
    kind: IncidentType,
    of_fleet: Option<f64>,
) -> Case {
    let devices = dice.one(&[3_000, 5_000, 8_000]);
    let telemetry_s = dice.one(&[15, 30]);
    let (mut scenario, shares) = fleet(dice, devices, telemetry_s);
    let picked: Vec<(&str, &str, f64)> = by
        .iter()
        .map(|name| {
            let (value, share) = pick(dice, &shares, name);
            (*name, value, share)
        })
        .collect();
    let cohort: f64 = picked.iter().map(|(_, _, share)| share).product();
    let share = of_fleet.map_or_else(|| dice.between(0.5, 1.0), |of| (of / cohort).min(1.0));
    let only: Vec<(&str, &str)> = picked.iter().map(|(name, value, _)| (*name, *value)).collect();
    let at_s = 400 + dice.below(300) as i64;
    let ramp_s = dice.one(&[5, 20, 60]);
    scenario += &fault(effect, &only, share, at_s, ramp_s);
    // What goes at once and lies in the network is the network's.
    let synchronous = effect == "offline";
    let truth = Truth { kind, suspects: vec![key(&only)], origin: origin(by, synchronous) };
    Case {
        family,
        seed,
        scenario,
        truth: Some(truth),
        unsaid: Unsaid::Nothing,
        at_s,
        seconds: at_s + 600,
        spreads: false,
        sign: Sign::None,
    }
}

/// A rollout whose firmware does something bad, everywhere or on one revision.
fn rollout(seed: u64, dice: &mut Dice, family: &'static str, effect: &str, one_revision: bool) -> Case {
    let devices = dice.one(&[3_000, 5_000, 8_000]);
    let telemetry_s = dice.one(&[10, 20]);
    let (mut scenario, shares) = fleet(dice, devices, telemetry_s);
    let (hardware, _) = pick(dice, &shares, "hardware");
    let share = dice.between(0.15, 0.5);
    write!(
        scenario,
        "[[campaign]]\nid = \"fw-3.2.5\"\ntarget = \"3.2.5\"\n[[campaign.wave]]\nat_s = 300\nshare = 0.01\nspread_s = 30\n\
         [[campaign.wave]]\nat_s = 600\nshare = {share:.3}\nspread_s = {}\n",
        dice.one(&[120, 300, 600])
    )
    .unwrap();
    let fails_before = effect.ends_with("failure") || effect == "self-rollback";
    let revision = [("hardware", hardware)];
    let only: &[(&str, &str)] = match (fails_before, one_revision) {
        (true, _) => &revision,
        (false, true) => &[("firmware", "3.2.5"), ("hardware", hardware)],
        (false, false) => &[("firmware", "3.2.5")],
    };
    scenario += &fault(effect, only, 1.0, 0, 0);
    let truth = Truth { kind: IncidentType::BadFirmware, suspects: vec![key(only)], origin: Origin::Device };
    let sign = if fails_before { Sign::Fails } else { Sign::Boots("3.2.5", one_revision.then_some(hardware)) };
    Case {
        family,
        seed,
        scenario,
        truth: Some(truth),
        unsaid: Unsaid::Nothing,
        at_s: 300,
        seconds: 1_400,
        spreads: true,
        sign,
    }
}

/// Everybody at once.
fn platform(seed: u64, dice: &mut Dice) -> Case {
    let (mut scenario, _) = fleet(dice, dice_devices(seed), 20);
    let at_s = 400 + dice.below(300) as i64;
    let (effect, kind) = dice.one(&[
        ("offline", IncidentType::MassDisconnect),
        ("reconnect-storm", IncidentType::MassDisconnect),
        ("throttled", IncidentType::CapacityCost),
    ]);
    scenario += &fault(effect, &[], dice.between(0.6, 1.0), at_s, 10);
    let truth = Truth { kind, suspects: Vec::new(), origin: Origin::Platform };
    Case {
        family: "platform",
        seed,
        scenario,
        truth: Some(truth),
        unsaid: Unsaid::Nothing,
        at_s,
        seconds: at_s + 600,
        spreads: false,
        sign: Sign::None,
    }
}

const fn dice_devices(seed: u64) -> usize {
    if seed.is_multiple_of(2) { 3_000 } else { 5_000 }
}

/// Two causes at once, in different attributes.
fn twice(seed: u64, dice: &mut Dice) -> Case {
    let (mut scenario, shares) = fleet(dice, 6_000, 20);
    let at_s = 400 + dice.below(300) as i64;
    let (hardware, _) = pick(dice, &shares, "hardware");
    let (region, _) = pick(dice, &shares, "region");
    let first = [("hardware", hardware)];
    let second = [("region", region)];
    scenario += &fault("boot-loop", &first, dice.between(0.6, 1.0), at_s, 20);
    scenario += &fault("unit-error", &second, dice.between(0.6, 1.0), at_s + 30, 20);
    let truth =
        Truth { kind: IncidentType::BadFirmware, suspects: vec![key(&first), key(&second)], origin: Origin::Device };
    Case {
        family: "two causes at once",
        seed,
        scenario,
        truth: Some(truth),
        unsaid: Unsaid::Nothing,
        at_s,
        seconds: at_s + 600,
        spreads: false,
        sign: Sign::None,
    }
}

/// What the room is not told: rollouts that only show in devices that come back with another firmware, and a broker that
/// hangs.
pub fn unsaid(seed: u64) -> Case {
    let mut dice = Dice::of(seed);
    let untold = |case: Case| Case { unsaid: Unsaid::Rollout, ..case };
    match seed % 4 {
        0 => untold(rollout(seed, &mut dice, "unsaid: crash loop", "boot-loop", true)),
        1 => {
            let effect = dice.one(&["boot-loop", "offline", "battery-drain", "error-burst"]);
            untold(rollout(seed, &mut dice, "unsaid: all revisions", effect, false))
        }
        2 => {
            let case = rollout(seed, &mut dice, "unsaid: nothing is wrong", "boot-loop", false);
            let (scenario, _) = case.scenario.split_once("[[fault]]").unwrap();
            untold(Case { scenario: scenario.to_owned(), truth: None, ..case })
        }
        _ => {
            let (scenario, _) = fleet(&mut dice, 3_000, 20);
            let at_s = 400 + dice.below(300) as i64;
            let truth = Truth { kind: IncidentType::MassDisconnect, suspects: Vec::new(), origin: Origin::Platform };
            Case {
                family: "unsaid: everything",
                seed,
                scenario,
                truth: Some(truth),
                unsaid: Unsaid::All(at_s, at_s + 60 + dice.below(240) as i64),
                at_s,
                seconds: at_s + 900,
                spreads: false,
                sign: Sign::None,
            }
        }
    }
}

/// A regression that is no outage: a fleet that restarts and errs now and then does so a few times as often in one
/// cohort, from a moment on.
pub fn mild(seed: u64) -> Case {
    let mut dice = Dice::of(seed);
    let devices = dice.one(&[3_000, 5_000, 8_000]);
    let (mut scenario, shares) = fleet(&mut dice, devices, 30);
    let by = dice.one(&["hardware", "config", "customer"]);
    let (value, share) = pick(&mut dice, &shares, by);
    let only = [(by, value)];
    let at_s = 1_200 + dice.below(300) as i64;
    // Of the cohort, so that two to ten in a hundred of the fleet are hit.
    let hit = (dice.between(0.02, 0.10) / share).min(1.0);
    let family = ["mild: restarts × 3", "mild: restarts × 10", "mild: errors in 4 % of a cohort", "mild: a few away"];
    let which = (seed % 4) as usize;
    scenario += &match which {
        // Every device restarts every four to six hours anyway.
        0 => often(&[], 1.0, 0, 5.0) + &often(&only, 1.0, at_s, 2.5),
        1 => often(&[], 1.0, 0, 5.0) + &often(&only, hit, at_s, 0.5),
        2 => fault("error-burst", &[], 0.01, 0, 60) + &fault("error-burst", &only, 0.04, at_s, 60),
        _ => fault("offline", &only, 0.3 * hit, at_s, 120),
    };
    let kind = if which == 3 { IncidentType::MassDisconnect } else { IncidentType::BadFirmware };
    let truth = Truth { kind, suspects: vec![key(&only)], origin: Origin::Device };
    let (seconds, family) = (at_s + 2_400, family[which]);
    Case {
        family,
        seed,
        scenario,
        truth: Some(truth),
        unsaid: Unsaid::Nothing,
        at_s,
        seconds,
        spreads: false,
        sign: Sign::None,
    }
}

/// Restarts once in so many hours.
fn often(only: &[(&str, &str)], share: f64, at_s: i64, every_h: f64) -> String {
    let to = 2.0 * every_h * 3_600.0;
    let fault = fault("boot-loop", only, share, at_s, 5).replace("code = \"0x45\"\n", "");
    format!("{fault}up_s = [1.0, {to:.0}.0]\n")
}

/// What a cohort measures moves a few sigma, where nothing else is the matter: at a moment, or with a new firmware.
pub fn shift(seed: u64) -> Case {
    const DAY_S: i64 = 86_400;
    let mut dice = Dice::of(seed);
    let devices = dice.one(&[2_000, 4_000]);
    let (mut scenario, shares) = fleet(&mut dice, devices, 120);
    // Temperatures lie evenly between 18 and 22 degrees: a sigma is 1.15.
    let (family, degrees) = [("shift: 1.7 sigma", 2.0), ("shift: 3 sigma", 3.5), ("shift: 3 sigma, new firmware", 3.5)]
        [(seed % 3) as usize];
    let of = |only: &[(&str, &str)], share: f64, at_s: i64| {
        format!("{}most_c = {degrees:.1}\n", fault("drifting-values", only, share, at_s, 60))
    };
    let (at_s, kind, only) = if seed % 3 == 2 {
        let at_s = DAY_S / 3 + dice.below(3_600) as i64;
        write!(
            scenario,
            "[[campaign]]\nid = \"fw-3.2.5\"\ntarget = \"3.2.5\"\n[[campaign.wave]]\nat_s = {at_s}\nshare = 0.2\nspread_s = 60\n"
        )
        .unwrap();
        let (hardware, _) = pick(&mut dice, &shares, "hardware");
        let only = vec![("firmware", "3.2.5"), ("hardware", hardware)];
        scenario += &of(&only, 1.0, 0);
        (at_s, IncidentType::BadFirmware, only)
    } else {
        let at_s = DAY_S + 7_200 + dice.below(3_600) as i64;
        let by = dice.one(&["hardware", "config", "customer"]);
        let (value, _) = pick(&mut dice, &shares, by);
        let only = vec![(by, value)];
        scenario += &of(&only, dice.between(0.5, 1.0), at_s);
        (at_s, IncidentType::DataQuality, only)
    };
    let truth = Truth { kind, suspects: vec![key(&only)], origin: Origin::Device };
    Case {
        family,
        seed,
        scenario,
        truth: Some(truth),
        unsaid: Unsaid::Nothing,
        at_s,
        seconds: at_s + 10_800,
        spreads: false,
        sign: Sign::None,
    }
}

/// A week in which nothing happens.
pub fn quiet(week: u64) -> String {
    let mut dice = Dice(week + 77);
    let (fleet, _) = fleet(&mut dice, 10_000, 300);
    fleet.replace("[fleet.attributes]", "daily_rhythm = 0.6\n[fleet.attributes]")
}
