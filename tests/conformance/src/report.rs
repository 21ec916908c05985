//! What a run found: passes, failures, and files that are not of the expected shape.

use std::collections::BTreeMap;

use thiserror::Error;

/// A file, or a part of one, that is not of the shape it has to be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{file}: {place}: {problem}")]
pub struct InputError {
    /// The file.
    pub file: String,
    /// Line, position or path inside it.
    pub place: String,
    /// What is wrong and what is wanted.
    pub problem: String,
}

/// One vector or record that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub what: String,
    /// Each disagreement, with field and offset.
    pub problems: Vec<String>,
}

/// The result of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// The file, as it was named.
    pub file: String,
    /// Vectors or records that agree in everything.
    pub passed: usize,
    /// Those that do not.
    pub failures: Vec<Failure>,
    /// Parts that could not even be looked at.
    pub errors: Vec<InputError>,
    /// Further counts by what was counted, e.g. frames that no key opens.
    pub counts: BTreeMap<&'static str, usize>,
    /// What is worth saying and is no failure.
    pub notes: Vec<String>,
    /// Lists for `--verbose`.
    pub details: Vec<String>,
}

impl FileReport {
    /// An empty report of `file`.
    #[must_use]
    pub fn new(file: &str) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// Counts `what` once more.
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// How often `what` was counted.
    #[must_use]
    pub fn counted(&self, what: &str) -> usize {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Takes the result of one vector or record.
    pub fn result(&mut self, what: impl Into<String>, problems: Vec<String>) {
        if problems.is_empty() {
            self.passed += 1;
        } else {
            self.failures.push(Failure { what: what.into(), problems });
        }
    }

    /// Notes that a part of the file is not of the right shape.
    pub fn error(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.errors.push(InputError {
            file: self.file.clone(),
            place: place.into(),
            problem: problem.into(),
        });
    }

    /// The lines that a person reads, the failures and errors of the file included.
    #[must_use]
    pub fn lines(&self, verbose: bool) -> Vec<String> {
        let mut head = format!("{}: {} passed, {} failed", self.file, self.passed, self.failures.len());
        for (what, count) in &self.counts {
            head.push_str(&format!(", {count} {what}"));
        }
        let mut lines = vec![head];
        lines.extend(self.notes.iter().map(|note| format!("  note: {note}")));
        if verbose {
            lines.extend(self.details.iter().map(|detail| format!("  {detail}")));
        }
        for failure in &self.failures {
            lines.push(format!("  FAILED {}", failure.what));
            let problems = failure.problems.iter().flat_map(|problem| problem.lines());
            lines.extend(problems.map(|line| format!("    {line}")));
        }
        lines
    }
}
