//! What is wrong with a configuration, said so that the reader can mend it.

use std::fmt;

/// One problem: where, what was wanted, what was found, what to do.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Problem {
    /// The file as it was named to the loader, or `environment variable MEDLEY_...`.
    pub file: String,
    /// Line, from 1; 0 if the problem is with the file as a whole.
    pub line: usize,
    /// Column in characters, from 1; 0 if the problem is with the file as a whole.
    pub column: usize,
    /// Dotted path of the key, list elements counted from 0 (`channel[2].name`); empty for the file as a whole.
    pub key: String,
    /// What would be right.
    pub wanted: String,
    /// What is there.
    pub found: String,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": wanted {}, found {}; {}", self.wanted, self.found, self.help)
    }
}

/// Every problem found in one load, by file and line. Never empty.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigErrors(pub Vec<Problem>);

impl ConfigErrors {
    /// `Ok` if there are no problems.
    pub(crate) fn unless_empty(mut problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort();
        problems.dedup();
        Err(Self(problems))
    }
}

/// Shortens a text for an error message: one line, at most 60 characters.
pub(crate) fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() > 60 || line.len() < text.trim_end().len() {
        format!("{}...", line.chars().take(60).collect::<String>())
    } else {
        line.to_owned()
    }
}
