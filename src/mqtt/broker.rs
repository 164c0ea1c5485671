//! A small MQTT 3.1.1 broker for drills: in this process, on loopback, gone with the game day.
//!
//! It takes any QoS and delivers at QoS 0, keeps retained messages and last wills, knows wildcards and throws out a
//! client whose id connects again. There are no sessions beyond a connection, no authentication and no bridges. For a
//! fleet that matters there is mosquitto, which is also the second opinion in the tests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, LastWill, Packet, PubAck, PubComp, PubRec, Publish, SubAck, Subscribe,
    SubscribeReasonCode, UnsubAck,
};
use rumqttc::mqttbytes::{Error, QoS, matches, valid_filter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// The largest packet taken.
const PACKET: usize = 1024 * 1024;
/// Bytes waiting for one client; beyond it messages to it are dropped. A hundred thousand retained messages fit.
const PENDING: usize = 64 * 1024 * 1024;
/// Clients at once.
const CLIENTS: usize = 1_000;
/// Messages kept for those who subscribe later.
const RETAINED: usize = 1_000_000;
/// Time for a new connection to say who it is.
const GREETING: Duration = Duration::from_secs(5);

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    core: Arc<Mutex<Core>>,
    stop: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Core {
    clients: HashMap<String, Client>,
    retained: BTreeMap<String, Bytes>,
    connections: u64,
    dropped: u64,
    /// Nobody is let in, as if the broker were not there.
    shut: bool,
}

#[derive(Debug)]
struct Client {
    /// Tells a connection from an earlier one with the same id.
    connection: u64,
    filters: Vec<String>,
    pending: BytesMut,
    /// Messages at QoS 2 that were taken, and that the client still holds.
    taken: HashSet<u16>,
    /// There is something in `pending`.
    ready: Arc<Notify>,
    /// The connection is to be closed.
    kicked: Arc<Notify>,
}

fn lock(core: &Mutex<Core>) -> MutexGuard<'_, Core> {
    // What a panicking task may have left half done is one client's buffer; the others go on.
    core.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Broker {
    /// Starts on a free port of loopback. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let core = Arc::new(Mutex::new(Core::default()));
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(accept(listener, core.clone(), stopped));
        Ok(Self { address, core, stop })
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the connections of clients whose id `which` picks, as a broker that loses them would. Returns how many.
    pub fn kick(&self, which: impl Fn(&str) -> bool) -> usize {
        let core = lock(&self.core);
        let picked = core.clients.iter().filter(|(id, _)| which(id));
        picked.map(|(_, client)| client.kicked.notify_one()).count()
    }

    /// Lets clients in, or throws all of them out and lets nobody in, as a broker that is down would. What it had in store
    /// is lost with it.
    pub fn open(&self, open: bool) {
        let mut core = lock(&self.core);
        if core.shut != open {
            return;
        }
        core.shut = !open;
        if !open {
            core.retained.clear();
            core.clients.values().for_each(|client| client.kicked.notify_one());
        }
    }

    /// Messages that were dropped because a client did not read them.
    pub fn dropped(&self) -> u64 {
        lock(&self.core).dropped
    }

    /// Ids of the clients that are connected.
    pub fn clients(&self) -> Vec<String> {
        let mut ids: Vec<_> = lock(&self.core).clients.keys().cloned().collect();
        ids.sort();
        ids
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn accept(listener: TcpListener, core: Arc<Mutex<Core>>, stopped: watch::Receiver<bool>) {
    let mut stop = stopped.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let (core, mut stop) = (core.clone(), stopped.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = serve(stream, &core) => {}
                        _ = stop.wait_for(|stop| *stop) => {}
                    }
                });
            }
            // Out of file descriptors, most likely: they come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// One connection, from greeting to end.
async fn serve(stream: TcpStream, core: &Mutex<Core>) {
    // Small packets must not wait for each other.
    let _ = stream.set_nodelay(true);
    let (reader, mut writer) = stream.into_split();
    let mut reader = Reader { stream: reader, buffer: BytesMut::with_capacity(64 * 1024) };
    let greeting = tokio::time::timeout(GREETING, reader.next()).await;
    let connect = match greeting {
        Ok(Ok(Packet::Connect(connect))) => connect,
        Ok(Err(Stop::Malformed(Error::InvalidProtocolLevel(_)))) => {
            let mut refusal = BytesMut::new();
            let code = ConnAck::new(ConnectReturnCode::RefusedProtocolVersion, false);
            if code.write(&mut refusal).is_ok() {
                // A client that does not wait for the answer does not get one.
                let _ = writer.write_all(&refusal).await;
            }
            return;
        }
        _ => return,
    };
    let Some(connection) = Connection::open(core, connect) else { return };
    let ready = connection.ready.clone();
    let kicked = connection.kicked.clone();
    let clean = tokio::select! {
        clean = connection.read(core, &mut reader) => clean,
        () = write(core, &connection.id, connection.number, &ready, writer) => false,
        () = kicked.notified() => false,
    };
    connection.close(core, clean);
}

struct Reader {
    stream: OwnedReadHalf,
    buffer: BytesMut,
}

enum Stop {
    Closed,
    Malformed(Error),
}

impl Reader {
    /// A packet that is in the buffer already.
    fn buffered(&mut self) -> Result<Option<Packet>, Stop> {
        match Packet::read(&mut self.buffer, PACKET) {
            Ok(packet) => Ok(Some(packet)),
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(Stop::Malformed(error)),
        }
    }

    async fn next(&mut self) -> Result<Packet, Stop> {
        loop {
            if let Some(packet) = self.buffered()? {
                return Ok(packet);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(n) if n > 0 => {}
                _ => return Err(Stop::Closed),
            }
        }
    }
}

/// A client that has been let in.
struct Connection {
    id: String,
    number: u64,
    will: Option<LastWill>,
    /// Without a packet for this long the client is gone.
    silence: Duration,
    ready: Arc<Notify>,
    kicked: Arc<Notify>,
}

impl Connection {
    fn open(core: &Mutex<Core>, connect: Connect) -> Option<Self> {
        let mut core = lock(core);
        if core.shut || core.clients.len() >= CLIENTS {
            return None;
        }
        core.connections += 1;
        let number = core.connections;
        let id = if connect.client_id.is_empty() { format!("anonymous-{number}") } else { connect.client_id };
        if let Some(before) = core.clients.remove(&id) {
            before.kicked.notify_one();
        }
        let (ready, kicked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let client = Client {
            connection: number,
            filters: Vec::new(),
            pending: BytesMut::new(),
            taken: HashSet::new(),
            ready: ready.clone(),
            kicked: kicked.clone(),
        };
        core.clients.insert(id.clone(), client);
        let silence = match connect.keep_alive {
            0 => Duration::MAX,
            seconds => Duration::from_millis(u64::from(seconds) * 1500),
        };
        core.answer(&id, &Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false)));
        Some(Self { id, number, will: connect.last_will, silence, ready, kicked })
    }

    /// Reads until the client leaves. Returns whether it said goodbye.
    async fn read(&self, core: &Mutex<Core>, reader: &mut Reader) -> bool {
        loop {
            let Ok(Ok(first)) = tokio::time::timeout(self.silence, reader.next()).await else { return false };
            // What has arrived together is handled under one lock.
            let mut core = lock(core);
            let mut next = Some(first);
            while let Some(packet) = next {
                match packet {
                    Packet::Disconnect => return true,
                    packet => {
                        if !core.take(&self.id, packet) {
                            return false;
                        }
                    }
                }
                next = match reader.buffered() {
                    Ok(packet) => packet,
                    Err(_) => return false,
                };
            }
        }
    }

    fn close(self, core: &Mutex<Core>, clean: bool) {
        let mut core = lock(core);
        if core.clients.get(&self.id).is_some_and(|client| client.connection == self.number) {
            core.clients.remove(&self.id);
        }
        if let Some(will) = self.will.filter(|_| !clean && !core.shut) {
            core.publish(&will.topic, will.message, will.retain);
        }
    }
}

impl Core {
    /// Handles a packet of a client. False ends the connection.
    fn take(&mut self, id: &str, packet: Packet) -> bool {
        match packet {
            Packet::Publish(publish) => {
                let Ok(topic) = std::str::from_utf8(&publish.topic) else { return false };
                let again = publish.qos == QoS::ExactlyOnce
                    && self.clients.get_mut(id).is_some_and(|client| !client.taken.insert(publish.pkid));
                if !again {
                    self.publish(topic, publish.payload.clone(), publish.retain);
                }
                match publish.qos {
                    QoS::AtMostOnce => {}
                    QoS::AtLeastOnce => self.answer(id, &Packet::PubAck(PubAck::new(publish.pkid))),
                    QoS::ExactlyOnce => self.answer(id, &Packet::PubRec(PubRec::new(publish.pkid))),
                }
            }
            Packet::PubRel(release) => {
                if let Some(client) = self.clients.get_mut(id) {
                    client.taken.remove(&release.pkid);
                }
                self.answer(id, &Packet::PubComp(PubComp::new(release.pkid)));
            }
            Packet::Subscribe(subscribe) => self.subscribe(id, &subscribe),
            Packet::Unsubscribe(unsubscribe) => {
                if let Some(client) = self.clients.get_mut(id) {
                    client.filters.retain(|filter| !unsubscribe.topics.contains(filter));
                }
                self.answer(id, &Packet::UnsubAck(UnsubAck { pkid: unsubscribe.pkid }));
            }
            Packet::PingReq => self.answer(id, &Packet::PingResp),
            Packet::PubAck(_) => {}
            _ => return false,
        }
        true
    }

    fn subscribe(&mut self, id: &str, subscribe: &Subscribe) {
        let good: Vec<_> = subscribe.filters.iter().map(|filter| valid_filter(&filter.path)).collect();
        let code = |good: &bool| {
            if *good { SubscribeReasonCode::Success(QoS::AtMostOnce) } else { SubscribeReasonCode::Failure }
        };
        let codes = good.iter().map(code).collect();
        self.answer(id, &Packet::SubAck(SubAck { pkid: subscribe.pkid, return_codes: codes }));
        let filters =
            subscribe.filters.iter().zip(good).filter(|(_, good)| *good).map(|(filter, _)| filter.path.clone());
        for filter in filters {
            let kept: Vec<_> = self
                .retained
                .iter()
                .filter(|(topic, _)| fits(topic, &filter))
                .map(|(t, p)| (t.clone(), p.clone()))
                .collect();
            let Some(client) = self.clients.get_mut(id) else { return };
            for (topic, payload) in kept {
                if !client.push(&encode(&topic, payload, true)) {
                    self.dropped += 1;
                }
            }
            client.filters.retain(|known| *known != filter);
            client.filters.push(filter);
        }
    }

    fn publish(&mut self, topic: &str, payload: Bytes, retain: bool) {
        if retain {
            if payload.is_empty() {
                self.retained.remove(topic);
            } else if self.retained.len() < RETAINED || self.retained.contains_key(topic) {
                self.retained.insert(topic.to_owned(), payload.clone());
            }
        }
        let packet = encode(topic, payload, false);
        for client in self.clients.values_mut() {
            if client.filters.iter().any(|filter| fits(topic, filter)) && !client.push(&packet) {
                self.dropped += 1;
            }
        }
    }

    fn answer(&mut self, id: &str, packet: &Packet) {
        let mut bytes = BytesMut::new();
        if packet.write(&mut bytes, PACKET).is_ok()
            && let Some(client) = self.clients.get_mut(id)
        {
            client.push(&bytes);
        }
    }
}

impl Client {
    /// Queues bytes for the client. False when it has too many waiting.
    fn push(&mut self, bytes: &[u8]) -> bool {
        if self.pending.len() + bytes.len() > PENDING {
            return false;
        }
        self.pending.extend_from_slice(bytes);
        self.ready.notify_one();
        true
    }
}

/// Topics that begin with `$` are not meant by wildcards.
fn fits(topic: &str, filter: &str) -> bool {
    matches(topic, filter) && (!topic.starts_with('$') || filter.starts_with('$'))
}

fn encode(topic: &str, payload: Bytes, retain: bool) -> BytesMut {
    let mut publish = Publish::from_bytes(topic, QoS::AtMostOnce, payload);
    publish.retain = retain;
    let mut packet = BytesMut::with_capacity(publish.size());
    // A topic that came in by the same codec can go out by it.
    let _ = publish.write(&mut packet);
    packet
}

/// Sends what is pending, as fast as the client reads.
async fn write(core: &Mutex<Core>, id: &str, connection: u64, ready: &Notify, mut stream: OwnedWriteHalf) {
    loop {
        ready.notified().await;
        let pending = match lock(core).clients.get_mut(id) {
            Some(client) if client.connection == connection => std::mem::take(&mut client.pending),
            _ => return,
        };
        if stream.write_all(&pending).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
