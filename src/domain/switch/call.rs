//! A call: what goes out for one target, complete but for its secrets. It is in the log before it is made.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One message, request or program run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Call {
    Publish(Publish),
    Request(Request),
    Run(Run),
    Connect(Connect),
}

/// How surely a publish arrives, by the protocol's own numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u8")]
pub enum Qos {
    /// Sent, and confirmed by nobody.
    AtMostOnce,
    /// Confirmed by the broker: what a switch needs, because a message that nobody confirms has no outcome.
    #[default]
    AtLeastOnce,
    /// Confirmed, and taken by the broker once only.
    ExactlyOnce,
}

impl Qos {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl TryFrom<i64> for Qos {
    type Error = String;

    fn try_from(n: i64) -> Result<Self, String> {
        match n {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            _ => Err(format!("MQTT has the QoS 0, 1 and 2, and not {n}")),
        }
    }
}

impl From<Qos> for u8 {
    fn from(qos: Qos) -> Self {
        match qos {
            Qos::AtMostOnce => 0,
            Qos::AtLeastOnce => 1,
            Qos::ExactlyOnce => 2,
        }
    }
}

/// A publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    pub topic: String,
    pub payload: String,
    pub retain: bool,
    #[serde(default, skip_serializing_if = "Qos::is_usual")]
    pub qos: Qos,
}

/// A call over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub expect: Expect,
    /// What is asked afterwards, because a yes is not always one.
    #[serde(default)]
    pub read_back: Option<ReadBack>,
    /// Whether asking twice is the same as asking once; only then is it ever tried again after it may have arrived.
    #[serde(default)]
    pub idempotent: bool,
    pub timeout_s: u32,
    /// Whom to trust beside the machine's own list.
    #[serde(default)]
    pub ca_file: Option<String>,
}

/// A question after a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBack {
    pub url: String,
    pub expect: Expect,
}

/// A program with its arguments: never a shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub argv: Vec<String>,
    /// Variables of our environment that it is given, by name; it has no others but PATH, HOME and LANG.
    #[serde(default)]
    pub env: Vec<String>,
    #[serde(default)]
    pub expect: Expect,
    pub timeout_s: u32,
}

/// A probe: a connection with the credential of a target, which has to be refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    pub connect_as: String,
    pub client_id: String,
    #[serde(default)]
    pub password: Option<String>,
    /// Certificate and key, as files.
    #[serde(default)]
    pub certificate: Option<(String, String)>,
    /// What it tries to publish to where it is let in: a broker may accept the connection and nothing else.
    #[serde(default)]
    pub topic: Option<String>,
    pub timeout_s: u32,
}

/// When an answer is a yes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// HTTP statuses; any of 200 to 299 where there are none.
    pub status: Vec<u16>,
    /// A JSON pointer (`/status`) that must be there.
    pub pointer: Option<String>,
    /// What must stand there, if it is more than anything at all; one of these, where it is a list.
    pub equals: Option<Value>,
    /// A JSON pointer that must not be there: some systems say yes by the absence of an error.
    pub absent: Option<String>,
}

impl Expect {
    /// Whether the answer has to be JSON.
    pub const fn needs_json(&self) -> bool {
        self.pointer.is_some() || self.absent.is_some()
    }

    /// Whether a status is a yes.
    pub fn allows(&self, status: u16) -> bool {
        if self.status.is_empty() { (200..300).contains(&status) } else { self.status.contains(&status) }
    }

    /// Looks at an answer.
    ///
    /// # Errors
    /// Why it is no yes: what is there instead.
    pub fn judge(&self, answer: &[u8]) -> Result<(), String> {
        if !self.needs_json() {
            return Ok(());
        }
        let json: Value =
            serde_json::from_slice(answer).map_err(|_| format!("the answer is not JSON: {}", excerpt(answer)))?;
        self.judge_json(&json)
    }

    /// Looks at an answer that has been read already.
    ///
    /// # Errors
    /// Why it is no yes.
    pub fn judge_json(&self, json: &Value) -> Result<(), String> {
        if let Some(absent) = &self.absent
            && let Some(error) = json.pointer(absent).filter(|value| !value.is_null())
        {
            return Err(excerpt(error.as_str().map_or_else(|| error.to_string(), str::to_owned).as_bytes()));
        }
        let Some(pointer) = &self.pointer else { return Ok(()) };
        let found = json.pointer(pointer).ok_or_else(|| format!("the answer has no {pointer}"))?;
        let fits = match &self.equals {
            None => true,
            Some(Value::Array(any)) => any.contains(found),
            Some(wanted) => wanted == found,
        };
        if fits {
            return Ok(());
        }
        let wanted = self.equals.as_ref().map(ToString::to_string).unwrap_or_default();
        Err(format!("{pointer} is {}, not {wanted}", excerpt(found.to_string().as_bytes())))
    }
}

/// The beginning of an answer, safe to show.
pub fn excerpt(answer: &[u8]) -> String {
    const LONGEST: usize = 200;
    crate::domain::text::visible_bytes(answer, LONGEST)
}

impl Call {
    /// The texts that secrets may stand in.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Publish(publish) => vec![&publish.topic, &publish.payload],
            Self::Request(request) => {
                let mut texts = vec![request.url.as_str()];
                texts.extend(request.headers.iter().map(|(_, value)| value.as_str()));
                texts.extend(request.body.as_deref());
                texts.extend(request.read_back.as_ref().map(|back| back.url.as_str()));
                texts
            }
            Self::Run(run) => run.argv.iter().map(String::as_str).collect(),
            Self::Connect(connect) => connect.password.as_deref().into_iter().collect(),
        }
    }

    /// Bytes that it sends, about.
    pub fn bytes(&self) -> u64 {
        self.texts().iter().map(|text| text.len() as u64).sum()
    }

    /// Whether it goes over the link that telemetry comes by.
    pub const fn needs_link(&self) -> bool {
        matches!(self, Self::Publish(_))
    }

    /// The same call for a shell, for when this tool is what is broken; `options` say how the broker is reached.
    pub fn by_hand(&self, options: &str) -> String {
        match self {
            Self::Publish(publish) => {
                let retain = if publish.retain { " -r" } else { "" };
                let (topic, payload) = (quoted(&publish.topic), quoted(&publish.payload));
                let qos = u8::from(publish.qos);
                format!("mosquitto_pub{options} -q {qos}{retain} -t {topic} -m {payload}")
            }
            Self::Request(request) => {
                let mut line = format!("curl -fsS -X {} {}", request.method, quoted(&request.url));
                for (name, value) in &request.headers {
                    line += &format!(" -H {}", quoted(&format!("{name}: {value}")));
                }
                if let Some(body) = &request.body {
                    line += &format!(" --data-binary {}", quoted(body));
                }
                line
            }
            Self::Run(run) => run.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
            Self::Connect(connect) => {
                let topic = connect.topic.as_deref().unwrap_or("probe");
                let client = format!("-i {} -u {}", quoted(&connect.client_id), quoted(&connect.connect_as));
                format!("mosquitto_pub{options} {client} -t {} -n   # must be refused", quoted(topic))
            }
        }
    }
}

/// A word that a shell takes as it stands: names come from devices, and are pasted by people in a hurry.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The call in one line, as the screen and the log have it.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish(publish) => {
                let retained = if publish.retain { " retained" } else { "" };
                let qos = match publish.qos {
                    Qos::AtLeastOnce => String::new(),
                    other => format!(" at QoS {}", u8::from(other)),
                };
                write!(f, "publish {}{retained}{qos} {}", publish.topic, publish.payload)
            }
            Self::Request(request) => {
                write!(f, "{} {}", request.method, request.url)?;
                request.body.as_ref().map_or(Ok(()), |body| write!(f, " {body}"))
            }
            Self::Run(run) => f.write_str(&run.argv.join(" ")),
            Self::Connect(connect) => write!(f, "connect as {}, and be refused", connect.connect_as),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_old_logs_are_read_as_publishes() {
        let old = r#"{"topic":"fleet/ota/x/control","payload":"{}","retain":true}"#;
        let call: Call = serde_json::from_str(old).unwrap();
        assert!(matches!(&call, Call::Publish(publish) if publish.retain));
        assert_eq!(serde_json::to_string(&call).unwrap(), old);
        let twice = old.replace("true}", r#"true,"qos":2}"#);
        let call: Call = serde_json::from_str(&twice).unwrap();
        assert_eq!(serde_json::to_string(&call).unwrap(), twice);
        assert_eq!(call.to_string(), "publish fleet/ota/x/control retained at QoS 2 {}");
        assert_eq!(call.by_hand(""), "mosquitto_pub -q 2 -r -t fleet/ota/x/control -m '{}'");
        let run = Call::Run(Run {
            argv: vec!["aws".into(), "it's".into()],
            env: vec![],
            expect: Expect::default(),
            timeout_s: 9,
        });
        assert_eq!(serde_json::from_str::<Call>(&serde_json::to_string(&run).unwrap()).unwrap(), run);
        assert_eq!(run.by_hand(""), r"aws 'it'\''s'");
    }

    #[test]
    fn a_yes_is_a_yes_only_by_the_rule() {
        let rule = |text: &str| -> Expect { serde_json::from_str(text).unwrap() };
        let cases = [
            ("{}", "whatever", Ok(())),
            (r#"{"absent":"/responses/0/error"}"#, r#"{"responses":[{"command":"disableClient"}]}"#, Ok(())),
            (
                r#"{"absent":"/responses/0/error"}"#,
                r#"{"responses":[{"error":"Client not found"}]}"#,
                Err("Client not found"),
            ),
            (r#"{"pointer":"/status","equals":"paused"}"#, r#"{"status":"paused"}"#, Ok(())),
            (r#"{"pointer":"/status","equals":"paused"}"#, r#"{"status":"running"}"#, Err("/status is \"running\"")),
            (r#"{"pointer":"/status","equals":["stopping","stopped"]}"#, r#"{"status":"stopped"}"#, Ok(())),
            (r#"{"pointer":"/status"}"#, r#"{}"#, Err("the answer has no /status")),
            (r#"{"pointer":"/status"}"#, "<html>\x1b[2J", Err("the answer is not JSON: <html>^[[2J")),
        ];
        for (expect, answer, told) in cases {
            match (rule(expect).judge(answer.as_bytes()), told) {
                (Ok(()), Ok(())) => {}
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
                (found, _) => panic!("{expect} {answer}: {found:?}"),
            }
        }
    }
}
