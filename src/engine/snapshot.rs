//! The snapshot: what every reader gets. Plain data; screens, `--json`, reports and scores are equal readers of it.
//!
//! Freezing the screen is keeping an old one. There is no way from here back into the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::drill::view::{DrillView, Seat};
pub use super::facts::Known;
use super::room::Tested;
use super::switches::run::Tally;
use super::switches::{Arming, Request};
use super::timeline::Entry;
use super::{Link, Settings, State, view};
pub use crate::detect::suspects::Suspect;
use crate::domain::acceptance::Acceptance;
use crate::domain::alert::{self, Alert};
use crate::domain::campaign::{CampaignState, OtaState, Progress};
use crate::domain::clock::{Clock, Reading, Targets};
use crate::domain::cohort::CohortKey;
use crate::domain::cost::{Bill, Rates};
use crate::domain::drill::GameDays;
use crate::domain::due::Due;
use crate::domain::fault::Fault;
use crate::domain::ids::{ActuationId, AlertId, IncidentId, Seq};
use crate::domain::incident::{Declaration, Incident};
use crate::domain::input::{DrillStart, LinkChange, LogHealth};
use crate::domain::lens::Lens;
use crate::domain::observation::WavePlan;
use crate::domain::probe::Probe;
use crate::domain::regulation::Regime;
use crate::domain::replay::Replay;
use crate::domain::rollout::{Comparison, Standing};
use crate::domain::runbook::Runbook;
use crate::domain::signal::Signal;
use crate::domain::switch::actuation::Known as KnownVersion;
use crate::domain::switch::waves::{Course, Plan};
use crate::domain::switch::{Actuation, Switch, SwitchId};
use crate::domain::time::At;
use crate::domain::update::template::Template;
use crate::domain::update::{Cadences, ChannelInfo};
use crate::domain::verdict::Verdict;
use crate::fleet::{Message, Sample};

/// The room at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub at: At,
    pub broker: String,
    pub root: String,
    pub environment: String,
    pub operator: String,
    pub read_only: bool,
    pub drill: Option<DrillStart>,
    /// What the facilitator sees, and responders a part of.
    pub game_day: Option<Arc<DrillView>>,
    /// This is no room but the terminal of a facilitator who has joined one.
    pub joined: bool,
    /// Earlier game days.
    pub game_days: GameDays,
    pub replay: Option<Replay>,
    pub link: Link,
    pub log: LogView,
    pub totals: Totals,
    pub attributes: Vec<String>,
    pub lens: Lens,
    pub table: CohortTable,
    pub chart: Chart,
    pub devices: Option<DevicePage>,
    pub device: Option<DeviceView>,
    pub alerts: Vec<Alert>,
    /// What counts as usual because somebody has said so.
    pub accepted: Vec<Acceptance>,
    /// What the room would declare, for each alert that nobody has declared yet.
    pub proposals: BTreeMap<AlertId, Declaration>,
    /// What the alert in front of those that nobody has declared looks like, and why.
    pub proposed: Option<(AlertId, Verdict)>,
    pub incidents: BTreeMap<IncidentId, Arc<Incident>>,
    /// Who is suspected in each open incident, the best first.
    pub suspects: BTreeMap<IncidentId, Vec<Suspect>>,
    /// What each open incident looks like just now.
    pub verdicts: BTreeMap<IncidentId, Verdict>,
    /// What is known of the platform while nothing is declared: an incident's verdict has its own.
    pub probes: Vec<Probe>,
    pub actuations: BTreeMap<ActuationId, ActuationView>,
    pub campaigns: Vec<CampaignView>,
    pub arming: Option<Arming>,
    /// What waits for a second person, the newest last.
    pub requests: Vec<Request>,
    /// Everything that can be pulled, and the last test of each.
    pub switches: Vec<Arc<Switch>>,
    pub tests: BTreeMap<SwitchId, Tested>,
    /// Versions that may be gone back to.
    pub good_versions: Vec<KnownVersion>,
    pub timeline: Arc<[Arc<Entry>]>,
    pub faults: Vec<(Fault, u64)>,
    pub samples: Vec<Sample>,
    pub codes: Vec<(String, u64)>,
    pub targets: Targets,
    /// What each incident has cost so far.
    pub bills: BTreeMap<IncidentId, Bill>,
    /// Laws that may ask for notices.
    pub regimes: Arc<[Regime]>,
    pub rates: Arc<Rates>,
    /// What can be reached from here, where this is a moment that has passed.
    pub past: Option<Arc<Past>>,
    /// Each open alert as it is now.
    pub alerts_now: BTreeMap<AlertId, AlertNow>,
    /// How a shell's `mosquitto_pub` reaches the broker.
    pub shell_options: String,
    /// What is subscribed to at the broker.
    pub subscriptions: Arc<[String]>,
    /// Where other logins reach this room.
    pub socket: String,
    /// Why nobody but the operator can reach it, and what opens it.
    pub socket_closed: Option<String>,
    /// Seconds of the room that pass in a second of life.
    pub pace: i64,
    /// Names of devices differ within a site only.
    pub names_per_site: bool,
    /// What is wrong with what the room was opened with.
    pub warnings: Vec<String>,
    /// What is known of each open incident, counted from live data: answers of triage, checks of recovery.
    pub known: BTreeMap<IncidentId, Arc<Known>>,
    /// The same of the alert in front of those that nobody has declared.
    pub known_of_alert: Option<(AlertId, Arc<Known>)>,
    /// How the people are reached whom runbooks name.
    pub contacts: BTreeMap<String, String>,
    /// The library of runbooks: id, title, types.
    pub library: Vec<Arc<Runbook>>,
    /// The words of updates, the ways to audiences, and how often they are told.
    pub templates: Vec<Arc<Template>>,
    pub channels: Vec<ChannelInfo>,
    pub cadences: Cadences,
    /// What is due, the first first.
    pub due: Vec<Due>,
}

/// The stretch of time that a picture of the past lies in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    pub from: At,
    pub to: At,
    /// What happened in it, in order.
    pub marks: Vec<(At, String)>,
}

/// What an open alert is about, as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertNow {
    /// Devices of its cohort that are online, and all of them.
    pub online: u32,
    pub devices: u32,
    /// Devices of the first suspect, or of the whole fleet, that have shown it in the last minutes; none where nobody has
    /// counted them.
    pub affected: Option<u32>,
}

/// Whether what is on the screen is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogView {
    pub health: LogHealth,
    pub durable: Seq,
    /// Events that are not on disk though writing should have been done.
    pub late: u64,
}

/// Numbers of the whole fleet, and of what did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    pub devices: u32,
    pub online: u32,
    /// Messages a second, over the last five.
    pub rate: f64,
    pub received: u64,
    /// Telemetry dropped because it came faster than it could be taken.
    pub dropped: u64,
    pub faults: u64,
    /// Attribute values, cohorts and campaigns that found no room.
    pub overflowed: u64,
    /// Devices in maintenance, suspended or decommissioned: heard, but neither counted nor missed.
    pub left_out: u32,
    /// Names that were heard once and never again: they are not counted either.
    pub strangers: u32,
    /// Events on the wire that were not recorded because there were too many.
    pub suppressed: u64,
    /// Steps of history that the disk had no time for.
    pub unkept: u64,
    /// Measurements of values beyond those that are followed.
    pub unfollowed: u64,
}

/// Cohorts side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CohortTable {
    pub rows: Vec<CohortRow>,
    /// Cohorts in all; more than rows when the table was cut.
    pub total: usize,
}

/// One cohort now.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortRow {
    pub key: CohortKey,
    pub devices: u32,
    pub online: u32,
    /// Change of the online share against ten minutes ago (or as far as it goes back), in points of a hundred.
    pub change: Option<f64>,
    /// A second, over the last ten. None where there is no history, as behind a filter.
    pub errors: Option<f64>,
    pub messages: Option<f64>,
    /// Over the last ten minutes, of devices that were in it when they restarted: who has left it since leaves them behind.
    pub reboots: Option<u64>,
    /// Online share over the last ten minutes, one value each quarter of a minute, oldest first.
    pub trend: Vec<Option<f32>>,
    /// An open alert about exactly this cohort.
    pub alert: Option<AlertId>,
    /// It stands first because it is what the room is about, however the table is grouped.
    pub pinned: bool,
}

impl CohortRow {
    /// The share online, 0..=1.
    pub fn share(&self) -> f64 {
        if self.devices == 0 { 0.0 } else { f64::from(self.online) / f64::from(self.devices) }
    }
}

/// A signal over time, with what happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    pub cohort: CohortKey,
    pub signal: Option<Signal>,
    /// The end of the last point's second.
    pub end: At,
    /// Seconds between points.
    pub step_s: u32,
    /// Oldest first. A share in percent for online, a rate a second for counts.
    pub points: Vec<Option<f32>>,
    /// Seconds before the end, and a few letters.
    pub marks: Vec<(u32, String)>,
}

/// Some devices out of many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DevicePage {
    pub first: usize,
    pub total: usize,
    pub rows: Vec<DeviceRow>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRow {
    pub id: String,
    pub online: bool,
    /// None where only the broker's store has spoken of it.
    pub seen: Option<At>,
    /// Values of the attributes, in the order of `attributes`.
    pub values: Vec<String>,
    pub boots: Option<u32>,
    pub battery: Option<u8>,
    pub error: String,
    /// What is wrong with it just now, a bit each.
    pub symptoms: u32,
    pub ota: OtaState,
}

/// One device, as closely as it can be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceView {
    pub row: DeviceRow,
    pub rssi: Option<i8>,
    pub queue: u32,
    pub seq: Option<u32>,
    pub campaign: Option<(String, u16)>,
    /// What it measured last, and whether that is as it should be.
    pub measured: Vec<(String, bool)>,
    /// The newest first.
    pub messages: Vec<Message>,
}

/// A campaign now.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignView {
    pub id: String,
    pub state: CampaignState,
    pub target: String,
    pub wave: Option<u16>,
    pub progress: Progress,
    /// Devices that have finished by the controller's count, and were not heard of.
    pub unheard: u32,
    pub waves: Vec<WaveView>,
    pub active: bool,
    /// Devices that have failed or gone back by themselves since it stopped.
    pub bad_since: u32,
    /// How the stop rules stand, wave by wave.
    pub standings: Vec<Standing>,
    /// What the devices of each wave measure, beside the untouched ones.
    pub comparisons: Vec<Comparison>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WaveView {
    pub wave: u16,
    pub progress: Progress,
    pub plan: Option<WavePlan>,
    pub started: Option<At>,
    pub soak: Option<Soak>,
}

/// How far a wave is in proving itself before the next one may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soak {
    pub until: At,
    /// No stop rule is crossed for it: otherwise its time does not count.
    pub is_well: bool,
}

/// An actuation with what telemetry says of it now.
#[derive(Clone, Debug, PartialEq)]
pub struct ActuationView {
    pub actuation: Arc<Actuation>,
    /// Devices in flight, heard from and silent.
    pub in_flight: (u32, u32),
    pub escaped: u32,
    /// Devices that it waits for although they have had the time to finish: the first few by name, and how many.
    pub waits_for: (Vec<String>, u32),
    /// Whether this process has seen all of it, and so can prove its effect.
    pub provable: bool,
    /// How far its devices have come, while calls are under way; and the step, of how many.
    pub tally: Option<Tally>,
    pub step: Option<(String, usize, usize)>,
    /// How far its waves have come, where it goes out in waves.
    pub waves: Option<WavesView>,
}

/// The waves of an actuation now.
#[derive(Clone, Debug, PartialEq)]
pub struct WavesView {
    pub plan: Plan,
    pub course: Course,
    /// How the stop rules stand for the devices asked so far.
    pub standings: Vec<Standing>,
}

impl Snapshot {
    /// The snapshot of a state.
    pub fn of(state: &State, at: At) -> Self {
        view::snapshot(state, at)
    }

    /// What a facilitator sees who has joined a room: its game day, and nothing else of it.
    pub fn joined(seat: &Seat) -> Self {
        let Seat { name, view } = seat;
        let settings = Settings { operator: name.clone(), pace: view.pace, ..Settings::default() };
        let plan = &view.day.plan;
        let mut snapshot = Self::of(&State::replay(settings, &[], view.at), view.at);
        let totals = Totals { devices: view.devices, online: view.online, rate: view.rate, ..snapshot.totals };
        snapshot.link.state = LinkChange::Up;
        let (scenario, seed, devices) = (plan.scenario.clone(), plan.seed, plan.devices);
        Self {
            joined: true,
            drill: Some(DrillStart { scenario, seed, devices, plan: None }),
            game_day: Some(Arc::new(view.clone())),
            totals,
            ..snapshot
        }
    }

    /// Alerts that go on and belong to no incident.
    pub fn loose_alerts(&self) -> impl DoubleEndedIterator<Item = &Alert> + Clone {
        self.alerts.iter().filter(|alert| {
            alert.is_open() && !self.incidents.values().any(|incident| incident.alerts.contains(&alert.id))
        })
    }

    /// Of these, the one that the room speaks of.
    pub fn alert_in_front(&self) -> Option<&Alert> {
        alert::in_front(self.loose_alerts())
    }

    /// Whom an alert is about: those whom the evidence suspects by now, where nobody has declared it yet. Its own cohort is
    /// where it was raised, and that may be wider.
    pub fn about<'a>(&'a self, alert: &'a Alert) -> &'a CohortKey {
        self.proposals.get(&alert.id).map_or(&alert.finding.cohort, |proposal| &proposal.cohort)
    }

    /// Incidents that are not resolved, the newest first.
    pub fn open_incidents(&self) -> impl Iterator<Item = &Arc<Incident>> {
        self.incidents.values().rev().filter(|incident| incident.is_open())
    }

    /// The four clocks of an incident.
    pub fn clocks(&self, incident: &Incident) -> [Reading; 4] {
        Clock::ALL.map(|clock| clock.read(&incident.moments, &self.targets, self.at))
    }
}
