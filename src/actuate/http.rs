//! The HTTP actuator: one request, its answer judged by the rule, and where configured asked again what came of it.
//!
//! It blocks; whoever calls it is on a thread for such things. A request is tried again only where it is known not to
//! have arrived, or where asking twice is the same as asking once.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Timeout};

use super::Secrets;
use crate::domain::input::Outcome;
use crate::domain::switch::call::{Expect, Request, excerpt};
use crate::domain::switch::template::reveal;

/// Attempts in all, and the pauses between them.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// The longest pause that a system may ask for by `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read: an answer longer than this is no answer to a command.
const ANSWER: u64 = 64 * 1024;

/// How one attempt ended.
enum Attempt {
    Answer(u16, Vec<u8>),
    /// It never arrived, or was turned away at the door; after this pause it may be tried again.
    Absent(String, Option<Duration>),
    /// It may have arrived.
    Lost(String),
}

/// What came of a request.
#[derive(Debug)]
pub struct Answer {
    pub outcome: Outcome,
    /// The status and what came with it, where there was an answer.
    pub status: Option<u16>,
    pub body: Vec<u8>,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, status: None, body: Vec::new() }
    }
}

/// Makes the request.
pub fn call(request: &Request, secrets: &Secrets) -> Outcome {
    ask(request, secrets).outcome
}

/// Makes the request, and gives back what was answered.
pub fn ask(request: &Request, secrets: &Secrets) -> Answer {
    let agent = match agent(request) {
        Ok(agent) => agent,
        Err(reason) => return Outcome::NotSent { reason }.into(),
    };
    let revealed = match revealed(request, secrets) {
        Ok(revealed) => revealed,
        Err(reason) => return Outcome::NotSent { reason }.into(),
    };
    let answer = persist(&agent, &revealed);
    let outcome = read_back(&agent, &revealed, answer.outcome);
    Answer { outcome, ..answer }
}

/// Asks again what came of a yes, where that is configured.
fn read_back(agent: &Agent, revealed: &Request, outcome: Outcome) -> Outcome {
    match (&outcome, &revealed.read_back) {
        (Outcome::Accepted, Some(back)) => {
            let question = Request {
                method: "GET".into(),
                url: back.url.clone(),
                body: None,
                expect: back.expect.clone(),
                read_back: None,
                idempotent: true,
                ..revealed.clone()
            };
            match persist(agent, &question).outcome {
                Outcome::Accepted => outcome,
                Outcome::Refused { reason } => {
                    Outcome::Refused { reason: format!("it said yes, but asked again it says: {reason}") }
                }
                other => Outcome::Unknown { reason: format!("it said yes, but could not be asked again: {other:?}") },
            }
        }
        _ => outcome,
    }
}

/// Tries until there is an answer, or no more sense in trying.
fn persist(agent: &Agent, request: &Request) -> Answer {
    let mut pauses = PAUSES.into_iter();
    loop {
        let (reason, wanted, arrived) = match attempt(agent, request) {
            Attempt::Answer(status, body) => {
                let outcome = judge(&request.expect, status, &body);
                return Answer { outcome, status: Some(status), body };
            }
            Attempt::Absent(reason, pause) => (reason, pause, false),
            Attempt::Lost(reason) => (reason, None, true),
        };
        let pause = pauses.next().filter(|_| !arrived || request.idempotent);
        match pause {
            Some(usual) => std::thread::sleep(wanted.unwrap_or(usual).min(LONGEST_PAUSE)),
            None if arrived => return Outcome::Unknown { reason }.into(),
            None => return Outcome::NotSent { reason }.into(),
        }
    }
}

fn judge(expect: &Expect, status: u16, body: &[u8]) -> Outcome {
    if !expect.allows(status) {
        return Outcome::Refused { reason: format!("answered {status}: {}", excerpt(body)) };
    }
    match expect.judge(body) {
        Ok(()) => Outcome::Accepted,
        Err(reason) => Outcome::Refused { reason: format!("answered {status}, but {reason}") },
    }
}

fn attempt(agent: &Agent, request: &Request) -> Attempt {
    let mut built = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
    for (name, value) in &request.headers {
        built = built.header(name, value);
    }
    let body = request.body.clone().unwrap_or_default();
    let sent = match built.body(body) {
        Ok(built) => agent.run(built),
        Err(error) => return Attempt::Absent(format!("this is no request: {error}"), None),
    };
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => return failed(&error),
    };
    let status = response.status().as_u16();
    if status == 429 {
        let after = response.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
        return Attempt::Absent("answered 429: too many requests".into(), after.map(Duration::from_secs));
    }
    match response.body_mut().with_config().limit(ANSWER).read_to_vec() {
        Ok(body) => Attempt::Answer(status, body),
        Err(error) => Attempt::Lost(format!("answered {status}, and its answer could not be read: {error}")),
    }
}

fn failed(error: &ureq::Error) -> Attempt {
    use std::io::ErrorKind;
    let absent = matches!(
        error,
        ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::BadUri(_)
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
            | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
    ) || matches!(error, ureq::Error::Io(io) if matches!(io.kind(), ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable));
    let reason = match error {
        ureq::Error::Timeout(what) => format!("no answer in time ({what})"),
        other => other.to_string(),
    };
    if absent { Attempt::Absent(reason, None) } else { Attempt::Lost(reason) }
}

/// The request with its secrets.
fn revealed(request: &Request, secrets: &Secrets) -> Result<Request, String> {
    let is_json = |text: &str| text.trim_start().starts_with(['{', '[']);
    let mut revealed = request.clone();
    revealed.url = reveal(&request.url, false, secrets)?;
    for (_, value) in &mut revealed.headers {
        *value = reveal(value, false, secrets)?;
    }
    if let Some(body) = &mut revealed.body {
        *body = reveal(body, is_json(body), secrets)?;
    }
    if let Some(back) = &mut revealed.read_back {
        back.url = reveal(&back.url, false, secrets)?;
    }
    Ok(revealed)
}

fn agent(request: &Request) -> Result<Agent, String> {
    let mut roots: Vec<Certificate<'static>> = Vec::new();
    if request.url.starts_with("https:") {
        match &request.ca_file {
            Some(path) => {
                let unreadable = |error| format!("the CA file {path} cannot be read: {error}");
                for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
                    roots.push(Certificate::from_der(&certificate.map_err(unreadable)?).to_owned());
                }
            }
            None => {
                let known = rustls_native_certs::load_native_certs().certs;
                roots.extend(known.iter().map(|certificate| Certificate::from_der(certificate).to_owned()));
            }
        }
    }
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    let timeout = Duration::from_secs(request.timeout_s.max(1).into());
    Ok(Agent::config_builder()
        .http_status_as_error(false)
        // A redirect would take headers, and the secrets in them, to somebody else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(timeout))
        .user_agent(concat!("warroom/", env!("CARGO_PKG_VERSION")))
        .allow_non_standard_methods(true)
        .tls_config(tls)
        .build()
        .new_agent())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;
    use crate::domain::switch::call::ReadBack;

    /// A server that gives these answers, one a connection, and tells what it was asked. An empty answer hangs up.
    fn server(answers: Vec<&'static str>) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
                let length = head
                    .to_ascii_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                tell.send(head + &String::from_utf8(body).unwrap()).unwrap();
                let mut stream = stream;
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (url, told)
    }

    fn request(url: &str) -> Request {
        Request {
            method: "POST".into(),
            url: url.into(),
            headers: vec![("authorization".into(), "Bearer {secret:token}".into())],
            body: Some(r#"{"status":"aborted","key":"{secret:token}"}"#.into()),
            expect: Expect::default(),
            read_back: None,
            idempotent: false,
            timeout_s: 1,
            ca_file: None,
        }
    }

    fn secrets(name: &str) -> Result<String, String> {
        if name == "token" { Ok("s\"3".into()) } else { Err(format!("there is no secret `{name}`")) }
    }

    const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

    #[test]
    fn an_answer_is_judged_by_the_rule() {
        let rule = || Expect { absent: Some("/error".into()), ..Expect::default() };
        let cases: Vec<(Vec<&'static str>, Expect, Outcome)> = vec![
            (vec![NO_CONTENT], Expect::default(), Outcome::Accepted),
            (
                vec!["HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\nbusy"],
                Expect::default(),
                Outcome::Refused { reason: "answered 500: busy".into() },
            ),
            (
                vec!["HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{\"error\":\"not running\"}"],
                rule(),
                Outcome::Refused {
                    reason: "answered 200, but the answer is not JSON: {\"error\":\"not running\"".into(),
                },
            ),
            (
                vec!["HTTP/1.1 200 OK\r\ncontent-length: 23\r\n\r\n{\"error\":\"not running\"}"],
                rule(),
                Outcome::Refused { reason: "answered 200, but not running".into() },
            ),
            (
                vec!["HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n"],
                Expect::default(),
                Outcome::Refused { reason: "answered 302: ".into() },
            ),
            // Turned away at the door: tried again.
            (
                vec!["HTTP/1.1 429 Slow\r\nretry-after: 0\r\nconnection: close\r\n\r\n", NO_CONTENT],
                Expect::default(),
                Outcome::Accepted,
            ),
        ];
        for (answers, expect, expected) in cases {
            let asked = answers.len();
            let (url, told) = server(answers);
            let outcome = call(&Request { expect, ..request(&url) }, &secrets);
            assert_eq!(outcome, expected);
            assert_eq!(told.try_iter().count(), asked);
        }
    }

    #[test]
    fn what_may_have_arrived_is_not_asked_twice() {
        let (url, told) = server(vec![""]);
        assert!(matches!(call(&request(&url), &secrets), Outcome::Unknown { .. }));
        let asked = told.recv().unwrap();
        assert!(asked.contains("authorization: Bearer s\"3\r\n"), "{asked}");
        assert!(asked.ends_with(r#"{"status":"aborted","key":"s\"3"}"#), "{asked}");
        assert!(told.try_recv().is_err());

        let (url, told) = server(vec!["", NO_CONTENT]);
        assert_eq!(call(&Request { idempotent: true, ..request(&url) }, &secrets), Outcome::Accepted);
        assert_eq!(told.iter().take(2).count(), 2);
    }

    #[test]
    fn a_yes_is_asked_again_where_that_is_configured() {
        let back = |url: &str| {
            let expect = Expect { pointer: Some("/status".into()), equals: Some("paused".into()), ..Expect::default() };
            Some(ReadBack { url: format!("{url}/rollouts/7"), expect })
        };
        let cases = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"status\":\"paused\"}", Outcome::Accepted),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"status\":\"running\"}",
                Outcome::Refused {
                    reason:
                        "it said yes, but asked again it says: answered 200, but /status is \"running\", not \"paused\""
                            .into(),
                },
            ),
        ];
        for (answer, expected) in cases {
            let (url, told) = server(vec![NO_CONTENT, answer]);
            assert_eq!(call(&Request { read_back: back(&url), ..request(&url) }, &secrets), expected);
            assert!(told.iter().nth(1).unwrap().starts_with("GET /rollouts/7 "));
        }
    }

    #[test]
    fn nothing_leaves_without_its_secret_or_its_server() {
        let nobody = Request { headers: vec![("x".into(), "{secret:other}".into())], ..request("http://127.0.0.1:1") };
        assert_eq!(call(&nobody, &secrets), Outcome::NotSent { reason: "there is no secret `other`".into() });
        let outcome = call(&request("http://127.0.0.1:1"), &secrets);
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
    }

    #[test]
    fn a_server_that_hangs_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let outcome = call(&request(&url), &secrets);
        assert!(
            matches!(&outcome, Outcome::Unknown { reason } if reason.starts_with("no answer in time")),
            "{outcome:?}"
        );
    }
}
