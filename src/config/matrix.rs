//! The matrix of tested combinations: a CSV file, a column an attribute, a line a combination that was tested.

use std::collections::BTreeMap;
use std::ops::Range;

/// Combinations that were tested, as attribute values.
pub type Tested = Vec<BTreeMap<String, String>>;

/// Reads a matrix. Lines that begin with `#` are remarks.
///
/// # Errors
/// The place of the first mistake in bytes, and what is wrong there.
pub fn read(source: &str, attributes: &[String]) -> Result<Tested, (Range<usize>, String)> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(source.as_bytes());
    let wrong = |byte: u64, message: String| {
        let byte = (byte as usize).min(source.len());
        // The reader counts from the end of the line before.
        let blank = source.as_bytes()[byte..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        Err((byte + blank..byte + blank + 1, message))
    };
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return wrong(0, error.to_string()),
    };
    if let Some(unknown) = header.iter().find(|name| !attributes.iter().any(|known| known == name)) {
        return wrong(0, format!("no attribute `{unknown}`; there are {}", attributes.join(", ")));
    }
    if !header.iter().any(|name| name == "firmware") || header.len() < 2 {
        return wrong(0, "a matrix needs a column `firmware`, and another one that it was tested with".into());
    }
    let mut tested = Tested::new();
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => return wrong(error.position().map_or(0, csv::Position::byte), error.to_string()),
        };
        let byte = row.position().map_or(0, csv::Position::byte);
        if row.len() != header.len() {
            return wrong(byte, format!("{} values in a matrix of {} columns", row.len(), header.len()));
        }
        if row.iter().any(str::is_empty) {
            return wrong(byte, "a value is missing; what was tested with any value needs a line for each".into());
        }
        tested.push(header.iter().zip(&row).map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    }
    Ok(tested)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_read_and_a_mistake_is_told_with_its_line() {
        let attributes = ["firmware", "hardware", "broker"].map(str::to_owned);
        let told = |source: &str| {
            read(source, &attributes)
                .map_err(|(span, message)| crate::document::mistake(source, "matrix.csv", &span, message).to_string())
        };
        let fine = told("# tested by the lab\nfirmware, broker\n3.2.5, 2.0.18\n3.2.5,2.0.15\n").unwrap();
        assert_eq!(fine.len(), 2);
        assert_eq!((fine[0]["firmware"].as_str(), fine[1]["broker"].as_str()), ("3.2.5", "2.0.15"));
        let cases = [
            ("firmware,colour\n", "matrix.csv:1:1: no attribute `colour`; there are firmware, hardware, broker"),
            ("hardware,broker\n", "matrix.csv:1:1: a matrix needs a column `firmware`"),
            ("firmware,hardware\n1,a\n\n2\n", "matrix.csv:4:1: 1 values in a matrix of 2 columns"),
            ("firmware,hardware\n1,a\n2,\n", "matrix.csv:3:1: a value is missing"),
        ];
        for (source, expected) in cases {
            let told = told(source).unwrap_err();
            assert!(told.starts_with(expected), "{source:?}: {told}");
        }
    }
}
