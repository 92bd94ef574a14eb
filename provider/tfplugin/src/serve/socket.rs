//! A unix socket that only we and our parent can reach.

use std::{
    env, fs, io,
    os::unix::fs::DirBuilderExt as _,
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
}

impl Socket {
    pub(super) fn bind(base: Option<&Path>) -> io::Result<Self> {
        let base = base.map_or_else(env::temp_dir, Path::to_path_buf);
        let directory = fresh_directory(&base)?;
        let path = directory.join("provider.sock");
        let socket = Self { directory, path };
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
        UnixListener::bind(&self.path)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.directory) {
            tracing::debug!(error = %e, "socket directory stays behind");
        }
    }
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
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn the_directory_is_ours_alone_and_goes_with_the_socket() {
        let base = tempfile::tempdir().unwrap();
        let socket = Socket::bind(Some(base.path())).unwrap();
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
        let e = Socket::bind(Some(&long)).unwrap_err();
        assert!(e.to_string().contains("TMPDIR"), "{e}");
    }
}
