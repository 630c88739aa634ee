//! Writes down who died how.

use std::sync::Mutex;

use mock_idp::{Death, IdpEvent, Observer};

/// By the numbers of the tokens.
#[derive(Default)]
pub struct Deaths(Mutex<Vec<(u64, Death)>>);

impl Observer for Deaths {
    fn event(&self, event: &IdpEvent) {
        if let IdpEvent::Died { token, death } = event {
            self.0.lock().expect("no panic").push((token.id.0, death.clone()));
        }
    }
}

impl Deaths {
    /// Those since this was asked last.
    pub fn taken(&self) -> Vec<(u64, Death)> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}
