//! The document as JSON, for programs and for the next ten years; and the schema that describes it.

use super::document::Document;

/// The JSON schema of the document, of the version that it carries in `schema`.
pub const SCHEMA: &str = include_str!("schema.json");

/// Writes the document. The same document gives the same bytes.
///
/// # Errors
/// Never for a document of ours; the type says that JSON could refuse.
pub fn write(document: &Document) -> serde_json::Result<String> {
    serde_json::to_string_pretty(document).map(|json| json + "\n")
}
