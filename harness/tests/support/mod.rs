//! What several tests share.

use std::path::PathBuf;

use tokenlapse::journal::{Run, transcript};

/// Where transcripts lie.
pub(crate) fn snapshots() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../snapshots")
}

/// Compares a run's transcript with `snapshots/<id>.snap`. `id` is the scenario's, so that a scenario's file and its
/// story are found by one name.
pub(crate) fn assert_transcript(id: &str, run: &Run<'_>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots());
    settings.set_prepend_module_to_snapshot(false);
    // The place in the test is no part of the story.
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(id, transcript(run)));
}

/// The transcript in `snapshots/<id>.snap`.
pub(crate) fn stored_transcript(id: &str) -> Result<String, String> {
    let file = snapshots().join(format!("{id}.snap"));
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    // What stands before the second line of dashes is insta's own.
    let (_, transcript) = text.split_once("\n---\n").ok_or(format!("{} is no snapshot", file.display()))?;
    Ok(transcript.to_owned())
}
