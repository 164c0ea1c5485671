//! Exports: one incident from the alert to the postmortem, in every format; the same with hostile words in it.

#![allow(clippy::unwrap_used)]

mod support;

use support::Rehearsal;
use warroom::config::cost::CostSection;
use warroom::config::regulation::RegulationSection;
use warroom::domain::command::recovery::RecoveryCommand;
use warroom::domain::command::{Command, LearningCommand, RegulationCommand};
use warroom::domain::cost::Rates;
use warroom::domain::ids::{Actor, IncidentId};
use warroom::domain::input::{Input, Ticket};
use warroom::domain::learning::Section;
use warroom::domain::recovery::{Check, DataChoice};
use warroom::domain::time::At;
use warroom::engine::Settings;
use warroom::report::csv::{self, Table};
use warroom::report::document::Document;
use warroom::report::page::lay_out;
use warroom::report::roles::{self, Roles};
use warroom::report::{html, json, markdown};

const INCIDENT: IncidentId = IncidentId(1);

fn rates() -> Rates {
    CostSection::default().rates().0
}

fn settings() -> Settings {
    Settings {
        rates: rates().into(),
        regimes: RegulationSection::default().law().regimes.into(),
        ..support::settings()
    }
}

/// Half an hour ahead of UTC, so that nobody takes one for the other.
fn local(at: At) -> String {
    at.plus_s(1800).utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

fn tell(room: &mut Rehearsal, by: &str, command: Command) {
    room.input(Input::Command { ticket: Ticket(0), by: Actor::Person(by.into()), command });
}

fn learn(room: &mut Rehearsal, by: &str, command: LearningCommand) {
    tell(room, by, Command::Learning(command));
}

/// The shipped game day, commanded from the alert to the end.
fn incident() -> Rehearsal {
    support::halted(4000, settings())
}

/// Everything that people write down about it.
fn written(room: &mut Rehearsal) {
    let answer = |regime: &str, criterion: &str, yes, reason: &str| RegulationCommand::Answer {
        incident: INCIDENT,
        regime: regime.into(),
        criterion: criterion.into(),
        yes,
        reason: reason.into(),
    };
    for command in [
        answer("nis2-23", "entity", true, "energy, listed by the authority"),
        answer("nis2-23", "significant", true, "heating of a district is down"),
        answer("gdpr-33", "breach", false, "devices hold no personal data"),
    ] {
        tell(room, "jo", Command::Regulation(command));
    }
    let mitigated = room.now;
    tell(room, "mira", Command::Mitigate(INCIDENT));
    room.wait(30);
    let filed = RegulationCommand::File {
        incident: INCIDENT,
        regime: "nis2-23".into(),
        term: "early-warning".into(),
        filed: mitigated,
        reference: "CSIRT-4711".into(),
    };
    tell(room, "jo", Command::Regulation(filed));
    for (rate, quantity) in [("truck-roll", 12.0), ("replacement", 3.0)] {
        let (rate, note) = (rate.to_owned(), String::new());
        learn(
            room,
            "jo",
            LearningCommand::NoteCost { incident: INCIDENT, rate, quantity: Some(quantity), amount: None, note },
        );
    }
    for (section, text) in [
        (Section::Summary, "Firmware 3.2.5 crash-looped on rev-B.\n\nMira halted the rollout."),
        (Section::RootCause, "The staging fleet had no rev-B."),
        (Section::Lessons, "A canary must have every revision."),
    ] {
        learn(room, "mira", LearningCommand::Write { incident: INCIDENT, section, text: text.into() });
    }
    let action = |text: &str, owner: Option<&str>, due: Option<&str>| LearningCommand::AddAction {
        incident: INCIDENT,
        text: text.into(),
        owner: owner.map(str::to_owned),
        due: due.map(|due| due.parse().unwrap()),
    };
    learn(room, "mira", action("put a rev-B into staging", Some("lee"), Some("2026-12-01")));
    learn(room, "mira", action("alert on boots", None, None));
    let (check, reason) = (Check::Regression, "the game day ends here, says Mira".to_owned());
    tell(room, "jo", Command::Recovery(RecoveryCommand::Waive { incident: INCIDENT, check, reason }));
    let (choice, customers) = (DataChoice::ForwardOnly, "acme, as jo has heard".to_owned());
    let first_bad = support::start();
    tell(room, "jo", Command::Recovery(RecoveryCommand::Decide { incident: INCIDENT, choice, first_bad, customers }));
    for check in [Check::Connectivity, Check::Quality, Check::Errors, Check::Backlog, Check::Firmware] {
        let reason = "counted by hand".to_owned();
        tell(room, "mira", Command::Recovery(RecoveryCommand::Waive { incident: INCIDENT, check, reason }));
    }
    tell(room, "mira", Command::Resolve(INCIDENT));
    room.wait(20);
}

fn document(room: &Rehearsal) -> Document {
    support::document(room, "UTC+00:30", &local)
}

/// Everything but the path of a curve, which is hundreds of numbers.
fn without_curves(html: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in html.lines() {
        lines.push(match line.strip_prefix("<path class=\"curve\" d=\"") {
            Some(path) => format!(
                "<path class=\"curve\" … {} moves, {} lines",
                path.matches('M').count(),
                path.matches('L').count()
            ),
            None => line.to_owned(),
        });
    }
    lines.join("\n")
}

#[test]
fn every_format_as_it_is() {
    let mut room = incident();
    written(&mut room);
    let document = document(&room);
    insta::assert_snapshot!("incident.md", markdown::write(&lay_out(&document)));
    insta::assert_snapshot!("incident.html", without_curves(&html::write(&lay_out(&document))));
    for table in Table::ALL {
        let written = csv::write(&document, table);
        // The head and the first lines say enough of hundreds.
        let shown: Vec<_> = written.lines().take(12).collect();
        insta::assert_snapshot!(format!("incident-{}.csv", table.id()), shown.join("\n"));
    }
    let mut value: serde_json::Value = serde_json::from_str(&json::write(&document).unwrap()).unwrap();
    for plot in value["plots"].as_array_mut().unwrap() {
        let points = plot["points"].as_array_mut().unwrap();
        assert!(points.len() > 20, "{} points", points.len());
        points.truncate(2);
    }
    value["timeline"].as_array_mut().unwrap().truncate(4);
    value["response"]["runbook"]["steps"].as_array_mut().unwrap().truncate(2);
    insta::assert_snapshot!("incident.json", serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn the_json_keeps_to_its_schema_whatever_there_is_to_say() {
    let schema: serde_json::Value = serde_json::from_str(json::SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let check = |document: &Document| {
        let value = serde_json::from_str(&json::write(document).unwrap()).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        value
    };
    let mut room = incident();
    check(&document(&room));
    written(&mut room);
    let value = check(&document(&room));
    // A schema that lets everything pass would prove nothing.
    for (pointer, wrong) in [
        ("/schema", serde_json::json!(1)),
        ("/incident/type", serde_json::json!("flood")),
        ("/clocks/0/elapsed_s", serde_json::json!("9")),
        ("/log/head", serde_json::json!("x")),
    ] {
        let mut value: serde_json::Value = value.clone();
        *value.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&value), "{pointer}");
    }
    let mut more: serde_json::Value = value.clone();
    more["surprise"] = serde_json::json!(true);
    assert!(!validator.is_valid(&more));
    let mut bare = Rehearsal::open(None, settings());
    bare.press(&["D"]);
    bare.type_text("nothing is known of it");
    bare.press(&["enter"]);
    check(&document(&bare));
}

#[test]
fn what_a_postmortem_lacks_is_told_until_it_lacks_nothing() {
    let mut room = incident();
    written(&mut room);
    let expected = ["action 1.2 lacks an owner and a due date: alert on boots"];
    assert_eq!(document(&room).postmortem.lacks, expected);
    learn(&mut room, "mira", LearningCommand::Publish { incident: INCIDENT });
    assert_eq!(document(&room).postmortem.published, None, "refused while it lacks something");
    let (owner, due) = (Some("kim".to_owned()), Some("2026-12-03".parse().unwrap()));
    learn(&mut room, "mira", LearningCommand::ChangeAction { incident: INCIDENT, action: 2, text: None, owner, due });
    assert_eq!(document(&room).postmortem.lacks, [""; 0]);
    // A week later it is overdue; called done, it no longer is.
    room.now = room.now.plus_s(8 * 86_400);
    assert!(document(&room).postmortem.overdue);
    learn(&mut room, "mira", LearningCommand::Publish { incident: INCIDENT });
    let postmortem = document(&room).postmortem;
    assert!(!postmortem.overdue && postmortem.published.is_some());
}

#[test]
fn the_friday_evening_deployment_costs_what_it_did() {
    let mut room = Rehearsal::open(None, settings());
    room.press(&["D"]);
    room.type_text("error 0x45 on thermostats");
    room.press(&["enter"]);
    let cost = |rate: &str, quantity, amount: Option<i64>| LearningCommand::NoteCost {
        incident: INCIDENT,
        rate: rate.into(),
        quantity,
        amount: amount.map(|whole| whole * 100),
        note: String::new(),
    };
    for command in [
        cost("support-hour", Some(85.0), None),
        cost("truck-roll", Some(1564.0), None),
        cost("replacement", None, Some(62_000)),
        cost("cloud-requests", None, Some(3_200)),
        cost("goodwill", None, Some(180_000)),
    ] {
        learn(&mut room, "mira", command);
    }
    let document = document(&room);
    let lines: Vec<_> = document.cost.bill.lines.iter().map(|line| (line.name.as_str(), line.amount / 100)).collect();
    assert_eq!(
        lines,
        [
            ("support overtime", 8_500),
            ("technician visits", 234_600),
            ("replacement units", 62_000),
            ("excess cloud requests", 3_200),
            ("customer goodwill", 180_000),
        ]
    );
    assert_eq!(document.cost.total, 48_830_000);
    assert!(markdown::write(&lay_out(&document)).contains("| Total |  | USD 488 300 |"));
}

#[test]
fn a_blameless_export_names_nobody() {
    let mut room = incident();
    written(&mut room);
    let mut document = document(&room);
    roles::apply(&mut document, &Roles::of(&room.records, INCIDENT));
    let written = [
        markdown::write(&lay_out(&document)),
        html::write(&lay_out(&document)),
        json::write(&document).unwrap(),
        Table::ALL.map(|table| csv::write(&document, table)).concat(),
    ];
    for text in &written {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        for name in ["mira", "jo", "lee"] {
            assert!(!words.contains(&name), "{name}");
        }
    }
    assert!(written[0].contains("incident commander halted the rollout."));
    assert!(written[0].contains("| put a rev-B into staging | owner 1 |"));
}

/// Words that would be markup, formulas, links, or control sequences, if they could.
const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "![x](http://127.0.0.1/b.png) [l](javascript:alert(1))",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "| a | b |\n| --- | --- |\n# heading",
    "\u{1b}[2J\u{1b}]0;pwned\u{7}",
    "fw-\u{202e}3.2.5\u{202c}",
    "--><svg onload=alert(1)>",
    "`code` **bold** @everyone www.evil.example",
    "\u{0}\u{8}\u{9b}2J",
];

fn hostile() -> Document {
    let mut room = Rehearsal::open(None, settings());
    for (n, name) in HOSTILE.iter().enumerate() {
        let status = serde_json::json!({ "online": true, "firmware": name, "hardware": name, "boots": 1 });
        room.message(&format!("fleet/s/d{n}/status"), status.to_string().as_bytes());
    }
    room.wait(70);
    let by = "<b>mira</b>";
    let declare = warroom::domain::command::Declare {
        title: Some(HOSTILE.join(" ")),
        commander: Some("=mira|'!A0".into()),
        cohort: warroom::domain::cohort::CohortKey::of("firmware", "<script>alert(1)</script>"),
        ..Default::default()
    };
    tell(&mut room, by, Command::Declare(declare));
    for text in HOSTILE {
        tell(&mut room, by, Command::Note { incident: Some(INCIDENT), text: text.into() });
        let (owner, due) = (Some(text.to_owned()), None);
        learn(&mut room, by, LearningCommand::AddAction { incident: INCIDENT, text: text.into(), owner, due });
        let (rate, note) = ("goodwill".to_owned(), text.to_owned());
        learn(
            &mut room,
            by,
            LearningCommand::NoteCost { incident: INCIDENT, rate, quantity: Some(1.0), amount: None, note },
        );
    }
    for section in Section::ALL {
        learn(&mut room, by, LearningCommand::Write { incident: INCIDENT, section, text: HOSTILE.join("\n") });
    }
    let (regime, criterion) = ("gdpr-34".to_owned(), "high-risk".to_owned());
    let answer =
        RegulationCommand::Answer { incident: INCIDENT, regime, criterion, yes: true, reason: HOSTILE.join(" ") };
    tell(&mut room, by, Command::Regulation(answer));
    let (check, reason) = (Check::Errors, HOSTILE.join(" "));
    tell(&mut room, by, Command::Recovery(RecoveryCommand::Waive { incident: INCIDENT, check, reason }));
    let (choice, first_bad, customers) = (DataChoice::Backfill, support::start(), HOSTILE.join(" "));
    tell(
        &mut room,
        by,
        Command::Recovery(RecoveryCommand::Decide { incident: INCIDENT, choice, first_bad, customers }),
    );
    room.wait(70);
    let document = document(&room);
    assert_eq!(document.actions.len(), HOSTILE.len());
    document
}

#[test]
fn hostile_words_are_words_in_every_format() {
    let document = hostile();
    let page = lay_out(&document);
    let (markdown, html, json) = (markdown::write(&page), html::write(&page), json::write(&document).unwrap());
    for text in [&markdown, &html, &json] {
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c)));
    }
    // In HTML every tag is one of ours, and none has an attribute that we do not give.
    let ours = [
        "!doctype",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "h1",
        "h2",
        "h3",
        "p",
        "nav",
        "a",
        "main",
        "section",
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "span",
        "br",
        "figure",
        "figcaption",
        "svg",
        "path",
        "text",
        "footer",
    ];
    for tag in html.split('<').skip(1) {
        let name: String =
            tag.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric() || *c == '!').collect();
        assert!(ours.contains(&name.to_lowercase().as_str()), "<{tag}");
        let inside = tag.split('>').next().unwrap();
        assert!(
            !inside.contains("onerror") && !inside.contains("onload") && !inside.contains("onmouseover"),
            "<{inside}>"
        );
        assert!(!inside.contains("http:") && !inside.contains("https:") && !inside.contains("src="), "<{inside}>");
    }
    // In Markdown a parser finds no link, no picture, no HTML and no code of theirs.
    use pulldown_cmark::{Event, Options, Parser, Tag};
    for event in Parser::new_ext(&markdown, Options::all()) {
        match event {
            Event::Html(found) | Event::InlineHtml(found) => panic!("html: {found}"),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => panic!("link: {dest_url}"),
            Event::Start(Tag::CodeBlock(_)) => panic!("code"),
            Event::Code(code) => assert!(!code.contains("code") && !code.contains("calc"), "{code}"),
            _ => {}
        }
    }
    let rows = |events: &str| events.matches("\n| ").count();
    assert!(rows(&markdown) > 40);
    for table in Table::ALL {
        let written = csv::write(&document, table);
        let mut reader = ::csv::Reader::from_reader(written.as_bytes());
        for record in reader.records() {
            for cell in &record.unwrap() {
                let number = cell.parse::<f64>().is_ok();
                assert!(number || !cell.trim_start().starts_with(['=', '+', '-', '@', '|']), "{cell}");
                assert!(!cell.chars().any(|c| c.is_control() && c != '\n'), "{cell:?}");
            }
        }
    }
    insta::assert_snapshot!("hostile.md", markdown);
    insta::assert_snapshot!("hostile.html", without_curves(&html));
}

#[test]
fn a_browser_draws_the_plots_and_loads_nothing() {
    let Some(browser) = support::browser::required() else { return };
    let mut room = incident();
    written(&mut room);
    let page = html::write(&lay_out(&document(&room)));
    let script = "const curves = [...document.querySelectorAll('svg path.curve')];
        return {
            curves: curves.map(c => ({ length: c.getTotalLength(), height: c.getBoundingClientRect().height,
                width: c.getBoundingClientRect().width, stroke: getComputedStyle(c).stroke })),
            marks: [...document.querySelectorAll('svg text.name')].map(t => t.textContent),
            sections: [...document.querySelectorAll('section')].map(s => s.id),
            loaded: performance.getEntriesByType('resource').map(r => r.name),
            violations: violations,
            paper: getComputedStyle(document.body).backgroundColor,
            wide: document.documentElement.scrollWidth > innerWidth,
        };";
    let light = support::browser::measure(browser, &page, script, &["--blink-settings=preferredColorScheme=1"]);
    let curves = light["curves"].as_array().unwrap();
    assert!(curves.len() >= 2, "{light:#}");
    assert!(curves.iter().all(|curve| curve["length"].as_f64().unwrap() > 300.0), "{light:#}");
    assert!(curves[0]["height"].as_f64().unwrap() > 40.0, "the online share falls, and is seen to: {light:#}");
    assert_ne!(curves[0]["stroke"], "none");
    let marks: Vec<_> = light["marks"].as_array().unwrap().iter().map(|mark| mark.as_str().unwrap()).collect();
    for mark in ["wave 2", "alert A1", "halt", "mitigated"] {
        assert!(marks.contains(&mark), "{mark} in {marks:?}");
    }
    let none = serde_json::json!([]);
    assert_eq!((&light["loaded"], &light["violations"], &light["wide"]), (&none, &none, &false.into()));
    assert_eq!(light["sections"].as_array().unwrap().len(), 11);
    let dark = support::browser::measure(browser, &page, script, &["--blink-settings=preferredColorScheme=0"]);
    assert_ne!(light["paper"], dark["paper"], "light and dark");
    assert_ne!(light["curves"][0]["stroke"], dark["curves"][0]["stroke"]);
    // On a phone nothing is wider than the screen.
    let phone = support::browser::measure(browser, &page, script, &["--window-size=500,900"]);
    assert_eq!(phone["wide"], false);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("page.html");
    std::fs::write(&path, &page).unwrap();
    assert!(support::browser::print(browser, &path) > 20_000);
}

#[test]
fn a_browser_finds_nothing_to_run_in_hostile_words() {
    let Some(browser) = support::browser::required() else { return };
    let page = html::write(&lay_out(&hostile()));
    let script = "return { scripts: document.scripts.length, images: document.images.length, links: document.links.length,
        handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length,
        loaded: performance.getEntriesByType('resource').length, violations: violations,
        text: document.querySelector('#summary').textContent.includes('<scr' + 'ipt>alert(1)</scr' + 'ipt>') };";
    let told = support::browser::measure(browser, &page, script, &[]);
    // Two of the scripts are the test's own; the links are those to the sections.
    assert_eq!(told["scripts"], 2, "{told:#}");
    assert_eq!((&told["images"], &told["handlers"], &told["loaded"]), (&0.into(), &0.into(), &0.into()), "{told:#}");
    assert_eq!(
        (&told["links"], &told["violations"], &told["text"]),
        (&11.into(), &serde_json::json!([]), &true.into()),
        "{told:#}"
    );
}
