//! What a worker was told last where its workload does not even complete without faults: mostly that is why.

use crate::journal::{Event, Record};

const NO_ROUTE: &str = "none of the target's `api.routes`";

/// The last refusal by the identity provider or the API, in words; `None` if nothing was refused.
pub(super) fn last_refusal(records: &[Record]) -> Option<String> {
    records.iter().rev().find_map(|record| match &record.event {
        Event::IdpResponse(reply) if reply.status >= 400 => {
            let why = [reply.error.as_deref(), reply.reason.as_deref()];
            let endpoint = &reply.request.endpoint;
            Some(format!("the identity provider's last refusal: {endpoint} {}", said(reply.status, why)))
        }
        Event::ApiResponse(reply) if reply.status >= 400 => {
            let nowhere = reply.status == 404 && reply.request.route.is_none();
            let why = [reply.error.as_deref(), reply.request.refused.as_deref().or(nowhere.then_some(NO_ROUTE))];
            Some(format!("the API's last refusal: {} {}", reply.request.target, said(reply.status, why)))
        }
        _ => None,
    })
}

/// `401 invalid_client, the secret is wrong`.
fn said(status: u16, why: [Option<&str>; 2]) -> String {
    let why = why.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{status} {why}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::journal::Seq;

    fn told(events: &[Value]) -> Option<String> {
        let record = |(seq, event): (u64, &Value)| Record {
            seq: Seq(seq),
            at_us: seq,
            cause: None,
            event: serde_json::from_value(event.clone()).expect("an event"),
            sightings: Vec::new(),
        };
        last_refusal(&(1..).zip(events).map(record).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_refusal_is_told_whoever_it_came_from() {
        let idp = |status: u16| {
            json!({"kind": "idp.response", "call": 1, "instance": "w1.1", "endpoint": "token", "status": status,
                "error": "invalid_client", "reason": "the secret is wrong"})
        };
        let api = json!({"kind": "api.response", "call": 2, "instance": "w1.1", "target": "GET /orders/1",
            "status": 403, "error": "insufficient_scope"});
        let of_idp = "the identity provider's last refusal: token 401 invalid_client, the secret is wrong";
        let of_api = "the API's last refusal: GET /orders/1 403 insufficient_scope";
        assert_eq!(told(&[api.clone(), idp(401), idp(200)]).as_deref(), Some(of_idp));
        assert_eq!(told(&[idp(401), api]).as_deref(), Some(of_api));
        assert_eq!(told(&[idp(200)]), None);
        let elsewhere = json!({"kind": "api.response", "call": 3, "instance": "w1.1", "target": "GET /v2/orders/1",
            "status": 404});
        let nowhere = "the API's last refusal: GET /v2/orders/1 404 none of the target's `api.routes`";
        assert_eq!(told(&[elsewhere]).as_deref(), Some(nowhere));
    }
}
