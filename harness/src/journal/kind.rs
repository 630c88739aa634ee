//! The closed list of event kinds: what they mean, when they are recorded, what a trigger may filter on.

/// When a part of the lab records events of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The part has not gone on: it does what the recording says.
    Gating,
    /// It has happened.
    Live,
    /// It is appended after the workload; no fault can wait for it.
    Afterwards,
}

/// One kind of event, for `explain`, for the schema and for the check of scenario files.
#[derive(Debug, Clone, Copy)]
pub struct KindDoc {
    /// `idp.request`.
    pub name: &'static str,
    /// When it is recorded.
    pub moment: Moment,
    /// What it says.
    pub doc: &'static str,
    /// What `where:` may name.
    pub filters: &'static [&'static str],
}

const fn doc(name: &'static str, moment: Moment, filters: &'static [&'static str], doc: &'static str) -> KindDoc {
    KindDoc { name, moment, doc, filters }
}

const ATTEMPT: &[&str] = &["instance", "workflow", "activity", "type", "attempt"];

/// Every kind that a journal can hold.
pub static KIND_DOCS: &[KindDoc] = &[
    doc("run.started", Moment::Live, &[], "the scenario run begins: scenario, target, server and seed"),
    doc("run.ended", Moment::Live, &["end"], "the lab has done its part, or failed; the last record"),
    doc("workload.started", Moment::Live, &[], "workers are ready and workflows are about to be started"),
    doc("workload.finished", Moment::Live, &[], "every workflow was closed or given up on"),
    doc("lab.late", Moment::Live, &[], "the machine had no time for the lab, and woke it late"),
    doc("workflow.started", Moment::Live, &["workflow", "n"], "the harness started a workflow"),
    doc("workflow.closed", Moment::Live, &["workflow", "status"], "a workflow was seen closed"),
    doc("fault.armed", Moment::Live, &["fault"], "a fault waits for its trigger"),
    doc("fault.fired", Moment::Live, &["fault", "action"], "a fault's action was carried out"),
    doc("fault.bit", Moment::Live, &["fault"], "a fault is proved to have had an effect"),
    doc("fault.healed", Moment::Live, &["fault"], "a fault was undone"),
    doc("fault.due", Moment::Live, &["fault", "what"], "a time is over that a fault had to wait"),
    doc("clock.moved", Moment::Live, &["clock"], "a clock of the lab was moved"),
    doc(
        "idp.request",
        Moment::Gating,
        &["instance", "endpoint", "grant", "client", "token"],
        "a request reached the identity provider",
    ),
    doc(
        "idp.response",
        Moment::Gating,
        &["instance", "endpoint", "grant", "client", "token", "status", "error", "fault"],
        "the identity provider's reply is about to leave",
    ),
    doc(
        "idp.token",
        Moment::Live,
        &["token", "token_kind", "change", "client", "sub"],
        "a token was issued, rotated, expired or revoked",
    ),
    doc("idp.key", Moment::Live, &["kid"], "the identity provider signs with another key"),
    doc(
        "api.request",
        Moment::Gating,
        &["instance", "route", "token", "sub", "workflow"],
        "a request reached the protected API",
    ),
    doc(
        "api.response",
        Moment::Gating,
        &["instance", "route", "token", "sub", "workflow", "refused", "status", "error", "effect", "fault"],
        "the API's reply is about to leave",
    ),
    doc("http.done", Moment::Live, &["delivered"], "a reply was handed over whole, or lost"),
    doc(
        "gate.rpc",
        Moment::Gating,
        &["instance", "rpc", "token", "refused"],
        "a worker's RPC reached the frontend gate",
    ),
    doc("gate.rpc_done", Moment::Gating, &["instance", "rpc", "code", "token", "fault"], "a worker's RPC ended"),
    doc("activity.started", Moment::Gating, ATTEMPT, "an attempt is about to be delivered to a worker"),
    doc("activity.completed", Moment::Gating, ATTEMPT, "a worker reported an attempt as done"),
    doc("activity.failed", Moment::Gating, ATTEMPT, "a worker reported an attempt as failed"),
    doc("activity.cancelled", Moment::Gating, ATTEMPT, "a worker reported an attempt as cancelled"),
    doc("activity.heartbeat", Moment::Gating, ATTEMPT, "a worker sent a heartbeat"),
    doc(
        "link.withheld",
        Moment::Live,
        &["instance", "on"],
        "a link that carried nothing was healed, and a worker had sent something over it meanwhile",
    ),
    doc("temporal.server", Moment::Live, &["state"], "the scenario's own Temporal server was hurt, or is well again"),
    doc(
        "temporal.operation",
        Moment::Live,
        &["operation", "workflow", "activity", "refused"],
        "Temporal did to work what a fault asked for, or refused to",
    ),
    doc("worker.started", Moment::Live, &["instance"], "a worker process was started"),
    doc("worker.ready", Moment::Live, &["instance"], "a worker instance polls for what it serves"),
    doc(
        "worker.frozen",
        Moment::Live,
        &["instance"],
        "a worker process was stopped, and does nothing until it is resumed",
    ),
    doc("worker.resumed", Moment::Live, &["instance"], "a worker process that was frozen goes on"),
    doc("worker.output", Moment::Live, &["instance", "stream"], "a worker wrote a line"),
    doc("worker.exited", Moment::Live, &["instance", "code", "signal", "expected"], "a worker process ended"),
    doc("egress.attempt", Moment::Live, &["instance", "host", "port"], "a worker tried to leave the lab"),
    doc("history.event", Moment::Afterwards, &[], "one event of a workflow's history"),
];

/// The entry of the kind `name`.
pub fn kind_doc(name: &str) -> Option<&'static KindDoc> {
    KIND_DOCS.iter().find(|kind| kind.name == name)
}
