//! Channels: a whole room tells people something through stubs of the documented interfaces; what is asked, what is made of
//! the answer, and what stands in the log.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use support::live::{Live, link};
use support::stub::{Asked, server, stub};
use warroom::config::Config;
use warroom::config::channels::ChannelSection;
use warroom::domain::command::update::{Message, UpdateCommand};
use warroom::domain::command::{Command, Declare};
use warroom::domain::event::Event;
use warroom::domain::event::update::UpdateEvent;
use warroom::domain::ids::{IncidentId, Seq};
use warroom::domain::update::{Audience, Delivery, UpdateKind};
use warroom::mqtt::Protocol;
use warroom::mqtt::broker::Broker;
use warroom::store::read;

const INCIDENT: IncidentId = IncidentId(1);

/// A room with one channel, as a configuration has it, and an incident that somebody commands.
struct Told {
    room: Live,
    data: tempfile::TempDir,
    audience: Audience,
    source: String,
    _broker: Broker,
}

/// `channel` is what a configuration says of it beside its name.
async fn room(audience: Audience, channel: &str) -> Told {
    room_with(audience, &[channel.to_owned()]).await
}

/// A room with channels by their numbers.
async fn room_with(audience: Audience, channels: &[String]) -> Told {
    let head = |n: usize| format!("[[channel]]\nname = '{n}'\naudience = '{}'\ntimeout_s = 1\n", audience.id());
    let sections = channels.iter().enumerate().map(|(n, channel)| format!("{}{channel}\n", head(n)));
    let source = sections.collect::<String>() + "[secrets.key]\nenv = 'X'\n";
    let broker = Broker::start().await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut room = open(&source, data.path(), &broker);
    room.up().await;
    let declare =
        Declare { title: Some("3.2.5 drops <rev-B>".into()), commander: Some("mira".into()), ..Declare::default() };
    room.ask(Command::Declare(declare)).await.unwrap();
    Told { room, data, audience, source, _broker: broker }
}

fn open(source: &str, data: &Path, broker: &Broker) -> Live {
    let config = Config::read(source, "test").unwrap();
    let options = link(broker.address().port(), Protocol::V3);
    Live::open_with(options, data, 1.0, |settings| {
        settings.channels = config.channels.iter().map(ChannelSection::info).collect();
    })
}

impl Told {
    async fn send(&mut self, kind: UpdateKind, text: &str) -> Delivery {
        self.send_by(0, kind, text).await
    }

    async fn send_by(&mut self, channel: usize, kind: UpdateKind, text: &str) -> Delivery {
        let message = Message {
            incident: INCIDENT,
            audience: self.audience,
            kind,
            template: None,
            tells: Vec::new(),
            text: text.into(),
            channels: vec![channel.to_string()],
        };
        let seq = self.room.ask(Command::Update(UpdateCommand::Send(message))).await.unwrap();
        self.delivered(seq).await
    }

    async fn retry(&mut self, number: u32) -> Delivery {
        let retry = UpdateCommand::Retry { incident: INCIDENT, number };
        let seq = self.room.ask(Command::Update(retry)).await.unwrap();
        self.delivered(seq).await
    }

    /// What became of the last update, once the room is past an event.
    async fn delivered(&mut self, seq: Seq) -> Delivery {
        self.room
            .until("an outcome", |s| {
                s.timeline.last().filter(|entry| entry.seq >= seq)?;
                let sent = &s.incidents.get(&INCIDENT)?.updates.sent;
                let under_way = sent.iter().any(|update| update.delivery == Delivery::Intended);
                sent.last().filter(|_| !under_way).map(|update| update.delivery.clone())
            })
            .await
    }

    /// The room ends, and another begins where it was.
    async fn again(self) -> Self {
        let Self { room, data, audience, source, _broker } = self;
        room.station.close("done").await;
        let mut room = open(&source, data.path(), &_broker);
        room.up().await;
        Self { room, data, audience, source, _broker }
    }

    /// What the log says of updates, in order.
    async fn log(self) -> Vec<UpdateEvent> {
        self.room.station.close("done").await;
        let records = read::open(&self.data.path().join("log.db")).unwrap().records;
        let update = |event| match event {
            Event::Update(event) => Some(event),
            _ => None,
        };
        records.into_iter().filter_map(|record| update(record.event)).collect()
    }
}

fn said(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Sent { answer, took_ms, .. } => {
            assert!(*took_ms > 0, "a sending takes some time");
            answer.clone()
        }
        other => other.words(),
    }
}

fn asked(asked: &Asked) -> Vec<(String, String, Value)> {
    let asked = asked.lock().unwrap();
    asked.iter().map(|(first, key, body)| (first.clone(), key.clone(), serde_json::from_str(body).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_get_words_and_no_markup() {
    let (url, heard) = stub(|_| (200, "ok".into()));
    let mut told = room(Audience::Internal, &format!("kind = 'slack'\nurl = '{url}/services/{{secret:key}}'")).await;
    assert_eq!(said(&told.send(UpdateKind::First, "<!channel> & co").await), "answered 200: ok");
    assert_eq!(asked(&heard)[0].0, "POST /services/c3R1Yg==");
    let text = asked(&heard)[0].2["text"].clone();
    assert_eq!(text, "*SEV3 INC-1 3.2.5 drops &lt;rev-B&gt;*\n&lt;!channel&gt; &amp; co");
    let log = told.log().await;
    assert!(
        matches!(&log[0], UpdateEvent::UpdateIntended { text, channel, .. } if text == "<!channel> & co" && channel == "0")
    );
    assert!(
        matches!(&log[1], UpdateEvent::UpdateSent { answer, took_ms, .. } if answer == "answered 200: ok" && *took_ms > 0)
    );

    let (url, heard) = stub(|_| (202, String::new()));
    let mut told = room(Audience::Internal, &format!("kind = 'teams'\nurl = '{url}'")).await;
    assert_eq!(said(&told.send(UpdateKind::First, "one\ntwo").await), "answered 202");
    let body = &asked(&heard)[0].2;
    assert_eq!(body["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(body["attachments"][0]["content"]["body"][1]["text"], "one\ntwo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pager_goes_on_with_the_alert_that_it_has() {
    let (url, heard) =
        stub(|_| (202, r#"{"status":"success","message":"Event processed","dedup_key":"theirs-7"}"#.into()));
    let mut told =
        room(Audience::Internal, &format!("kind = 'pagerduty'\nurl = '{url}/v2/enqueue'\nkey = '{{secret:key}}'"))
            .await;
    for kind in [UpdateKind::First, UpdateKind::Update, UpdateKind::Resolved] {
        assert_eq!(said(&told.send(kind, "words").await), "answered 202: theirs-7");
    }
    let bodies: Vec<Value> = asked(&heard).into_iter().map(|(.., body)| body).collect();
    let actions: Vec<_> = bodies.iter().map(|body| body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "trigger", "resolve"]);
    // Its own name for it first; then the name that it answered.
    assert!(bodies[0]["dedup_key"].as_str().unwrap().ends_with("-INC-1"), "{}", bodies[0]);
    assert_eq!(bodies[0]["routing_key"], "c3R1Yg==");
    assert_eq!((&bodies[1]["dedup_key"], &bodies[2]["dedup_key"]), (&json!("theirs-7"), &json!("theirs-7")));
    assert_eq!(bodies[0]["payload"]["severity"], "warning");
}

/// A status page by what it is called, how it opens, how it goes on, and what its secret looks like.
async fn page(kind: &str, opens: &str, goes_on: &str, key: &str, status: fn(&Value) -> &Value) {
    let (url, heard) =
        stub(|first| (if first.starts_with("PATCH") { 200 } else { 201 }, r#"{"id":"p31zj","name":"x"}"#.into()));
    let channel = format!("kind = '{kind}'\nurl = '{url}'\npage = 'pg1'\nkey = '{{secret:key}}'");
    let mut told = room(Audience::Customers, &channel).await;
    assert!(said(&told.send(UpdateKind::Resolved, "over").await).contains("no incident was opened there"));
    assert_eq!(said(&told.send(UpdateKind::First, "we look into it").await), "answered 201: p31zj");
    told.send(UpdateKind::Update, "we know more").await;
    // What the page calls it is in the log, and so known to the next room.
    let mut told = told.again().await;
    told.room.ask(Command::Mitigate(INCIDENT)).await.unwrap();
    told.send(UpdateKind::Update, "it is back").await;
    told.send(UpdateKind::Resolved, "it is over").await;
    let asked = asked(&heard);
    let firsts: Vec<&str> = asked.iter().map(|(first, ..)| first.as_str()).collect();
    assert_eq!(firsts, [opens, goes_on, goes_on, goes_on], "one incident of theirs for one of ours");
    assert!(asked.iter().all(|(_, sent, _)| sent == key));
    let states: Vec<_> = asked.iter().map(|(.., body)| status(body).as_str().unwrap().to_lowercase()).collect();
    assert_eq!(states, ["investigating", "investigating", "monitoring", "resolved"]);
    let log = told.log().await;
    let references = log
        .iter()
        .filter(|event| matches!(event, UpdateEvent::UpdateSent { reference: Some(id), .. } if id == "p31zj"));
    assert_eq!(references.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn statuspage_goes_on_with_the_incident_it_has_opened() {
    let (opens, goes_on) = ("POST /v1/pages/pg1/incidents", "PATCH /v1/pages/pg1/incidents/p31zj");
    page("statuspage", opens, goes_on, "OAuth c3R1Yg==", |body| &body["incident"]["status"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instatus_goes_on_with_the_incident_it_has_opened() {
    let (opens, goes_on) = ("POST /v1/pg1/incidents", "POST /v1/pg1/incidents/p31zj/incident-updates");
    page("instatus", opens, goes_on, "Bearer c3R1Yg==", |body| &body["status"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_may_have_opened_an_incident_gets_no_second_one() {
    let (url, heard) = server(|_| None);
    let channel = format!("kind = 'statuspage'\nurl = '{url}'\npage = 'pg1'\nkey = 'k'");
    let mut told = room(Audience::Customers, &channel).await;
    assert!(
        said(&told.send(UpdateKind::First, "we look into it").await)
            .contains("may not have arrived: no answer in time")
    );
    assert!(said(&told.send(UpdateKind::Update, "more").await).contains("NOT SENT: an earlier word may have opened"));
    assert_eq!(heard.lock().unwrap().len(), 1);
}

/// What goes wrong, once, with each kind of channel; then it is tried again, and arrives.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_stays_so_until_somebody_tries_again() {
    let webhook = |url: &str| format!("kind = 'webhook'\nurl = '{url}'");
    let slack = |url: &str| format!("kind = 'slack'\nurl = '{url}'");
    let teams = |url: &str| format!("kind = 'teams'\nurl = '{url}'");
    let pager = |url: &str| format!("kind = 'pagerduty'\nurl = '{url}'\nkey = 'k'");
    let page = |url: &str| format!("kind = 'statuspage'\nurl = '{url}'\npage = 'p'\nkey = 'k'");
    type Channel<'a> = &'a dyn Fn(&str) -> String;
    type Answer = Option<(u16, &'static str)>;
    // (channel, its first answer, what is said of that, its second answer)
    let cases: [(Channel<'_>, Answer, &str, Answer); 8] = [
        (&webhook, Some((500, "oh no")), "NOT SENT: answered 500: oh no", Some((204, ""))),
        (
            &webhook,
            Some((200, r#"{"error":"unknown room"}"#)),
            "NOT SENT: answered 200, but unknown room",
            Some((200, "{}")),
        ),
        (&slack, Some((200, "invalid_payload")), "NOT SENT: answered 200, but invalid_payload", Some((200, "ok"))),
        (
            &slack,
            Some((200, r#"{"ok":false,"error":"no_team"}"#)),
            "NOT SENT: answered 200, but no_team",
            Some((200, "ok")),
        ),
        (
            &teams,
            Some((200, "Webhook message delivery failed with error: 429")),
            "NOT SENT: answered 200, but Webhook message delivery failed with error: 429",
            Some((200, "1")),
        ),
        (
            &pager,
            Some((200, r#"{"status":"invalid event","message":"Event object is invalid"}"#)),
            "NOT SENT: answered 200, but Event object is invalid",
            Some((202, r#"{"status":"success","dedup_key":"k"}"#)),
        ),
        (
            &page,
            Some((200, "<html>sign in</html>")),
            "NOT SENT: answered 200, but names no incident: <html>",
            Some((201, r#"{"id":"a1"}"#)),
        ),
        (&webhook, None, "may not have arrived: no answer in time", Some((200, "fine"))),
    ];
    let servers = cases.each_ref().map(|(_, first, _, second)| {
        let (times, first, second) = (AtomicUsize::new(0), *first, *second);
        server(move |_| {
            let answer = if times.fetch_add(1, Ordering::SeqCst) == 0 { first } else { second };
            answer.map(|(status, body)| (status, body.to_owned()))
        })
    });
    let channels = cases.iter().zip(&servers).map(|((channel, ..), (url, _))| channel(url)).collect::<Vec<_>>();
    let mut told = room_with(Audience::Internal, &channels).await;
    for (n, ((_, _, expected, _), (_, heard))) in cases.iter().zip(&servers).enumerate() {
        let failed = said(&told.send_by(n, UpdateKind::First, "words").await);
        assert!(failed.contains(expected), "{failed}, not {expected}");
        assert_eq!(heard.lock().unwrap().len(), 1, "nothing is told twice by itself: {expected}");
        let answered = said(&told.retry(n as u32 + 1).await);
        assert!(answered.starts_with("answered 2"), "{answered}");
        let bodies: Vec<_> = heard.lock().unwrap().iter().map(|(.., body)| body.clone()).collect();
        assert_eq!(bodies[0], bodies[1], "the same words");
    }
    let log = told.log().await;
    let took = |event: &UpdateEvent| match event {
        UpdateEvent::UpdateNotSent { took_ms, .. } | UpdateEvent::UpdateUnknown { took_ms, .. } => Some(*took_ms),
        _ => None,
    };
    for story in log.chunks(4) {
        assert!(took(&story[1]).is_some_and(|took_ms| took_ms > 0), "{story:?}");
        assert!(
            matches!(story, [_, _, UpdateEvent::UpdateRetried { .. }, UpdateEvent::UpdateSent { .. }]),
            "{story:?}"
        );
    }
    assert_eq!(log.len(), cases.len() * 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_at_the_other_end() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut told = room(Audience::Internal, &format!("kind = 'slack'\nurl = 'http://{nobody}/x'")).await;
    let failed = said(&told.send(UpdateKind::First, "words").await);
    assert!(failed.starts_with("NOT SENT: "), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_file_grows_and_a_program_is_run() {
    let site = tempfile::tempdir().unwrap();
    let channel = format!("kind = 'cstate'\ndirectory = '{}'\naffected = ['Thermostats']", site.path().display());
    let mut told = room(Audience::Customers, &channel).await;
    let written = said(&told.send(UpdateKind::First, "we look into it <b>").await);
    let name = written.strip_prefix("written to ").unwrap().to_owned();
    // The onset is corrected to the day before: the file stays the same.
    let day_before = told.room.snapshots.borrow().at.plus_s(-86_400);
    let moment = warroom::domain::clock::Moment::Onset;
    let correct = Command::Correct { incident: INCIDENT, moment, to: day_before, reason: "seen in the data".into() };
    told.room.ask(correct).await.unwrap();
    assert_eq!(said(&told.send(UpdateKind::Resolved, "it is over").await), format!("written to {name}"));
    let files: Vec<_> = std::fs::read_dir(site.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, [name.as_str()]);
    let text = std::fs::read_to_string(site.path().join(&name)).unwrap();
    assert!(text.contains("resolved: true\n") && text.contains("  - \"Thermostats\"\n"), "{text}");
    assert!(text.find("it is over").unwrap() < text.find("we look into it").unwrap());
    assert_eq!(text.matches("{{<").count(), 2, "the two marks of time are ours: {text}");
    // The site is gone: said, and tried again when it is back.
    std::fs::remove_dir_all(site.path()).unwrap();
    assert!(said(&told.send(UpdateKind::Update, "again").await).contains("is no directory"));
    std::fs::create_dir(site.path()).unwrap();
    assert_eq!(said(&told.retry(3).await), format!("written to {name}"));

    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("said");
    let script = format!("printf '%s|%s' \"$1\" \"$2\" > {}; test \"$2\" != no || exit 3", out.display());
    let channel = format!("kind = 'program'\nargv = ['sh', '-c', '''{script}''', 'sh', '{{incident}}', '{{text}}']");
    let mut told = room(Audience::Internal, &channel).await;
    assert_eq!(said(&told.send(UpdateKind::First, "$(id) {title}").await), "accepted");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "INC-1|$(id) {title}");
    assert!(said(&told.send(UpdateKind::Update, "no").await).starts_with("NOT SENT: "));
    let channel = "kind = 'program'\nargv = ['sh', '-c', 'exec sleep 60']";
    let mut told = room(Audience::Internal, channel).await;
    let hung = said(&told.send(UpdateKind::First, "words").await);
    assert!(hung.contains("had not finished after 1 s and was ended"), "{hung}");
}
