//! Every bound of the house, each with its reason. When one bites it is counted, and the count is on the screen.

use std::time::Duration;

/// Attributes a fleet can have: the eight usual ones and four of its own.
pub const ATTRIBUTES: usize = 12;
/// Different values of one attribute. Beyond it a new value is shown as `(other)`; a firmware list of this length is
/// an attack or a bug, a site list of this length is a very large fleet.
pub const VALUES_PER_ATTRIBUTE: usize = 16_384;
/// Cohorts of one attribute (or pair) that have a history. 8,192 sites cost 25 MB.
pub const COHORTS_PER_GROUPING: usize = 8_192;
/// Cohorts of one attribute (or pair) that have a history by the second as well; the others have it by the minute.
pub const FINE_COHORTS_PER_GROUPING: usize = 64;
/// Pairs of attributes followed at once: those configured, and the last ones somebody looked at.
pub const PAIRS: usize = 6;
/// Measured values followed of every device, and read from one message. Each costs 28 bytes a device.
pub const KPIS: usize = 4;
/// Different combinations of all attributes. Each costs about 200 bytes.
pub const GROUPS: usize = 262_144;
/// Devices followed. Two million cost 250 MB; strangers beyond it are counted, known devices stay.
pub const DEVICES: usize = 2_000_000;
/// Versions that the devices of a campaign came from, or that devices leave without one: the most usual one is asked for,
/// and a fleet runs a handful.
pub const CAME_FROM: usize = 8;
/// Campaigns followed at once, and waves of one. More than a handful are never running together.
pub const CAMPAIGNS: usize = 64;
pub const WAVES: usize = 64;
/// Stop rules of a rollout: each is asked of every device every few seconds.
pub const STOP_RULES: usize = 16;
/// Crossed stop rules remembered; all rules of all waves of a hundred rollouts are fewer.
pub const CROSSINGS: usize = 4_096;
/// Versions remembered as having run well: more than a fleet has at a time.
pub const VERSIONS: usize = 64;
/// Error codes told apart; the rest are counted together.
pub const ERROR_CODES: usize = 4_096;

/// Characters of a device id. MQTT allows 65,535 bytes; real ids are serial numbers and UUIDs.
pub const DEVICE_ID: usize = 128;
/// Characters of an attribute value, error code or version.
pub const VALUE: usize = 64;
/// Characters of a message text, title or reason that is kept.
pub const SENTENCE: usize = 512;
/// Bytes of a payload that are read. A megabyte in one message is never telemetry.
pub const PAYLOAD: usize = 256 * 1024;
/// Bytes of one line of a capture: a payload, its escapes, and its topic.
pub const CAPTURE_LINE: u64 = 4 * 1024 * 1024;
/// Brackets within brackets in a payload. Readers that recurse give up about here, and so would whoever wrote it.
pub const JSON_DEPTH: usize = 120;
/// Bytes of a bad payload that are kept as a sample, and of any payload for the device view.
pub const PREVIEW: usize = 512;
/// Samples of bad input kept of each kind: enough to see a pattern, too few to hide another kind.
pub const SAMPLES_PER_FAULT: usize = 8;
/// Messages of all devices kept for the device view, and of the one that somebody looks into.
pub const RECENT_MESSAGES: usize = 512;
pub const WATCHED_MESSAGES: usize = 64;

/// Devices read from one message of a gateway or a bridge. At 64 bytes each, more do not fit in a payload that is read.
pub const DEVICES_PER_MESSAGE: usize = 4_096;
/// Sparkplug edge nodes followed. A node is a gateway with tens to thousands of devices behind it.
pub const SPARKPLUG_NODES: usize = 16_384;
/// Aliases and devices of one Sparkplug node: a plant's controller announces some thousand tags.
pub const SPARKPLUG_ENTRIES_PER_NODE: usize = 8_192;
/// Aliases and devices of all Sparkplug nodes together. Each costs some 100 bytes.
pub const SPARKPLUG_ENTRIES: usize = 524_288;
/// Clients whose presence events are put in order, in each of two generations. Each costs some 100 bytes; a client that
/// is forgotten is taken at its next word.
pub const ORDERED_CLIENTS: usize = 131_072;
/// Nodes of a broker's cluster whose counters are summed.
pub const BROKER_NODES: usize = 64;
/// Homie devices that hang on another one.
pub const HOMIE_CHILDREN: usize = 65_536;

/// Cohorts in one rollup: what alerts and incidents are about, then the largest ones.
pub const ROLLUP_COHORTS: usize = 256;
/// Different cohorts that the history of one log can name. What comes beyond them is not kept.
pub const ROLLUP_NAMES: usize = 65_536;
/// Rollups in one log: two months of incidents without a pause, or almost two years of quiet.
pub const ROLLUPS: usize = 500_000;
/// Rollups waiting for the disk. Beyond it they are dropped: history may have holes, the record may not.
pub const UNWRITTEN_ROLLUPS: usize = 128;
/// Minutes of history in memory: two hours, and a little so that a whole one can always be drawn.
pub const HISTORY_MINUTES: usize = 125;

/// Observations waiting for the engine. At 100,000 a second it is two thirds of a second; beyond it they are dropped.
pub const MAILBOX_OBSERVATIONS: usize = 65_536;
/// For so long a burst may hold the link up, until what finds no room is dropped. The broker hears of us every five seconds.
pub const BURST: Duration = Duration::from_secs(2);
/// Text waiting for the engine, in bytes.
pub const MAILBOX_TEXT: usize = 16 * 1024 * 1024;
/// Bytes of lines waiting to be written to a capture. At 100,000 messages a second it is most of a second; beyond it they
/// are dropped, and a line says how many.
pub const TAPE: usize = 16 * 1024 * 1024;
/// Inputs other than telemetry waiting for the engine. People type slowly; a thousand means it is stuck.
pub const INPUTS: usize = 1_024;
/// Events waiting for the disk. Beyond it commands are refused, so that nothing is promised that may be lost.
pub const UNWRITTEN_EVENTS: usize = 4_096;
/// Publishes waiting for the link.
pub const OUTBOX: usize = 256;

/// Characters of a section of a postmortem: four printed pages.
pub const SECTION: usize = 16 * 1024;
/// Action items of an incident. Nobody has ever done more of them.
pub const ACTION_ITEMS: usize = 64;
/// Tries of the way to the broker that are remembered: ten minutes of an outage.
pub const REACHES: usize = 32;
/// Timeline entries held in memory; older ones are in the log.
pub const TIMELINE: usize = 10_000;
/// Alerts held in memory, open ones first.
pub const ALERTS: usize = 256;
/// What people have accepted as usual, at once. More of it is a detector that nobody believes.
pub const ACCEPTANCES: usize = 64;
/// Characters of an update: more than a status page or a chat takes.
pub const UPDATE: usize = 8_000;
/// Notices of the room itself that are held in memory; older ones are in the log.
pub const NOTICES: usize = 256;
/// Changes remembered for triage: what was changed before the last few hundred is not what it was.
pub const CHANGES: usize = 256;
/// Rows of the cohort table in one snapshot.
pub const TABLE_ROWS: usize = 512;
/// Devices named in an event; beyond it their number is given.
pub const NAMED_DEVICES: usize = 50;

/// Affected devices of one incident named on its record, those counted twice because it turned out to be about others
/// included: a megabyte of log. Beyond it they are counted.
pub const AFFECTED_NAMED: usize = 50_000;

/// Between snapshots: ten a second is faster than anyone reads.
pub const SNAPSHOT: Duration = Duration::from_millis(100);
/// Between frames that nobody asked for by a key. A few a second cost a tenth of thirty on a slow line.
pub const FRAME: Duration = Duration::from_millis(250);
/// The largest terminal drawn, in columns and rows. Any client can claim 65,535 of each, which would be 100 GB of cells.
pub const TERMINAL: (u16, u16) = (500, 200);
/// Bytes of one paste. A note longer than this is a file.
pub const PASTE: usize = 64 * 1024;

/// Milliseconds an armed switch waits for its confirmation.
pub const ARMED_MS: i64 = 20_000;
/// Milliseconds after arming in which nothing confirms: a held key or a burst of typing is not a decision.
pub const ARMING_GUARD_MS: i64 = 300;
/// Milliseconds that a second person has to approve. They may have to be woken, and log in.
pub const APPROVAL_MS: i64 = 600_000;
/// Requests for a second person that wait at once. A room that asks for more has another problem.
pub const APPROVALS: usize = 8;
/// Characters of a reason for breaking the glass, at least: `x` is no reason.
pub const BREAK_GLASS_REASON: usize = 10;
/// Devices that one actuation acts on. Their names are in the log, at some twenty bytes each.
pub const TARGETS: usize = 200_000;
/// Connections to a room's socket at once, and bytes that each may send.
pub const SOCKET_CONNECTIONS: usize = 16;
pub const SOCKET_BYTES: u64 = 64 * 1024;
/// Calls of an actuation under way at the same time.
pub const PARALLEL_CALLS: usize = 16;
/// Milliseconds for the intent to reach the disk. A halt that could not be written for this long is no longer wanted blindly.
pub const INTENT_MS: i64 = 10_000;
