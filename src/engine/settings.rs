//! What a room is set up with.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::clock::Targets;
use crate::domain::cost::Rates;
use crate::domain::drill::GameDays;
use crate::domain::regulation::Regime;
use crate::domain::replay::Replay;
use crate::domain::rollout::RolloutPolicy;
use crate::domain::runbook::Runbook;
use crate::domain::switch::Switch;
use crate::domain::switch::standard::standard;
use crate::domain::update::template::Template;
use crate::domain::update::{Cadences, ChannelInfo};
use crate::fleet::FleetSettings;

/// What a room is set up with. It does not change while the room is open.
#[derive(Clone, Debug)]
pub struct Settings {
    pub fleet: FleetSettings,
    pub targets: Targets,
    pub runbooks: Vec<Arc<Runbook>>,
    /// How the people that runbooks name are reached: `firmware-lead` to a name and a number.
    pub contacts: BTreeMap<String, String>,
    /// The words of updates.
    pub templates: Vec<Arc<Template>>,
    /// The ways to audiences, and how often they are told.
    pub channels: Vec<ChannelInfo>,
    /// The channels through which the room itself tells the team what it has to hear at once.
    pub notify: Vec<String>,
    pub cadences: Cadences,
    /// What error codes mean, by the code.
    pub codes: BTreeMap<String, String>,
    /// Seconds for which a recovered cohort is watched, before an incident is over and after.
    pub watch_s: i64,
    /// The broker, as people know it.
    pub broker: String,
    /// The first level of the standard topics.
    pub root: String,
    /// `prod`, `staging`, or what the configuration calls it.
    pub environment: String,
    /// The person at the keys.
    pub operator: String,
    pub read_only: bool,
    /// What was decided about rollouts in advance.
    pub rollout: RolloutPolicy,
    /// Begins the id of every actuation, so that ids of two rooms never meet.
    pub log_id: String,
    /// What can be pulled.
    pub switches: Vec<Arc<Switch>>,
    /// Names of devices differ within a site only: the room calls them `site/name`.
    pub names_per_site: bool,
    /// The user at the keys, as this machine numbers them.
    pub uid: u32,
    /// What this room itself is called on the broker; no switch is pulled on it.
    pub own_names: Vec<String>,
    /// Where other logins reach this room.
    pub socket: String,
    /// Why nobody but the operator can reach it, and what opens it; none where somebody can.
    pub socket_closed: Option<String>,
    /// What a gigabyte over the air costs.
    pub gigabyte_price: Option<f64>,
    /// How the broker is reached by the `mosquitto_pub` of a shell: ` -h broker -p 1883`.
    pub shell_options: String,
    /// What is subscribed to at the broker.
    pub subscriptions: Arc<[String]>,
    /// Seconds of this room that pass in a second of the person at the keys: more than one in a fast drill.
    pub pace: i64,
    /// What makes the room a replay, if it is one: then no switch is ever armed.
    pub replay: Option<Replay>,
    /// How long rollups are kept, in seconds.
    pub history_s: i64,
    /// Prices, for what an incident costs.
    pub rates: Arc<Rates>,
    /// Laws that may ask for notices.
    pub regimes: Arc<[Regime]>,
    /// Earlier game days, as far as this machine knows of them.
    pub game_days: GameDays,
    /// What was wrong with files that the room was opened with; it goes on without them, and says so.
    pub warnings: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fleet: FleetSettings::default(),
            targets: Targets::default(),
            runbooks: Vec::new(),
            contacts: BTreeMap::new(),
            templates: Vec::new(),
            channels: Vec::new(),
            notify: Vec::new(),
            cadences: Cadences::default(),
            codes: BTreeMap::new(),
            watch_s: 15 * 60,
            broker: String::new(),
            root: "fleet".into(),
            environment: "live".into(),
            operator: "nobody".into(),
            read_only: false,
            rollout: RolloutPolicy::default(),
            log_id: "wr".into(),
            switches: standard("fleet/ota/{campaign}/control", "fleet").into_iter().map(Arc::new).collect(),
            uid: 0,
            own_names: Vec::new(),
            socket: String::new(),
            socket_closed: None,
            gigabyte_price: None,
            shell_options: String::new(),
            subscriptions: Arc::new([]),
            pace: 1,
            replay: None,
            history_s: 30 * 86_400,
            rates: Arc::default(),
            regimes: Arc::default(),
            game_days: GameDays::default(),
            names_per_site: false,
            warnings: Vec::new(),
        }
    }
}
