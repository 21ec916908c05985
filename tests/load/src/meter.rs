//! What a process or some of our own threads have cost: CPU and resident memory, read from `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

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
        let (tasks, prefix) = match self {
            Self::Process(pid) => (format!("/proc/{pid}/task"), ""),
            Self::Threads(prefix) => ("/proc/self/task".to_owned(), *prefix),
            Self::Unknown => return None,
        };
        let mut sum = 0;
        for task in fs::read_dir(tasks).ok()?.flatten() {
            let path = task.path();
            let named = fs::read_to_string(path.join("comm")).is_ok_and(|name| name.starts_with(prefix));
            if named {
                sum += running(&path).unwrap_or(0);
            }
        }
        Some(Duration::from_nanos(sum))
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
