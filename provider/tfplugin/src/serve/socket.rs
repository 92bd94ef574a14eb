//! A unix socket that only we and our parent can reach.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};
use tokio::net::UnixListener;

/// A kernel limit: the address of a socket holds 108 bytes, the last one zero.
const MAX_PATH_BYTES: usize = 107;

/// The socket in its own directory, removed when dropped.
#[derive(Debug)]
pub(super) struct Socket {
    directory: PathBuf,
    path: PathBuf,
    group: Option<u32>,
}

impl Socket {
    /// In a folder below this one, or below the system's for such things. A group, by name or number, gets at it too if
    /// the host asks for that.
    pub(super) fn bind(base: Option<&Path>, group: Option<&str>) -> io::Result<Self> {
        let group = group.map(number_of).transpose()?;
        let base = base.map_or_else(env::temp_dir, Path::to_path_buf);
        let directory = fresh_directory(&base)?;
        let path = directory.join("provider.sock");
        let socket = Self { directory, path, group };
        if socket.path.as_os_str().len() > MAX_PATH_BYTES {
            let e = format!("{} is too long for a socket; set TMPDIR to a shorter one", socket.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, e));
        }
        Ok(socket)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn listener(&self) -> io::Result<UnixListener> {
        let listener = UnixListener::bind(&self.path)?;
        if let Some(group) = self.group {
            for (path, mode) in [(&self.path, 0o660), (&self.directory, 0o710)] {
                chown(path, None, Some(group))?;
                fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
            }
        }
        Ok(listener)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.directory) {
            tracing::debug!(error = %e, "socket directory stays behind");
        }
    }
}

/// The number of a group that is given by it, or by its name.
fn number_of(group: &str) -> io::Result<u32> {
    let by_name = || {
        let groups = fs::read_to_string("/etc/group").ok()?;
        let mut fields = groups.lines().map(|line| line.split(':'));
        fields.find_map(|mut fields| (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok())?)
    };
    let unknown =
        || io::Error::new(io::ErrorKind::NotFound, format!("PLUGIN_UNIX_SOCKET_GROUP: no group is called {group}"));
    group.parse().ok().or_else(by_name).ok_or_else(unknown)
}

/// A name that nobody can guess; and creating fails if something is there, so nobody can prepare the place for us.
fn fresh_directory(base: &Path) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    let source = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    source.fill(&mut random).map_err(|_| io::Error::other("the system has no randomness"))?;
    let directory = base.join(format!("plugin-{:016x}", u64::from_ne_bytes(random)));
    let created = fs::DirBuilder::new().mode(0o700).create(&directory);
    created.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", directory.display())))?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[tokio::test]
    async fn the_directory_is_ours_alone_and_goes_with_the_socket() {
        let base = tempfile::tempdir().unwrap();
        let socket = Socket::bind(Some(base.path()), None).unwrap();
        let _listener = socket.listener().unwrap();
        let mode = fs::metadata(&socket.directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(socket.path().starts_with(base.path()));
        drop(socket);
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_said_so() {
        let base = tempfile::tempdir().unwrap();
        let long = base.path().join("x".repeat(100));
        fs::create_dir(&long).unwrap();
        let e = Socket::bind(Some(&long), None).unwrap_err();
        assert!(e.to_string().contains("TMPDIR"), "{e}");
    }

    #[tokio::test]
    async fn a_group_gets_at_the_socket_if_the_host_wants_that() {
        let base = tempfile::tempdir().unwrap();
        // One's own group is the only one that anybody may give a file to.
        let own = fs::metadata(base.path()).unwrap().gid();
        let socket = Socket::bind(Some(base.path()), Some(&own.to_string())).unwrap();
        let _listener = socket.listener().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&socket.directory), mode(socket.path())), (0o710, 0o660));
        assert_eq!(number_of("root").unwrap(), 0);
        let e = Socket::bind(Some(base.path()), Some("no-such-group")).unwrap_err();
        assert!(e.to_string().contains("no-such-group"), "{e}");
    }
}
