//! What a process or some of our own threads have cost: CPU and resident memory, read from `/proc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::report::Row;

/// Whom a figure is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All threads of a process on this machine.
    Process(u32),
    /// Our own threads whose name begins so.
    Threads(&'static str),
    /// Nobody that can be looked at.
    Unknown,
}

impl Subject {
    /// A process that may be known.
    #[must_use]
    pub fn of(pid: Option<u32>) -> Self {
        pid.map_or(Self::Unknown, Self::Process)
    }

    /// CPU time so far, to the nanosecond as the scheduler counts it. Threads that ended are missing; servers keep
    /// theirs. `None`: not to be known.
    #[must_use]
    pub fn cpu(&self) -> Option<Duration> {
        let sum = self.tasks()?.iter().filter_map(|task| running(task)).sum();
        Some(Duration::from_nanos(sum))
    }

    /// The folders of its threads below `/proc`; their names are thread ids. `None`: not to be known.
    pub(crate) fn tasks(&self) -> Option<Vec<PathBuf>> {
        let (tasks, prefix) = match self {
            Self::Process(pid) => (format!("/proc/{pid}/task"), ""),
            Self::Threads(prefix) => ("/proc/self/task".to_owned(), *prefix),
            Self::Unknown => return None,
        };
        let named =
            |path: &PathBuf| fs::read_to_string(path.join("comm")).is_ok_and(|name| name.starts_with(prefix));
        Some(fs::read_dir(tasks).ok()?.flatten().map(|task| task.path()).filter(named).collect())
    }

    /// Resident memory, KiB. `None` for threads: they share theirs with the generator.
    #[must_use]
    pub fn resident(&self) -> Option<u64> {
        let Self::Process(pid) = self else { return None };
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

/// A measurement under way: what a subject and the calling thread, the generator, cost from its start on.
#[derive(Debug)]
pub struct Watch<'a> {
    subject: &'a Subject,
    before: Option<Duration>,
    own: Option<u64>,
    since: Instant,
}

impl<'a> Watch<'a> {
    /// Begins now.
    #[must_use]
    pub fn start(subject: &'a Subject) -> Self {
        Self { subject, before: subject.cpu(), own: own_cpu(), since: Instant::now() }
    }

    /// The row of `done` operations of `expected`, with time, CPU and memory up to now.
    #[must_use]
    pub fn row(&self, name: String, clients: usize, expected: u64, done: u64) -> Row {
        let seconds = self.since.elapsed().as_secs_f64();
        let cpu = self.subject.cpu().zip(self.before);
        let cpu = cpu.map(|(now, before)| now.saturating_sub(before).as_secs_f64());
        let own = own_cpu().zip(self.own).map(|(now, before)| now.saturating_sub(before) as f64 / 1e9);
        let mut row = Row::new(name, clients, expected, done, seconds, cpu);
        row.generator_percent = own.map(|own| 100.0 * own / seconds.max(1e-9));
        row.rss_kib = self.subject.resident();
        row
    }
}

/// Nanoseconds of the calling thread on a CPU.
fn own_cpu() -> Option<u64> {
    running(Path::new("/proc/thread-self"))
}

/// The first field of schedstat: nanoseconds on a CPU.
fn running(task: &Path) -> Option<u64> {
    fs::read_to_string(task.join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_has_cost_cpu_time_under_its_name() {
        let thread = std::thread::Builder::new().name("meter-test".to_owned());
        let worker = thread.spawn(|| {
            let before = Subject::Threads("meter-test").cpu();
            let mut sum = 0u64;
            while Subject::Threads("meter-test").cpu() <= before {
                for value in 0..100_000u64 {
                    sum = std::hint::black_box(sum.wrapping_add(value));
                }
            }
            before
        });
        let before = worker.unwrap().join().unwrap();
        assert!(before.is_some());
    }

    #[test]
    fn our_own_process_resides_in_memory_and_an_unknown_one_does_not() {
        assert!(Subject::Process(std::process::id()).resident().is_some_and(|kib| kib > 100));
        assert_eq!(Subject::Unknown.resident(), None);
        assert_eq!(Subject::of(None), Subject::Unknown);
    }
}
