//! Puts `games/*/game.toml` and the text files, plugins and assets beside it into the program, so that the host serves
//! every shipped title with no games folder at all.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let missing = |name: &str| io::Error::other(format!("{name} is not set"));
    let manifest = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| missing("CARGO_MANIFEST_DIR"))?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| missing("OUT_DIR"))?;
    let games = Path::new(&manifest).join("../../games");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", games.display());

    let mut code = String::from(
        "/// The shipped titles.\n\
         const BUILT_IN: &[BuiltIn] = &[\n",
    );
    for folder in sorted(&games)? {
        let game = folder.join("game.toml");
        if !game.is_file() {
            continue;
        }
        let _ = writeln!(code, "({:?}, include_str!({:?}), &[", name(&folder), game.canonicalize()?);
        for file in sorted(&folder)? {
            if file.extension().is_some_and(|ext| ext == "txt") {
                let _ = writeln!(code, "({:?}, include_str!({:?})),", name(&file), file.canonicalize()?);
            }
        }
        code.push_str("]),\n");
    }
    code.push_str("];\n\n/// Plugins and assets of the shipped titles, by their paths below `games`.\n");
    code.push_str("pub(crate) const BUILT_IN_FILES: &[BuiltInFile] = &[\n");
    for folder in sorted(&games)? {
        for file in sorted(&folder)? {
            if file.extension().is_some_and(|ext| ext == "wasm") {
                include(&mut code, &games, &file)?;
            }
        }
        let assets = folder.join("assets");
        if assets.is_dir() {
            include_folder(&mut code, &games, &assets)?;
        }
    }
    code.push_str("];\n");
    fs::write(PathBuf::from(out).join("built_in.rs"), code)
}

fn include_folder(code: &mut String, games: &Path, folder: &Path) -> io::Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            include_folder(code, games, &path)?;
        } else {
            include(code, games, &path)?;
        }
    }
    Ok(())
}

fn include(code: &mut String, games: &Path, file: &Path) -> io::Result<()> {
    let below = file.strip_prefix(games).map_err(io::Error::other)?;
    let _ = writeln!(code, "({:?}, include_bytes!({:?})),", below.to_string_lossy(), file.canonicalize()?);
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
