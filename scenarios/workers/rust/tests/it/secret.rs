//! What must not be shown.

use reference_worker::Secret;

#[test]
fn debug_shows_nothing() {
    assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
}
