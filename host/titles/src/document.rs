//! A TOML file on its way to a struct: every wrong key and value is noted with its place, and the rest is still checked.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::keys::{Described, KeyDoc, keys_of};
use crate::problem::{ConfigErrors, Problem, excerpt};

/// Wrong keys and values told of one file; more than this and the file is no configuration at all.
const MAX_PROBLEMS: usize = 50;

/// A parsed file, kept to find the place of a key, and the problems found so far.
pub(crate) struct Document<'a> {
    file: String,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    /// Keys that were set from the environment: path to variable.
    pub(crate) from_environment: BTreeMap<String, String>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Document<'a> {
    /// Parses `text`. Syntax errors are all told at once, and nothing else then.
    pub(crate) fn parse(file: &str, text: &'a str) -> Result<Self, ConfigErrors> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let doc = Self {
            file: file.to_owned(),
            text,
            root,
            from_environment: BTreeMap::new(),
            problems: Vec::new(),
        };
        let problems = errors.iter().take(MAX_PROBLEMS).map(|error| doc.syntax_problem(error)).collect();
        ConfigErrors::unless_empty(problems)?;
        Ok(doc)
    }

    /// Reads the file into `T`. A key or value that `T` refuses is noted and left out, so that all are noted.
    pub(crate) fn read<T: DeserializeOwned + Default + Described>(&mut self) -> T {
        let docs = keys_of::<T>();
        let mut root = self.root.clone();
        loop {
            let error = match T::deserialize(toml::Deserializer::from(root.clone())) {
                Ok(value) => return value,
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            let Some(hit) = find(root.get_ref(), &span, "") else {
                self.problems.push(self.problem_at(
                    &span,
                    "",
                    "a table of known keys",
                    error.message(),
                    "mend the file",
                ));
                return T::default();
            };
            self.problems.push(self.refused(&hit, &span, error.message(), &docs));
            if self.problems.len() >= MAX_PROBLEMS || !remove(root.get_mut(), &hit.path) {
                return T::default();
            }
        }
    }

    /// Notes that the value at `path` is wrong, unless it was refused already (what is checked then is the default).
    pub(crate) fn note(
        &mut self,
        path: &str,
        wanted: impl Into<String>,
        found: impl Into<String>,
        help: impl Into<String>,
    ) {
        if !path.is_empty() && self.problems.iter().any(|problem| problem.key == path) {
            return;
        }
        let problem = self.problem(path, wanted, found, help);
        self.problems.push(problem);
    }

    /// Makes a problem of the key at `path`, or of the table that should hold it.
    pub(crate) fn problem(
        &self,
        path: &str,
        wanted: impl Into<String>,
        found: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        if let Some(variable) = self.from_environment.get(path) {
            return Problem {
                file: format!("environment variable {variable}"),
                line: 0,
                column: 0,
                key: path.to_owned(),
                wanted: wanted.into(),
                found: found.into(),
                help: help.into(),
            };
        }
        self.problem_at(&self.span_of(path), path, &wanted.into(), &found.into(), &help.into())
    }

    /// The problems, if any.
    pub(crate) fn finish(self) -> Result<(), ConfigErrors> {
        ConfigErrors::unless_empty(self.problems)
    }

    fn problem_at(&self, span: &Range<usize>, key: &str, wanted: &str, found: &str, help: &str) -> Problem {
        let (line, column) = if self.text.is_empty() { (0, 0) } else { line_column(self.text, span.start) };
        Problem {
            file: self.file.clone(),
            line,
            column,
            key: key.to_owned(),
            wanted: wanted.to_owned(),
            found: found.to_owned(),
            help: help.to_owned(),
        }
    }

    fn syntax_problem(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or(0..0);
        let start = line_start(self.text, span.start);
        let found = excerpt(self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or(""));
        self.problem_at(&span, "", "TOML", &format!("{} in `{found}`", error.message()), "mend the line")
    }

    fn refused(&self, hit: &Hit, span: &Range<usize>, message: &str, docs: &[KeyDoc]) -> Problem {
        let generic = without_indices(&hit.path);
        if message.starts_with("unknown field") {
            let (parent, name) = generic.rsplit_once('.').unwrap_or(("", &generic));
            let siblings: Vec<&str> = docs
                .iter()
                .map(|doc| doc.path.trim_end_matches("[]"))
                .filter_map(|path| match parent {
                    "" => Some(path),
                    _ => path.strip_prefix(parent)?.strip_prefix('.'),
                })
                .filter(|name| !name.contains('.'))
                .collect();
            let nearest = siblings.iter().map(|key| (distance(key, name), key)).min();
            let help = match nearest {
                Some((far, key)) if far <= 1 + name.len() / 4 => format!("did you mean `{key}`?"),
                _ => "remove it".to_owned(),
            };
            let wanted = format!("one of the keys {}", siblings.join(", "));
            return self.problem_at(span, &hit.path, &wanted, &format!("the unknown key `{name}`"), &help);
        }
        let found = excerpt(self.text.get(hit.value.clone()).unwrap_or(""));
        let kind =
            docs.iter().find(|doc| doc.path.trim_end_matches("[]") == generic).map(|doc| doc.kind.clone());
        let wanted = kind.unwrap_or_else(|| message.to_owned());
        self.problem_at(
            span,
            &hit.path,
            &wanted,
            &format!("`{found}`"),
            &format!("change the value ({message})"),
        )
    }

    /// The span of the key at `path`, or of the nearest table around it.
    fn span_of(&self, path: &str) -> Range<usize> {
        let mut span = 0..0;
        let mut table = self.root.get_ref();
        for part in path.split('.') {
            let (name, indices) = part.split_once('[').unwrap_or((part, ""));
            let Some((key, value)) = table.get_key_value(name) else { return span };
            span = key.span();
            let mut value = value;
            for index in
                indices.split('[').filter_map(|index| index.trim_end_matches(']').parse::<usize>().ok())
            {
                let Some(element) = value.get_ref().as_array().and_then(|list| list.get(index)) else {
                    return span;
                };
                span = element.span();
                value = element;
            }
            let Some(inner) = value.get_ref().as_table() else { return span };
            table = inner;
        }
        span
    }
}

/// An entry of the document around an error.
struct Hit {
    path: String,
    value: Range<usize>,
}

/// Finds the innermost entry of a table whose key or value holds `span`.
fn find(table: &DeTable<'_>, span: &Range<usize>, at: &str) -> Option<Hit> {
    let mut outer = None;
    for (key, value) in table {
        let dot = if at.is_empty() { "" } else { "." };
        let path = format!("{at}{dot}{}", key.get_ref());
        if let Some(inner) = find_in(value, span, &path) {
            return Some(inner);
        }
        if key.span() == *span || holds(&value.span(), span) {
            outer = Some(Hit { path, value: value.span() });
        }
    }
    outer
}

fn find_in(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &str) -> Option<Hit> {
    match value.get_ref() {
        DeValue::Table(table) => find(table, span, path),
        DeValue::Array(list) => {
            list.iter().enumerate().find_map(|(i, element)| find_in(element, span, &format!("{path}[{i}]")))
        }
        _ => None,
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && inner.start < inner.end
}

/// Takes the entry at `path` out of the document.
fn remove(table: &mut DeTable<'_>, path: &str) -> bool {
    let Some((head, rest)) = path.split_once('.') else { return table.remove(path).is_some() };
    let (name, indices) = head.split_once('[').unwrap_or((head, ""));
    let Some(mut value) = table.get_mut(name).map(Spanned::get_mut) else { return false };
    for index in indices.split('[').filter_map(|index| index.trim_end_matches(']').parse::<usize>().ok()) {
        let DeValue::Array(list) = value else { return false };
        let Some(element) = list.get_mut(index) else { return false };
        value = element.get_mut();
    }
    match value {
        DeValue::Table(inner) => remove(inner, rest),
        _ => false,
    }
}

/// `channel[2].name` -> `channel[].name`, the form of the key list.
fn without_indices(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}

/// Line and column (in characters), both from 1, of a byte offset.
pub(crate) fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start(text, offset)..).map_or(0, |rest| rest.chars().count()) + 1)
}

fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).rfind('\n').map_or(0, |at| at + 1)
}

/// Edit distance of two short words (swapped neighbours count as one edit), for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (rows[i - 1][j - 1] + same).min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_and_column_count_from_one_in_characters() {
        assert_eq!(line_column("a\nbäc = 1", 0), (1, 1));
        assert_eq!(line_column("a\nbäc = 1", 2), (2, 1));
        assert_eq!(line_column("a\nbäc = 1", 5), (2, 3));
        assert_eq!(line_column("a\n", 99), (2, 1));
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("port", "port"), 0);
        assert_eq!(distance("prt", "port"), 1);
        assert_eq!(distance("msl", "mls"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
