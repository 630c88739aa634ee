//! What is undone, and when.

use crate::support::{Lab, api, attempt_failed, refusal};

#[test]
fn skew_is_healed_by_the_same_amount_once_somebody_was_refused_for_it() {
    let lab = Lab::with("faults: [{ when: { event: api.response }, do: { clock.skew: { of: api, by: 5m } } }]");
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["skew Api 300000"]);
    lab.send(api("w1", "T1", 401, Some("revoked")));
    assert_eq!(lab.said(), [""; 0], "a refusal for another reason is no proof");
    lab.send(api("w1", "T1", 401, Some("expired")));
    assert_eq!(lab.said(), ["skew Api -300000"]);
}

#[test]
fn links_are_mended_and_credentials_stay_dead() {
    let lab = Lab::with(
        "faults:
  - { when: { event: api.response }, do: { link.refuse: { on: idp } } }
  - { when: { event: api.response }, do: { idp.disable: {} } }",
    );
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["break Idp Refuse", "disable None"]);
    lab.send(attempt_failed());
    assert_eq!(lab.said(), [""; 0], "the other fault has not bitten yet");
    lab.send(refusal(None, "invalid_client"));
    assert_eq!(lab.said(), ["mend Idp Refuse"], "and nothing enables the client again");
    assert_eq!(lab.kinds_since(lab.journal.records().len() - 3), ["idp.response", "fault.bit", "fault.healed"]);
}
