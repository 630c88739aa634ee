//! The configuration file: every slip in the commented example is found at its place.

use mock_idp::settings::{Settings, example};

/// A word at a place: line and column from 1.
struct Found<'a> {
    word: &'a str,
    line: usize,
    column: usize,
    start: usize,
}

/// Keys that users name as they like: claims.
const FREE: [&str; 2] = ["groups", "team"];

/// Every key of the example: the file is written plainly enough that they can be seen without a YAML reader.
fn keys() -> Vec<Found<'static>> {
    let mut keys = Vec::new();
    let mut start = 0;
    for (index, line) in example::TEXT.split_inclusive('\n').enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let indent = code.len() - code.trim_start_matches([' ', '-']).len();
        if let Some((word, _)) = code[indent..].split_once(':').filter(|(word, _)| !FREE.contains(word)) {
            keys.push(Found { word, line: index + 1, column: indent + 1, start: start + indent });
        }
        start += line.len();
    }
    keys
}

/// What is said of the example with something else at a place.
fn complaints(start: usize, length: usize, instead: &str) -> Vec<mock_idp::file::Diagnostic> {
    let text = example::TEXT;
    let text = format!("{}{instead}{}", &text[..start], &text[start + length..]);
    Settings::parse(&text, "example.yaml").err().unwrap_or_default()
}

#[test]
fn the_example_is_good_and_has_every_key() {
    let settings = Settings::parse(example::TEXT, "example.yaml").expect("it is good");
    let _ = settings.idp();
    let schema = serde_json::to_value(Settings::schema()).expect("JSON");
    let mut missing = Vec::new();
    properties(&schema, &mut missing);
    // As a comment, where it stands for another one.
    missing.retain(|key| {
        !example::TEXT.lines().any(|line| line.trim_start_matches([' ', '-', '#']).starts_with(&format!("{key}:")))
    });
    assert!(missing.is_empty(), "the example lacks {missing:?}");
}

/// The names of all properties of a schema.
fn properties(schema: &serde_json::Value, found: &mut Vec<String>) {
    let serde_json::Value::Object(fields) = schema else {
        schema.as_array().into_iter().flatten().for_each(|item| properties(item, found));
        return;
    };
    for (name, value) in fields {
        if let (true, Some(named)) = (name == "properties", value.as_object()) {
            found.extend(named.keys().cloned());
        }
        properties(value, found);
    }
}

#[test]
fn a_slip_in_any_key_is_found_with_line_column_and_the_right_word() {
    let mut tried = 0;
    for key in keys() {
        for gone in 0..key.word.len() {
            let slip = format!("{}{}", &key.word[..gone], &key.word[gone + 1..]);
            // A word of one letter less may be none at all.
            if slip.len() < 2 {
                continue;
            }
            tried += 1;
            let said = complaints(key.start, key.word.len(), &slip);
            let [first, ..] = said.as_slice() else { panic!("`{slip}` for `{}` was taken", key.word) };
            assert_eq!((first.line(), first.column()), (key.line, key.column), "{first}");
            assert!(first.message().contains(&format!("`{slip}`")), "{first}");
            assert!(first.hint().is_some_and(|hint| hint.contains(&format!("`{}`", key.word))), "{first}");
        }
    }
    assert!(tried > 100, "{tried} slips tried");
}

#[test]
fn a_value_of_the_wrong_type_is_found_with_line_and_column() {
    let mut tried = 0;
    for key in keys() {
        let line = example::TEXT.lines().nth(key.line - 1).expect("it is there");
        let value = line[key.column - 1 + key.word.len() + 1..].trim();
        // What follows on lines of its own would be left over.
        if value.is_empty() || value == "|" {
            continue;
        }
        tried += 1;
        let start = key.start + example::TEXT[key.start..].find(value).expect("it is there");
        let said = complaints(start, value.len(), "{ no: { such: type } }");
        let [first, ..] = said.as_slice() else { panic!("a mapping was taken for `{}`", key.word) };
        assert_eq!(first.line(), key.line, "{first}");
        assert!(first.column() > key.column, "{first}");
    }
    assert!(tried > 15, "{tried} values tried");
}

#[test]
fn what_the_model_cannot_say_is_found_at_its_place() {
    let client = "{ id: a, secret: s }";
    for (text, place, said) in [
        (format!("clients: [{client}, {client}]\n"), (1, 39), "two clients are named `a`"),
        ("clients:\n  - { id: \"\", secret: s }\n".to_owned(), (2, 11), "cannot be the id"),
        ("clients:\n  - { id: a, secret: \"\" }\n".to_owned(), (2, 11), "the secret of `a` is empty"),
        ("clients:\n  - { id: \"a\\nb\", secret: s }\n".to_owned(), (2, 11), "`a\\nb` cannot be the id"),
        ("clients:\n  - { id: a, secret: \"s\\n\" }\n".to_owned(), (2, 11), "a secret cannot have '\\n' in it"),
        ("clients:\n  - { id: a, secret: s, scopes: [b c] }\n".to_owned(), (2, 34), "`b c` cannot be a scope"),
        ("clients:\n  - { id: a, secret: s, scopes: [b, 'c\"'] }\n".to_owned(), (2, 37), "cannot be a scope"),
        ("clients:\n  - { id: a, secret: s, scopes: [\"\"] }\n".to_owned(), (2, 34), "cannot be a scope"),
        ("clients:\n  - { secret: s }\n".to_owned(), (2, 7), "`id` is missing"),
        ("tokens:\n  lifetime: 999ms\n".to_owned(), (2, 13), "a second or more"),
        ("tokens:\n  lifetime: 5\n".to_owned(), (2, 13), "needs a unit"),
        ("tokens:\n  format: es265\n".to_owned(), (2, 11), "unknown word `es265`"),
        ("tokens: {}\ntokens: {}\n".to_owned(), (2, 1), "stands twice"),
        ("dialect: generc\n".to_owned(), (1, 10), "unknown word `generc`"),
    ] {
        let errors = Settings::parse(&text, "f").expect_err(&text);
        assert_eq!((errors[0].line(), errors[0].column()), place, "{}", errors[0]);
        assert!(errors[0].message().contains(said), "{}", errors[0]);
    }
}

#[test]
fn a_redirect_uri_that_no_browser_can_be_sent_to_is_found_at_its_place() {
    let file = |key: &str, uri: &str| format!("clients:\n  - {{ id: a, secret: s, {key}: [\"{uri}\"] }}\n");
    for (key, column) in [("redirect_uris", 41), ("post_logout_redirect_uris", 53)] {
        for (wrong, hint) in [
            ("not a uri", "absolute URI"),
            ("/callback", "absolute URI"),
            ("", "absolute URI"),
            ("https://app.example/cb#done", "no fragment"),
            ("https://*.example/cb", "letter by letter"),
            ("javascript:alert(1)", "scheme"),
        ] {
            let errors = Settings::parse(&file(key, wrong), "f").expect_err(wrong);
            assert_eq!((errors[0].line(), errors[0].column()), (2, column), "{}", errors[0]);
            assert!(errors[0].message().contains("is no redirect URI"), "{}", errors[0]);
            assert!(errors[0].hint().is_some_and(|it| it.contains(hint)), "{wrong}: {}", errors[0]);
        }
        for right in ["https://app.example/cb?x=1", "http://127.0.0.1/cb", "http://[::1]:3000/", "com.example.app:/cb"]
        {
            assert!(Settings::parse(&file(key, right), "f").is_ok(), "{right}");
        }
    }
}

#[test]
fn a_rule_that_http_has_no_form_for_is_found_at_its_place() {
    let file = |rule: &str| format!("rules:\n  - when: {{ endpoint: token }}\n    {rule}\n");
    let status = "from 200 to 599";
    let (name, value) = ("without blanks", "one line without control characters");
    for (rule, column, said, hint) in [
        ("instead: { answer: { status: 99 } }", 34, "`99` is no status", status),
        ("instead: { answer: { status: 1000 } }", 34, "`1000` is no status", status),
        ("instead: { answer: { status: 100 } }", 34, "`100` is no status", status),
        ("instead: { answer: { status: 70000 } }", 34, "`70000` is no status", status),
        ("instead: { answer: { status: -1 } }", 34, "`-1` is no status", status),
        ("instead: { refuse: { error: e, status: 600 } }", 44, "`600` is no status", status),
        ("change: [{ status: 0 }]", 24, "`0` is no status", status),
        ("limit: { allow: { fixed_window: { requests: 1, period: 1s } }, status: 99 }", 76, "no status", status),
        ("instead: { answer: { status: 200, headers: [[\"X Y\", z]] } }", 50, "no name of a header field", name),
        ("instead: { answer: { status: 200, headers: [[\"X\\nY\", z]] } }", 50, "no name of a header field", name),
        ("instead: { answer: { status: 200, headers: [[\"\", z]] } }", 50, "no name of a header field", name),
        ("instead: { answer: { status: 200, headers: [[X, \"a\\nb\"]] } }", 53, "no header field can say", value),
        ("change: [{ set_headers: { \"X Y\": z } }]", 31, "no name of a header field", name),
        ("change: [{ set_headers: { X: \"\\0\" } }]", 34, "no header field can say", value),
        ("change: [{ omit_headers: [\"X:\"] }]", 31, "no name of a header field", name),
        ("retry_after: { text: \"5\\r\" }", 26, "no header field can say", value),
        (
            "limit: { allow: { fixed_window: { requests: 1, period: 1s } }, headers: { reset: \"X Y\" } }",
            86,
            "no name of a header field",
            name,
        ),
        (
            "limit: { allow: { fixed_window: { requests: 1, period: 1s } }, body: { other: { content_type: \"a\\nb\", body: x } } }",
            99,
            "no header field can say",
            value,
        ),
    ] {
        let errors = Settings::parse(&file(rule), "f").expect_err(rule);
        assert_eq!((errors[0].line(), errors[0].column()), (3, column), "{}", errors[0]);
        assert!(errors[0].message().contains(said), "{}", errors[0]);
        assert!(errors[0].hint().is_some_and(|told| told.contains(hint)), "{}", errors[0]);
    }
    for rule in [
        "instead: { answer: { status: 599, headers: [[X-Y, \" \"], [X-Y, é]] } }",
        "change: [{ status: 200 }, { set_headers: { X-Y: z } }, { omit_headers: [X-Y] }]",
        "retry_after: { text: \" \" }",
    ] {
        assert!(Settings::parse(&file(rule), "f").is_ok(), "{rule}");
    }
}

#[test]
fn what_proves_a_client_is_checked_at_its_place() {
    let pem = mock_idp::tls::Identity::self_signed("worker.example").expect("a certificate").chain_pem();
    let pem = serde_json::Value::from(pem);
    let key = r#"{ keys: [{ kty: EC, crv: P-256, x: AA, y: AA }] }"#;
    let client = |rest: &str| format!("clients:\n  - id: a\n    {rest}\n");
    let secret = "secret: s\n    methods: [client_secret_jwt]";
    for (text, place, said, hint) in [
        (client(secret), (4, 14), "too short to sign with", "32 bytes"),
        (client("methods: [private_key_jwt]"), (3, 14), "nothing says what it signs with", "`jwks_uri`"),
        (client("methods: [tls_client_auth]"), (3, 14), "whose certificate", "`tls_client_auth_subject_dn`"),
        (client("methods: [self_signed_tls_client_auth]"), (3, 14), "no certificate is known", "`certificates`"),
        (
            client(&format!("methods: [self_signed_tls_client_auth]\n    jwks: {key}")),
            (3, 14),
            "no certificate is known",
            "`x5c`",
        ),
        (client("methods: [none]\n    jwks: { kyes: [] }"), (4, 11), "no JSON Web Key Set", "array `keys`"),
        (client("methods: [none]\n    jwks: { keys: [] }"), (4, 11), "has no key", "public key"),
        (client("methods: [none]\n    jwks_uri: nowhere"), (4, 15), "no address", "http://127.0.0.1"),
        (client("methods: [none]\n    jwks_uri: http://192.0.2.1/k"), (4, 15), "this machine only", "http://127.0.0.1"),
        (client("methods: [none]\n    certificates: nothing"), (4, 19), "no certificate in PEM", "BEGIN CERTIFICATE"),
        (
            client(&format!("methods: [none]\n    jwks: {key}\n    certificates: {pem}")),
            (5, 19),
            "more than one of `jwks`",
            "keep one",
        ),
        (
            client("methods: [none]\n    tls_client_auth_subject_dn: worker"),
            (4, 33),
            "`worker` is no such name",
            "RFC 4514",
        ),
        (client("methods: [none]\n    tls_client_auth_san_ip: here"), (4, 29), "`here` is no such", "127.0.0.1"),
        (client("methods: [none]\n    tls_client_auth_san_dns: \"\""), (4, 30), "no such name", "host name"),
        (
            client("methods: [none]\n    tls_client_auth_san_dns: a\n    tls_client_auth_san_uri: urn:a"),
            (5, 30),
            "here are two",
            "keep one",
        ),
        (client("secret: s\n    claims: { team: a, sub: b }"), (4, 13), "`sub` is the server's own", "another name"),
    ] {
        let errors = Settings::parse(&text, "f").expect_err(&text);
        let first = &errors[0];
        assert_eq!((first.line(), first.column()), place, "{first}");
        assert!(first.message().contains(said), "{first}");
        assert!(first.hint().is_some_and(|told| told.contains(hint)), "{first}");
    }
    let good = client(&format!("methods: [self_signed_tls_client_auth, private_key_jwt]\n    certificates: {pem}"));
    assert!(Settings::parse(&good, "f").is_ok(), "a certificate has a key");
}

#[test]
fn what_is_said_of_assertions_and_proofs_is_checked_at_its_place() {
    let key = r#"{ keys: [{ kty: EC, crv: P-256, x: AA, y: AA }] }"#;
    let vouched = "clients:\n  - { id: a, methods: [tls_client_auth], tls_client_auth_san_dns: a }\n";
    let issuer = |rest: &str| format!("trusted_issuers:\n  - {{ issuer: i, {rest} }}\n");
    for (text, place, said, hint) in [
        (vouched.to_owned(), (2, 23), "who vouches", "client_authorities"),
        (format!("https: {{ client_authorities: x }}\n{vouched}"), (1, 30), "no certificate", "BEGIN CERTIFICATE"),
        ("client_assertions: { audiences: [] }\n".into(), (1, 33), "no `aud` is right", "`issuer`"),
        ("client_assertions: { audiences: [isuer] }\n".into(), (1, 34), "unknown word `isuer`", "`issuer`"),
        ("assertion_grants: { max_lifetime: 0s }\n".into(), (1, 35), "a second or more", "`5m`"),
        ("dpop: { max_age: 0s }\n".into(), (1, 18), "no proof would be in time", "`30s`"),
        ("dpop: { nonce_lifetime: 0s }\n".into(), (1, 25), "no proof would be in time", "`30s`"),
        ("propagation: { secret: 5 }\n".into(), (1, 24), "needs a unit", "`ms`"),
        (issuer("subjects: [a]"), (2, 15), "nothing says what `i` signs with", "`jwks_uri`"),
        (issuer("jwks: { keys: x }"), (2, 24), "no JSON Web Key Set", "array `keys`"),
        (issuer(&format!("service_account: wroker, jwks: {key}")), (2, 35), "unknown client `wroker`", "`worker`"),
        (
            format!("trusted_issuers:\n  - {{ issuer: i, jwks: {key} }}\n  - {{ issuer: i, jwks: {key} }}\n"),
            (3, 15),
            "trusted twice",
            "once",
        ),
        (format!("trusted_issuers: [{{ issuer: \"\", jwks: {key} }}]\n"), (1, 29), "no name", "`iss`"),
    ] {
        let errors = Settings::parse(&text, "f").expect_err(&text);
        let first = &errors[0];
        assert_eq!((first.line(), first.column()), place, "{first}");
        assert!(first.message().contains(said), "{first}");
        assert!(first.hint().is_some_and(|told| told.contains(hint)), "{first}");
    }
}

#[test]
fn an_empty_file_is_what_is_served_without_one() {
    for text in ["", "# nothing\n", "{}\n"] {
        let settings = Settings::parse(text, "f").expect(text);
        assert_eq!(settings.idp().clients(), ["worker"], "{text}");
    }
}
