//! `warroom config`: make it, check it, find it.

use clap::{Args, Subcommand};

use super::{Common, Failure, room, session};
use crate::config::{Config, SAMPLE, paths};
use crate::domain::count::counted;
use crate::domain::text::visible;

#[derive(Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write a file with every key, its default, and what it means.
    Init,
    /// Check the file, and print where everything comes from.
    Show,
    /// Print where the file is looked for.
    Path,
}

pub(super) fn run(common: &Common, args: &ConfigArgs) -> Result<(), Failure> {
    let path = common.config.clone().unwrap_or_else(paths::config_file);
    match args.what {
        What::Path => say!("{}", path.display()),
        What::Init => {
            if path.exists() {
                return Err(Failure::Usage(format!("{} is there already; it was left as it is", path.display())));
            }
            let unwritable = |error| Failure::Usage(format!("{} cannot be written: {error}", path.display()));
            if let Some(directory) = path.parent() {
                std::fs::create_dir_all(directory).map_err(unwritable)?;
            }
            std::fs::write(&path, SAMPLE).map_err(unwritable)?;
            say!("wrote {}; set `url` under [broker], then run `warroom`", path.display());
        }
        What::Show => {
            let config = common.config()?;
            let found = if config.is_some() { "" } else { " (not there; these are the defaults)" };
            let config: Config = config.unwrap_or_default();
            let broker = &config.broker;
            let password = broker.password().map_or_else(|| "none".into(), |secret| secret.to_string());
            let rows = [
                ("file", format!("{}{found}", path.display())),
                ("data", common.data_directory().display().to_string()),
                ("broker", broker.url.as_ref().map_or_else(|| "none".into(), |url| url.get_ref().clone())),
                ("environment", broker.environment.clone()),
                ("user", broker.user.clone().unwrap_or_else(|| "none".into())),
                ("password", password),
                ("operator", session::operator(&config)),
                ("theme", config.screen.theme.clone()),
                ("group by", config.screen.group_by.get_ref().join(" × ")),
                ("control topic", config.control_topic()),
            ];
            for (name, value) in rows {
                say!("{name:14} {}", visible(&value));
            }
            session::dress(common, &config)?;
            let problems = problems(common, &config);
            problems.iter().for_each(|problem| say!("{:14} {}", "problem", visible(problem)));
            if !problems.is_empty() {
                return Err(Failure::Run(format!("the room opens, but with {}", counted(problems.len(), "problem"))));
            }
        }
    }
    Ok(())
}

/// What the room would open with, and complain about, or miss when it is needed: files beside the configuration, secrets.
fn problems(common: &Common, config: &Config) -> Vec<String> {
    let mut problems = room::settings(common, config, String::new(), String::new()).warnings;
    problems.extend(config.broker.password().and_then(|secret| secret.problem()));
    for (name, section) in &config.secrets {
        problems.extend(match section.secret(name) {
            Ok(secret) => secret.problem().map(|problem| format!("[secrets.{name}]: {problem}")),
            Err(problem) => Some(problem),
        });
    }
    problems
}
