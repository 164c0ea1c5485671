//! The whole program as its user runs it, in a terminal, fed by a broker that does nothing but send: the CPU time of a
//! message beside that of the barest subscriber (the same client and serde_json, eight fields, no fleet, no screen), and
//! the bytes that the screen costs on the line.
//!
//!     cargo bench --bench process

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

#[path = "../tests/support/terminal.rs"]
mod terminal;

use std::io::{BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

use support::{Bare, Message, Traffic};
use terminal::Terminal;
use warroom::domain::time::At;

const DEVICES: usize = 10_000;
const FULL_SPEED: usize = 2_000_000;
const RATES: [usize; 2] = [2_000, 20_000];
/// How long a paced measurement lasts.
const PACED: Duration = Duration::from_secs(20);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, bare, port] = &arguments[..]
        && bare == "bare"
    {
        return subscribe_barely(port.parse().unwrap());
    }
    println!("{DEVICES} devices; CPU time of the whole process for each message, and bytes to a terminal of 120x40\n");
    println!("{:<28} {:>10} {:>10} {:>7}   {:>11}  lost", "", "bare", "warroom", "ratio", "bytes/s");
    for rate in [None].into_iter().chain(RATES.map(Some)) {
        let bare = measure(Subject::bare, rate);
        let room = measure(Subject::room, rate);
        let what = rate.map_or(format!("{FULL_SPEED} at full speed"), |rate| format!("{rate} a second"));
        println!(
            "{what:<28} {:>7.0} ns {:>7.0} ns {:>7.2}   {:>11.0}  {}",
            bare.ns,
            room.ns,
            room.ns / bare.ns,
            room.bytes_s,
            room.lost
        );
    }
    let idle = idle();
    println!("{:<28} {:>10} {:>10} {:>7}   {:>11.0}", "idle", "", "", "", idle.bytes_s);
    println!("\nidle, the room takes {:.2} % of one core", idle.ns / 1e7);
}

struct Measured {
    /// CPU time for each message; when idle, for each second.
    ns: f64,
    bytes_s: f64,
    lost: String,
}

/// Feeds a program the whole fleet's status, and then telemetry: all at once, or so many messages a second.
fn measure(start: impl Fn(u16) -> Subject, rate: Option<usize>) -> Measured {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let subject = start(listener.local_addr().unwrap().port());
    let mut traffic = Traffic::of(DEVICES, now());
    let feed = Feed::accept(&listener);
    traffic.status.iter().for_each(|message| feed.publish(message, true));
    feed.wait_until_read();
    let (cpu, bytes, began) = (subject.cpu(), subject.bytes(), Instant::now());
    let mut sent = 0;
    while rate.map_or(sent < FULL_SPEED, |_| began.elapsed() < PACED) {
        // A paced feed sends as a broker does: a little every few milliseconds.
        let due = rate.map_or(usize::MAX, |rate| (began.elapsed().as_secs_f64() * rate as f64) as usize);
        let until = due.min(sent + DEVICES);
        while sent < until {
            let message = &mut traffic.telemetry[sent % DEVICES];
            message.count_up();
            feed.publish(message, false);
            sent += 1;
        }
        feed.flush();
        if rate.is_some() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    feed.wait_until_read();
    let ns = (subject.cpu() - cpu).as_nanos() as f64 / sent as f64;
    Measured { ns, bytes_s: (subject.bytes() - bytes) as f64 / began.elapsed().as_secs_f64(), lost: subject.lost() }
}

/// A fleet that says nothing: only the clocks move.
fn idle() -> Measured {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let subject = Subject::room(listener.local_addr().unwrap().port());
    let feed = Feed::accept(&listener);
    Traffic::of(DEVICES, now()).status.iter().for_each(|message| feed.publish(message, true));
    feed.wait_until_read();
    std::thread::sleep(Duration::from_secs(2));
    let (cpu, bytes, began) = (subject.cpu(), subject.bytes(), Instant::now());
    std::thread::sleep(PACED);
    let seconds = began.elapsed().as_secs_f64();
    let ns = (subject.cpu() - cpu).as_nanos() as f64 / seconds;
    Measured { ns, bytes_s: (subject.bytes() - bytes) as f64 / seconds, lost: String::new() }
}

fn now() -> At {
    At::from_ms(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64)
}

/// What is measured.
enum Subject {
    Bare(std::process::Child),
    Room(Box<Terminal>, #[expect(dead_code, reason = "the log lives in it")] tempfile::TempDir),
}

impl Subject {
    fn bare(port: u16) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::Bare(command.args(["bare", &port.to_string()]).stdout(Stdio::null()).spawn().unwrap())
    }

    fn room(port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config.toml");
        std::fs::write(&config, format!("[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\nprotocol = \"3.1.1\"\n"))
            .unwrap();
        let arguments = ["--config", config.to_str().unwrap(), "--data-dir", directory.path().to_str().unwrap()];
        let program = Path::new(env!("CARGO_BIN_EXE_warroom"));
        Self::Room(Box::new(Terminal::start(program, &arguments, &[], (120, 40))), directory)
    }

    fn cpu(&self) -> Duration {
        let pid = match self {
            Self::Bare(child) => child.id(),
            Self::Room(terminal, _) => terminal.child.process_id().unwrap(),
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // Behind the name, which may hold anything: user and system time, in hundredths of a second.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Bare(_) => 0,
            Self::Room(terminal, _) => terminal.raw().len(),
        }
    }

    /// What the room says about messages it could not take.
    fn lost(&self) -> String {
        let Self::Room(terminal, _) = self else { return String::new() };
        let text = terminal.text();
        let words = text.lines().find(|line| line.contains("dropped")).unwrap_or("none");
        words.trim().to_owned()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if let Self::Bare(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The barest subscriber: it parses each payload and forgets it.
fn subscribe_barely(port: u16) {
    use rumqttc::{Client, Event, Incoming, MqttOptions, QoS};
    let mut options = MqttOptions::new("bare", ("127.0.0.1", port));
    options.set_keep_alive(30u16);
    let (client, mut connection) = Client::builder(options).capacity(10).build();
    client.subscribe("fleet/#", QoS::AtMostOnce).unwrap();
    for event in connection.iter() {
        match event {
            Ok(Event::Incoming(Incoming::Publish(publish))) => {
                // A status has other fields; it is not what is measured.
                if let Ok(told) = serde_json::from_slice::<Bare>(&publish.payload) {
                    std::hint::black_box(told);
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// The sending side of MQTT 3.1.1, to one client: as much of it as is needed to say everything and be sure it was read.
struct Feed {
    out: Arc<Mutex<BufWriter<TcpStream>>>,
    acknowledged: mpsc::Receiver<()>,
}

impl Feed {
    /// Waits for a client, answers what it asks from then on, and returns once it has subscribed.
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        let out = Arc::new(Mutex::new(BufWriter::with_capacity(64 * 1024, stream.try_clone().unwrap())));
        let (acknowledge, acknowledged) = mpsc::channel();
        let answers = out.clone();
        std::thread::spawn(move || answer(stream, &answers, &acknowledge));
        // The subscription is the first thing that is acknowledged.
        acknowledged.recv().unwrap();
        Self { out, acknowledged }
    }

    fn publish(&self, message: &Message, retained: bool) {
        let head = 0x30 | u8::from(retained);
        write_publish(&mut *self.out.lock().unwrap(), head, message.topic.as_bytes(), &message.payload).unwrap();
    }

    fn flush(&self) {
        self.out.lock().unwrap().flush().unwrap();
    }

    /// Waits until everything sent so far was read: a last message asks for an acknowledgement.
    fn wait_until_read(&self) {
        let topic = b"fleet/site-000/device-0000000/config/desired";
        write_publish(&mut *self.out.lock().unwrap(), 0x32, topic, &[0, 1]).unwrap();
        self.flush();
        self.acknowledged.recv().unwrap();
    }
}

/// Answers a client until it is gone.
fn answer(stream: TcpStream, out: &Mutex<BufWriter<TcpStream>>, acknowledge: &mpsc::Sender<()>) {
    let mut stream = BufReader::new(stream);
    while let Ok((kind, body)) = read_packet(&mut stream) {
        let answer = match kind >> 4 {
            1 => vec![0x20, 2, 0, 0],
            8 => {
                let filters = filters(&body);
                [&[0x90, 2 + filters as u8, body[0], body[1]][..], &vec![0; filters]].concat()
            }
            12 => vec![0xd0, 0],
            _ => Vec::new(),
        };
        let mut out = out.lock().unwrap();
        if out.write_all(&answer).and_then(|()| out.flush()).is_err() {
            return;
        }
        if matches!(kind >> 4, 4 | 8) {
            let _ = acknowledge.send(());
        }
    }
}

fn read_packet(stream: &mut impl Read) -> std::io::Result<(u8, Vec<u8>)> {
    let mut byte = || {
        let mut byte = [0];
        stream.read_exact(&mut byte).map(|()| byte[0])
    };
    let kind = byte()?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let part = byte()?;
        length |= usize::from(part & 0x7f) << shift;
        shift += 7;
        if part & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((kind, body))
}

/// `rest` is what follows the topic: the payload, or a packet id and the payload.
fn write_publish(out: &mut impl Write, head: u8, topic: &[u8], rest: &[u8]) -> std::io::Result<()> {
    out.write_all(&[head])?;
    let mut length = 2 + topic.len() + rest.len();
    while length > 0x7f {
        out.write_all(&[(length & 0x7f) as u8 | 0x80])?;
        length >>= 7;
    }
    out.write_all(&[length as u8])?;
    out.write_all(&(topic.len() as u16).to_be_bytes())?;
    out.write_all(topic)?;
    out.write_all(rest)
}

/// How many filters a subscription has.
fn filters(body: &[u8]) -> usize {
    let (mut at, mut filters) = (2, 0);
    while at + 2 <= body.len() {
        at += 2 + usize::from(u16::from_be_bytes([body[at], body[at + 1]])) + 1;
        filters += 1;
    }
    filters
}
