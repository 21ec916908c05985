//! All titles of a host: loaded, found by app id, reloaded as a whole.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path};
use std::sync::Arc;

use crate::app::{AppRef, Title};
use crate::check;
use crate::document::Document;
use crate::keys::Described;
use crate::load::{ChangedKey, Effect, MAX_CONFIG_BYTES, read_text};
use crate::plugin::BuiltInFile;
use crate::problem::{ConfigErrors, Problem};
use crate::title::TitleConfig;

/// A shipped title: folder name, `game.toml`, and the text files beside it by name.
type BuiltIn = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// Bytes of one text file of a title.
const MAX_TEXT_BYTES: u64 = 1 << 16;

/// Every title, complete and checked. Cheap to share: a reload makes a new set.
#[derive(Clone, Debug, Default)]
pub struct TitleSet {
    /// By folder name.
    titles: Vec<Arc<Title>>,
    by_app: HashMap<u32, AppRef>,
}

/// What a reload did to one title.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TitleChange {
    /// It is new, or enabled again.
    Added {
        /// The title's id.
        title: String,
    },
    /// It is gone, or disabled. Its players stay until they leave; nobody new comes in.
    Removed {
        /// The title's id.
        title: String,
    },
    /// Some of its keys changed.
    Changed {
        /// The title's id.
        title: String,
        /// Which, and when each takes effect.
        keys: Vec<ChangedKey>,
    },
}

/// Tables of `game.toml` that hold for new connections; all others hold at once. None needs a restart.
const NEW_CONNECTIONS: [&str; 5] = ["app", "universe", "encryption", "handshake", "relay"];

/// The files of one title: where `game.toml` came from, its text, and its text files by name.
struct Source<'a> {
    id: &'a str,
    origin: String,
    text: &'a str,
}

impl TitleSet {
    /// The titles built into the program.
    pub fn built_in() -> Result<Self, ConfigErrors> {
        let mut building = Building::default();
        building.add_built_in(|_| true);
        building.finish(None)
    }

    /// Loads every `<games_dir>/<title>/game.toml`, and with `default_titles` the built-in ones that have no folder there.
    ///
    /// A games folder that does not exist holds no titles. Every problem of every file is told at once.
    pub fn load(games_dir: &Path, default_titles: bool) -> Result<Self, ConfigErrors> {
        let mut building = Building::default();
        let on_disk = building.add_folder(games_dir);
        if default_titles {
            building.add_built_in(|id| !on_disk.contains(&id.to_owned()));
        }
        building.finish(Some(games_dir))
    }

    /// Builds a set from texts, `(title id, file name, game.toml)`, whose titles use no text files.
    pub fn from_texts<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Result<Self, ConfigErrors> {
        let mut building = Building::default();
        for (id, file, text) in texts {
            building.add(&Source { id, origin: file.to_owned(), text }, |_| {
                Err("no folder to read it from".to_owned())
            });
        }
        building.finish(None)
    }

    /// Loads everything anew: either a whole new set with what changed, or the problems, and this set goes on as it is.
    ///
    /// A title that did not change is the same `Arc` in both sets.
    pub fn reload(
        &self,
        games_dir: &Path,
        default_titles: bool,
    ) -> Result<(Self, Vec<TitleChange>), ConfigErrors> {
        let mut new = Self::load(games_dir, default_titles)?;
        new.titles = new
            .titles
            .into_iter()
            .map(|title| self.title(&title.id).filter(|old| **old == title).cloned().unwrap_or(title))
            .collect();
        new.by_app = index(&new.titles);
        let changes = self.changes(&new);
        Ok((new, changes))
    }

    /// Lists what differs in `new`, by title id.
    pub fn changes(&self, new: &Self) -> Vec<TitleChange> {
        let mut out = BTreeMap::new();
        for old in &self.titles {
            let title = old.id.clone();
            match new.title(&title) {
                None => _ = out.insert(title.clone(), TitleChange::Removed { title }),
                Some(now) => {
                    let mut keys = Vec::new();
                    old.config.changed(&now.config, "", &mut keys);
                    let keys: Vec<ChangedKey> =
                        keys.into_iter().map(|key| ChangedKey { effect: title_effect(&key), key }).collect();
                    if !keys.is_empty() {
                        out.insert(title.clone(), TitleChange::Changed { title, keys });
                    }
                }
            }
        }
        for now in new.titles.iter().filter(|now| self.title(&now.id).is_none()) {
            out.insert(now.id.clone(), TitleChange::Added { title: now.id.clone() });
        }
        out.into_values().collect()
    }

    /// Finds the title of an app id.
    pub fn lookup(&self, app_id: u32) -> Option<&AppRef> {
        self.by_app.get(&app_id)
    }

    /// Finds a title by its id (the folder's name).
    pub fn title(&self, id: &str) -> Option<&Arc<Title>> {
        self.titles
            .binary_search_by(|title| title.id.as_str().cmp(id))
            .ok()
            .and_then(|at| self.titles.get(at))
    }

    /// All titles that are served or could be (those with no known app id), by id.
    pub fn titles(&self) -> &[Arc<Title>] {
        &self.titles
    }
}

/// When a changed key of a `game.toml` takes effect.
pub fn title_effect(path: &str) -> Effect {
    let table = path.split('.').next().unwrap_or(path);
    if NEW_CONNECTIONS.contains(&table) { Effect::NewConnections } else { Effect::Live }
}

/// Parses and checks one `game.toml`; `texts` finds the text files it names.
pub fn parse_title(
    id: &str,
    file: &str,
    text: &str,
    texts: impl Fn(&str) -> Result<String, String>,
) -> Result<Title, ConfigErrors> {
    let mut doc = Document::parse(file, text)?;
    let mut config: TitleConfig = doc.read();
    if !fine_id(id) {
        let wanted = "a folder name of 1 to 32 lower case letters, digits and `-`";
        doc.note("", wanted, format!("`{id}`"), "rename the folder");
    }
    check::one_text_each(&config, &mut doc);
    fill_texts(&mut config, &mut doc, texts);
    check::title(&config, &mut doc);
    doc.finish()?;
    Ok(Title::new(id.to_owned(), file.to_owned(), config))
}

fn fill_texts(
    config: &mut TitleConfig,
    doc: &mut Document<'_>,
    texts: impl Fn(&str) -> Result<String, String>,
) {
    let mut fill = |path: String, file: &str, into: &mut String| {
        if file.is_empty() {
            return;
        }
        let mut parts = Path::new(file).components();
        if !parts.all(|part| matches!(part, Component::Normal(_))) || file.contains('\\') {
            doc.note(
                &path,
                "a file inside the title's folder",
                format!("`{file}`"),
                "name it by a path below the folder",
            );
            return;
        }
        match texts(file) {
            Ok(text) => text.trim_end().clone_into(into),
            Err(why) => doc.note(
                &path,
                "a readable text file",
                format!("`{file}`: {why}"),
                "correct the name or the file",
            ),
        }
    };
    for (i, row) in config.announcement.iter_mut().enumerate() {
        fill(format!("announcement[{i}].file"), &row.file.clone(), &mut row.text);
    }
    let policy = &mut config.policy;
    fill("policy.usage_file".to_owned(), &policy.usage_file.clone(), &mut policy.usage);
    fill("policy.privacy_file".to_owned(), &policy.privacy_file.clone(), &mut policy.privacy);
}

/// The `game.toml` of a title that is built in.
pub(crate) fn built_in_text(id: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(name, ..)| *name == id).map(|(_, text, _)| *text)
}

fn fine_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn index(titles: &[Arc<Title>]) -> HashMap<u32, AppRef> {
    let mut by_app = HashMap::new();
    for title in titles {
        for (index, app) in title.apps.iter().enumerate() {
            by_app.insert(app.id, AppRef { title: Arc::clone(title), index });
        }
    }
    by_app
}

/// A set in the making.
#[derive(Default)]
struct Building {
    titles: Vec<Title>,
    /// Place of each app id, for telling of duplicates.
    places: Vec<(u32, Problem)>,
    problems: Vec<Problem>,
}

impl Building {
    fn add(&mut self, source: &Source<'_>, texts: impl Fn(&str) -> Result<String, String>) {
        match parse_title(source.id, &source.origin, source.text, texts) {
            Err(ConfigErrors(problems)) => self.problems.extend(problems),
            Ok(title) if !title.config.enabled => {}
            Ok(title) => {
                if let Ok(doc) = Document::parse(&source.origin, source.text) {
                    for (i, app) in title.apps.iter().enumerate() {
                        let place = doc.problem(&format!("app[{i}].id"), "an app id of one title", "", "");
                        self.places.push((app.id, place));
                    }
                }
                self.titles.push(title);
            }
        }
    }

    fn add_built_in(&mut self, wanted: impl Fn(&str) -> bool) {
        for (id, text, files) in BUILT_IN.iter().filter(|(id, ..)| wanted(id)) {
            let origin = format!("built-in/{id}/game.toml");
            self.add(&Source { id, origin, text }, |name| {
                let found = files.iter().find(|(file, _)| *file == name);
                found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
            });
        }
    }

    /// Adds the titles of a folder and returns the names of its folders.
    fn add_folder(&mut self, games_dir: &Path) -> Vec<String> {
        let mut ids = Vec::new();
        let unreadable = |path: &Path, error: &std::io::Error| Problem {
            file: path.display().to_string(),
            line: 0,
            column: 0,
            key: String::new(),
            wanted: "a readable folder".to_owned(),
            found: error.to_string(),
            help: "check its permissions, or set games_dir".to_owned(),
        };
        let entries = match std::fs::read_dir(games_dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return ids,
            Err(error) => {
                self.problems.push(unreadable(games_dir, &error));
                return ids;
            }
        };
        let mut folders = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) if entry.path().is_dir() => folders.push(entry.path()),
                Ok(_) => {}
                Err(error) => self.problems.push(unreadable(games_dir, &error)),
            }
        }
        folders.sort();
        for folder in folders {
            let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // A folder with a dot in front is somebody's work in progress; one without game.toml (a plugin, say) that has
            // the name of a built-in title leaves that title as it is.
            let built_in = BUILT_IN.iter().any(|(name, ..)| *name == id);
            let file = folder.join("game.toml");
            if id.starts_with('.') || (built_in && !file.exists()) {
                continue;
            }
            let origin = file.display().to_string();
            match read_text(&file, &origin, MAX_CONFIG_BYTES) {
                Err(problem) => self.problems.push(*problem),
                Ok(text) => self.add(&Source { id: &id, origin, text: &text }, |name| {
                    let path = folder.join(name);
                    read_text(&path, name, MAX_TEXT_BYTES).map_err(|problem| problem.found)
                }),
            }
            ids.push(id);
        }
        ids
    }

    fn finish(mut self, games_dir: Option<&Path>) -> Result<TitleSet, ConfigErrors> {
        let mut first: BTreeMap<u32, &Problem> = BTreeMap::new();
        for (app_id, place) in &self.places {
            if let Some(other) = first.get(app_id) {
                let mut problem = place.clone();
                problem.found = format!("{app_id}, which {}:{} has too", other.file, other.line);
                problem.help =
                    "remove it from one of the two, or disable one title with enabled = false".to_owned();
                self.problems.push(problem);
            } else {
                first.insert(*app_id, place);
            }
        }
        ConfigErrors::unless_empty(self.problems)?;
        for title in &mut self.titles {
            title.find_plugin(games_dir);
        }
        let mut titles: Vec<Arc<Title>> = self.titles.into_iter().map(Arc::new).collect();
        titles.sort_by(|a, b| a.id.cmp(&b.id));
        let by_app = index(&titles);
        Ok(TitleSet { titles, by_app })
    }
}
