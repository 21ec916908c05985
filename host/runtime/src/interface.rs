//! The interface versions that this host serves, and the check of a component's imports and exports against them, before anything
//! is compiled.

use semver::Version;
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::medley::plugin as wit;
use crate::error::LoadFailure;
use crate::instance::State;

/// The published versions, the newest last. A plugin may want any that is semver-compatible with one of these and not newer.
pub(crate) fn published() -> Vec<Version> {
    vec![Version::new(0, 1, 0)]
}

/// What a plugin may export; `types` is there because any interface may bring it along.
const EXPORTS: &[&str] = &[
    "manifest",
    "lifecycle",
    "lobby",
    "stats",
    "messages",
    "relay",
    "timers-fired",
    "commands",
    "events",
    "answers",
];

const PACKAGE: &str = "medley:plugin/";

/// Most names that a component may import and export; the interface has 33.
const MAX_NAMES: usize = 256;

macro_rules! imports {
    ($($name:literal = $module:ident;)*) => {
        const IMPORTS: &[&str] = &[$($name),*];

        fn add_version(linker: &mut Linker<State>, version: &Version) -> wasmtime::Result<()> {
            $({
                let mut instance = linker.instance(&format!("{PACKAGE}{}@{version}", $name))?;
                wit::$module::add_to_linker_instance::<State, HasSelf<State>>(&mut instance, |state| state)?;
            })*
            Ok(())
        }
    };
}

imports! {
    "types" = types;
    "log" = log;
    "clock" = clock;
    "random" = random;
    "hash" = hash;
    "settings" = settings;
    "assets" = assets;
    "store" = store;
    "state" = state;
    "players" = players;
    "accounts" = accounts;
    "channels" = channels;
    "games" = games;
    "clans" = clans;
    "ladders" = ladders;
    "send" = send;
    "admin" = admin;
    "memory" = memory;
    "http" = http;
    "metrics" = metrics;
    "timers" = timers;
    "link" = link;
    "relay-control" = relay_control;
}

/// The host calls, under the names of each version served.
pub(crate) fn linker(engine: &Engine, served: &[Version]) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    for version in served {
        add_version(&mut linker, version)?;
    }
    Ok(linker)
}

/// What a component's names say about it.
#[derive(Debug)]
pub(crate) struct Names {
    /// The interface version it is built against: the newest it names.
    pub(crate) version: Version,
    /// Interfaces that it exports, with their full names.
    exports: Vec<(&'static str, String)>,
}

impl Names {
    /// Reads the names of a component and refuses what this host does not serve.
    pub(crate) fn read(bytes: &[u8], served: &[Version]) -> Result<Self, LoadFailure> {
        let raw = Raw::read(bytes)?;
        let newest = served.iter().max().map(Version::to_string).unwrap_or_default();
        let mut names = Self { version: Version::new(0, 0, 0), exports: Vec::new() };
        for (list, known, imports) in [(&raw.imports, IMPORTS, true), (&raw.exports, EXPORTS, false)] {
            for name in list {
                let Some(rest) = name.strip_prefix(PACKAGE) else {
                    // An export that nobody asks for does no harm.
                    if imports {
                        return Err(LoadFailure::Import { name: name.clone() });
                    }
                    continue;
                };
                let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
                let wanted = Version::parse(version).ok();
                let wanted = wanted.filter(|wanted| served.iter().any(|served| serves(served, wanted)));
                let wanted = wanted.ok_or_else(|| LoadFailure::Version {
                    wanted: if version.is_empty() { "(none)".to_owned() } else { version.to_owned() },
                    served: newest.clone(),
                })?;
                let Some(interface) = known.iter().find(|known| **known == interface) else {
                    return Err(LoadFailure::Interface {
                        imports: if imports { "imports" } else { "exports" },
                        name: name.clone(),
                        served: newest.clone(),
                    });
                };
                names.version = names.version.max(wanted);
                if !imports {
                    names.exports.push((interface, name.clone()));
                }
            }
        }
        if names.export("manifest").is_none() {
            return Err(LoadFailure::NoManifest);
        }
        Ok(names)
    }

    /// The full name of an exported interface.
    pub(crate) fn export(&self, interface: &str) -> Option<&str> {
        self.exports.iter().find(|(known, _)| *known == interface).map(|(_, name)| name.as_str())
    }
}

/// Whether a host of version `served` has all that a plugin of version `wanted` may ask for: the same major version (below 1.0, the same
/// minor one) and not older.
fn serves(served: &Version, wanted: &Version) -> bool {
    let series = |version: &Version| (version.major, if version.major == 0 { version.minor } else { 0 });
    series(served) == series(wanted) && wanted <= served
}

/// Names as they are in the file.
#[derive(Default)]
struct Raw {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Raw {
    fn read(bytes: &[u8]) -> Result<Self, LoadFailure> {
        // One line: the parser shows a wrong magic number as a list over several.
        let parse = |error: wasmparser::BinaryReaderError| LoadFailure::Parse {
            message: error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let mut raw = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(parse)? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(LoadFailure::CoreModule);
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        raw.imports.push(import.map_err(parse)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        raw.exports.push(export.map_err(parse)?.name.name.to_owned());
                    }
                }
                _ => {}
            }
            let count = raw.imports.len() + raw.exports.len();
            if count > MAX_NAMES {
                return Err(LoadFailure::Parse {
                    message: format!("it imports and exports {count} names, at most {MAX_NAMES} can be"),
                });
            }
        }
        Ok(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_serves_those_before_it_in_its_series() {
        let version = |text: &str| Version::parse(text).unwrap();
        for (served, wanted, answer) in [
            ("0.1.0", "0.1.0", true),
            ("0.1.1", "0.1.0", true),
            ("0.1.0", "0.1.1", false),
            ("0.2.0", "0.1.0", false),
            ("0.1.0", "0.0.9", false),
            ("1.3.0", "1.2.7", true),
            ("1.3.0", "0.1.0", false),
        ] {
            assert_eq!(serves(&version(served), &version(wanted)), answer, "{served} {wanted}");
        }
    }
}
