//! The way from an authorization request to a user's word: who must sign in, and who must be asked.

use super::{Authentication, Device, INTERACTION, LoginMode, Logins, Request, millis};
use crate::error::{Cause, OAuthError};

/// So many wrong passwords are taken on one page.
const WRONG_PASSWORDS: u32 = 5;

/// What a user is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// An authorization request.
    Code(Box<Request>),
    /// A device that shows a user code.
    Device(Box<Device>),
    /// The end of the session.
    Logout(Logout),
}

/// A session that may end.
#[derive(Debug, Clone)]
pub(crate) struct Logout {
    /// Which; `None` if nobody is signed in.
    pub(crate) sid: Option<String>,
    /// Where the browser goes then.
    pub(crate) to: Option<String>,
}

/// A page that waits for its form. Its key stands in the form only, and is good for one browser only: another site
/// knows neither (RFC 6749 §10.12).
#[derive(Debug, Clone)]
pub(crate) struct Interaction {
    /// Value of the cookie that this browser has.
    pub(crate) browser: String,
    pub(crate) purpose: Purpose,
    /// Cookie of the session that it is about.
    pub(crate) cookie: Option<String>,
    /// Whether the user signed in on this very page.
    pub(crate) fresh: bool,
    pub(crate) failures: u32,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Somebody must sign in.
    Login,
    /// The user must be asked.
    Ask(Option<Authentication>),
    /// It is decided.
    Finished(Finished),
}

/// The user's word.
#[derive(Debug)]
pub(crate) enum Finished {
    Allowed(Option<Authentication>),
    Refused(OAuthError),
}

impl Purpose {
    /// The client that asks, and for what.
    pub(crate) fn asks(&self) -> Option<(&str, &[String])> {
        match self {
            Self::Code(request) => Some((&request.client, &request.scopes)),
            Self::Device(device) => Some((&device.client, &device.scopes)),
            Self::Logout(_) => None,
        }
    }

    fn request(&self) -> Option<&Request> {
        match self {
            Self::Code(request) => Some(request),
            Self::Device(_) | Self::Logout(_) => None,
        }
    }
}

impl Logins {
    /// What comes next on the way to `interaction`'s end.
    pub(crate) fn next(&self, interaction: &Interaction, now_ms: i64) -> Next {
        let session = interaction.cookie.as_deref().and_then(|cookie| self.session(cookie, now_ms));
        let purpose = &interaction.purpose;
        if let Purpose::Logout(_) = purpose {
            return Next::Ask(session.cloned());
        }
        let request = purpose.request();
        let silent = request.is_some_and(|request| request.prompt.none);
        let refused = |cause, text| Next::Finished(Finished::Refused(OAuthError::new(cause, text)));
        let session = match session {
            Some(session) if interaction.fresh || !self.wants_login(purpose, session, now_ms) => session,
            _ if silent => return refused(Cause::LoginRequired, "nobody is signed in as the request asks"),
            _ => return Next::Login,
        };
        if request.is_some_and(|request| request.hint_binds && !self.is_hinted(request, session)) {
            return refused(Cause::LoginRequired, "another user signed in than id_token_hint names");
        }
        if !self.wants_consent(purpose, session) {
            return Next::Finished(Finished::Allowed(Some(session.clone())));
        }
        match silent {
            true => refused(Cause::ConsentRequired, "the user has not consented to this"),
            false => Next::Ask(Some(session.clone())),
        }
    }

    /// What an automatic user says, and the cookie of a login that this took.
    pub(crate) fn automatic(
        &mut self,
        purpose: &Purpose,
        cookie: Option<&str>,
        now_ms: i64,
    ) -> (Finished, Option<String>) {
        let session = cookie.and_then(|cookie| self.session(cookie, now_ms));
        if let Some(session) = session.filter(|session| !self.wants_login(purpose, session, now_ms)) {
            return (Finished::Allowed(Some(session.clone())), None);
        }
        let request = purpose.request();
        let user = match request.and_then(|request| request.hint.as_deref()) {
            Some(hint) => self.users().iter().find(|user| user.is_called(hint)),
            None => session.and_then(|session| self.user(&session.subject)).or(self.users().first()),
        };
        let Some(subject) = user.map(|user| user.subject.clone()) else {
            let silent = request.is_some_and(|request| request.prompt.none);
            let cause = if silent { Cause::LoginRequired } else { Cause::AccessDenied };
            return (Finished::Refused(OAuthError::new(cause, "there is no such user")), None);
        };
        let (cookie, authentication) = self.sign_in(&subject, false, now_ms);
        (Finished::Allowed(Some(authentication)), Some(cookie))
    }

    /// A page begins. Gives what its form must say.
    pub(crate) fn open_page(&mut self, interaction: Interaction, now_ms: i64) -> String {
        let key = self.draw();
        self.interactions.insert(key.clone(), interaction, now_ms.saturating_add(millis(INTERACTION)), now_ms);
        key
    }

    /// Somebody enters a name and a password.
    ///
    /// # Errors
    ///
    /// Why it is refused, for the observer.
    pub(crate) fn enter_password(
        &mut self,
        interaction: &mut Interaction,
        name: &str,
        password: &str,
        now_ms: i64,
    ) -> Result<Authentication, &'static str> {
        let user = self.users.iter().find(|user| user.is_called(name));
        let refusal = match user {
            None => "no user has this name",
            Some(user) if user.password.as_ref().is_some_and(|right| !right.matches(password)) => {
                "the password is wrong"
            }
            Some(user) => {
                let (subject, checked) = (user.subject.clone(), user.password.is_some());
                let (cookie, authentication) = self.sign_in(&subject, checked, now_ms);
                if let Some(before) = interaction.cookie.replace(cookie) {
                    self.sessions.remove(&before);
                }
                interaction.fresh = true;
                return Ok(authentication);
            }
        };
        interaction.failures += 1;
        Err(refusal)
    }

    /// Whether a page has seen so many wrong passwords that it takes no more.
    pub(crate) fn is_exhausted(interaction: &Interaction) -> bool {
        interaction.failures >= WRONG_PASSWORDS
    }

    /// The user need not be asked for this again.
    pub(crate) fn remember(&mut self, purpose: &Purpose, subject: &str) {
        // A device is confirmed each time (RFC 8628 §5.4).
        if let Purpose::Code(request) = purpose {
            let key = (subject.to_owned(), request.client.clone());
            self.remembered.entry(key).or_default().extend(request.scopes.iter().cloned());
        }
    }

    /// Whether nobody is asked.
    pub(crate) fn is_automatic(&self) -> bool {
        self.settings.mode == LoginMode::Automatic
    }

    fn wants_login(&self, purpose: &Purpose, session: &Authentication, now_ms: i64) -> bool {
        let Some(request) = purpose.request() else { return false };
        let age_s = now_ms.div_euclid(1000) - session.at_s;
        let too_old = |max_age_s| max_age_s == 0 || age_s > max_age_s;
        request.prompt.login
            || request.prompt.select_account
            || request.max_age_s.is_some_and(too_old)
            || (request.hint.is_some() && !self.is_hinted(request, session))
    }

    fn wants_consent(&self, purpose: &Purpose, session: &Authentication) -> bool {
        let Some(request) = purpose.request() else { return true };
        let key = (session.subject.clone(), request.client.clone());
        let before = self.remembered.get(&key);
        request.prompt.consent || before.is_none_or(|before| request.scopes.iter().any(|scope| !before.contains(scope)))
    }

    fn is_hinted(&self, request: &Request, session: &Authentication) -> bool {
        let hint = request.hint.as_deref().unwrap_or_default();
        session.subject == hint || self.user(&session.subject).is_some_and(|user| user.is_called(hint))
    }
}
