//! A folder in which the command is run, and targets for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A worker that does the job; the built-in target under another name.
pub(crate) fn good_target() -> String {
    let text = tokenlapse::scenario::builtin_target_text();
    text.replacen("target: builtin", "target: mine", 1)
}

/// A target whose worker is this shell script.
pub(crate) fn shell_target(script: &str, start_timeout: &str) -> String {
    format!(
        "target: mine\nworker:\n  command: [sh, -c, \"{script}\"]\n  start_timeout: {start_timeout}\n\
         workload: {{ workflow: SyncOrders }}\n"
    )
}

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

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("written");
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenlapse"));
        command.args(arguments.split_whitespace()).current_dir(self.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Done {
        Done::of(self.command(arguments).output().expect("it runs"))
    }

    /// The directories of runs below `out`, by name.
    pub(crate) fn runs(&self, out: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path().join(out)).into_iter().flatten().flatten();
        let mut runs: Vec<_> = entries.map(|entry| entry.path()).filter(|path| !path.ends_with("latest")).collect();
        runs.sort();
        runs
    }

    /// Names of the journals of a run.
    pub(crate) fn journals(run: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(run).expect("the run's directory").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".jsonl")).collect();
        names.sort();
        names
    }
}

impl Done {
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

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in\n{}\n{}", self.out, self.err))
    }
}
