//! What a test does to the identity provider.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Idp;
use crate::config::{Client, Listener};
use crate::endpoint::{Call, decide};
use crate::misbehave::{Rule, RuleId};
use crate::secret::{ClientSecret, Secret};
use crate::store::{Grantee, Later, Propagation, Registered, Store, Which};
use crate::token::{TokenFacts, TokenId, TokenKind};

/// A registered client.
#[derive(Debug, Clone)]
pub struct ClientFacts {
    /// How it is registered.
    pub client: Client,
    /// Whether it is turned away.
    pub disabled: bool,
}

/// A device that waits for a user's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingDevice {
    /// The code that it shows, for [`Idp::approve_device`] and [`Idp::deny_device`].
    pub user_code: String,
    /// Id of its client.
    pub client: String,
    /// What it asks for.
    pub scopes: Vec<String>,
    /// When nobody can decide any more, in milliseconds since the Unix epoch by this clock.
    pub expires_at_ms: i64,
}

/// What became of a stolen refresh token that was presented.
#[derive(Debug, Clone)]
pub struct Stolen {
    /// The token, as it was before.
    pub token: TokenFacts,
    /// `error` of RFC 6749 §5.2; `None` if the thief got tokens, within the grace or without reuse detection.
    pub error: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Tokens that the thief got.
    pub issued: Vec<TokenId>,
}

impl Idp {
    /// What is known of a token, whoever asks: the truth, by which an API front judges with its own clock.
    pub fn facts(&self, value: &str) -> Option<TokenFacts> {
        self.store().find(value)
    }

    /// Ids of the registered clients.
    pub fn clients(&self) -> Vec<String> {
        self.store().clients.keys().cloned().collect()
    }

    /// A registered client; `None` if there is none of this id.
    pub fn client(&self, id: &str) -> Option<ClientFacts> {
        let facts = |registered: &Registered| ClientFacts {
            client: Client::clone(&registered.client),
            disabled: registered.disabled,
        };
        self.store().clients.get(id).map(facts)
    }

    /// Registers a client anew: what it holds stays alive. Its id stays, whatever `change` makes of it. Gives whether
    /// it is known.
    pub fn change_client(&self, id: &str, change: impl FnOnce(&mut Client)) -> bool {
        let known = self.apply(|store, _| {
            let Some(registered) = store.clients.get_mut(id) else { return false };
            let client = Arc::make_mut(&mut registered.client);
            change(client);
            id.clone_into(&mut client.id);
            true
        });
        if known {
            self.0.audit.control(Some(id), "the client was changed");
        }
        known
    }

    /// The client is gone, and what it holds is dead. Gives whether it was known.
    pub fn remove_client(&self, id: &str) -> bool {
        let known = self.apply(|store, now_ms| {
            let known = store.clients.remove(id).is_some();
            if known {
                store.revoke(&Which::Client(id.to_owned()), "the client was removed", now_ms);
            }
            known
        });
        if known {
            self.0.audit.control(Some(id), "the client was removed");
        }
        known
    }

    /// Every token that was issued, in order; with [`Memory::Needed`](crate::Memory) those of which
    /// something is kept.
    pub fn tokens(&self) -> Vec<TokenFacts> {
        self.store().tokens()
    }

    /// The token of this number, if something is kept of it.
    pub fn token(&self, id: TokenId) -> Option<TokenFacts> {
        self.store().get(id)
    }

    /// How many tokens were issued: the number of the newest one.
    pub fn issued_tokens(&self) -> u64 {
        self.store().issued()
    }

    /// Makes a refresh token for a client, as if somebody had consented.
    ///
    /// Gives `None` if the client is unknown.
    pub fn mint_refresh_token(&self, client: &str, subject: &str, listener: &Listener) -> Option<TokenFacts> {
        self.apply(|store, now_ms| {
            let to = consented(store, client, subject, listener)?;
            Some(store.refresh_token(&to, now_ms))
        })
    }

    /// Makes an access token of a client that speaks for itself, with all its scopes and a life of its own.
    ///
    /// Gives `None` if the client is unknown.
    pub fn mint_access_token(&self, client: &str, lifetime: Duration, listener: &Listener) -> Option<TokenFacts> {
        self.apply(|store, now_ms| {
            let to = consented(store, client, client, listener)?;
            let usual = std::mem::replace(&mut store.access_token_lifetime, lifetime);
            let token = store.access_token(&to, now_ms);
            store.access_token_lifetime = usual;
            Some(token)
        })
    }

    /// Registers a client. Gives whether it is new: one that is registered stays as it is.
    pub fn add_client(&self, client: Client) -> bool {
        let id = client.id.clone();
        let new = self.apply(|store, now_ms| {
            let new = !store.clients.contains_key(&client.id);
            store.change(Later::Client(Box::new(client)), now_ms);
            new
        });
        if new {
            self.0.audit.control(Some(&id), "the client was registered");
        }
        new
    }

    /// From now on changes take so long until they have an effect. It comes with the first request or control after its
    /// time, and is reported as of then.
    pub fn set_propagation(&self, propagation: Propagation) {
        let before = self.apply(|store, _| std::mem::replace(&mut store.underway.propagation, propagation));
        if before != propagation {
            self.0.audit.control(None, format!("changes take effect late from now on: {propagation:?}"));
        }
    }

    /// Tokens die before their time.
    pub fn revoke(&self, which: &Which, reason: &str) {
        self.apply(|store, now_ms| {
            if let Some(chosen) = store.chosen(which, now_ms) {
                store.change(Later::Revocation { chosen, reason: reason.to_owned() }, now_ms);
            }
        });
    }

    /// A token's time is over now.
    pub fn expire(&self, token: TokenId) {
        self.apply(|store, now_ms| store.expire(token, now_ms));
    }

    /// The client is turned away, and what it holds is dead.
    pub fn disable_client(&self, client: &str) {
        self.0.audit.control(Some(client), "the client was disabled");
        self.apply(|store, now_ms| {
            if let Some(registered) = store.clients.get_mut(client) {
                registered.disabled = true;
                store.revoke(&Which::Client(client.to_owned()), "the client was disabled", now_ms);
            }
        });
    }

    /// The client is served again. What died stays dead.
    pub fn enable_client(&self, client: &str) {
        self.0.audit.control(Some(client), "the client was enabled");
        self.apply(|store, _| {
            if let Some(registered) = store.clients.get_mut(client) {
                registered.disabled = false;
            }
        });
    }

    /// Nothing is granted for this subject any more (`invalid_grant`), and what speaks for it is dead.
    pub fn disable_subject(&self, subject: &str) {
        self.0.audit.control(None, format!("the subject {subject} was disabled"));
        self.apply(|store, now_ms| {
            store.disabled.subjects.insert(subject.to_owned());
            store.revoke(&Which::Subject(subject.to_owned()), "the subject was disabled", now_ms);
        });
    }

    /// The subject is served again. What died stays dead.
    pub fn enable_subject(&self, subject: &str) {
        self.0.audit.control(None, format!("the subject {subject} was enabled"));
        self.apply(|store, _| store.disabled.subjects.remove(subject));
    }

    /// No client gets tokens any more (`unauthorized_client`). What was issued lives on.
    pub fn disable_tenant(&self) {
        self.0.audit.control(None, "the tenant was disabled");
        self.apply(|store, _| store.disabled.tenant = true);
    }

    /// Clients get tokens again.
    pub fn enable_tenant(&self) {
        self.0.audit.control(None, "the tenant was enabled");
        self.apply(|store, _| store.disabled.tenant = false);
    }

    /// The subject takes back what it granted to the client: what this client holds for it is dead, until somebody
    /// [consents](Self::consent) again.
    pub fn withdraw_consent(&self, client: &str, subject: &str) {
        self.0.audit.control(Some(client), format!("the consent of {subject} was withdrawn"));
        let which = Which::Consent { client: client.to_owned(), subject: subject.to_owned() };
        self.revoke(&which, "the consent was withdrawn");
    }

    /// Somebody consents again: the client is served, and has a new refresh token like the newest that it ever had
    /// (subject, scopes, issuer). What died stays dead.
    ///
    /// Gives `None` if there never was one, as with client credentials only: then being served again is all.
    pub fn consent(&self, client: &str) -> Option<TokenFacts> {
        self.enable_client(client);
        self.apply(|store, now_ms| {
            let of_client = |token: &TokenFacts| token.client == client && token.kind == TokenKind::Refresh;
            let before = store.tokens().into_iter().rev().find(of_client)?;
            let family = store.new_family();
            let to = Grantee {
                listener: &Listener::new("consent", before.origin),
                client: before.client,
                subject: before.subject,
                scopes: before.scopes,
                audience: before.audience,
                family,
                holder: before.holder,
            };
            let token = store.refresh_token(&to, now_ms);
            store.change(Later::Consent { family }, now_ms);
            Some(token)
        })
    }

    /// The devices that wait for a user's word, the one whose time is over first before all others.
    pub fn waiting_devices(&self) -> Vec<WaitingDevice> {
        let now_ms = self.0.clock.now_ms();
        let mut waiting: Vec<WaitingDevice> = self.store().logins.waiting_devices(now_ms).collect();
        waiting.sort_by(|one, other| (one.expires_at_ms, &one.user_code).cmp(&(other.expires_at_ms, &other.user_code)));
        waiting
    }

    /// A user allows what the device asks for that shows this code. Gives whether a device was waiting with it.
    pub fn approve_device(&self, user_code: &str, subject: &str) -> bool {
        self.apply(|store, now_ms| {
            let authentication = store.logins.authentication(subject, false, now_ms);
            store.decide_device(user_code, Some(authentication), now_ms)
        })
    }

    /// A user refuses what the device asks for that shows this code. Gives whether a device was waiting with it.
    pub fn deny_device(&self, user_code: &str) -> bool {
        self.apply(|store, now_ms| store.decide_device(user_code, None, now_ms))
    }

    /// The client has another secret from now on; the old one is refused at once. What it holds stays alive.
    pub fn rotate_secret(&self, client: &str, secret: Secret) {
        self.0.audit.control(Some(client), format!("the client's secret becomes {}", secret.fingerprint()));
        let client = client.to_owned();
        self.apply(|store, now_ms| store.change(Later::Secret { client, secret }, now_ms));
    }

    /// The client has one more secret. Those that it has stay good for `overlap` from now, or as long as they would
    /// have been if that is shorter.
    pub fn add_secret(&self, client: &str, secret: ClientSecret, overlap: Duration) {
        self.apply(|store, now_ms| {
            if let Some(registered) = store.clients.get_mut(client) {
                let end_ms = now_ms.saturating_add(i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX));
                let secrets = &mut Arc::make_mut(&mut registered.client).secrets;
                for old in &mut *secrets {
                    old.until_ms = Some(old.until_ms.map_or(end_ms, |until_ms| until_ms.min(end_ms)));
                }
                secrets.push(secret);
            }
        });
    }

    /// Every DPoP nonce that was given out is refused from now on, so that clients have to take a new one.
    pub fn replace_dpop_nonces(&self) {
        self.apply(|store, _| store.proofs.dpop.replace_nonces());
    }

    /// From now on access tokens live so long, and `expires_in` says `stated` if that is given: a lie.
    pub fn set_access_token_lifetime(&self, lifetime: Duration, stated: Option<Duration>) {
        let lie = stated.map(|stated| format!(", and are said to live {stated:?}")).unwrap_or_default();
        self.0.audit.control(None, format!("access tokens live {lifetime:?} from now on{lie}"));
        self.apply(|store, _| {
            store.access_token_lifetime = lifetime;
            store.stated_lifetime = stated;
        });
    }

    /// Adds a rule of misbehaviour, as [`Rules::add`](crate::Rules::add) does, and tells the audit log.
    pub fn add_rule(&self, rule: Rule) -> RuleId {
        let text = serde_json::to_string(&rule).unwrap_or_default();
        let id = self.0.rules.add(rule);
        self.0.audit.control(None, format!("rule {} was added: {text}", id.number()));
        id
    }

    /// Removes a rule, and tells the audit log. Gives whether it still held.
    pub fn remove_rule(&self, id: RuleId) -> bool {
        let held = self.0.rules.remove(id);
        if held {
            self.0.audit.control(None, format!("rule {} was removed", id.number()));
        }
        held
    }

    /// Removes all rules, and tells the audit log.
    pub fn clear_rules(&self) {
        self.0.rules.clear();
        self.0.audit.control(None, "all rules were removed");
    }

    /// Moves the clock by so many milliseconds, and reports each token that this made expire.
    pub fn move_clock(&self, by_ms: i64) {
        self.0.clock.shift_ms(by_ms);
        self.0.audit.control(None, format!("the clock was moved by {by_ms} ms"));
        self.expire_due();
        self.sweep();
    }

    /// From now on the clock gains so many milliseconds in each real second; see [`Clock::drift`](crate::Clock::drift).
    pub fn drift_clock(&self, ms_per_second: i64) {
        self.0.clock.drift(ms_per_second);
        self.0.audit.control(None, format!("the clock gains {ms_per_second} ms in each second"));
    }

    /// Which token's time is over next, and when, in milliseconds since the Unix epoch by this clock.
    /// [`Clock::until`](crate::Clock::until) says how long that is in real time.
    pub fn next_expiry(&self) -> Option<(TokenId, i64)> {
        self.store().next_expiry()
    }

    /// Reports each token whose time is over, once. Requests and other controls do that by themselves; whoever wants
    /// to hear of it when it happens calls this at [`Idp::next_expiry`].
    pub fn expire_due(&self) {
        self.apply(|_, _| ());
    }

    /// The refresh token that was replaced last, of this client or of any: what a thief would have got hold of.
    pub fn last_rotated(&self, client: Option<&str>) -> Option<TokenFacts> {
        self.store().last_rotated(client)
    }

    /// Somebody else presents the refresh token that was replaced last, with the credentials of the client that it was
    /// issued to. The token endpoint decides as it does for anybody, so that reuse detection strikes and the observer
    /// hears of each death. It is no request on an address: the observer sees its effects only.
    ///
    /// Gives `None` if no token was replaced yet that is not revoked.
    pub fn reuse_rotated(&self, client: Option<&str>) -> Option<Stolen> {
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.apply(|store, now_ms| {
            let token = store.last_rotated(client)?;
            let call = Call::refresh(self.0.vendor, &token, number);
            let reply = decide(&call, &Listener::new("thief", &token.origin), store, now_ms);
            Some(Stolen { token, error: reply.error, reason: reply.reason, issued: reply.issued })
        })
    }
}

/// Who gets a token that nobody asked for, of a new family; `None` if the client is unknown.
fn consented<'a>(store: &mut Store, client: &str, subject: &str, listener: &'a Listener) -> Option<Grantee<'a>> {
    let client = Arc::clone(&store.clients.get(client)?.client);
    Some(Grantee {
        listener,
        client: client.id.clone(),
        subject: subject.to_owned(),
        scopes: client.scopes.clone(),
        audience: client.audience.clone(),
        family: store.new_family(),
        holder: None,
    })
}
