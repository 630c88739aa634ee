//! What a worker gets to see of its caller: little, and of the world outside nothing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What every worker inherits: where programs are, how text is encoded, where temporary files go.
const INHERITED: [&str; 3] = ["PATH", "LANG", "TMPDIR"];

/// Variables that name a directory of the user's own, with the empty one that a worker gets instead (XDG Base
/// Directory Specification).
const PRIVATE: [(&str, &str); 6] = [
    ("HOME", "home"),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_RUNTIME_DIR", "runtime"),
];

/// Variables by which HTTP clients find a proxy. curl reads the lower case only for `http_proxy`, others the upper.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/// Variables by which they find what needs none.
const NO_PROXIES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The lab's own addresses.
const LOCAL: &str = "127.0.0.1,localhost";

/// Carries the run's id, by which leftovers of a run are found.
pub(super) const RUN: &str = "TOKENLAPSE_RUN";

/// The environment of one worker process, with the private directories that it names. They are removed when it is
/// dropped.
pub struct Environment {
    vars: BTreeMap<OsString, OsString>,
    withheld: Vec<String>,
    directory: TempDir,
}

impl fmt::Debug for Environment {
    /// Shows the names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("vars", &self.vars.keys()).field("withheld", &self.withheld).finish()
    }
}

/// An environment's private directories could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no private directories for a worker in {}", path.display())]
pub struct EnvironmentError {
    /// Where they were to be made.
    pub path: PathBuf,
    /// Why they could not.
    #[source]
    pub source: io::Error,
}

/// A variable that a target may not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is set by the lab, so that nothing leaves it unseen; `egress: {{ allow: [HOST] }}` lets a worker reach a host"
)]
pub struct Reserved(pub String);

impl Environment {
    /// The environment of a worker of the run `run`, out of the caller's (`std::env::vars_os()`, never asked here).
    /// Of that it gets `PATH`, `LANG`, `TMPDIR` and what `inherit` names. `HOME` and the `XDG_*` directories are
    /// empty ones below `scratch`, unless inherited by name. Proxy variables lead to `trap`, whatever was inherited.
    ///
    /// # Errors
    ///
    /// If the private directories cannot be made.
    pub fn new(
        caller: impl IntoIterator<Item = (OsString, OsString)>,
        inherit: &[String],
        run: &str,
        trap: SocketAddr,
        scratch: &Path,
    ) -> Result<Self, EnvironmentError> {
        let directory =
            private_directories(scratch).map_err(|source| EnvironmentError { path: scratch.to_path_buf(), source })?;
        let mut vars: BTreeMap<OsString, OsString> =
            PRIVATE.iter().map(|(name, place)| (name.into(), directory.path().join(place).into())).collect();
        let mut withheld = Vec::new();
        for (name, value) in caller {
            let named = |wanted: &str| name == OsStr::new(wanted);
            if INHERITED.iter().any(|wanted| named(wanted)) || inherit.iter().any(|wanted| named(wanted)) {
                vars.insert(name, value);
            } else {
                withheld.push(name.to_string_lossy().into_owned());
            }
        }
        withheld.sort();
        let mut environment = Self { vars, withheld, directory };
        let proxy = format!("http://{trap}");
        environment.insert_all(PROXIES, &proxy);
        environment.insert_all(NO_PROXIES, LOCAL);
        environment.insert_all([RUN], run);
        Ok(environment)
    }

    fn insert_all<const N: usize>(&mut self, names: [&str; N], value: &str) {
        self.vars.extend(names.map(|name| (name.into(), value.into())));
    }

    /// Adds what the target file says, in place of what was inherited.
    ///
    /// # Errors
    ///
    /// If the variable is the lab's own: the run's id, or one that leads to the trap.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) -> Result<(), Reserved> {
        if PROXIES.contains(&name) || NO_PROXIES.contains(&name) || name == RUN {
            return Err(Reserved(name.to_owned()));
        }
        self.vars.insert(name.into(), value.into());
        Ok(())
    }

    /// Lets HTTP clients reach `host` without the trap: `egress.allow` names it.
    pub fn exempt(&mut self, host: &str) {
        for name in NO_PROXIES {
            if let Some(exempt) = self.vars.get_mut(OsStr::new(name)) {
                exempt.push(",");
                exempt.push(host);
            }
        }
    }

    /// The variables.
    pub fn vars(&self) -> &BTreeMap<OsString, OsString> {
        &self.vars
    }

    /// Names of the caller's variables that were not passed on, sorted: one of them may be what a worker misses.
    pub fn withheld(&self) -> &[String] {
        &self.withheld
    }

    /// The directory that holds the private ones.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

fn private_directories(scratch: &Path) -> io::Result<TempDir> {
    // Readable by the user alone, as the specification demands of XDG_RUNTIME_DIR.
    let directory = tempfile::Builder::new().prefix("worker-").tempdir_in(scratch)?;
    for (_, place) in PRIVATE {
        std::fs::create_dir(directory.path().join(place))?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(caller: &[(&str, &str)], inherit: &[&str]) -> Environment {
        let caller = caller.iter().map(|(name, value)| (name.into(), value.into()));
        let inherit: Vec<String> = inherit.iter().map(ToString::to_string).collect();
        let trap = SocketAddr::from(([127, 0, 0, 1], 4711));
        Environment::new(caller, &inherit, "run-1", trap, &std::env::temp_dir()).unwrap()
    }

    fn get<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
        environment.vars().get(OsStr::new(name)).and_then(|value| value.to_str())
    }

    #[test]
    fn only_what_is_named_is_passed_on() {
        let made = environment(&[("PATH", "/bin"), ("AWS_SECRET", "x"), ("STAGE", "dev"), ("A", "b")], &["STAGE"]);
        assert_eq!(get(&made, "PATH"), Some("/bin"));
        assert_eq!(get(&made, "STAGE"), Some("dev"));
        assert_eq!(get(&made, "AWS_SECRET"), None);
        assert_eq!(made.withheld(), ["A", "AWS_SECRET"]);
    }

    #[test]
    fn the_users_directories_are_replaced_by_empty_ones() {
        let made = environment(&[("HOME", "/home/me"), ("XDG_CONFIG_HOME", "/home/me/.config")], &[]);
        for (name, _) in PRIVATE {
            let path = Path::new(get(&made, name).unwrap());
            assert!(path.starts_with(made.directory()) && path.read_dir().unwrap().next().is_none());
        }
        let directory = made.directory().to_path_buf();
        drop(made);
        assert!(!directory.exists());
        assert_eq!(get(&environment(&[("HOME", "/home/me")], &["HOME"]), "HOME"), Some("/home/me"));
    }

    #[test]
    fn proxies_lead_to_the_trap_and_the_run_is_named_whatever_was_inherited() {
        let mut made = environment(&[("https_proxy", "http://corp:3128"), (RUN, "other")], &["https_proxy", RUN]);
        for name in [RUN, "HTTP_PROXY", "no_proxy"] {
            assert_eq!(made.set(name, "mine"), Err(Reserved(name.to_owned())));
        }
        for name in PROXIES {
            assert_eq!(get(&made, name), Some("http://127.0.0.1:4711"));
        }
        assert_eq!(get(&made, "no_proxy"), Some(LOCAL));
        assert_eq!(get(&made, RUN), Some("run-1"));
        made.exempt("metrics.example.com");
        assert_eq!(get(&made, "NO_PROXY"), Some("127.0.0.1,localhost,metrics.example.com"));
    }

    #[test]
    fn what_the_target_sets_replaces_what_was_inherited() {
        let mut made = environment(&[("LANG", "C")], &[]);
        made.set("LANG", "de_DE.UTF-8").unwrap();
        assert_eq!(get(&made, "LANG"), Some("de_DE.UTF-8"));
    }

    #[test]
    fn debug_output_holds_no_value() {
        let made = environment(&[("TOKEN", "s3cret")], &["TOKEN"]);
        let shown = format!("{made:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("s3cret"), "{shown}");
    }
}
