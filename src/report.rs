//! Reports: one document model, and what makes files of it.
//!
//! [`document`] gathers what the log says of an incident; each format is a reader of that. Text from devices and people
//! is inert in all of them: it never becomes markup, a link, or a control sequence.

pub mod document;
pub mod json;
pub mod markdown;
