//! The ways to audiences: chats, pagers, status pages, files, programs.

use std::path::PathBuf;

/// How a channel is reached. Addresses and keys may hold `{secret:NAME}`; they are filled in as it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    Slack {
        url: String,
    },
    Teams {
        url: String,
    },
    PagerDuty {
        url: String,
        key: String,
    },
    Statuspage {
        url: String,
        page: String,
        key: String,
    },
    Instatus {
        url: String,
        page: String,
        key: String,
    },
    /// Plain JSON to an address of one's own.
    Webhook {
        url: String,
    },
    /// A Markdown file in the `content/issues` of a cState site, and the systems it names as affected.
    CState {
        directory: PathBuf,
        affected: Vec<String>,
    },
    /// A program with its arguments; `{text}`, `{title}`, `{incident}`, `{severity}`, `{kind}` are filled in.
    Program {
        argv: Vec<String>,
    },
}
