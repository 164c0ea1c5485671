//! A file of a cState site: the words of one incident, the newest on top.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::domain::incident::Severity;
use crate::domain::input::{Outcome, Telling};
use crate::domain::time::At;
use crate::domain::update::way::Way;
use crate::domain::update::{Thread, UpdateKind};

/// Bytes of a status file that is read before it is written anew.
const STATUS_FILE: u64 = 1024 * 1024;

/// The file of the incident: the one that it was begun with, whatever was corrected since.
pub(super) fn file(directory: &Path, telling: &Telling) -> PathBuf {
    let ours = |name: &String| name.ends_with(".md") && !name.contains(['/', '\\']);
    let begun = match &telling.thread {
        Thread::Known(name) => Some(name.clone()).filter(ours),
        Thread::New | Thread::Doubtful => None,
    };
    let name = begun.unwrap_or_else(|| {
        let incident = telling.incident.map_or_else(|| "notice".into(), |id| id.to_string().to_lowercase());
        format!("{}-{incident}.md", telling.began.utc().format("%Y-%m-%d"))
    });
    directory.join(name)
}

/// Writes an update into the status file of its incident: the newest word on top, beside the file and then in its place.
pub(super) fn write(telling: &Telling, path: &Path) -> Outcome {
    let Way::CState { directory, affected } = &telling.way else {
        return Outcome::NotSent { reason: "this channel writes no file".into() };
    };
    let not_sent = |what: &str, error: std::io::Error| Outcome::NotSent { reason: format!("{what}: {error}") };
    if !directory.is_dir() {
        let reason = format!("{} is no directory; expected the content/issues of a cState site", directory.display());
        return Outcome::NotSent { reason };
    }
    let before = match std::fs::metadata(path) {
        Ok(meta) if meta.len() > STATUS_FILE => {
            return Outcome::NotSent { reason: format!("{} is too large to be one of ours", path.display()) };
        }
        Ok(_) => match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return not_sent(&path.display().to_string(), error),
        },
        Err(_) => String::new(),
    };
    let words = before.splitn(3, "---\n").nth(2).unwrap_or_default().trim_start();
    let beside = path.with_extension("md.new");
    let text = format!("{}\n{}{words}", front(telling, affected), word(telling));
    if let Err(error) = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)) {
        return not_sent(&path.display().to_string(), error);
    }
    Outcome::Sent
}

fn front(telling: &Telling, affected: &[String]) -> String {
    let clock = |at: At| at.utc().format("%Y-%m-%d %H:%M:%S").to_string();
    let resolved = telling.kind == UpdateKind::Resolved;
    let when = telling.restored.filter(|_| resolved).map(clock).unwrap_or_default();
    let severity = match telling.severity {
        Severity::Sev1 => "down",
        Severity::Sev2 | Severity::Sev3 => "disrupted",
        Severity::Sev4 => "notice",
    };
    // A JSON string is a YAML string, whatever stands in it.
    let quoted = |text: &str| Value::from(text).to_string();
    let affected: String = affected.iter().map(|system| format!("  - {}\n", quoted(system))).collect();
    format!(
        "---\nsection: issue\ntitle: {}\ndate: {}\nresolved: {resolved}\nresolvedWhen: {}\nseverity: {severity}\n\
         affected:\n{affected}---\n",
        quoted(&telling.title),
        clock(telling.began),
        quoted(&when),
    )
}

/// One word of the page. Hugo's shortcodes and raw HTML are taken apart.
fn word(telling: &Telling) -> String {
    let text = telling.text.replace('<', "&lt;").replace("{{", "{&#8203;{").replace("---", "- - -");
    let name = match telling.kind {
        UpdateKind::First => "Investigating",
        UpdateKind::Update => "Update",
        UpdateKind::Resolved => "Resolved",
    };
    let at = telling.at.utc().format("%Y-%m-%d %H:%M:%S");
    format!("*{name}* - {text} {{{{< track \"{at}\" >}}}}\n\n")
}
