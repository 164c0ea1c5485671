//! The probe: connects with the credential that was revoked. To be refused is what is wanted.

use std::time::Duration;

use super::Ways;
use crate::domain::input::Outcome;
use crate::domain::switch::call::Connect;
use crate::domain::switch::template::reveal;
use crate::mqtt::probe::{Knock, knock};
use crate::mqtt::{Credentials, Tls};

/// Where the broker's door is.
#[derive(Clone, Debug)]
pub struct Door {
    pub host: String,
    pub port: u16,
    pub tls: Option<Tls>,
}

/// Knocks, and says yes where nobody opens.
pub(super) async fn connect(connect: &Connect, ways: &Ways) -> Outcome {
    let Some(door) = &ways.probe else {
        return Outcome::NotSent { reason: "there is no broker to probe".into() };
    };
    let password = connect.password.as_deref().map(|text| reveal(text, false, &*ways.secrets)).transpose();
    let password = match password {
        Ok(password) => password,
        Err(reason) => return Outcome::NotSent { reason },
    };
    let certificate = connect.certificate.as_ref().map(|(chain, key)| (chain.into(), key.into()));
    let tls = door.tls.clone().map(|tls| Tls { client: certificate, ..tls });
    let credentials =
        password.map(|password| Credentials { user: connect.connect_as.clone(), password: password.into_bytes() });
    let within = Duration::from_secs(connect.timeout_s.max(1).into());
    let place = (door.host.as_str(), door.port);
    match knock(place, tls.as_ref(), true, connect.client_id.clone(), credentials, connect.topic.clone(), within).await
    {
        Knock::Refused(_) => Outcome::Accepted,
        Knock::Open => Outcome::Refused { reason: format!("{} still gets in", connect.connect_as) },
        Knock::Unasked(reason) => Outcome::Unknown { reason },
    }
}
