//! Configuration: defaults, then the file, then the environment, then flags. What is wrong is told with its place.
//!
//! One small file a section; [`Config::read`] checks them together. Secrets are never here, only where to find them.

pub mod broker;
pub mod channels;
pub mod cost;
pub mod fleet;
pub mod maintenance;
pub mod matrix;
pub mod offset;
pub mod paths;
pub mod regulation;
pub mod response;
pub mod rollout;
pub mod routes;
pub mod runbooks;
pub mod screen;
pub mod secret;
pub mod switches;
pub mod templates;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::document::{self, Mistake};
use crate::domain::clock::Targets;
use crate::domain::switch::standard::standard;
use crate::domain::switch::{Switch, SwitchId};
use broker::BrokerSection;
use channels::ChannelSection;
use cost::CostSection;
use fleet::FleetSection;
use regulation::RegulationSection;
use response::{RecoverySection, TriageSection, UpdateSection};
use rollout::RolloutSection;
use screen::ScreenSection;
use switches::{FindSecret, SecretSection, SwitchSection, SwitchesSection};

/// The file that `config init` writes: every key, with its default, explained.
pub const SAMPLE: &str = include_str!("config/sample.toml");

/// A configuration as its file has it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who is at the keys; the login name where not set.
    pub operator: Option<String>,
    pub broker: BrokerSection,
    pub fleet: FleetSection,
    pub targets: Targets,
    pub screen: ScreenSection,
    pub runbooks: RunbookSection,
    pub switches: SwitchesSection,
    /// Written `[[switch]]`: what can be pulled beside the standard ones.
    pub switch: Vec<SwitchSection>,
    pub secrets: BTreeMap<String, SecretSection>,
    pub rollout: RolloutSection,
    pub regulation: RegulationSection,
    pub cost: CostSection,
    pub history: HistorySection,
    pub drill: DrillSection,
    /// How the people are reached whom runbooks name.
    pub contacts: BTreeMap<String, String>,
    pub triage: TriageSection,
    pub recovery: RecoverySection,
    pub updates: UpdateSection,
    /// The ways to each audience.
    #[serde(rename = "channel")]
    pub channels: Vec<ChannelSection>,
}

/// Where this team's own runbooks lie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunbookSection {
    /// Files here go before shipped ones of the same id.
    pub directory: Option<PathBuf>,
}

/// What is kept of the fleet's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistorySection {
    /// Days for which the room can be shown as it was.
    pub days: u16,
}

impl Default for HistorySection {
    fn default() -> Self {
        Self { days: 30 }
    }
}

/// Game days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrillSection {
    /// Seconds for which the terminal of a facilitator who has joined may be lost, until a game day on a staging broker
    /// ends by itself.
    pub lost_s: u32,
}

impl Default for DrillSection {
    fn default() -> Self {
        Self { lost_s: 120 }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} cannot be read: {reason}")]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error(transparent)]
    Mistake(#[from] Mistake),
}

impl Config {
    /// Where commands to a campaign are published.
    pub fn control_topic(&self) -> String {
        let below_root = || format!("{}/ota/{{campaign}}/control", self.fleet.root);
        self.switches.control_topic.as_ref().map_or_else(below_root, |topic| topic.get_ref().clone())
    }

    /// What can be pulled: the configured switches, then the standard ones whose ids they leave free.
    pub fn switches(&self) -> Vec<Switch> {
        let standard = standard(&self.control_topic(), &self.fleet.root);
        let own: Vec<Switch> = self.switch.iter().filter_map(|section| section.switch(&standard).ok()).collect();
        let free = standard.into_iter().filter(|switch| !own.iter().any(|own| own.id == switch.id));
        let free: Vec<Switch> = free.collect();
        own.into_iter().chain(free).collect()
    }

    /// Finds the secrets of switches by name.
    pub fn secrets(&self) -> FindSecret {
        switches::secrets(&self.secrets)
    }

    /// Where the socket of the room with this log is: beside it, or where the configuration says. A drill never takes
    /// the place of the live room.
    pub fn socket(&self, log: &Path) -> PathBuf {
        let is_live = log.file_name().is_some_and(|name| name == paths::LIVE_LOG);
        let drill = |path: &PathBuf| path.with_extension("drill.sock");
        let configured = self.switches.socket.as_ref().map(|path| if is_live { path.clone() } else { drill(path) });
        configured.unwrap_or_else(|| log.with_extension("sock"))
    }

    /// Who may reach the room's socket.
    pub fn socket_mode(&self) -> u32 {
        let asked = self.switches.socket_mode.as_ref().and_then(|mode| u32::from_str_radix(mode.get_ref(), 8).ok());
        asked.unwrap_or(0o660)
    }

    /// The first switch that is not right: its mistake, or a secret or an id that is not there.
    fn check_switches(&self) -> Option<(std::ops::Range<usize>, String)> {
        if let Some(mode) = &self.switches.socket_mode
            && u32::from_str_radix(mode.get_ref(), 8).ok().is_none_or(|mode| mode > 0o777)
        {
            return Some((mode.span(), format!("`{}` is no file mode; write \"0660\"", mode.get_ref())));
        }
        let standard = standard(&self.control_topic(), &self.fleet.root);
        let mut ids: Vec<SwitchId> = Vec::new();
        for section in &self.switch {
            let place = section.id.as_ref().or(section.preset.as_ref()).map_or(0..0, toml::Spanned::span);
            let switch = match section.switch(&standard) {
                Ok(switch) => switch,
                Err(problem) => return Some(problem),
            };
            if ids.contains(&switch.id) {
                return Some((place, format!("there are two switches `{}`; give one another `id`", switch.id)));
            }
            let mut asked = switch.steps.iter().flat_map(|step| step.template.secrets());
            if let Some(missing) = asked.find(|name| !self.secrets.contains_key(*name)) {
                return Some((place, format!("`{}` needs [secrets.{missing}]: env, file or command", switch.id)));
            }
            ids.push(switch.id);
        }
        None
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, or has a mistake in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |reason| ConfigError::Unreadable { path: path.to_owned(), reason };
        let source = std::fs::read_to_string(path).map_err(unreadable)?;
        let mut config = Self::read(&source, &path.display().to_string())?;
        config.load_matrix(path)?;
        Ok(config)
    }

    /// Reads the matrix of tested combinations; its path is meant from where the configuration lies.
    fn load_matrix(&mut self, config: &Path) -> Result<(), ConfigError> {
        let Some(matrix) = &self.rollout.matrix else { return Ok(()) };
        let path = config.parent().unwrap_or(Path::new("")).join(matrix);
        let unreadable = |reason| ConfigError::Unreadable { path: path.clone(), reason };
        let source = std::fs::read_to_string(&path).map_err(unreadable)?;
        let settings = self.fleet.settings();
        let tested = matrix::read(&source, settings.schema.names())
            .map_err(|(span, message)| document::mistake(&source, &path.display().to_string(), &span, message))?;
        self.rollout.tested.extend(tested);
        Ok(())
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// The first mistake in it, with its line and column.
    pub fn read(source: &str, file: &str) -> Result<Self, Mistake> {
        let config: Self = document::read(source, file)?;
        let problem = config
            .broker
            .check()
            .or(config.fleet.check())
            .or(config.screen.check(config.fleet.schema().names()))
            .or(config.rollout.check())
            .or(config.check_switches())
            .or(config.recovery.check())
            .or(channels::check(&config.channels, &config.updates.notify));
        if let Some((span, message)) = problem {
            return Err(document::mistake(source, file, &span, message));
        }
        if let Some(topic) = &config.switches.control_topic
            && !topic.get_ref().contains("{campaign}")
        {
            return Err(document::mistake(source, file, &topic.span(), "`control_topic` needs a level {campaign}"));
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_says_what_the_defaults_are() {
        let sample = Config::read(SAMPLE, "sample").unwrap();
        assert_eq!(sample, Config::default());
        for preset in crate::ingest::preset::names() {
            assert!(SAMPLE.contains(&format!(" {preset}")), "{preset} is not in the sample");
        }
        // Uncommented, its examples are right too.
        let uncommented: String = SAMPLE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(example) if example.contains(" = ") || example.starts_with('[') => format!("{example}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let example = Config::read(&uncommented, "sample").unwrap();
        assert_eq!(example.broker.url.as_ref().map(|url| url.get_ref().as_str()), Some("mqtts://broker.example:8883"));
    }

    #[test]
    fn every_preset_is_a_switch_once_its_blanks_are_filled() {
        for (name, source) in switches::PRESETS {
            let blanks: Vec<&str> = ["url", "role", "program", "topic", "payload"]
                .into_iter()
                .filter(|blank| {
                    source.lines().any(|line| !line.starts_with('#') && line.contains(&format!("<{blank}>")))
                })
                .collect();
            let with: Vec<String> = blanks.iter().map(|blank| format!("{blank} = 'https://x'")).collect();
            let secrets = "[secrets.emqx]\nenv = 'A'\n[secrets.hawkbit]\nenv = 'A'\n[secrets.mender]\nenv = 'A'\n";
            let source = format!("[[switch]]\npreset = '{name}'\nwith = {{ {} }}\n{secrets}", with.join(", "));
            let config = Config::read(&source, "c.toml").unwrap_or_else(|mistake| panic!("{name}: {mistake}"));
            let switch = &config.switches()[0];
            assert!(!switch.effect.is_empty() && !switch.steps.is_empty());
            // It stands in for the standard one, and does not stand beside it.
            assert_eq!(config.switches().iter().filter(|other| other.id == switch.id).count(), 1);
        }
    }

    #[test]
    fn routes_and_presets_stand_side_by_side() {
        let source = "
            [[fleet.route]]
            preset = 'standard'
            [[fleet.route]]
            preset = 'mosquitto'
            [[fleet.route]]
            topic = 'plant/{device}/data'
            message = 'telemetry'
            format = 'json'
            fields = { battery = { path = 'bat.mv', scale = 0.001 }, firmware = 'sys.fw', 'values.temp_c' = 't' }
        ";
        let router = Config::read(source, "c.toml").unwrap().fleet.router().unwrap();
        assert_eq!(router.subscriptions(), ["$SYS/broker/#", "fleet/#", "plant/+/data"].map(str::to_owned));
    }

    #[test]
    fn a_mistake_is_told_with_line_column_and_mend() {
        let cases = [
            ("[broker]\nurll = 'mqtt://x'\n", "c.toml:2:1: unknown key `urll`; did you mean `url`?"),
            ("[broker]\nurl = 'http://x'\n", "c.toml:2:7: expected `mqtt://host` or `mqtts://host`"),
            ("[broker]\nurl = 'mqtt://me:secret@x'\n", "c.toml:2:7: a password does not belong into the URL"),
            ("[broker]\nurl = 'mqtt://x:99999'\n", "c.toml:2:7: `99999` is not a port"),
            ("[broker]\nprotocol = '4'\n", "c.toml:2:12: unknown value `4`; expected one of auto, 3.1.1, 5"),
            ("[fleet]\npairs = [['firmware', 'colour']]\n", "c.toml:2:9: no attribute `colour`"),
            ("[[fleet.route]]\ntopic = 'a/{devise}'\nmessage = 'status'\n", "c.toml:2:9: unknown level `{devise}`"),
            ("[[fleet.route]]\ntopic = 'a/{device}'\nmessage = 'statos'\n", "c.toml:2:9: unknown message `statos`"),
            ("[[fleet.route]]\ntopic = 'a/{device}'\n", "c.toml:2:9: a topic needs a `message`"),
            (
                "[[fleet.route]]\nmessage = 'status'\n",
                "c.toml:1:1: a route needs a `topic`, or a `preset`: one of standard,",
            ),
            (
                "[[fleet.route]]\npreset = 'tasmoto'\n",
                "c.toml:2:10: unknown preset `tasmoto`; expected one of standard, sparkplug, aws-iot,",
            ),
            (
                "[[fleet.route]]\npreset = 'tasmota'\nmessage = 'status'\n",
                "c.toml:2:10: `message` does not go with a preset",
            ),
            ("[[fleet.route]]\npreset = 'emqx'\ntopic = 'x'\n", "c.toml:3:9: the topics of `emqx` are fixed"),
            (
                "[[fleet.route]]\ntopic = '{device}'\nmessage = 'status'\nformat = 'xml'\n",
                "c.toml:2:9: unknown format `xml`; expected `standard` or `json`, or a `preset`",
            ),
            (
                "[[fleet.route]]\ntopic = '{device}'\nmessage = 'status'\nformat = 'homie'\n",
                "c.toml:2:9: `homie` is a preset, which brings its topics along: `preset = \"homie\"`",
            ),
            (
                "[[fleet.route]]\ntopic = '{device}'\nmessage = 'status'\nformat = 'json'\nfields = { batery = 'b' }\n",
                "c.toml:2:9: unknown field `batery`; expected one of device_id,",
            ),
            (
                "[[fleet.route]]\ntopic = '{device}'\nmessage = 'status'\nfields = { battery = 'b' }\n",
                "c.toml:2:9: `fields`, `online` and `offline` need `format = \"json\"`",
            ),
            ("[screen]\ngroup_by = ['x']\n", "c.toml:2:12: no attribute `x`"),
            (
                "[[rollout.rule]]\nmetric = 'faild'\nabove = 0.1\n",
                "c.toml:2:10: unknown metric `faild`; expected one of failed, rolled-back",
            ),
            (
                "[[rollout.rule]]\nmetric = 'online'\nabove = 0.1\nbelow = 0.9\n",
                "c.toml:2:10: a stop rule needs `above` or `below`, and not both",
            ),
            (
                "[[rollout.rule]]\nmetric = 'online'\nbelow = 90.0\n",
                "c.toml:3:9: a share lies between 0 and 1, and 90 does not",
            ),
            ("[rollout.window]\ndays = ['xyz']\nhours = [8, 12]\n", "c.toml:2:8: unknown day `xyz`"),
            ("[rollout]\nlevel = 'auto'\n", "c.toml:2:9: unknown value `auto`"),
            ("[[switch]]\npreset = 'emqxx'\n", "c.toml:2:10: unknown preset `emqxx`; expected one of aws-certificate,"),
            ("[[switch]]\npreset = 'emqx-ban'\n", "c.toml:2:10: `emqx-ban` needs `with = { url = \"…\" }`"),
            (
                "[[switch]]\npreset = 'emqx-ban'\nwith = { url = 'https://x', uri = 'y' }\n",
                "c.toml:2:10: `emqx-ban` has no blank `uri`",
            ),
            (
                "[[switch]]\npreset = 'emqx-ban'\nwith = { url = 'https://x' }\n",
                "c.toml:2:10: `credential-revoke` needs [secrets.emqx]: env, file or command",
            ),
            (
                "[[switch]]\npreset = 'mosquitto-dynsec'\ngate = 'one-key'\n",
                "c.toml:3:8: `credential-revoke` can hurt the fleet: its gate is at least \"two-people\"",
            ),
            ("[[switch]]\nid = 'x'\nkind = 'custom'\n", "c.toml:2:6: the switch `x` needs `step`"),
            ("[switches]\nsocket_mode = 'rw'\n", "c.toml:2:15: `rw` is no file mode; write \"0660\""),
            (
                "[[rollout.rule]]\nmetric = 'errors'\nabove = 0.1\nwindow_s = 5\n",
                "c.toml:4:12: a window lies between 60 and 86400 seconds",
            ),
            (
                "[[fleet.critical]]\nwhere = { colour = 'red' }\nat_least = 'sev1'\n",
                "c.toml:2:9: no attribute `colour`; there are",
            ),
            (
                "[[fleet.maintenance]]\nwhere = { colour = 'red' }\nfrom = '02:00'\nto = '03:00'\n",
                "c.toml:2:9: no attribute `colour`; there are",
            ),
            (
                "[[fleet.maintenance]]\nwhere = { site = 'a' }\nfrom = '2 am'\nto = '03:00'\n",
                "c.toml:3:8: `2 am` is no time of the day; expected one like 02:30",
            ),
            (
                "[[fleet.maintenance]]\nwhere = { site = 'a' }\ndays = ['Monday']\nfrom = '02:00'\nto = '03:00'\n",
                "c.toml:3:8: unknown day `Monday`; expected one of mon, tue",
            ),
            ("[switches]\ncontrol_topic = 'x'\n", "c.toml:2:17: `control_topic` needs a level {campaign}"),
        ];
        for (source, expected) in cases {
            let told = Config::read(source, "c.toml").unwrap_err().to_string();
            assert!(told.starts_with(expected), "{source:?}\n{told}");
        }
    }

    #[test]
    fn a_matrix_is_read_from_beside_the_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("warroom.toml");
        let source = "[rollout]\nmatrix = 'tested.csv'\n[[rollout.tested]]\nfirmware = '1'\nhardware = 'a'\n";
        std::fs::write(&config, source).unwrap();
        assert!(Config::load(&config).unwrap_err().to_string().contains("tested.csv cannot be read"));
        std::fs::write(directory.path().join("tested.csv"), "firmware,hardware\n1,b\n2\n").unwrap();
        let told = Config::load(&config).unwrap_err().to_string();
        assert!(told.contains("tested.csv:3:1: 1 values in a matrix of 2 columns"), "{told}");
        std::fs::write(directory.path().join("tested.csv"), "firmware,hardware\n1,b\n").unwrap();
        assert_eq!(Config::load(&config).unwrap().rollout.policy().tested.len(), 2);
    }
}
