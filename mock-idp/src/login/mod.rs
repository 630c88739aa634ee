//! Users who sign in and consent: all that stands between an authorization request and the tokens that come of it.
//! Every table is bounded, by time on the provider's clock and by number.

mod code;
mod device;
mod expiring;
mod flow;
mod pkce;
mod redirect;
mod request;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString as _};
use rand_chacha::ChaCha12Rng;

pub(crate) use code::Code;
pub(crate) use device::{Device, MostWrongCodes};
pub(crate) use expiring::Expiring;
pub(crate) use flow::{Finished, Interaction, Logout, Next, Purpose};
pub(crate) use redirect::with as redirect_with;
pub(crate) use request::{Refused, Request, Target, target};
pub use settings::{LoginMode, LoginSettings, RefreshGrant};

use crate::user::User;

/// So many entries are kept of a kind.
const LIMIT: usize = 100_000;

/// How long a user has for a login and consent page.
const INTERACTION: Duration = Duration::from_secs(15 * 60);

/// Who signed in, when and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authentication {
    /// `sid`: names one login, whatever became of its cookie.
    pub(crate) sid: String,
    pub(crate) subject: String,
    /// `auth_time`.
    pub(crate) at_s: i64,
    /// Whether a password was checked.
    pub(crate) password: bool,
}

/// What a user allowed a client: the root of a family of tokens.
#[derive(Debug, Clone)]
pub(crate) struct Consent {
    pub(crate) client: String,
    pub(crate) authentication: Authentication,
    /// Whether `offline_access` is in it.
    pub(crate) offline: bool,
    /// For the first ID token only (OpenID Connect Core §12.2).
    pub(crate) nonce: Option<String>,
}

/// The state.
#[derive(Clone)]
pub(crate) struct Logins {
    pub(crate) settings: LoginSettings,
    users: Vec<User>,
    /// By the value of the cookie.
    sessions: Expiring<String, Authentication>,
    /// By the value in the page's form.
    pub(crate) interactions: Expiring<String, Interaction>,
    /// By `request_uri`.
    pub(crate) pushed: Expiring<String, Request>,
    /// By value.
    codes: Expiring<String, Code>,
    devices: device::Devices,
    /// By family.
    consents: Expiring<u64, Consent>,
    /// What was allowed before, by subject and client.
    remembered: BTreeMap<(String, String), BTreeSet<String>>,
    random: ChaCha12Rng,
}

impl Logins {
    /// Draws on where `other` has come to.
    pub(crate) fn go_on_drawing(&mut self, other: &Self) {
        self.random = other.random.clone();
    }

    pub(crate) fn new(users: Vec<User>, settings: LoginSettings, random: ChaCha12Rng) -> Self {
        Self {
            settings,
            users,
            sessions: Expiring::new(LIMIT),
            interactions: Expiring::new(LIMIT),
            pushed: Expiring::new(LIMIT),
            codes: Expiring::new(LIMIT),
            devices: device::Devices::default(),
            // Bounded by the tokens that live of them.
            consents: Expiring::new(usize::MAX),
            remembered: BTreeMap::new(),
            random,
        }
    }

    /// A value that cannot be guessed: 40 letters and digits have 238 bits.
    pub(crate) fn draw(&mut self) -> String {
        Alphanumeric.sample_string(&mut self.random, 40)
    }

    /// The users, in the order in which they were configured.
    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }

    /// The user with this subject.
    pub(crate) fn user(&self, subject: &str) -> Option<&User> {
        self.users.iter().find(|user| user.subject == subject)
    }

    /// Who signed in with this cookie.
    pub(crate) fn session(&self, cookie: &str, now_ms: i64) -> Option<&Authentication> {
        self.sessions.get(cookie, now_ms)
    }

    /// A user has signed in. Gives the cookie: a new one each time, so that one from before the login is worth nothing.
    pub(crate) fn sign_in(&mut self, subject: &str, password: bool, now_ms: i64) -> (String, Authentication) {
        let authentication = self.authentication(subject, password, now_ms);
        let (cookie, until_ms) = (self.draw(), now_ms.saturating_add(millis(self.settings.session_lifetime)));
        self.sessions.insert(cookie.clone(), authentication.clone(), until_ms, now_ms);
        (cookie, authentication)
    }

    /// A login without a browser.
    pub(crate) fn authentication(&mut self, subject: &str, password: bool, now_ms: i64) -> Authentication {
        let at_s = now_ms.div_euclid(1000);
        Authentication { sid: self.draw(), subject: subject.to_owned(), at_s, password }
    }

    /// Ends the browser's part of a login.
    pub(crate) fn sign_out(&mut self, sid: &str, now_ms: i64) {
        let cookies = self.sessions.iter(now_ms).filter(|(_, one)| one.sid == sid).map(|(cookie, _)| cookie.clone());
        for cookie in cookies.collect::<Vec<_>>() {
            self.sessions.remove(&cookie);
        }
    }

    /// Tokens of this family come from this consent. It is kept for as long as an ID token is good.
    pub(crate) fn consented(&mut self, family: u64, consent: Consent, now_ms: i64) {
        let until_ms = now_ms.saturating_add(millis(self.settings.id_token_lifetime).max(1));
        self.consents.insert(family, consent, until_ms, now_ms);
    }

    /// The consent that a family of tokens comes from, if a user gave it.
    pub(crate) fn consent(&self, family: u64, now_ms: i64) -> Option<&Consent> {
        self.consents.get(&family, now_ms)
    }

    /// The same, once more with a new token: it is kept as long as that lives.
    pub(crate) fn renewed(&mut self, family: u64, until_ms: i64, now_ms: i64) -> Option<&mut Consent> {
        // What is over does not come back, whether it was swept already or not.
        self.consents.get(&family, now_ms)?;
        self.consents.keep(&family, until_ms);
        self.consents.get_mut(&family, now_ms)
    }

    /// All families of a login.
    pub(crate) fn families(&self, sid: &str, now_ms: i64) -> Vec<(u64, bool)> {
        let of_login = self.consents.iter(now_ms).filter(|(_, consent)| consent.authentication.sid == sid);
        of_login.map(|(family, consent)| (*family, consent.offline)).collect()
    }
}

/// Milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> i64 {
    // Half: added to a time it must not overflow.
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 2)
}
