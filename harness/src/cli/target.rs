//! The target that a command line names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::lab::{Commands, UnderTest};
use crate::run::Ground;
use crate::scenario::{Placeholder, Target, builtin_target};

/// What is taken where no `--target` is given.
const DEFAULT: &str = "tokenlapse.yaml";

/// A target with what it takes to start its workers.
pub(crate) struct Chosen {
    pub(crate) target: Target,
    /// The target file's folder.
    folder: PathBuf,
    /// Its file; `None` for the built-in target.
    pub(super) file: Option<PathBuf>,
    /// How a replay names it: ` --target FILE`, or nothing.
    pub(super) replay: String,
    /// The variables of this process.
    caller: Vec<(OsString, OsString)>,
}

impl Chosen {
    /// The given file, else `./tokenlapse.yaml`, else the built-in target.
    pub(crate) fn load(given: Option<&Path>) -> Result<Self, String> {
        let default = Path::new(DEFAULT);
        let file = given.or_else(|| default.exists().then_some(default));
        let (target, folder) = match file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| format!("the target {} cannot be read: {error}", file.display()))?;
                let target = Target::parse(&text, &file.display().to_string()).map_err(super::told)?;
                let folder = match file.parent() {
                    Some(folder) if folder != Path::new("") => folder,
                    _ => Path::new("."),
                };
                (target, folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?)
            }
            None => return Self::here(builtin_target().map_err(super::told)?),
        };
        let replay = given.map_or_else(String::new, |file| format!(" --target {}", file.display()));
        Self::complete(target, folder, file.map(Path::to_path_buf), replay)
    }

    /// A target without a file: its commands start in the working directory.
    pub(crate) fn here(target: Target) -> Result<Self, String> {
        let here = std::env::current_dir().map_err(|error| format!("no working directory: {error}"))?;
        Self::complete(target, here, None, String::new())
    }

    fn complete(target: Target, folder: PathBuf, file: Option<PathBuf>, replay: String) -> Result<Self, String> {
        let caller: Vec<_> = std::env::vars_os().collect();
        all_variables_are_set(&target, &caller)?;
        Ok(Self { target, folder, file, replay, caller })
    }

    /// The worker processes that it stands for.
    pub(crate) fn under_test(&self, ground: &Ground, run: &str) -> UnderTest {
        UnderTest::Processes(Arc::new(Commands {
            target: self.target.clone(),
            folder: self.folder.clone(),
            caller: self.caller.clone(),
            launcher: ground.launcher.clone(),
            scratch: ground.site.scratch.clone(),
            run: run.to_owned(),
        }))
    }
}

/// `{env.X}` must be set: a worker that lacks it would fail in some way of its own.
fn all_variables_are_set(target: &Target, caller: &[(OsString, OsString)]) -> Result<(), String> {
    for worker in target.all_workers() {
        let values = worker.env.iter().map(|(_, value)| &value.value);
        let templates = worker.command.value.iter().map(|word| &word.value).chain(values);
        for placeholder in templates.flat_map(|template| template.placeholders()) {
            if let Placeholder::CallerEnv(name) = placeholder
                && !caller.iter().any(|(known, _)| known.to_str() == Some(name))
            {
                return Err(format!(
                    "the target asks for {{env.{name}}}, but {name} is not set; export it and try again"
                ));
            }
        }
    }
    Ok(())
}
