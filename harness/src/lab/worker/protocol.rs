//! What a minder and the lab say to each other: one line each, over the socket that is the minder's standard input.

use std::fmt;

/// What the lab asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// SIGTERM to the program, as a supervisor would send it.
    Terminate,
    /// End the program and all that descends from it.
    Kill,
    /// SIGSTOP to the program and all that descends from it.
    Stop,
    /// SIGCONT to the same.
    Resume,
}

const COMMANDS: [(Command, &str); 4] =
    [(Command::Terminate, "term"), (Command::Kill, "kill"), (Command::Stop, "stop"), (Command::Resume, "cont")];

impl Command {
    /// Its line, with the end.
    pub(super) fn line(self) -> String {
        let (_, word) = COMMANDS.iter().find(|(command, _)| *command == self).expect("every command has a word");
        format!("{word}\n")
    }

    /// The command of a line; `None` if it is none.
    pub(super) fn parse(line: &str) -> Option<Self> {
        COMMANDS.iter().find(|(_, word)| *word == line).map(|(command, _)| *command)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited by itself with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// Its exit code, if it exited by itself.
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Code(code) => Some(code),
            Self::Signal(_) => None,
        }
    }

    /// The signal that ended it, if one did.
    pub fn signal(self) -> Option<i32> {
        match self {
            Self::Code(_) => None,
            Self::Signal(signal) => Some(signal),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// What a minder reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// The program runs.
    Spawned {
        /// Its process id.
        pid: i32,
        /// Whether the kernel holds it to the allowed ports.
        guarded: bool,
    },
    /// The program could not be started, for the reason that the error number gives.
    Refused(i32),
    /// The oldest unanswered command was carried out.
    Done,
    /// The program ended, and nothing that descends from it is left.
    Exited(Exit),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawned { pid, guarded } => write!(f, "spawned {pid} {guarded}"),
            Self::Refused(errno) => write!(f, "refused {errno}"),
            Self::Done => f.write_str("done"),
            Self::Exited(Exit::Code(code)) => write!(f, "code {code}"),
            Self::Exited(Exit::Signal(signal)) => write!(f, "signal {signal}"),
        }
    }
}

impl Report {
    /// The report of a line; `None` if it is none.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let report = match words.next()? {
            "spawned" => Self::Spawned { pid: words.next()?.parse().ok()?, guarded: words.next()?.parse().ok()? },
            "refused" => Self::Refused(words.next()?.parse().ok()?),
            "done" => Self::Done,
            "code" => Self::Exited(Exit::Code(words.next()?.parse().ok()?)),
            "signal" => Self::Exited(Exit::Signal(words.next()?.parse().ok()?)),
            _ => return None,
        };
        words.next().is_none().then_some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_read_what_the_other_writes() {
        for (command, _) in COMMANDS {
            assert_eq!(Command::parse(command.line().trim_end()), Some(command));
        }
        for report in [
            Report::Spawned { pid: 7, guarded: true },
            Report::Refused(2),
            Report::Done,
            Report::Exited(Exit::Code(3)),
            Report::Exited(Exit::Signal(9)),
        ] {
            assert_eq!(Report::parse(&report.to_string()), Some(report));
        }
        assert_eq!(Report::parse("done 1"), None);
        assert_eq!(Command::parse(""), None);
    }
}
