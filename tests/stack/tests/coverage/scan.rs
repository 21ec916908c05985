//! Which test sends which message: told by the text of the tests, so that nobody has to keep a list.
//!
//! A test exercises a message if its body names the message's type, or if a function that it calls by name does: one of
//! its own file, of the files that are no tests themselves (harnesses), or a step of the simulator's console. Macros that
//! make tests count as one test of the macro's name. Names alone decide, so two helpers of one name count as one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Folders of tests that go over sockets: each is one program of tests, or several of one file each.
const FOLDERS: &[&str] = &[
    "host/server/tests/lobby",
    "host/server/tests/servers",
    "host/relay/tests/relay",
    "host/medley/tests/process",
    "tests/stack/tests",
];

/// Whose functions any test may call.
const SIMULATOR: &str = "tests/simulator/src/console.rs";

/// A function of a test's source.
#[derive(Debug)]
struct Function {
    name: String,
    test: bool,
    words: BTreeSet<String>,
}

/// A test and the messages that it names.
#[derive(Debug)]
pub(crate) struct Test {
    /// Folder, file and function: `lobby/clans::a_leader_invites`.
    pub(crate) name: String,
    /// Named in its own body.
    pub(crate) direct: BTreeSet<String>,
    /// Named by what it calls.
    pub(crate) called: BTreeSet<String>,
}

/// Code without comments, and with nothing in its texts and characters.
fn stripped(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.find('\n').map_or("", |end| &comment[end..]);
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            rest = raw.find("\"#").map_or("", |end| &raw[end + 2..]);
            code.push_str("\"\"");
        } else if let Some(text) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = text.find(|letter| match (letter, escaped) {
                ('\\', false) => {
                    escaped = true;
                    false
                }
                ('"', false) => true,
                _ => {
                    escaped = false;
                    false
                }
            });
            rest = end.map_or("", |end| &text[end + 1..]);
            code.push_str("\"\"");
        } else if ["'{'", "'}'", "'\"'"].iter().any(|letter| rest.starts_with(letter)) {
            rest = &rest[3..];
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    code
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// From the first brace on to its end.
fn body(code: &str) -> Option<&str> {
    let start = code.find('{')?;
    // A declaration without a body.
    if code.find(';').is_some_and(|end| end < start) {
        return None;
    }
    let mut depth = 0_usize;
    for (at, letter) in code.get(start..)?.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return code.get(start..=start + at);
        }
    }
    None
}

fn functions(source: &str) -> Vec<Function> {
    let code = stripped(source);
    let mut found = Vec::new();
    for (keyword, item) in [("fn ", ""), ("macro_rules! ", "!")] {
        for (at, _) in code.match_indices(keyword) {
            let starts_word = code[..at]
                .chars()
                .next_back()
                .is_none_or(|before| !before.is_alphanumeric() && before != '_');
            let behind = &code[at + keyword.len()..];
            let Some(name) = words(behind).next().filter(|name| starts_word && behind.starts_with(name))
            else {
                continue;
            };
            let Some(body) = body(behind) else { continue };
            // The attributes of a function: what stands between it and the end of the item before.
            let before = code[..at].rfind(['}', ';', '{']).map_or(&code[..at], |end| &code[end..at]);
            let test = if item == "!" {
                body.contains("::test]") || body.contains("#[test]")
            } else {
                before.contains("test]")
            };
            // A function inside of a macro is told by the macro.
            found.push(Function {
                name: format!("{name}{item}"),
                test,
                words: words(body).map(str::to_owned).collect(),
            });
        }
    }
    found
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(sources(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

/// Every test of the folders below `root`, with the messages of `known` (type names) that it names.
pub(crate) fn tests(root: &Path, known: &BTreeSet<&str>) -> Result<Vec<Test>> {
    let steps = functions(&fs::read_to_string(root.join(SIMULATOR))?);
    let mut all = Vec::new();
    for folder in FOLDERS {
        let path = root.join(folder);
        let mut files = Vec::new();
        for file in sources(&path)? {
            let within = file.strip_prefix(&path)?.with_extension("").display().to_string();
            files.push((within, functions(&fs::read_to_string(&file)?)));
        }
        let shared: Vec<&Function> = files
            .iter()
            .filter(|(_, functions)| functions.iter().all(|function| !function.test))
            .flat_map(|(_, functions)| functions)
            .chain(&steps)
            .collect();
        let name =
            Path::new(folder).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if name == "tests" { "stack".to_owned() } else { name };
        for (file, functions) in &files {
            let mut callable: BTreeMap<&str, Vec<&Function>> = BTreeMap::new();
            for function in functions.iter().filter(|function| !function.test).chain(shared.iter().copied()) {
                callable.entry(&function.name).or_default().push(function);
            }
            for test in functions.iter().filter(|function| function.test) {
                let messages = |words: &BTreeSet<String>| {
                    words
                        .iter()
                        .filter(|word| known.contains(word.as_str()))
                        .cloned()
                        .collect::<BTreeSet<_>>()
                };
                let direct = messages(&test.words);
                let mut called = BTreeSet::new();
                let mut seen: BTreeSet<&str> = BTreeSet::new();
                let mut open: Vec<&Function> = vec![test];
                while let Some(function) = open.pop() {
                    called.extend(messages(&function.words));
                    for word in &function.words {
                        if let Some((word, next)) = callable.get_key_value(word.as_str())
                            && seen.insert(word)
                        {
                            open.extend(next);
                        }
                    }
                }
                called.retain(|word| !direct.contains(word));
                all.push(Test { name: format!("{name}/{file}::{}", test.name), direct, called });
            }
        }
    }
    Ok(all)
}

#[test]
fn a_test_names_the_messages_of_its_body_and_of_what_it_calls() {
    let source = r#"
        /// Sends a SessionBeginRequest. {
        async fn begin() { ask(SessionBeginRequest { text: "GetMyIPRequest }" }); }
        fn nobody_calls_it() { JoinGameRequest::default(); }
        #[tokio::test]
        async fn a_player_logs_in() { begin().await; ask('{', AccountLoginRequest::default()); }
        macro_rules! evenings { ($name:ident) => { #[tokio::test] async fn $name() { evening() } } }
    "#;
    let functions = functions(source);
    let named: Vec<_> = functions.iter().map(|function| (function.name.as_str(), function.test)).collect();
    assert_eq!(
        named,
        [("begin", false), ("nobody_calls_it", false), ("a_player_logs_in", true), ("evenings!", true)]
    );
    assert!(
        functions[0].words.contains("SessionBeginRequest") && !functions[0].words.contains("GetMyIPRequest")
    );
    assert!(functions[2].words.contains("begin") && functions[2].words.contains("AccountLoginRequest"));
    assert!(functions[3].words.contains("evening"));
}
