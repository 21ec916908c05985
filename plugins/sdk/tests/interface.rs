//! The interface of plugins: a published version does not change, and its reference is made of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot read the interface fails")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// Published versions and the SHA-256 over their files: each name, a NUL, the file, in order of the names.
const PUBLISHED: [(&str, &str); 1] =
    [("0.1.0", "31cc025c813321e72d3577b41722e4a5f2983912d21027f1e98b1dbae7a0d4af")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a version, by name.
fn files(version: &str) -> Vec<(String, String)> {
    let folder = root().join("wit").join(version);
    let mut files: Vec<(String, String)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn a_published_version_is_as_it_was_published() {
    for (version, published) in PUBLISHED {
        let mut hash = Sha256::new();
        for (name, text) in files(version) {
            hash.update(format!("{name}\0{text}"));
        }
        let found = hex::encode(hash.finalize());
        assert_eq!(
            found, published,
            "wit/{version} has changed after its publication: put what is new in a new version; see wit/README.md"
        );
    }
}

#[test]
fn every_version_that_there_is_is_published() {
    let there = std::fs::read_dir(root().join("wit")).unwrap().map(|entry| entry.unwrap().path());
    let mut there: Vec<String> = there
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(there, PUBLISHED.map(|(version, _)| version));
}

#[test]
fn the_reference_is_that_of_the_interface() {
    let path = root().join("docs/plugin-api.md");
    let made = reference("0.1.0");
    if std::env::var_os("MEDLEY_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(
        there == made,
        "docs/plugin-api.md is not what wit/ says: run `MEDLEY_UPDATE_DOCS=1 cargo test -p medley-plugin --test interface`"
    );
}

/// The reference in Markdown: what plugins export, what they import, and the types of both.
fn reference(version: &str) -> String {
    let mut out = format!(
        "# Plugin interface {version}\n\nMade of `wit/{version}` by a test of `plugins/sdk`; not to be edited. The guide is\n\
         [plugins.md](plugins.md); `medley-plugin` has a method or function of the same name for each of these, with\n\
         underscores for hyphens.\n"
    );
    let chapters = [
        (
            "hooks.wit",
            "What plugins export",
            "The host calls these, and only those that the manifest subscribes to.",
        ),
        ("host.wit", "What plugins may import", "Plugins call these. None blocks."),
        ("types.wit", "Types of both", "Shared by hooks and host calls."),
    ];
    let files = files(version);
    for (file, title, about) in chapters {
        let (_, text) = files.iter().find(|(name, _)| name == file).unwrap();
        let _ = write!(out, "\n## {title}\n\n{about}\n");
        chapter(&mut out, text);
    }
    out
}

/// A file's interfaces: one item a line, docs above, as the files of `wit/` are written.
fn chapter(out: &mut String, text: &str) {
    let mut docs = String::new();
    let mut inside: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            if !docs.is_empty() {
                docs.push(' ');
            }
            docs.push_str(doc.trim());
            continue;
        }
        if let Some(name) = line.strip_prefix("interface ").and_then(|rest| rest.strip_suffix(" {")) {
            let _ = write!(out, "\n### {name}\n\n");
            if !docs.is_empty() {
                let _ = write!(out, "{docs}\n\n");
            }
        } else if line.starts_with("record ") || line.starts_with("variant ") {
            let name = line.trim_end_matches(" {");
            let _ = writeln!(out, "- `{name}`{}", about(&docs));
            inside = Some(name);
        } else if line == "}" {
            inside = None;
        } else if let Some(alias) = line.strip_prefix("type ") {
            let _ = writeln!(out, "- `type {}`{}", alias.trim_end_matches(';'), about(&docs));
        } else if inside.is_some() && !line.is_empty() {
            let _ =
                writeln!(out, "  - `{}`{}", line.trim_end_matches(',').trim_start_matches('%'), about(&docs));
        } else if line.contains(": func(") {
            let _ = writeln!(out, "- `{}`{}", line.trim_end_matches(';').replace(": func", ""), about(&docs));
        }
        docs.clear();
    }
}

fn about(docs: &str) -> String {
    if docs.is_empty() { String::new() } else { format!(": {docs}") }
}
