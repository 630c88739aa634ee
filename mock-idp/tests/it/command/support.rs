//! The command in a folder of its own, ended or serving.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// More than the command ever needs to refuse what it was given, or to end.
const BOUND: Duration = Duration::from_secs(60);

pub(crate) struct Place(tempfile::TempDir);

pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).expect("written");
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mock-idp"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_remove("MOCK_IDP_CLIENT_SECRET").env_remove("MOCK_IDP_ADMIN_TOKEN");
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Done {
        Done::after(self.command(arguments))
    }

    /// Serves clients of which none has a secret, so that there is nothing to try.
    pub(crate) fn serve_untried(&self, arguments: &str) -> Serving {
        Serving::until("ca", self.command(&format!("serve {arguments}")))
    }

    pub(crate) fn serve(&self, arguments: &str) -> Serving {
        Serving::new(self.command(&format!("serve {arguments}")))
    }
}

/// What it ended with by itself. One that should have refused but serves is killed, and so has no code.
fn ended(child: Child) -> Output {
    let id = child.id();
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if is_over.recv_timeout(BOUND) == Err(RecvTimeoutError::Timeout) {
            kill(id, "KILL");
        }
    });
    let output = child.wait_with_output().expect("it ends");
    drop(over);
    watchdog.join().expect("no panic");
    output
}

fn kill(id: u32, signal: &str) {
    let done = Command::new("kill").args(["-s", signal, &id.to_string()]).status().expect("kill runs");
    assert!(done.success());
}

pub(crate) fn mock_idp(arguments: &str) -> Done {
    Place::new().run(arguments)
}

impl Done {
    /// What a command ends with that is to end by itself.
    pub(crate) fn after(mut command: Command) -> Self {
        Self::of(ended(command.spawn().expect("it runs")))
    }

    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) fn has_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    pub(crate) fn tells(&self, wanted: &[&str]) -> &Self {
        for text in wanted {
            assert!(self.err.contains(text), "standard error lacks `{text}`:\n{}", self.err);
        }
        self
    }

    pub(crate) fn shows(&self, wanted: &[&str]) -> &Self {
        for text in wanted {
            assert!(self.out.contains(text), "standard output lacks `{text}`:\n{}", self.out);
        }
        self
    }
}

/// The command while it serves. Ended when dropped.
pub(crate) struct Serving {
    child: Option<Child>,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    /// What it has said, by the first word of each line.
    pub(crate) said: Vec<(String, String)>,
}

impl Serving {
    /// Starts it and waits for the last thing that it says.
    pub(crate) fn new(command: Command) -> Self {
        Self::until("try", command)
    }

    /// Starts it and waits for this.
    fn until(last: &str, mut command: Command) -> Self {
        let mut child = command.spawn().expect("it runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut serving = Self { child: Some(child), lines, said: Vec::new() };
        while serving.find(last).is_none() {
            let line = serving.lines.next().expect("it says how to try it").expect("text");
            let (name, value) = line.split_once(' ').expect("a name and a value");
            serving.said.push((name.to_owned(), value.trim().to_owned()));
        }
        serving
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.said.iter().find(|(said, _)| said == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.said))
    }

    /// Runs what it says to try, as a shell would.
    pub(crate) fn tried(&self) -> serde_json::Value {
        let done = Command::new("sh").arg("-c").arg(self.value("try")).output().expect("a shell");
        serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
    }

    /// Tells it to end.
    pub(crate) fn interrupt(&self, signal: &str) {
        kill(self.id(), signal);
    }

    fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// What it ended with, when it has ended by itself.
    pub(crate) fn ended(mut self) -> Done {
        Done::of(ended(self.child.take().expect("it ran")))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
