//! The document as JSON, for programs and for the next ten years.

use super::document::Document;

/// Writes the document. The same document gives the same bytes.
///
/// # Errors
/// Never for a document of ours; the type says that JSON could refuse.
pub fn write(document: &Document) -> serde_json::Result<String> {
    serde_json::to_string_pretty(document).map(|json| json + "\n")
}
