//! What the host asks of its process: descriptors enough, and memory of password hashes given back.

#![allow(unsafe_code)]

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open descriptors to what the system allows: one connection is one descriptor, and the usual soft
/// limit of 1024 is far below `limits.max_connections`. Gives the limit in force; `None`: there is none.
pub(crate) fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}

/// Blocks from 4 MiB on come from the kernel and go back to it when freed.
///
/// An argon2id hash works in 19 MiB. glibc by itself raises its threshold to the size of the first such block that is
/// freed and keeps all later ones in its arenas: 621 MB stayed resident after 50 first logins, 22 MB do with this.
pub(crate) fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two integers and locks by itself; it is called before other threads are started.
    unsafe {
        // 0 is a failure, after which memory is merely kept.
        let _ = libc::mallopt(libc::M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_of_descriptors_is_the_hard_one_afterwards() {
        let allowed = raise_descriptor_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!((limit.current, limit.maximum), (allowed, allowed));
        give_large_blocks_back();
    }
}
