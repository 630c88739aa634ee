//! The command as a black box.

mod file;
mod https;
mod serving;
mod support;

use support::{Place, mock_idp as run};

#[test]
fn wrong_usage_is_code_2() {
    for arguments in [
        "",
        "what",
        "validate",
        "schema what",
        "serve --lifetime 0",
        "serve --port many",
        "serve --format rs257",
        "serve --dialect okt",
        "serve --origin idp.test",
        "serve --origin http://idp.test/path",
        "serve --client-secret=",
        "serve --no-admin --admin-port 1",
        "serve --config a.yaml --client-id c",
    ] {
        run(arguments).has_code(2);
    }
    run("serve --admin-address 0.0.0.0").has_code(2).tells(&["--admin-token", "--no-admin"]);
}

#[test]
fn a_schema_is_json_that_knows_the_keys() {
    let done = run("schema config");
    let schema: serde_json::Value = serde_json::from_str(&done.has_code(0).out).expect("JSON");
    for key in ["clients", "tokens", "clock", "dialect"] {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
}

#[test]
fn files_are_checked_without_starting_anything() {
    let place = Place::new();
    place.write("good.yaml", mock_idp::settings::example::TEXT);
    place.write("bad.yaml", "tokens:\n  lifetme: 5m\n");
    place.run("validate good.yaml").has_code(0).shows(&["good.yaml: good"]);
    let done = place.run("validate bad.yaml good.yaml missing.yaml");
    done.has_code(2).shows(&["good.yaml: good"]).tells(&["bad.yaml:2:3", "`lifetime`", "missing.yaml cannot be read"]);
    place.write(
        "two.yaml",
        "dialect: okat\nclients:\n  - id: a\n    secret: s\n    scops: [x]\ntokens:\n  lifetime: 5\n",
    );
    let both = place.run("validate two.yaml");
    both.has_code(2).tells(&["two.yaml:1:10", "`okta`", "two.yaml:5:5", "`scopes`", "two.yaml:7:13", "needs a unit"]);
    let served = place.run("serve --config bad.yaml");
    served.has_code(2).tells(&["bad.yaml:2:3", "unknown key `lifetme`", "did you mean `lifetime`?"]);
    assert!(served.out.is_empty(), "nothing is served: {}", served.out);
}
