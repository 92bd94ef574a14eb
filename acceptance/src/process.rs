//! Processes of the tests: none outlives its test, and none is ever looked for by name.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A process whose output goes to two files. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Mutex<Child>,
    output: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it writes goes to `NAME.out` and `NAME.log` in the folder, over what stood there.
    pub(crate) fn start(mut command: Command, folder: &Path, name: &str) -> io::Result<Self> {
        let (output, log) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.log")));
        command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(File::create(&log)?);
        Ok(Self { child: Mutex::new(command.spawn()?), output, log })
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it wrote to its standard output by now.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// What it wrote to its standard error by now.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// It does nothing, and keeps what it has, until [`Process::thaw`].
    pub(crate) fn freeze(&self) {
        signal("STOP", &self.child().id().to_string());
    }

    /// It goes on where it was.
    pub(crate) fn thaw(&self) {
        signal("CONT", &self.child().id().to_string());
    }

    /// By SIGKILL: it gets no chance to do anything more. Gone when this returns.
    pub(crate) fn kill(&self) {
        let mut child = self.child();
        // One that has ended by itself is as dead as it is to be.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// By SIGTERM, and by SIGKILL where that does not help in time. Answers whether the first was enough.
    pub(crate) fn stop(&self, bound: Duration) -> bool {
        signal("TERM", &self.child().id().to_string());
        let begun = Instant::now();
        while begun.elapsed() < bound {
            if self.ended().is_some() {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process that this test started, or to its group (`-PID`).
pub(crate) fn signal(name: &str, to: &str) {
    let sent = Command::new("kill").args(["-s", name, "--", to]).stderr(Stdio::null()).status();
    assert!(sent.is_ok(), "the signal {name} could not be sent: {sent:?}");
}

/// The last lines of a log.
pub(crate) fn end_of(log: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
