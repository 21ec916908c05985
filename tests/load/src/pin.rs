//! Threads bound to CPUs: the server to one, the generator to another, so that neither takes the other's time.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::fleet::{LoadError, Result};
use crate::meter::Subject;

/// All threads of a subject, bound to one CPU until this is dropped. Threads that they start meanwhile are bound too, as
/// the system passes it on.
#[derive(Debug)]
pub struct Pinned {
    subject: Subject,
    before: Option<CpuSet>,
}

impl Pinned {
    /// Binds them.
    ///
    /// # Errors
    /// There is no such CPU, or the process is not ours to bind.
    pub fn new(subject: &Subject, cpu: usize) -> Result<Self> {
        let threads = threads(subject);
        let before = threads.first().and_then(|thread| sched_getaffinity(Some(*thread)).ok());
        let set = only(cpu)?;
        for thread in threads {
            sched_setaffinity(Some(thread), &set).map_err(failed)?;
        }
        Ok(Self { subject: subject.clone(), before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        for thread in threads(&self.subject) {
            // One that has ended meanwhile needs nothing.
            let _ = sched_setaffinity(Some(thread), before);
        }
    }
}

/// Binds the calling thread, and those that it starts from now on, to one CPU.
///
/// # Errors
/// There is no such CPU.
pub fn pin_self(cpu: usize) -> Result<()> {
    sched_setaffinity(None, &only(cpu)?).map_err(failed)
}

fn only(cpu: usize) -> Result<CpuSet> {
    if cpu >= CpuSet::MAX_CPU {
        return Err(LoadError::Other(format!("there is no CPU {cpu}")));
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(set)
}

fn failed(error: rustix::io::Errno) -> LoadError {
    LoadError::Io { what: "binding to a CPU", source: error.into() }
}

fn threads(subject: &Subject) -> Vec<Pid> {
    let tasks = subject.tasks().unwrap_or_default();
    let number = |task: &std::path::PathBuf| Pid::from_raw(task.file_name()?.to_str()?.parse().ok()?);
    tasks.iter().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_bound_to_one_cpu_and_let_go_of() {
        let before = sched_getaffinity(None).unwrap();
        let cpu = (0..CpuSet::MAX_CPU).find(|cpu| before.is_set(*cpu)).unwrap();
        let (told, wait) = std::sync::mpsc::channel::<()>();
        let (up, is_up) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("pin-test".to_owned()).spawn(move || {
            up.send(()).unwrap();
            wait.recv()
        });
        let thread = thread.unwrap();
        is_up.recv().unwrap();
        let subject = Subject::Threads("pin-test");
        let of = || sched_getaffinity(threads(&subject).first().copied()).unwrap();
        let pinned = Pinned::new(&subject, cpu).unwrap();
        assert_eq!((of().count(), of().is_set(cpu)), (1, true));
        drop(pinned);
        assert_eq!(of().count(), before.count());
        drop(told);
        assert!(thread.join().unwrap().is_err());
    }

    #[test]
    fn a_cpu_that_cannot_be_is_refused() {
        assert!(pin_self(usize::MAX).is_err());
    }
}
