//! Puts `games/*/game.toml` and the text files beside it into the program, so that the host serves every shipped title with
//! no games folder at all.

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
    code.push_str("];\n");
    fs::write(PathBuf::from(out).join("built_in.rs"), code)
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
