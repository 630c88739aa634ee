//! Each operation tells a mistake with the key that is meant, what may stand there, and the nearest word.

use serde_json::json;

use super::support::Lab;

const NUMBER: &str = "a whole number must stand here (such as `1`";
const BOOLEAN: &str = "`true` or `false` must stand here (without quotes)";
const DURATION: &str = "needs a unit (units are";

#[tokio::test]
async fn a_wrong_body_is_told_with_what_would_be_right() {
    let lab = Lab::new().await;
    let revoke = "/tokens/revoke";
    for (method, path, body, told) in [
        ("POST", revoke, json!({"which": "all"}), "body:1:11: `all` says too little by itself (a value belongs to it"),
        ("POST", revoke, json!({"which": "token"}), "`token` says too little by itself"),
        ("POST", revoke, json!({"which": "al"}), "unknown word `al` (did you mean `all`?)"),
        ("POST", revoke, json!({"which": {"all": "acess"}}), "unknown word `acess` (did you mean `access`?)"),
        ("POST", revoke, json!({"which": {}}), "one key must (with any word as key"),
        ("POST", revoke, json!({"which": []}), "a mapping of one key must stand here (with any word"),
        ("POST", revoke, json!({"which": {"all": "access", "token": 1}}), "exactly one must stand (keep one"),
        ("POST", revoke, json!({"which": {"token": "A1"}}), NUMBER),
        (
            "POST",
            revoke,
            json!({"which": {"consent": {"client": "worker", "subjet": "a"}}}),
            "unknown key `subjet` (did you mean `subject`?)",
        ),
        ("POST", "/tokens/find", json!({"tokn": "x"}), "unknown key `tokn` (did you mean `token`?)"),
        ("PUT", "/tokens/lifetime", json!({"lifetime": "5"}), DURATION),
        ("PUT", "/tokens/lifetime", json!({"lifetime": "0s"}), "a second or more, as `exp` has whole seconds (for one"),
        ("POST", "/clock/move", json!({"by": 5}), DURATION),
        ("PUT", "/clock/drift", json!({"ms_per_second": 1.5}), NUMBER),
        ("PUT", "/caching", json!({"jwsk": "x"}), "unknown key `jwsk` (did you mean `jwks`?)"),
        ("PUT", "/propagation", json!({"secrt": "1s"}), "unknown key `secrt` (did you mean `secret`?)"),
        ("POST", "/keys/rotate", json!({"overlap": "no"}), BOOLEAN),
        ("PATCH", "/clients/worker", json!({"disable": true}), "unknown key `disable` (did you mean `disabled`?)"),
        ("POST", "/clients/worker/rotate-secret", json!({"secret": ""}), "`secret` is empty (it has one or more"),
        ("POST", "/clients/worker/refresh-tokens", json!({"subject": ""}), "`subject` is empty (name who"),
        ("PUT", "/subjects/a", json!({"disabled": 1}), BOOLEAN),
        ("PUT", "/tenant", json!({"disabled": null}), BOOLEAN),
        ("POST", "/devices/x/approve", json!({"subject": ""}), "`subject` is empty (name the user"),
        ("POST", "/rules", json!({"instead": "answer", "times": 1}), "`answer` says too little by itself"),
        ("POST", "/rules", json!({"deliver": "truncate"}), "`truncate` says too little by itself"),
        ("POST", "/rules", json!({"change": ["status"]}), "`status` says too little by itself"),
        ("POST", "/rules", json!({"when": {"turn": {"nth": 0}}}), "a whole number from 1 on must stand here (such as"),
        ("POST", "/rules", json!({"lasting": "5"}), "a duration must stand here (with its unit, as in `5m`"),
        ("POST", "/rules", json!({"delay": {"fixed": "5 parsecs"}}), "a duration must stand here (with its unit"),
        (
            "POST",
            "/rules",
            json!({"limit": {"allow": {"fixed_window": {"requests": 1, "perod": "1s"}}}}),
            "unknown key `perod` (did you mean `period`?)",
        ),
    ] {
        let (status, problem) = lab.call(method, path, Some(body.clone())).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(told), "{method} {path} {body}: {status} {detail}");
    }
}

#[tokio::test]
async fn a_wrong_query_or_path_is_told_with_what_would_be_right() {
    let lab = Lab::new().await;
    for (method, path, status, told) in [
        ("GET", "/tokens?limit=0", 400, "the parameter `limit`: it is too small or too large (from 1 to 1000)"),
        ("GET", "/tokens?limit=x", 400, "the parameter `limit`: a whole number must stand here (such as `1`"),
        (
            "GET",
            "/tokens?client=a&kind=acess",
            400,
            "the parameter `kind`: unknown word `acess` (did you mean `access`?)",
        ),
        ("GET", "/tokens?state=liv", 400, "the parameter `state`: unknown word `liv` (did you mean `live`?)"),
        ("GET", "/tokens?sate=live", 400, "the query: unknown key `sate` (did you mean `state`?)"),
        ("GET", "/tokens?kind=access&kind=access", 400, "the query: the key `kind` stands twice"),
        (
            "GET",
            "/requests?endpoint=tokn",
            400,
            "the parameter `endpoint`: unknown word `tokn` (did you mean `token`?)",
        ),
        ("GET", "/requests/count?status=x", 400, "the parameter `status`: a whole number must stand here"),
        ("GET", "/requests/wait?nth=x", 400, "the parameter `nth`: a whole number must stand here"),
        ("GET", "/events?aftr=1", 400, "the query: unknown key `aftr` (did you mean `after`?)"),
        ("GET", "/tokens/x", 400, "the path has `x` where a number must stand (such as `1`"),
        ("GET", "/tokens/9", 404, "GET /admin/tokens lists all"),
        ("DELETE", "/rules/x", 400, "the path has `x` where a number must stand"),
        ("POST", "/snapshots/x/restore", 400, "the path has `x` where a number must stand"),
        ("POST", "/keys/x/sign", 404, "GET /admin/keys lists all"),
        ("POST", "/devices/x/deny", 404, "GET /admin/devices lists all that wait"),
    ] {
        let (said, problem) = lab.call(method, path, None).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(said == status && detail.contains(told), "{method} {path}: {said} {detail}");
    }
    let found = lab.get("/tokens?client=1&subject=null&limit=1000").await;
    assert_eq!(found["tokens"], json!([]), "what a parameter says is text, whatever it looks like");
}
