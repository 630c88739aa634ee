//! Runs with the identity provider in each dialect.

use mock_idp::Dialect;
use serde_json::Value;

use super::shared::temporal;
use super::support::Place;

/// What each dialect changes most about: a token that expires, and a refresh token and a client that are gone for good.
const SCENARIOS: &str =
    "expiry-between-activities revocation-refresh-token revocation-client-disabled rotation-restart";

fn runs_with(dialect: Dialect) {
    let place = Place::new();
    let json = place
        .run(&format!("run {SCENARIOS} --idp {dialect} --format json --temporal {}", temporal()))
        .has_code(0)
        .json();
    assert_eq!(json["idp"], dialect.name());
    for scenario in json["scenarios"].as_array().expect("a list") {
        let (id, reason) = (&scenario["id"], scenario["reason"].as_str().expect("text"));
        let single_use = dialect.single_use().is_ok();
        if id == "rotation-restart" && !single_use {
            assert_eq!(scenario["verdict"], "not_applicable");
            assert!(reason.starts_with(&format!("dialect {dialect}: refresh tokens: ")), "{reason}");
            continue;
        }
        assert_eq!((&scenario["verdict"], reason), (&Value::from("pass"), ""), "{id}");
        let journal = place.runs("tokenlapse-out")[0].join(scenario["journal"].as_str().expect("a path"));
        let first = std::fs::read_to_string(journal).expect("a journal");
        let first: Value = serde_json::from_str(first.lines().next().expect("a line")).expect("JSON");
        let told = first.to_string().contains(&format!("\"dialect\":\"{dialect}\""));
        assert!(told, "the journal of {id} says with whom it was made");
    }
}

macro_rules! of_each_dialect {
    ($($name:ident $dialect:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            runs_with(Dialect::$dialect);
        })*

        #[test]
        fn none_is_left_out() {
            assert_eq!([$(Dialect::$dialect),*], Dialect::ALL);
        }
    };
}

of_each_dialect! {
    scenarios_run_with_generic Generic,
    scenarios_run_with_okta Okta,
    scenarios_run_with_entra Entra,
    scenarios_run_with_google Google,
    scenarios_run_with_auth0 Auth0,
    scenarios_run_with_keycloak Keycloak,
    scenarios_run_with_cognito Cognito,
}

#[test]
fn a_wrong_name_is_code_2_with_the_nearest_one() {
    Place::new().run("run --idp okra").has_code(2).tells(&["okra", "did you mean `okta`"]);
}

#[test]
fn a_dialect_is_listed_and_explained_with_what_does_not_apply() {
    let place = Place::new();
    place.run("list dialects").has_code(0).shows(&["entra", "Microsoft Entra ID", "keycloak"]);
    place.run("explain entra").has_code(0).shows(&[
        "AADSTS7000215",
        "revocation-family-reuse",
        "tokenlapse run --idp entra",
        "seen in a public issue",
    ]);
    let okta = place.run("explain okta");
    assert!(!okta.out.contains("scenarios that do not apply"), "{}", okta.out);
}

#[test]
fn a_run_for_people_names_the_dialect_and_so_does_what_repeats_it() {
    let place = Place::new();
    let done = place.run(&format!(
        "run expiry-between-activities --idp cognito --defect never-refreshes --temporal {}",
        temporal()
    ));
    done.has_code(1).shows(&["identity provider in the dialect cognito", "--idp cognito"]);
}
