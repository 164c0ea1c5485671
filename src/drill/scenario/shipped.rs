//! The shipped scenarios: name, text, and responders that play them as a good team would.

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../scenarios/", $name, ".toml")),
            include_str!(concat!("../../../scenarios/responders/", $name, ".toml")),
        )),*]
    };
}

/// In the order in which a team should play them.
pub const SHIPPED: &[(&str, &str, &str)] = shipped![
    "bad-firmware",
    "friday-deploy",
    "regional-outage",
    "broker-outage",
    "data-corruption",
    "reconnect-storm",
    "cost-spike",
    "config-drift",
    "certificate-expiry",
    "credential-leak",
    "cold-chain",
    "quiet-day",
];
