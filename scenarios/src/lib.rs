//! The scenarios that ship with tokenlapse, and the failure modes that they stand for, as data.
//!
//! The files are part of the binary; nothing here knows what they mean. How to write one: this crate's `README.md`.

use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "catalogue/"]
struct Catalogue;

#[derive(RustEmbed)]
#[folder = "targets/"]
struct Targets;

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Templates;

/// The failure modes that scenarios, checks and defects stand for: a YAML list of `id`, `title` and `about`.
pub const FAILURE_MODES: &str = include_str!("../failure-modes.yaml");

/// Who may call which method of Temporal's frontend, by a real server's own table: JSON, recorded by the program in
/// `conformance/`.
pub const FRONTEND_ACCESS: &str = include_str!("../conformance/access.json");

/// A scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioFile {
    /// The folder that it lies in, which is its family.
    pub family: String,
    /// Its name without the ending, which is its id.
    pub id: String,
    /// `catalogue/<family>/<id>.yaml`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// All scenario files, by family and id.
pub fn scenarios() -> impl Iterator<Item = ScenarioFile> {
    let mut paths: Vec<_> = Catalogue::iter().collect();
    paths.sort();
    paths.into_iter().filter_map(|path| {
        let (family, name) = path.split_once('/')?;
        Some(ScenarioFile {
            family: family.to_owned(),
            id: name.strip_suffix(".yaml")?.to_owned(),
            path: format!("catalogue/{path}"),
            text: text(Catalogue::get(&path)),
        })
    })
}

/// The scenario file with this id.
pub fn scenario(id: &str) -> Option<ScenarioFile> {
    scenarios().find(|file| file.id == id)
}

/// The target file of the reference worker that the command holds.
pub fn builtin_target() -> String {
    text(Targets::get("builtin.yaml"))
}

/// A commented target file to start from.
pub fn target_template() -> String {
    text(Templates::get("target.yaml"))
}

/// A commented scenario file to start from.
pub fn scenario_template() -> String {
    text(Templates::get("scenario.yaml"))
}

fn text(file: Option<EmbeddedFile>) -> String {
    let file = file.expect("the file is embedded: its folder is part of this crate");
    String::from_utf8(file.data.into_owned()).expect("files of this crate are UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_ids() {
        let all: Vec<_> = scenarios().collect();
        assert!(all.len() >= 26, "{} scenarios", all.len());
        for file in &all {
            assert_eq!(scenario(&file.id).as_ref(), Some(file), "{} stands once", file.id);
        }
        assert_eq!(scenario("no-such-scenario"), None);
    }

    #[test]
    fn the_other_files_are_there() {
        assert!(builtin_target().contains("{tokenlapse}"));
        assert!(target_template().contains("target:") && scenario_template().contains("scenario:"));
    }
}
