//! Error codes, interned and counted.

use hashbrown::HashMap;

use crate::limits;

/// The codes devices have reported. Code 0 is "none", code 1 all that came after the limit.
#[derive(Debug)]
pub struct Codes {
    names: Vec<String>,
    index: HashMap<String, u16>,
    counts: Vec<u64>,
}

impl Default for Codes {
    fn default() -> Self {
        Self { names: vec![String::new(), "(other)".into()], index: HashMap::new(), counts: vec![0, 0] }
    }
}

impl Codes {
    const OTHER: u16 = 1;

    /// Counts a code and returns its number.
    pub fn add(&mut self, name: &str) -> u16 {
        let code = match self.index.get(name) {
            Some(code) => *code,
            None if self.names.len() >= limits::ERROR_CODES => Self::OTHER,
            None => {
                let code = self.names.len() as u16;
                self.names.push(name.to_owned());
                self.counts.push(0);
                self.index.insert(name.to_owned(), code);
                code
            }
        };
        self.counts[usize::from(code)] += 1;
        code
    }

    pub fn name(&self, code: u16) -> &str {
        &self.names[usize::from(code)]
    }

    /// The codes reported most, with their number.
    pub fn top(&self, n: usize) -> Vec<(String, u64)> {
        let mut codes: Vec<_> = self.names.iter().cloned().zip(self.counts.iter().copied()).skip(1).collect();
        codes.retain(|(_, count)| *count > 0);
        codes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        codes.truncate(n);
        codes
    }
}
