//! What a component says of itself, and whether a host like this would take it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use medley_runtime::api::{Direction, Value};
use medley_runtime::{Hook, Plugin, Runtime, RuntimeConfig};
use medley_wire::enums::NetMessageClass;
use serde::Serialize;
use wasmparser::{Parser, Payload};

use crate::ToolError;
use crate::component::{Origin, origin};

/// A loaded plugin and what stands in its file.
pub(crate) struct Loaded {
    pub(crate) plugin: Arc<Plugin>,
    report: Report,
}

/// All that `inspect` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    name: String,
    version: String,
    summary: String,
    notes: String,
    app_ids: Vec<u32>,
    interface: String,
    imports: Vec<String>,
    exports: Vec<String>,
    hooks: Vec<HookRow>,
    messages: Vec<MessageRow>,
    rt: Vec<RtRow>,
    commands: Vec<CommandRow>,
    settings: Vec<SettingRow>,
    capabilities: Vec<CapabilityRow>,
    relay: bool,
    size: Sizes,
    sha256: String,
    origin: Option<Origin>,
}

#[derive(Debug, Serialize)]
struct HookRow {
    name: &'static str,
    /// The status of a request whose hook fails; none lets it pass.
    on_failure: Option<i32>,
}

#[derive(Debug, Serialize)]
struct MessageRow {
    class: u8,
    /// None: every id.
    id: Option<u8>,
    name: Option<&'static str>,
    direction: &'static str,
}

#[derive(Debug, Serialize)]
struct RtRow {
    id: u8,
    direction: &'static str,
}

#[derive(Debug, Serialize)]
struct CommandRow {
    name: String,
    usage: String,
    help: String,
}

#[derive(Debug, Serialize)]
struct SettingRow {
    name: String,
    default: serde_json::Value,
    minimum: Option<i64>,
    maximum: Option<i64>,
    help: String,
}

#[derive(Debug, Serialize)]
struct CapabilityRow {
    name: String,
    reason: String,
}

/// In bytes.
#[derive(Debug, Default, Serialize)]
struct Sizes {
    file: usize,
    code: usize,
    data: usize,
    names: usize,
}

/// The engine that a host has, without its cache.
pub(crate) fn runtime() -> Result<Runtime, ToolError> {
    Runtime::new(RuntimeConfig::default()).map_err(|error| ToolError::Refused(error.to_string()))
}

impl Loaded {
    /// Loads the plugin in this file as a host does; the error is the sentence that the host would say.
    pub(crate) fn read(path: &Path, runtime: &Runtime) -> Result<Self, ToolError> {
        let bytes = std::fs::read(path).map_err(ToolError::file(path))?;
        let plugin = runtime
            .load(&bytes, &path.display().to_string())
            .map_err(|error| ToolError::Refused(error.to_string()))?;
        let report = Report::new(&plugin, &bytes, path)?;
        Ok(Self { plugin, report })
    }

    /// In a few lines.
    pub(crate) fn short(&self) -> String {
        self.report.short()
    }

    /// Everything.
    pub(crate) fn long(&self) -> String {
        self.report.long()
    }

    /// Everything, for programs.
    pub(crate) fn json(&self) -> Result<String, ToolError> {
        serde_json::to_string_pretty(&self.report).map_err(|error| ToolError::Refused(error.to_string()))
    }
}

impl Report {
    fn new(plugin: &Plugin, bytes: &[u8], path: &Path) -> Result<Self, ToolError> {
        let manifest = plugin.manifest();
        let description = &manifest.description;
        let subscriptions = plugin.hooks();
        let hooks = Hook::ALL.iter().filter(|hook| subscriptions.wants(**hook));
        let hooks = hooks
            .map(|hook| HookRow { name: hook.name(), on_failure: subscriptions.on_failure(*hook) })
            .collect();
        let messages =
            (0..=u8::MAX).flat_map(|class| messages(class, |id, way| subscriptions.message(class, id, way)));
        let messages = messages.collect();
        let rt = (0..=u8::MAX)
            .filter_map(|id| Some(RtRow { id, direction: direction(|way| subscriptions.rt(id, way))? }));
        let rt = rt.collect();
        let mut report = Self {
            name: description.name.clone(),
            version: description.version.clone(),
            summary: description.summary.clone(),
            notes: description.notes.clone(),
            app_ids: description.app_ids.clone(),
            interface: manifest.interface.clone(),
            imports: Vec::new(),
            exports: Vec::new(),
            hooks,
            messages,
            rt,
            commands: subscriptions
                .commands()
                .iter()
                .map(|command| CommandRow {
                    name: command.name.clone(),
                    usage: command.usage.clone(),
                    help: command.help.clone(),
                })
                .collect(),
            settings: manifest
                .settings
                .iter()
                .map(|setting| SettingRow {
                    name: setting.name.clone(),
                    default: json(&setting.default),
                    minimum: setting.minimum,
                    maximum: setting.maximum,
                    help: setting.help.clone(),
                })
                .collect(),
            capabilities: manifest
                .capabilities
                .iter()
                .map(|wanted| CapabilityRow { name: wanted.name.clone(), reason: wanted.reason.clone() })
                .collect(),
            relay: subscriptions.wants_relay(),
            size: Sizes { file: bytes.len(), ..Sizes::default() },
            sha256: plugin.digest().to_owned(),
            origin: origin(bytes, path)?,
        };
        report.read_sections(bytes, path)?;
        Ok(report)
    }

    fn read_sections(&mut self, bytes: &[u8], path: &Path) -> Result<(), ToolError> {
        let wrong = |error: wasmparser::BinaryReaderError| ToolError::component(path, error);
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(wrong)? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        self.imports.push(import.map_err(wrong)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        self.exports.push(export.map_err(wrong)?.name.name.to_owned());
                    }
                }
                Payload::CodeSectionStart { size, .. } => self.size.code += size as usize,
                Payload::DataSection(data) => self.size.data += data.range().len(),
                Payload::CustomSection(section) if section.name() == "name" => {
                    self.size.names += section.data().len()
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn short(&self) -> String {
        let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let apps: Vec<String> = self.app_ids.iter().map(u32::to_string).collect();
        let apps = if apps.is_empty() { "any title".to_owned() } else { apps.join(", ") };
        let mut hooks: Vec<&str> = self.hooks.iter().map(|hook| hook.name).collect();
        hooks.extend(self.commands.iter().map(|_| "a command"));
        hooks.dedup();
        let capabilities = self.capabilities.iter().map(|wanted| wanted.name.as_str()).collect();
        format!(
            "{} {}: {}\ninterface     {}\ncalled for    {}\napp ids       {}\nmust be granted {}\nthis host takes it\n",
            self.name,
            self.version,
            self.summary,
            self.interface,
            list(hooks),
            apps,
            list(capabilities)
        )
    }

    fn long(&self) -> String {
        let mut out = self.short();
        let mut row = |name: &str, text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{name:<13} {text}");
        };
        for hook in &self.hooks {
            if let Some(status) = hook.on_failure {
                row("on failure", format!("{} is refused with {status}", hook.name));
            }
        }
        for message in &self.messages {
            let id = message.id.map_or_else(|| "every id".to_owned(), |id| format!("id {id}"));
            let name = message.name.map_or(String::new(), |name| format!(" ({name})"));
            row("message", format!("class {} {id}{name}, {}", message.class, message.direction));
        }
        for rt in &self.rt {
            row("RT message", format!("id {:#04x}, {}", rt.id, rt.direction));
        }
        for command in &self.commands {
            row("command", format!("{} {}: {}", command.name, command.usage, command.help));
        }
        for setting in &self.settings {
            let bounds = match (setting.minimum, setting.maximum) {
                (None, None) => String::new(),
                (minimum, maximum) => {
                    let text = |bound: Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
                    format!(", {}..={}", text(minimum), text(maximum))
                }
            };
            row("setting", format!("{} = {}{bounds}: {}", setting.name, setting.default, setting.help));
        }
        for wanted in &self.capabilities {
            row("capability", format!("{}: {}", wanted.name, wanted.reason));
        }
        row(
            "relay",
            if self.relay { "an instance for each of its threads" } else { "not called" }.to_owned(),
        );
        row("imports", self.imports.join(", "));
        row("exports", self.exports.join(", "));
        let Sizes { file, code, data, names } = &self.size;
        row("size", format!("{file} bytes: code {code}, data {data}, names {names}"));
        row("sha256", self.sha256.clone());
        if let Some(origin) = &self.origin {
            row("made of", format!("{}, sources {}", origin.package, origin.sources));
            row("made by", origin.compiler.clone());
        }
        if !self.notes.is_empty() {
            row("notes", self.notes.clone());
        }
        out
    }
}

/// Filters of a class: one row where every id is wanted alike, else one for each.
fn messages(class: u8, wants: impl Fn(u8, Direction) -> bool) -> Vec<MessageRow> {
    let ids: Vec<(u8, &'static str)> =
        (0..=u8::MAX).filter_map(|id| Some((id, direction(|way| wants(id, way))?))).collect();
    let row = |id: Option<u8>, direction| {
        let info = id.and_then(|id| medley_wire::messages::info(NetMessageClass(class), id.into()));
        MessageRow { class, id, name: info.map(|info| info.name), direction }
    };
    match ids.first() {
        Some(&(_, way)) if ids.len() == 256 && ids.iter().all(|(_, other)| *other == way) => {
            vec![row(None, way)]
        }
        _ => ids.into_iter().map(|(id, way)| row(Some(id), way)).collect(),
    }
}

fn direction(wants: impl Fn(Direction) -> bool) -> Option<&'static str> {
    match (wants(Direction::FromClient), wants(Direction::ToClient)) {
        (true, true) => Some("both ways"),
        (true, false) => Some("from the client"),
        (false, true) => Some("to the client"),
        (false, false) => None,
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Int(number) => (*number).into(),
        Value::Real(number) => (*number).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Text(text) => text.clone().into(),
        Value::Texts(texts) => texts.clone().into(),
        Value::Bytes(bytes) => hex::encode(bytes).into(),
        Value::Other(kind) => format!("(kind {kind})").into(),
    }
}
