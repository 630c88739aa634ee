//! From a file's text to its model.

use std::sync::LazyLock;

use mock_idp::file::{At, Complaint, Diagnostic, Position, Source};
use serde::de::DeserializeOwned;

use super::schema::{scenario_schema, target_schema};
use super::shape::{Misfit, misfits};
use super::value::Value;

/// A kind of file.
pub(super) struct Kind {
    schema: LazyLock<serde_json::Value>,
    /// What to write into a file that is empty.
    pub(super) begin: &'static str,
}

/// Target files.
pub(super) static TARGET: Kind = Kind {
    schema: LazyLock::new(|| target_schema().to_value()),
    begin: "a target file begins with `target: NAME`, and says under `worker:` and `workload:` what is tested",
};

/// Scenario files.
pub(super) static SCENARIO: Kind = Kind {
    schema: LazyLock::new(|| scenario_schema().to_value()),
    begin: "a scenario file begins with `scenario: ID`; `tokenlapse new scenario ID` writes one",
};

/// Reads a file of this kind.
///
/// # Errors
///
/// All values of the wrong kind, and the first thing that does not fit the model for another reason.
pub(super) fn read<T: DeserializeOwned>(text: &str, source: &Source, kind: &Kind) -> Result<T, Vec<Diagnostic>> {
    if is_empty(text) {
        return Err(vec![Diagnostic::new(
            source,
            Position::default(),
            Complaint::new("the file is empty").hint(kind.begin),
        )]);
    }
    let model = mock_idp::file::parse::<T>(text, source);
    // What is no YAML, or has a key twice, fits no model either, and that was told.
    let file = mock_idp::file::parse::<At<Value>>(text, source);
    let mut misfits = file.map_or(Vec::new(), |file| misfits(&kind.schema, text, &file));
    let explains = |misfit: &Misfit, error: &Diagnostic| misfit.explains(error.line(), text);
    misfits.retain(|misfit| !misfit.is_nothing || model.as_ref().is_err_and(|error| explains(misfit, error)));
    let other = match model {
        Ok(model) if misfits.is_empty() => return Ok(model),
        Ok(_) => None,
        Err(error) => Some(error).filter(|error| !misfits.iter().any(|misfit| explains(misfit, error))),
    };
    let mut errors: Vec<Diagnostic> = misfits.into_iter().map(|misfit| misfit.told(source)).chain(other).collect();
    errors.sort_by_key(|error| (error.line(), error.column()));
    Err(errors)
}

/// Whether it holds nothing but comments.
pub(super) fn is_empty(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "---" || line == "...")
}
