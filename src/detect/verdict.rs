//! The verdict: what an alert looks like, whose fault it is, and how bad. People may overrule all of it.
//!
//! The type follows from what the devices do and from what was rolled out. Whether it is the platform follows from how the
//! affected devices are spread: a fault of devices is found in what devices share, a fault of the platform takes
//! everybody alike, or everybody in one place of the network at the same moment.

use super::census::{self, Gone};
use super::probes::{self, AT_ONCE_S, Signs};
use super::suspects::{Breadth, Suspect};
use crate::domain::alert::{BEGAN_BEFORE, Finding};
use crate::domain::campaign::CampaignState;
use crate::domain::cohort::CohortKey;
use crate::domain::count::counted;
use crate::domain::critical::Critical;
use crate::domain::incident::{IncidentType, Severity};
use crate::domain::probe::Reach;
use crate::domain::share::percent;
use crate::domain::signal::Signal;
use crate::domain::symptom::Symptom;
use crate::domain::time::At;
pub use crate::domain::verdict::{Extent, Origin, Verdict};
use crate::fleet::{Fleet, RECONNECT_S};
use crate::limits;

/// The share of the devices known to be affected that must do something else for it to tell what is wrong.
const TELLING_SHARE: f64 = 0.05;
/// Of devices that went, one in so many may fail its update of that.
const FEW_OF_THEM: u32 = 4;

/// What a verdict rests on.
pub struct Facts<'a> {
    pub fleet: &'a Fleet,
    /// What was found, the first alert first.
    pub findings: Vec<&'a Finding>,
    /// Who is suspected of it.
    pub suspects: &'a [Suspect],
    /// Whom people have said it is about, and whom they have ruled out.
    pub about: Option<&'a CohortKey>,
    pub rejected: &'a [CohortKey],
    pub breadth: Option<&'a Breadth>,
    pub own_link: OwnLink,
    /// How the way to the broker was when it was tried beside our link.
    pub reach: Option<&'a Reach>,
}

/// How our own link is, and was when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLink {
    pub is_up: bool,
    pub since: At,
    pub was_down: bool,
}

impl Facts<'_> {
    /// Why it cannot be told how fast devices went: they had gone before there was anybody to see it, or did not go together.
    pub(super) fn no_moment(&self) -> String {
        let began_before = self.findings.iter().any(|finding| finding.began_before);
        if began_before { format!("it was {BEGAN_BEFORE}") } else { "nobody went away at one moment".into() }
    }

    pub(super) fn has(&self, symptom: Symptom) -> bool {
        self.telling().any(|finding| finding.signal == symptom.signal())
    }

    /// What says something of the whole: that a battery sinks, an error or a value is odd in hardly any of so many is
    /// their own affair. What is rare in a healthy fleet always tells.
    fn telling(&self) -> impl Iterator<Item = &&Finding> {
        let most = self.findings.iter().map(|finding| finding.affected).max().unwrap_or(0);
        self.findings.iter().filter(move |finding| {
            let is_data = Symptom::of(finding.signal).is_some_and(Symptom::is_about_data);
            let is_common = is_data || matches!(finding.signal, Signal::Battery | Signal::Errors);
            !is_common || f64::from(finding.affected) >= TELLING_SHARE * f64::from(most)
        })
    }

    /// Devices that do this, at the time it was found.
    pub(super) fn affected(&self, symptom: Symptom) -> u32 {
        let found = self.findings.iter().filter(|finding| finding.signal == symptom.signal());
        found.map(|finding| finding.affected).max().unwrap_or(0)
    }

    /// The cohort it is about.
    fn cohort(&self) -> CohortKey {
        let suspected = self.suspects.iter().map(|suspect| &suspect.cohort);
        let found = self.findings.first().map(|finding| &finding.cohort);
        let mut likely = suspected.chain(found).filter(|cohort| !self.rejected.contains(cohort));
        self.about.or_else(|| likely.next()).cloned().unwrap_or_default()
    }

    /// Whether the cohort is about a firmware that devices have just been given, or a wave of a rollout.
    fn is_new_firmware(&self, cohort: &CohortKey) -> bool {
        let given = |version: &str| {
            let rolled_out = self.fleet.campaigns().iter().any(|campaign| campaign.target == version);
            rolled_out || self.fleet.adopted(version) >= super::MINIMUM_AFFECTED as u32
        };
        cohort.get("wave").is_some() || cohort.get("firmware").is_some_and(given)
    }

    /// Whether most of a cohort's devices that are away went in an update that nobody announced.
    fn went_to_move(&self, cohort: &CohortKey) -> bool {
        let Some(conditions) = census::conditions(self.fleet, cohort) else { return false };
        let (away, moving) = census::gone_to_move(self.fleet, &conditions);
        moving as f32 >= super::MINIMUM_AFFECTED && 2 * moving > away
    }
}

/// The verdict on some facts.
pub fn judge(facts: &Facts<'_>) -> Verdict {
    let mut evidence = Vec::new();
    let cohort = facts.cohort();
    let kind = kind(facts, &cohort, &mut evidence);
    let signs = Signs::read(facts, &cohort);
    let origin = origin(facts, &signs, &mut evidence);
    evidence.extend(remains(facts));
    let suspected: u32 = facts.suspects.iter().map(|suspect| suspect.affected).sum();
    let affected = facts.findings.iter().map(|finding| finding.affected).max().unwrap_or(0).max(suspected);
    let extent = if affected > 1 { Extent::Broad } else { Extent::Single };
    let severity = severity(facts, &cohort, affected, &mut evidence);
    let probes = probes::answers(facts, &signs);
    Verdict { kind, origin, extent, severity, evidence, probes }
}

/// Devices of a rollout that need another way than a rollback: those that went back by themselves need none, and those
/// that nobody has heard of since may need a visit. They are never counted among those that still fail.
fn remains(facts: &Facts<'_>) -> Vec<String> {
    let mut told = Vec::new();
    let in_flight = facts.fleet.campaigns().iter().any(|campaign| campaign.progress.in_flight() > 0);
    let lost = if in_flight { facts.fleet.lost_in_flight(RECONNECT_S) } else { [0; limits::CAMPAIGNS] };
    for (campaign, silent) in facts.fleet.campaigns().iter().zip(lost) {
        let went_back = campaign.state != CampaignState::RollingBack && campaign.state != CampaignState::Finished;
        if went_back && campaign.progress.rolled_back > 0 {
            let n = campaign.progress.rolled_back;
            told.push(format!(
                "{} of {} went back to the old firmware by themselves",
                counted(n, "device"),
                campaign.id
            ));
        }
        if silent > 0 {
            told.push(format!(
                "never heard again after their update began: {} of {}; a rollback may not reach them",
                counted(silent, "device"),
                campaign.id
            ));
        }
    }
    told
}

fn kind(facts: &Facts<'_>, cohort: &CohortKey, evidence: &mut Vec<String>) -> IncidentType {
    use IncidentType::{BadFirmware, CapacityCost, DataQuality, MassDisconnect, Security};
    use Symptom::{
        AuthFailing, BadSignature, Draining, Erring, Flooding, Offline, Queueing, Rebooting, Reconnecting, Refused,
        UpdateFailing,
    };
    let mut because = |why: &str| evidence.push(why.to_owned());
    if facts.has(AuthFailing) && facts.affected(AuthFailing) > facts.affected(Offline) {
        because("devices fail to authenticate and stay connected: credentials are misused, not lost");
        return Security;
    }
    if facts.has(BadSignature) {
        because("devices refuse the signature of their new firmware: another failure than crashing on it");
        return BadFirmware;
    }
    // What is cut off in one place, whatever its make, is no matter of firmware: that those in an update do not get through
    // it, and that devices boot when their power is back, follows from that.
    let is_cut_off = facts.has(Offline) && probes::is_of_network(cohort);
    let fail_of_that = is_cut_off && FEW_OF_THEM * facts.affected(UpdateFailing) < facts.affected(Offline);
    if facts.has(UpdateFailing) && !fail_of_that {
        because("updates fail");
        return BadFirmware;
    }
    if facts.is_new_firmware(cohort) {
        because("it is where a new firmware was brought");
        return BadFirmware;
    }
    if facts.has(Rebooting) && !is_cut_off {
        because("devices reboot by themselves");
        return BadFirmware;
    }
    if facts.has(Offline) && facts.went_to_move(cohort) {
        because("its devices went away as others did that came back with another firmware, and stay away");
        return BadFirmware;
    }
    let of_firmware = cohort.get("firmware").is_some();
    let is_data = Symptom::ALL.into_iter().any(|symptom| symptom.is_about_data() && facts.has(symptom));
    let is_load = [Flooding, Queueing, Refused].into_iter().any(|symptom| facts.has(symptom));
    if facts.has(Offline) && !of_firmware {
        because("devices are gone, and share nothing that was brought to them");
        return MassDisconnect;
    }
    let fell_silent = facts.findings.first().is_some_and(|first| first.signal == Symptom::Silent.signal());
    if fell_silent && is_load {
        because("devices fell silent first; what they send beside is what they kept");
        return MassDisconnect;
    }
    if is_load && !facts.has(Offline) {
        because("load, backlog or refusals rise while devices stay connected");
        return CapacityCost;
    }
    if facts.has(Reconnecting) && !of_firmware {
        because("devices lose their connection again and again");
        return MassDisconnect;
    }
    if is_data && !facts.has(Offline) {
        because("devices are connected, and what they send is wrong");
        return DataQuality;
    }
    if facts.has(Draining) && !facts.has(Erring) && probes::is_of_network(cohort) {
        because("batteries sink in one place, whatever the make of the devices: they are losing their power");
        return MassDisconnect;
    }
    if of_firmware || facts.has(Draining) || facts.has(Erring) {
        because(match facts.has(Offline) {
            true => "devices of one firmware go away, wherever they are",
            false => "devices of one make do it, and stay connected",
        });
        return BadFirmware;
    }
    because("devices are silent");
    MassDisconnect
}

fn origin(facts: &Facts<'_>, signs: &Signs<'_>, evidence: &mut Vec<String>) -> Origin {
    if let Some((reason, true)) = facts.reach.and_then(Reach::failure) {
        evidence.push(format!("the broker cannot be reached, whoever tries: {reason}"));
        return Origin::Platform;
    }
    if facts.own_link.was_down {
        evidence.push("our own link was down when it began: what is seen may be ours".into());
        return Origin::Undecided;
    }
    if let Some(broker) = facts.fleet.broker().lost() {
        evidence.push(broker);
        return Origin::Platform;
    }
    if signs.cohort.is_fleet() {
        if facts.fleet.hushed().is_some() {
            evidence.push(
                "nobody at all is heard though our own link is up: the broker, or what feeds it, has stopped".into(),
            );
            return Origin::Platform;
        }
        let Some(spread) = signs.spread() else { return Origin::Undecided };
        evidence.push(spread);
        return if signs.is_everybody() { Origin::Platform } else { Origin::Undecided };
    }
    if !signs.is_of_network() {
        evidence.push(format!("it is in what devices share: {}", signs.cohort.sentence()));
        return Origin::Device;
    }
    let place = signs.cohort.sentence();
    let gone = if facts.has(Symptom::Reconnecting) { Some(Gone::Again) } else { signs.gone };
    let how = match gone {
        Some(Gone::Within(within_s)) if within_s <= AT_ONCE_S => {
            evidence.push(format!(
                "nine of ten devices of {place} went within {within_s} s: they lost what they connect through"
            ));
            return Origin::Platform;
        }
        Some(Gone::Within(within_s)) => format!("but took {within_s} s to spread"),
        Some(Gone::Again) => "and its devices come and go".into(),
        None => format!("and {}", facts.no_moment()),
    };
    evidence.push(format!("it is in one place of the network, {place}, {how}"));
    Origin::Undecided
}

/// The severity that the number of affected devices suggests, and who they are.
fn severity(facts: &Facts<'_>, cohort: &CohortKey, affected: u32, evidence: &mut Vec<String>) -> Severity {
    let fleet = facts.fleet;
    let affected = affected.max(missed(facts, cohort));
    // Made-up names make nothing less bad.
    let known = fleet.devices().iter().filter(|(_, device)| fleet.is_known(device)).count() as f64;
    let share = f64::from(affected) / known.max(affected.into()).max(1.0);
    // A rollout that brought it, or still runs, makes it worse by the minute, however few are hit yet. Halting it
    // makes nobody well.
    let brought = |target: &str| cohort.get("firmware") == Some(target);
    let spreading = fleet.campaigns().iter().any(|campaign| campaign.is_active() || brought(&campaign.target));
    let by_share = match share {
        s if s >= 0.10 || (spreading && s >= 0.02) => Severity::Sev1,
        s if s >= 0.02 || spreading => Severity::Sev2,
        s if s >= 0.002 => Severity::Sev3,
        _ => Severity::Sev4,
    };
    let spreads = if spreading { ", and a rollout brought it or still runs" } else { "" };
    evidence.push(format!("{by_share} by number: {} of all devices{spreads}", percent(share)));
    let raised = fleet.critical().iter().filter(|critical| critical.at_least < by_share);
    let raised = raised.filter_map(|critical| Some((critical, critical_hit(facts, cohort, critical)?)));
    let Some((critical, hit)) = raised.min_by_key(|(critical, _)| critical.at_least) else { return by_share };
    let why = critical.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    let who = critical.cohort.sentence();
    evidence.push(format!("no less than {}: {hit} of the affected devices are of {who}{why}", critical.at_least));
    critical.at_least
}

/// Devices of the cohort that are away by now beyond those that usually are; none where it is not about that.
fn missed(facts: &Facts<'_>, cohort: &CohortKey) -> u32 {
    let gone = facts.findings.iter().find(|finding| finding.signal == Symptom::Offline.signal());
    let Some((gone, conditions)) = gone.zip(census::conditions(facts.fleet, cohort)) else { return 0 };
    let (devices, away) = census::count(facts.fleet, &conditions, Symptom::Offline.bit());
    let usual = f64::from(devices) * (1.0 - gone.expected).clamp(0.0, 1.0);
    away.saturating_sub(usual.round() as u32)
}

/// How many devices that matter more are affected; none where they are too few to say so.
fn critical_hit(facts: &Facts<'_>, cohort: &CohortKey, critical: &Critical) -> Option<u32> {
    let mut conditions = census::conditions(facts.fleet, cohort)?;
    conditions.extend(census::conditions(facts.fleet, &critical.cohort)?);
    let asked = facts.findings.iter().filter_map(|finding| Symptom::of(finding.signal));
    let hit = census::count(facts.fleet, &conditions, asked.fold(0, |bits, symptom| bits | symptom.bit())).1;
    (hit >= critical.minimum.max(1)).then_some(hit)
}

/// A headline in the fewest words: `3.2.5 · rev-B drops offline`.
pub fn propose_title(signal: Signal, cohort: &CohortKey) -> String {
    match Symptom::of(signal) {
        Some(Symptom::Offline) => format!("{cohort} drops offline"),
        Some(Symptom::Rebooting) => format!("{cohort} is crash-looping"),
        Some(symptom) => format!("{cohort}: devices {}", symptom.words()),
        None => format!("{cohort}: {signal}"),
    }
}
