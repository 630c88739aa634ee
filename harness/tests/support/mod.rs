//! What several tests share.

use std::path::Path;

use tokenlapse::journal::{Run, transcript};

/// Compares a run's transcript with `snapshots/<id>.snap`. `id` is the scenario's, so that a scenario's file and its
/// story are found by one name.
pub(crate) fn assert_transcript(id: &str, run: &Run<'_>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    // The place in the test is no part of the story.
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(id, transcript(run)));
}
