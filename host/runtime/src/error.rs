//! Why a plugin cannot be loaded, tried or taken over: one sentence for the operator.

use std::time::Duration;

/// Why a plugin cannot serve. Its text is one sentence that names the file.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: {why}")]
pub struct LoadError {
    /// The file, or whatever else the plugin came from.
    pub origin: String,
    /// What is wrong with it.
    pub why: LoadFailure,
}

/// What is wrong with a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFailure {
    /// Larger than any plugin.
    #[error("it has {size} bytes, and a plugin has at most {limit}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// No WebAssembly at all, or a damaged one.
    #[error("it does not parse: {message}")]
    Parse {
        /// What the parser says, with the offset.
        message: String,
    },
    /// A core module.
    #[error("it is a core WebAssembly module and not a component; `medley plugin build` makes components")]
    CoreModule,
    /// Built against an interface that this host does not serve.
    #[error("it wants interface version {wanted}, and this host serves {served}")]
    Version {
        /// Of the plugin.
        wanted: String,
        /// Of the host.
        served: String,
    },
    /// It wants something of the world.
    #[error(
        "it imports {name}, which plugins are not allowed; they may import medley:plugin interfaces only"
    )]
    Import {
        /// The import's name.
        name: String,
    },
    /// An interface that does not exist in that version.
    #[error("it {imports} {name}, which interface version {served} does not have")]
    Interface {
        /// `imports` or `exports`.
        imports: &'static str,
        /// Its name.
        name: String,
        /// Of the host.
        served: String,
    },
    /// The manifest is not exported.
    #[error("it does not export medley:plugin/manifest, so it says neither what it is nor what it wants")]
    NoManifest,
    /// A function is not of the type that the interface says.
    #[error("its {function} is not what interface version {served} says: {message}")]
    Type {
        /// The function or interface.
        function: String,
        /// Of the host.
        served: String,
        /// What differs.
        message: String,
    },
    /// The compiler refuses it.
    #[error("it does not compile: {message}")]
    Compile {
        /// What the compiler says.
        message: String,
    },
    /// Its manifest contradicts itself or the interface.
    #[error("its manifest {message}")]
    Manifest {
        /// What is wrong, to go on after `its manifest`.
        message: String,
    },
    /// A subscribed hook has no function.
    #[error("it subscribes to {hook} and does not export {function}")]
    NoFunction {
        /// The hook.
        hook: &'static str,
        /// Where the function should be.
        function: String,
    },
    /// Made for other titles.
    #[error("it is made for app ids {made_for}, and the title {title} has {found}")]
    WrongTitle {
        /// The manifest's.
        made_for: String,
        /// The title.
        title: String,
        /// Its app ids.
        found: String,
    },
    /// No instance can be made.
    #[error("no instance can be made: {message}")]
    Instance {
        /// Why.
        message: String,
    },
    /// One of its functions trapped or took too long.
    #[error("its {function} {message}")]
    Failed {
        /// The function.
        function: &'static str,
        /// What happened, to go on after the name.
        message: String,
    },
    /// One of its functions refused.
    #[error("its {function} says: {message}")]
    Refused {
        /// The function.
        function: &'static str,
        /// Its own words.
        message: String,
    },
}

impl LoadFailure {
    pub(crate) fn at(self, origin: &str) -> LoadError {
        LoadError { origin: origin.to_owned(), why: self }
    }
}

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The engine refuses the machine.
    #[error("WebAssembly cannot run here: {message}")]
    Engine {
        /// Why.
        message: String,
    },
    /// A thread could not be started.
    #[error("the {thread} thread does not start: {error}")]
    Thread {
        /// Which.
        thread: &'static str,
        /// Why.
        error: std::io::Error,
    },
}

/// What kind of failure ended a call, as counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The guest trapped: `unreachable`, out of bounds, stack overflow.
    Trap,
    /// It used more processor time or more time than a call has.
    Deadline,
    /// It answered what no plugin may answer.
    BadAnswer,
    /// No instance could be made in place of one that failed.
    Restart,
}

impl FailureKind {
    /// Its label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::BadAnswer => "bad-answer",
            Self::Restart => "restart",
        }
    }
}

/// The call went over its time; carried out of the guest as the reason of the trap.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Overtime {
    #[error("used more than {} ms of processor time", .0.as_millis())]
    Cpu(Duration),
    #[error("took more than {} ms", .0.as_millis())]
    Wall(Duration),
}
