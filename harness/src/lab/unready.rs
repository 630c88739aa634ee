//! Workers of no use, told so that the user knows what to mend.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::worker::{LaunchError, StartError};
use crate::journal::{Event, Instance, Record};

/// How wide a list of names gets: less than a report by what that puts in front, or it would be broken once more.
const WIDTH: usize = 90;

/// A worker's process did not start.
#[derive(Debug, thiserror::Error)]
pub struct NotStarted {
    /// Which worker.
    pub instance: Instance,
    /// Its working directory: the target file's folder.
    pub folder: PathBuf,
    /// Names of the caller's variables that it was not to get.
    pub withheld: Vec<String>,
    /// Why.
    #[source]
    pub source: StartError,
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} did not start: {}", self.instance, self.source)?;
        if let StartError::Launch(LaunchError::Program { program, source }) = &self.source {
            write!(f, ": {source}")?;
            let slash = program.to_string_lossy().contains('/');
            match source.kind() {
                ErrorKind::NotFound if slash => {
                    let file = self.folder.join(program);
                    if file.exists() {
                        write!(f, "\n{} is there, but not the interpreter that its first line names", file.display())?;
                    } else {
                        write!(f, "\nthere is no {}: a path starts from the target file's folder", file.display())?;
                    }
                }
                ErrorKind::NotFound => {
                    f.write_str(
                        "\nno folder of PATH holds it: install it, or write its path, which starts from the target \
                         file's folder (`./worker`)",
                    )?;
                }
                ErrorKind::PermissionDenied => f.write_str("\nis it a file, and executable (`chmod +x`)?")?,
                _ => {}
            }
        }
        withheld(f, &self.withheld)
    }
}

/// A worker started and was of no use.
#[derive(Debug, Clone, thiserror::Error)]
pub struct NeverReady {
    /// Which worker.
    pub instance: Instance,
    /// What it did instead of polling.
    pub what: String,
    /// Its last lines; `None` for a worker in this process, whose output is nobody's in particular.
    pub last_lines: Option<Vec<String>>,
    /// Where it went outside the lab, as far as the trap saw it.
    pub egress: Vec<String>,
    /// Whether the kernel holds it to the lab's ports.
    pub guarded: bool,
    /// Names of the caller's variables that it did not get.
    pub withheld: Vec<String>,
}

impl fmt::Display for NeverReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} {}", self.instance, self.what)?;
        match self.last_lines.as_deref() {
            Some([]) => f.write_str("\nit wrote nothing")?,
            Some(lines) => write!(f, "\nits last lines:\n  {}", lines.join("\n  "))?,
            None => {}
        }
        for place in &self.egress {
            write!(f, "\nit called {place}, outside the lab; `egress: {{ allow: [HOST] }}` in the target permits it")?;
        }
        if self.guarded && self.last_lines.iter().flatten().any(|line| speaks_of_refusal(line)) {
            write!(f, "\n{REFUSED_BY_KERNEL}")?;
        }
        withheld(f, &self.withheld)
    }
}

/// What the kernel's guard refuses nobody records: only the worker is told. So a worker that says so is helped.
pub const REFUSED_BY_KERNEL: &str = "a connection was refused with EACCES: the kernel's guard lets a worker connect to \
     the lab's addresses only; does it use the addresses from its environment? `egress: { allow: [HOST:PORT] }` permits \
     others";

/// Whether a line looks like a connection that the kernel's guard refused: `EACCES` in words of several languages.
pub fn speaks_of_refusal(line: &str) -> bool {
    ["Permission denied", "permission denied", "PermissionDenied", "EACCES"].iter().any(|words| line.contains(words))
}

/// Places outside the lab that these records name, each once.
pub fn egress<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<String> {
    let mut places = Vec::new();
    for record in records {
        if let Event::EgressAttempt { host, port, .. } = &record.event {
            let place = format!("{host}:{port}");
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

fn withheld(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    if names.is_empty() {
        return Ok(());
    }
    f.write_str("\nvariables of yours that were not passed on to it (`inherit_env: [NAME]` passes one on):\n")?;
    let options = textwrap::Options::new(WIDTH).initial_indent("  ").subsequent_indent("  ");
    f.write_str(&textwrap::fill(&names.join(" "), options))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn refused(program: &str, kind: ErrorKind) -> String {
        let source = LaunchError::Program { program: program.into(), source: io::Error::from(kind) };
        let (instance, folder) = (Instance::of("w", 1), "/srv/mine".into());
        NotStarted { instance, folder, withheld: vec!["HOME".into()], source: source.into() }.to_string()
    }

    #[test]
    fn a_program_that_is_not_there_is_told_with_where_it_was_looked_for() {
        let by_name = refused("worker", ErrorKind::NotFound);
        assert!(by_name.contains("no folder of PATH holds it") && by_name.contains("\n  HOME"), "{by_name}");
        assert!(refused("./worker", ErrorKind::NotFound).contains("there is no /srv/mine/./worker"));
        assert!(refused("./worker", ErrorKind::PermissionDenied).contains("chmod +x"));
    }

    #[test]
    fn a_worker_that_the_kernel_refused_is_helped_where_there_is_a_guard() {
        let told = |line: &str, guarded: bool| {
            let never = NeverReady {
                instance: Instance::of("w", 1),
                what: "ended".into(),
                last_lines: Some(vec![line.into()]),
                egress: vec!["idp.example.com:443".into()],
                guarded,
                withheld: Vec::new(),
            };
            never.to_string()
        };
        assert!(told("connect: Permission denied (os error 13)", true).contains(REFUSED_BY_KERNEL));
        assert!(!told("connect: Permission denied (os error 13)", false).contains(REFUSED_BY_KERNEL));
        assert!(!told("invalid configuration", true).contains(REFUSED_BY_KERNEL));
        assert!(told("x", false).contains("it called idp.example.com:443, outside the lab"));
    }
}
