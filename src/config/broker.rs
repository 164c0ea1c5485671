//! `[broker]`: where the fleet's messages are, and how to get in.

use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::secret::Secret;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokerSection {
    /// `mqtt://host:1883`, `mqtts://host:8883`.
    pub url: Option<Spanned<String>>,
    pub protocol: ProtocolWord,
    /// `prod`, `staging`: it stands in the frame.
    pub environment: String,
    pub user: Option<String>,
    pub password_env: Option<String>,
    pub password_file: Option<PathBuf>,
    pub password_command: Option<Vec<String>>,
    pub ca_file: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub keep_alive_s: u16,
}

impl Default for BrokerSection {
    fn default() -> Self {
        Self {
            url: None,
            protocol: ProtocolWord::default(),
            environment: "prod".into(),
            user: None,
            password_env: None,
            password_file: None,
            password_command: None,
            ca_file: None,
            client_cert: None,
            client_key: None,
            // A half-open connection is seen after two periods.
            keep_alive_s: 5,
        }
    }
}

/// Which MQTT to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ProtocolWord {
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "3.1.1")]
    V3,
    #[serde(rename = "5")]
    V5,
}

/// A broker's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    pub user: Option<String>,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        let colons = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{}{}{}:{}", colons.0, self.host, colons.1, self.port)
    }
}

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let wrong =
            || format!("expected `mqtt://host` or `mqtts://host`, with a port where it is unusual, not `{url}`");
        let (scheme, rest) = url.split_once("://").unwrap_or(("mqtt", url));
        let tls = match scheme {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" | "tls" => true,
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                let mend = "use `password_file`, `password_env` or `password_command`";
                return Err(format!("a password does not belong into the URL, where others can read it; {mend}"));
            }
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, rest),
        };
        let (host, port) = match place.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        if host.is_empty() || host.contains(['/', ' ']) {
            return Err(wrong());
        }
        let port = match port {
            None => {
                if tls {
                    8883
                } else {
                    1883
                }
            }
            Some(port) => port.parse().map_err(|_| format!("`{port}` is not a port"))?,
        };
        Ok(Self { host: host.to_owned(), port, tls, user })
    }
}

impl BrokerSection {
    pub(super) fn check(&self) -> Option<(Range<usize>, String)> {
        let url = self.url.as_ref()?;
        url.get_ref().parse::<Address>().err().map(|message| (url.span(), message))
    }

    /// Where the password is, if there is one. The first that is set counts.
    pub fn password(&self) -> Option<Secret> {
        let file = self.password_file.clone().map(Secret::File);
        let env = self.password_env.clone().map(Secret::Env);
        file.or(self.password_command.clone().map(Secret::Command)).or(env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let cases = [
            ("broker", "mqtt://broker:1883"),
            ("mqtts://broker/", "mqtts://broker:8883"),
            ("mqtt://10.0.0.1:18830", "mqtt://10.0.0.1:18830"),
            ("mqtts://[::1]:8884", "mqtts://[::1]:8884"),
            ("mqtt://mira@broker", "mqtt://broker:1883"),
        ];
        for (url, shown) in cases {
            assert_eq!(url.parse::<Address>().unwrap().to_string(), shown);
        }
        for url in ["http://x", "mqtt://", "mqtt://x:port", "mqtt://a:b@c"] {
            assert!(url.parse::<Address>().is_err(), "{url}");
        }
    }
}
