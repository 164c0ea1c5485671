//! Triage: the questions that people ask first, answered from live data with what the answer rests on; or "unknown",
//! with what was tried.

use super::State;
use super::facts::{Count, Crowd, Subject, kind};
use crate::domain::alert::BEGAN_BEFORE;
use crate::domain::campaign::CampaignState;
use crate::domain::count;
use crate::domain::query::{Answer, Query};
use crate::domain::share;
use crate::domain::time::At;
use crate::domain::verdict::{Extent, Origin};
use crate::fleet::attributes::ValueIx;

/// Values named of an attribute that many share.
const NAMED: usize = 3;
/// Customers named: more of them are a list for an export.
const CUSTOMERS: usize = 6;
/// A value stands out that has this share of the affected, and is affected so many times as often as the others.
const MOST: f64 = 0.5;
const LIFT: f64 = 2.0;
/// Seconds before the onset in which something that changed may be what changed it.
const BEFORE_S: i64 = 24 * 3600;
/// Changes named.
const CHANGES: usize = 4;

/// Every question, answered.
pub(super) fn answers(state: &State, subject: &Subject<'_>, counted: &Count, at: At) -> Vec<Answer> {
    Query::ALL.iter().map(|query| answer(state, subject, counted, *query, at)).collect()
}

fn answer(state: &State, subject: &Subject<'_>, counted: &Count, query: Query, at: At) -> Answer {
    match query {
        Query::Affected => affected(subject, counted),
        Query::Breadth => breadth(state, subject, counted),
        Query::Firmware => shared(state, counted, query, "firmware"),
        Query::Hardware => shared(state, counted, query, "hardware"),
        Query::Region => shared(state, counted, query, "region"),
        Query::Carrier => shared(state, counted, query, "carrier"),
        Query::Site => shared(state, counted, query, "site"),
        Query::Config => shared(state, counted, query, "config"),
        Query::Customers => customers(state, counted),
        Query::Origin => origin(state, subject),
        Query::Onset => onset(state, subject, at),
        Query::Rollout => rollout(state, subject),
        Query::Codes => codes(state, counted),
        Query::Changes => changes(state, subject, at),
        Query::Online => online(counted),
        Query::Errors => showing(query, counted, kind::ERRING, "report errors"),
        Query::Reboots => showing(query, counted, kind::REBOOTING, "reboot by themselves"),
        Query::Reconnects => showing(query, counted, kind::RETURNING, "come back again and again"),
        Query::Messages => showing(query, counted, kind::FLOODING, "send far more than usual"),
        Query::Quality => showing(query, counted, kind::QUALITY, "are silent or send wrong data"),
        Query::Backlog => backlog(state, counted),
        Query::Talkers => talkers(state, counted),
        Query::Platform => platform(state),
    }
}

fn percent(part: u32, whole: u32) -> String {
    share::percent(f64::from(part) / f64::from(whole.max(1)))
}

fn affected(subject: &Subject<'_>, counted: &Count) -> Answer {
    let Count { inside, affected, affected_inside, remaining, .. } = counted;
    if inside.devices + counted.outside.devices == 0 {
        return Answer::unknown(Query::Affected, "no device has been heard");
    }
    let text = format!(
        "{affected_inside} of {} of {} ({}), {} elsewhere",
        inside.devices,
        subject.cohort.sentence(),
        percent(*affected_inside, inside.devices),
        affected - affected_inside
    );
    let evidence = format!(
        "ever {}: {} healthy, {} connected but not healthy, {} away, {} not heard since, {} went back",
        remaining.ever,
        remaining.healthy,
        remaining.unhealthy,
        remaining.away,
        remaining.unheard,
        remaining.rolled_back
    );
    Answer::known(Query::Affected, text, evidence)
}

/// One device or many: what the room has counted, as the class that people may overrule by what they declare.
fn breadth(state: &State, subject: &Subject<'_>, counted: &Count) -> Answer {
    let fleet = counted.inside.devices + counted.outside.devices;
    let said = subject.incident.filter(|incident| incident.overruled.extent).and_then(|incident| incident.extent);
    if let Some(extent) = said {
        let evidence = format!("people have said so; {} of {fleet} devices show it", counted.affected);
        return Answer::known(Query::Breadth, extent.name(), evidence);
    }
    match (counted.affected, counted.example) {
        (0, _) => Answer::unknown(Query::Breadth, format!("none of {fleet} devices shows it just now")),
        (1, Some(device)) => Answer::known(
            Query::Breadth,
            format!("{}: {}", Extent::Single.name(), state.fleet.devices().id(device)),
            format!("1 of {fleet} devices shows it"),
        ),
        (n, _) => {
            let share = percent(counted.affected_inside, counted.inside.devices);
            let text = format!("{}: {n} devices, {share} of the cohort", Extent::Broad.name());
            Answer::known(Query::Breadth, text, format!("{} of all {fleet} devices", percent(n, fleet)))
        }
    }
}

/// What the affected have in common of one attribute.
fn shared(state: &State, counted: &Count, query: Query, name: &str) -> Answer {
    let affected = counted.affected;
    let fleet = counted.inside.devices + counted.outside.devices;
    if affected == 0 {
        return Answer::unknown(query, format!("none of {fleet} devices shows it just now"));
    }
    let Some(attribute) = state.fleet.schema().find(name) else {
        return Answer::unknown(query, format!("devices of this fleet have no {name}"));
    };
    let values = &counted.values[usize::from(attribute.0)];
    let told: Vec<_> = values.iter().filter(|(value, n, _)| *value != ValueIx::UNKNOWN && *n > 0).collect();
    let value = |value: ValueIx| state.fleet.dictionary(attribute).name(value).to_owned();
    let Some((first, n, devices)) = told.first() else {
        return Answer::unknown(query, format!("none of {affected} affected devices tells its {name}"));
    };
    let (share, rate) = (f64::from(*n) / f64::from(affected), f64::from(*n) / f64::from(*devices));
    let (other_affected, others) = (affected - n, fleet - devices);
    let other_rate = if others == 0 { 0.0 } else { f64::from(other_affected) / f64::from(others) };
    if share >= MOST && rate >= LIFT * other_rate && others > 0 {
        let text = format!("{}: {} of the affected", value(*first), percent(*n, affected));
        let evidence = format!(
            "{n} of {devices} with {name} {} ({}), {other_affected} of {others} others ({})",
            value(*first),
            percent(*n, *devices),
            percent(other_affected, others)
        );
        return Answer::known(query, text, evidence);
    }
    let spread: Vec<String> =
        told.iter().take(NAMED).map(|(v, n, all)| format!("{} {}", value(*v), percent(*n, *all))).collect();
    if values.len() == 1 {
        return Answer::known(query, format!("{}, as all devices", value(*first)), "there is no other".to_owned());
    }
    let text = format!("no single one of {}", told.len());
    Answer::known(query, text, format!("affected of each: {}", spread.join(", ")))
}

fn customers(state: &State, counted: &Count) -> Answer {
    let (query, affected) = (Query::Customers, counted.affected);
    let Some(attribute) = state.fleet.schema().find("customer").filter(|_| affected > 0) else {
        return Answer::unknown(query, "no device shows it just now");
    };
    let values = &counted.values[usize::from(attribute.0)];
    let told: Vec<_> = values.iter().filter(|(value, n, _)| *value != ValueIx::UNKNOWN && *n > 0).collect();
    if told.is_empty() {
        return Answer::unknown(query, format!("none of {affected} affected devices tells its customer"));
    }
    let name = |value: ValueIx| state.fleet.dictionary(attribute).name(value);
    let named: Vec<String> = told.iter().take(CUSTOMERS).map(|(v, n, _)| format!("{} {n}", name(*v))).collect();
    let more = if told.len() > CUSTOMERS { format!(" and {} more", told.len() - CUSTOMERS) } else { String::new() };
    let evidence = format!("{affected} affected devices of {}", count::counted(told.len(), "customer"));
    Answer::known(query, format!("{}{more}", named.join(", ")), evidence)
}

fn origin(state: &State, subject: &Subject<'_>) -> Answer {
    let verdict = match (subject.incident, subject.alerts.first()) {
        (Some(incident), _) => state.suspects().verdict_on(incident.id).or(incident.verdict.as_ref()).cloned(),
        (None, Some(alert)) => Some(super::suspects::verdict_on(state, alert)),
        (None, None) => None,
    };
    let said = subject.incident.filter(|incident| incident.overruled.origin).map(|incident| incident.origin);
    let evidence = verdict.as_ref().map(|verdict| verdict.evidence.join("; ")).unwrap_or_default();
    match (said, verdict.map(|verdict| verdict.origin)) {
        (Some(origin), _) => Answer::known(Query::Origin, origin.name(), "people have said so"),
        (None, Some(Origin::Undecided)) | (None, None) => {
            let tried = if evidence.is_empty() { "no alert says anything about it".into() } else { evidence };
            Answer::unknown(Query::Origin, tried)
        }
        (None, Some(origin)) => Answer::known(Query::Origin, origin.name(), evidence),
    }
}

fn clock(at: At) -> String {
    at.utc().format("%H:%M:%SZ").to_string()
}

/// The wave that began last before a moment, and how many minutes before.
fn wave_before(state: &State, moment: At) -> Option<String> {
    let waves = state.fleet.campaigns().iter().flat_map(|campaign| {
        campaign.waves.iter().filter_map(move |wave| Some((wave.started?, wave.wave, &campaign.id)))
    });
    let (started, wave, campaign) = waves.filter(|(started, ..)| *started <= moment).max_by_key(|(at, ..)| *at)?;
    let minutes = moment.since_s(started) / 60;
    let after = if minutes == 0 { "moments".into() } else { format!("{minutes} min") };
    (moment.since_s(started) <= BEFORE_S).then(|| format!("{after} after wave {wave} of {campaign} began"))
}

fn onset(state: &State, subject: &Subject<'_>, at: At) -> Answer {
    let Some(onset) = subject.onset else {
        return Answer::unknown(Query::Onset, "neither an alert nor a person has said when it began");
    };
    let text = format!("{}, {} min ago", clock(onset), at.since_s(onset) / 60);
    let corrected = subject.incident.is_some_and(|incident| {
        incident.corrections.iter().any(|correction| correction.moment == crate::domain::clock::Moment::Onset)
    });
    let found = match subject.alerts.first().map(|alert| &alert.finding) {
        _ if corrected => "as people have corrected it".to_owned(),
        None => "the time of the declaration; correct it where it is known".to_owned(),
        Some(finding) if finding.began_before => BEGAN_BEFORE.to_owned(),
        Some(finding) => format!("found back in the data, to {} s", finding.onset_within_s),
    };
    let wave = wave_before(state, onset).unwrap_or_else(|| "no wave began in the day before it".into());
    Answer::known(Query::Onset, text, format!("{found}; {wave}"))
}

fn rollout(state: &State, subject: &Subject<'_>) -> Answer {
    let campaigns = state.fleet.campaigns();
    let running: Vec<String> = campaigns
        .iter()
        .filter(|campaign| campaign.is_active() || campaign.progress.in_flight() > 0)
        .map(|campaign| {
            let wave = campaign.wave.map(|wave| format!(", wave {wave}")).unwrap_or_default();
            let (id, target, state) = (&campaign.id, &campaign.target, campaign.state);
            format!("{id} → {target} is {state}{wave}: {} in flight", campaign.progress.in_flight())
        })
        .collect();
    let wave = subject.onset.and_then(|onset| wave_before(state, onset)).map(|when| format!("it began {when}"));
    match (running.is_empty(), campaigns.iter().count()) {
        (true, 0) => Answer::known(Query::Rollout, "none is in flight", "no campaign has been seen on this broker"),
        (true, n) => {
            let held = campaigns
                .iter()
                .find(|campaign| campaign.counted().queued > 0 && campaign.state != CampaignState::Finished);
            let text = held.map_or_else(
                || "none is in flight".to_owned(),
                |held| {
                    let queued = held.counted().queued;
                    format!("none is in flight: {} → {} is {}, {queued} queued", held.id, held.target, held.state)
                },
            );
            Answer::known(Query::Rollout, text, wave.unwrap_or_else(|| format!("{n} campaigns seen, none runs")))
        }
        (false, _) => {
            let evidence = wave.unwrap_or_else(|| "no wave began in the day before the onset".into());
            Answer::known(Query::Rollout, running.join(" · "), evidence)
        }
    }
}

fn codes(state: &State, counted: &Count) -> Answer {
    if counted.codes.is_empty() {
        let tried = format!("none of {} affected devices has reported an error code", counted.affected);
        return Answer::unknown(Query::Codes, tried);
    }
    let told = counted.codes.iter().take(NAMED).map(|(code, n)| {
        let code = state.fleet.codes().name(*code);
        match state.settings.codes.get(code) {
            Some(meaning) => format!("{code} {meaning}, {}", count::counted(*n, "device")),
            None => format!("unknown code {code}, {}", count::counted(*n, "device")),
        }
    });
    let evidence = match state.settings.codes.len() {
        0 => "the last code of each affected device; no code book is configured".to_owned(),
        known => format!("the last code of each affected device; the code book knows {known}"),
    };
    Answer::known(Query::Codes, told.collect::<Vec<_>>().join(" · "), evidence)
}

fn changes(state: &State, subject: &Subject<'_>, at: At) -> Answer {
    let from = subject.onset.unwrap_or(at).plus_s(-BEFORE_S);
    let recent: Vec<_> = state.room.changes.iter().rev().filter(|change| change.at >= from).collect();
    const CERTIFICATES: &str = "devices do not tell when their certificates expire: look, and note it";
    if recent.is_empty() {
        let tried = format!("no wave, campaign, switch or noted change since {}; {CERTIFICATES}", clock(from));
        return Answer::unknown(Query::Changes, tried);
    }
    let told: Vec<String> =
        recent.iter().take(CHANGES).map(|change| format!("{} {}", clock(change.at), change.what)).collect();
    let more = if recent.len() > CHANGES { format!(" and {} before", recent.len() - CHANGES) } else { String::new() };
    Answer::known(Query::Changes, format!("{}{more}", told.join(" · ")), CERTIFICATES)
}

/// How many show it, beside the others.
fn showing(query: Query, counted: &Count, group: u32, what: &str) -> Answer {
    let Count { inside, outside, .. } = counted;
    if inside.devices == 0 {
        return Answer::unknown(query, "no device of it has been heard");
    }
    let of = |crowd: &Crowd| percent(crowd.showing(group), crowd.devices);
    let text = format!("{} of {} {what} ({})", inside.showing(group), inside.devices, of(inside));
    let others = if outside.devices == 0 { "there are no others".into() } else { format!("others {}", of(outside)) };
    Answer::known(query, text, others)
}

fn online(counted: &Count) -> Answer {
    let Count { inside, outside, .. } = counted;
    if inside.devices == 0 {
        return Answer::unknown(Query::Online, "no device of it has been heard");
    }
    let of = |crowd: &Crowd| percent(crowd.here(), crowd.devices);
    let text = format!("{} of {} connected ({})", inside.here(), inside.devices, of(inside));
    let others = if outside.devices == 0 { "there are no others".into() } else { format!("others {}", of(outside)) };
    Answer::known(Query::Online, text, others)
}

fn backlog(state: &State, counted: &Count) -> Answer {
    use crate::domain::observation::BrokerMetric;
    let broker = [BrokerMetric::Queued, BrokerMetric::Dropped].into_iter().filter_map(|metric| {
        let value = state.fleet.broker().get(metric)?;
        Some(format!("broker {} {value:.0}", if metric == BrokerMetric::Dropped { "dropped" } else { "queued" }))
    });
    let broker: Vec<String> = broker.collect();
    if counted.inside.with_queue == 0 && broker.is_empty() {
        let tried = "no device tells its queue, and the broker does not tell what it queues or drops";
        return Answer::unknown(Query::Backlog, tried);
    }
    let mut told = showing(Query::Backlog, counted, kind::BACKLOG, "have a growing backlog");
    told.evidence = [vec![told.evidence], broker].concat().join(", ");
    told
}

fn talkers(state: &State, counted: &Count) -> Answer {
    if counted.talkers.is_empty() {
        return Answer::unknown(Query::Talkers, "no device has been heard");
    }
    let told = counted
        .talkers
        .iter()
        .map(|(device, now, usual)| format!("{} {now}/min (usually {usual})", state.fleet.devices().id(*device)));
    Answer::known(Query::Talkers, told.collect::<Vec<_>>().join(" · "), "reports in a minute")
}

fn platform(state: &State) -> Answer {
    let link = if state.link.is_up() { "our link is up" } else { "our link is down" };
    if let Some(lost) = state.fleet.broker().lost() {
        return Answer::known(Query::Platform, "NO: it has lost clients", lost);
    }
    let connected = state.fleet.broker().get(crate::domain::observation::BrokerMetric::Connected);
    match connected {
        Some(clients) => Answer::known(Query::Platform, format!("yes, as far as it says: {clients:.0} clients"), link),
        None => Answer::unknown(Query::Platform, format!("{link}; the broker tells nothing of itself")),
    }
}
