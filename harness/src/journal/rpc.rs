//! Methods of Temporal's frontend.

/// Whether this is a worker's long poll.
pub fn is_poll(rpc: &str) -> bool {
    matches!(rpc, "PollWorkflowTaskQueue" | "PollActivityTaskQueue" | "PollNexusTaskQueue")
}
