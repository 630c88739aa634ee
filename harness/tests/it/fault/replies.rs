//! Changed replies.

use std::time::Duration;

use serde_json::json;
use tokenlapse::journal::{Act, Event, FieldChange, IdpRequest};

use super::support::{Lab, api, api_request, grant, request, token_request, unavailable};

#[test]
fn the_nth_request_itself_is_answered_and_healed_after_the_last() {
    let lab =
        Lab::with("faults: [{ when: { event: idp.request, nth: 2 }, do: { idp.respond: { status: 503, times: 2 } } }]");
    let answers: Vec<_> = (0..5).map(|_| lab.send(request()).act).collect();
    let refused = Act::Answer(unavailable());
    assert_eq!(answers, [Act::Proceed, refused.clone(), refused, Act::Proceed, Act::Proceed]);
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[test]
fn a_reply_is_dropped_after_processing_not_instead_of_it() {
    let lab = Lab::with("faults: [{ when: { event: idp.request }, do: { idp.drop_reply: {} } }]");
    assert!(lab.send(request()).is_proceed());
    assert_eq!(lab.counts(0), (1, 0, false), "fired, and nothing lost yet");
    assert_eq!(lab.send(grant(&["T1"])).act, Act::DropReply);
    assert_eq!(lab.counts(0), (1, 1, true));
    assert!(lab.send(grant(&["T2"])).is_proceed());
}

#[test]
fn a_reply_says_which_fault_made_it_what_it_is() {
    let lab = Lab::with(
        "faults:
  - { id: busy, when: { event: api.request }, do: { api.respond: { status: 503 } } }
  - { id: slow, when: { event: idp.request }, do: { idp.delay: { by: 5ms } } }",
    );
    lab.send(Event::ApiRequest(api_request("w1", "T1")));
    lab.send(api("w1", "T1", 503, None));
    lab.send(api("w1", "T1", 200, None));
    lab.send(request());
    lab.send(grant(&["T2"]));
    let said: Vec<_> = lab
        .journal
        .records()
        .iter()
        .filter_map(|record| match &record.event {
            Event::ApiResponse(reply) => Some(reply.fault.clone()),
            Event::IdpResponse(reply) => Some(reply.fault.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(said, [Some("busy".into()), None, Some("slow".into())]);
}

#[test]
fn the_first_of_two_answers_wins_and_the_second_waits_for_the_next_request() {
    let lab = Lab::with(
        "faults:
  - { when: { event: idp.request }, do: { idp.respond: { status: 503 } } }
  - { when: { event: idp.request }, do: { idp.respond: { status: 500 } } }
  - { when: { event: idp.request }, do: { idp.delay: { by: 2ms } } }
  - { when: { event: idp.request }, do: { idp.delay: { by: 3ms } } }",
    );
    let statuses: Vec<_> = (0..3)
        .map(|_| match lab.send(request()).act {
            Act::Answer(answer) => answer.status,
            _ => 200,
        })
        .collect();
    assert_eq!(statuses, [503, 500, 200]);
    assert_eq!(lab.send(grant(&[])).delay, Duration::from_millis(5), "delays add up");
}

/// What is answered to the first request, by header fields and body.
fn answer(action: &str) -> (Vec<(String, String)>, String) {
    let event = if action.starts_with("idp") { "idp.request" } else { "api.request" };
    let lab = Lab::with(&format!("faults: [{{ when: {{ event: {event} }}, do: {{ {action} }} }}]"));
    let sent = if action.starts_with("idp") { request() } else { Event::ApiRequest(api_request("w1", "T1")) };
    match lab.send(sent).act {
        Act::Answer(answer) => (answer.headers, answer.body),
        act => panic!("{act:?}"),
    }
}

fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|&(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn an_answer_is_what_the_file_says() {
    let json = [("content-type", "application/json")];
    for (action, headers, body) in [
        ("idp.respond: { status: 400, error: invalid_grant }", &json[..], r#"{"error":"invalid_grant"}"#),
        (
            "idp.respond: { status: 502, body: '<html>', content_type: text/html }",
            &[("content-type", "text/html")],
            "<html>",
        ),
        ("idp.respond: { status: 502, body: down }", &[("content-type", "text/plain")], "down"),
        (
            "idp.respond: { status: 200, body: { a: [1] }, headers: { X-A: b } }",
            &[json[0], ("X-A", "b")],
            r#"{"a":[1]}"#,
        ),
        ("idp.respond: { status: 503, retry_after: { seconds: 2 } }", &[("retry-after", "2")], ""),
        ("idp.respond: { status: 503, retry_after: { raw: '-1' } }", &[("retry-after", "-1")], ""),
        (
            // The clock of these controls stands at 22:13:20.5.
            "idp.respond: { status: 503, retry_after: { date: 1500ms } }",
            &[("date", "Tue, 14 Nov 2023 22:13:20 GMT"), ("retry-after", "Tue, 14 Nov 2023 22:13:22 GMT")],
            "",
        ),
        (
            "api.respond: { status: 401, error: invalid_token }",
            &[("www-authenticate", r#"Bearer realm="api", error="invalid_token""#), json[0]],
            r#"{"error":"invalid_token"}"#,
        ),
    ] {
        assert_eq!(answer(action), (fields(headers), body.to_owned()), "{action}");
    }
}

#[test]
fn a_limit_is_reached_by_what_was_served_at_its_place() {
    let lab = Lab::with(
        "faults: [{ when: { event: idp.request, nth: 4 }, do: { idp.rate_limit: { times: 2, retry_after: { seconds: 1 } } } }]",
    );
    let elsewhere = IdpRequest { endpoint: "jwks".into(), ..token_request(None) };
    let requests = [request(), Event::IdpRequest(elsewhere), request(), request(), request(), request()];
    let refused: Vec<_> = requests.into_iter().map(|sent| !lab.send(sent).act.processes()).collect();
    assert_eq!(refused, [false, false, false, true, true, false]);
    // What is refused is not served: it counts for nothing.
    assert_eq!(lab.said(), ["one too many after 2, Some(Seconds(1))"; 2]);
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[test]
fn fields_are_set_and_left_out() {
    let lab = Lab::with(
        "faults: [{ when: { event: idp.request }, do: { idp.alter: { set: { expires_in: null }, omit: [scope] } } }]",
    );
    lab.send(request());
    let change = |field: &str, value| FieldChange { field: field.into(), value };
    let changes = vec![change("expires_in", Some(json!(null))), change("scope", None)];
    assert_eq!(lab.send(grant(&["T1"])).act, Act::Alter(changes));
}

#[test]
fn only_the_named_place_is_concerned() {
    let lab = Lab::with(
        "faults:
  - { do: { idp.respond: { endpoint: jwks, status: 503 } } }
  - { do: { idp.respond: { grant: refresh_token, status: 503 } } }
  - { do: { api.respond: { route: 'GET /other', status: 503 } } }",
    );
    assert!(lab.send(request()).is_proceed());
    assert!(lab.send(Event::ApiRequest(api_request("w1", "T1"))).is_proceed());
    assert_eq!([lab.counts(0), lab.counts(1), lab.counts(2)], [(1, 0, false); 3]);
}
