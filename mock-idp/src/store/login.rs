//! What a user's decision changes.

use super::{Store, Which};
use crate::login::Authentication;
use crate::observe::{AuthorizationEvent, AuthorizationStep};

impl Store {
    /// A user decides on a device; `None` says no. Gives whether it was waiting.
    pub(crate) fn decide_device(
        &mut self,
        user_code: &str,
        authentication: Option<Authentication>,
        now_ms: i64,
    ) -> bool {
        let subject = authentication.as_ref().map(|one| one.subject.clone());
        let Some(device) = self.logins.decide_device(user_code, authentication, now_ms) else { return false };
        let step = if subject.is_some() { AuthorizationStep::Consented } else { AuthorizationStep::Refused };
        let reason = format!("for the device that shows {}", device.user_code);
        self.tell(AuthorizationEvent { step, client: Some(device.client), subject, reason });
        true
    }

    /// Ends a login: the browser is signed out, and the tokens of its consents die, but for those with
    /// `offline_access`, which are there for when the user is away (OpenID Connect Core §11).
    pub(crate) fn end_session(&mut self, sid: &str, reason: &str, now_ms: i64) {
        self.logins.sign_out(sid, now_ms);
        for (family, offline) in self.logins.families(sid, now_ms) {
            if !offline {
                self.revoke(&Which::Family(family), reason, now_ms);
            }
        }
        let subject = None;
        self.tell(AuthorizationEvent {
            step: AuthorizationStep::SignedOut,
            client: None,
            subject,
            reason: reason.to_owned(),
        });
    }
}
