//! Reports: one document model, and what makes files of it.
//!
//! [`gather`] collects what the log says of an incident into a [`document`]; JSON and CSV are its readers, and so is
//! [`page`], which lays it out for the formats that people read. Text from devices and people is inert in all of them:
//! it never becomes markup, a link, a formula, or a control sequence.

pub mod after_action;
pub mod csv;
pub mod document;
pub mod gather;
pub mod html;
pub mod json;
pub mod markdown;
pub mod metrics;
pub mod page;
pub mod roles;
mod svg;
