//! A real mosquitto, from Debian, on a port of its own.

#![allow(dead_code, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running broker; it ends with the test.
pub struct Mosquitto {
    pub port: u16,
    pub directory: PathBuf,
    config: PathBuf,
    child: Option<Child>,
}

/// A port that nobody uses just now.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn binary() -> PathBuf {
    let places =
        ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"];
    let found = places.iter().map(Path::new).find(|path| path.exists());
    found.expect("mosquitto is not installed; tests/run installs it").to_owned()
}

impl Mosquitto {
    /// Starts a broker with these lines in its configuration besides the port.
    pub fn start(directory: &Path, lines: &str) -> Self {
        let port = free_port();
        let config = directory.join(format!("mosquitto-{port}.conf"));
        std::fs::write(&config, format!("listener {port} 127.0.0.1\npersistence false\n{lines}\n")).unwrap();
        let mut broker = Self { port, directory: directory.to_owned(), config, child: None };
        broker.restart();
        broker
    }

    /// A broker that lets everybody in.
    pub fn open(directory: &Path) -> Self {
        Self::start(directory, "allow_anonymous true")
    }

    /// Puts a retained message of any size there, as no client of ours would: MQTT 3.1.1 by hand.
    pub fn retain(&self, topic: &str, payload: &[u8]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut answer = [0; 4];
        stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x").unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x20, 2, 0, 0], "not let in");

        let mut packet = vec![0x33];
        let mut length = 2 + topic.len() + 2 + payload.len();
        while length >= 0x80 {
            packet.push(length as u8 | 0x80);
            length >>= 7;
        }
        packet.push(length as u8);
        packet.extend((topic.len() as u16).to_be_bytes());
        packet.extend(topic.as_bytes());
        packet.extend([0, 1]);
        packet.extend(payload);
        stream.write_all(&packet).unwrap();
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x40, 2, 0, 1], "not confirmed");
    }

    /// Starts it again on the same port, after [`Mosquitto::kill`].
    pub fn restart(&mut self) {
        let log = std::fs::File::create(self.config.with_extension("log")).unwrap();
        let child =
            Command::new(binary()).arg("-c").arg(&self.config).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.child = Some(child);
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < deadline,
                "mosquitto does not start: {}",
                std::fs::read_to_string(self.config.with_extension("log")).unwrap_or_default()
            );
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}
