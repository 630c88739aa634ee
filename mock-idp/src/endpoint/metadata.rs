//! Tokens for whoever runs on a machine: no credentials but that one is there, and a header that no browser sends by
//! itself. Google's metadata server and Azure's instance metadata service; no RFC has it.

use std::sync::Arc;

use super::token::success;
use super::{Call, Form, Reply};
use crate::config::{Client, GrantType, Listener};
use crate::dialect::{Asked, Workload};
use crate::error::{Cause, OAuthError};
use crate::grant;
use crate::store::{Granted, Grantee, Store};
use crate::token::TokenFacts;

pub(super) fn run(
    call: &Call,
    form: &Form,
    listener: &Listener,
    store: &mut Store,
    now_ms: i64,
) -> Result<Reply, OAuthError> {
    let workload = call.vendor.profile().workload.value.expect("only dialects with such tokens have the endpoint");
    let (name, value) = workload.header;
    if call.headers.get(name).is_none_or(|sent| !sent.as_bytes().eq_ignore_ascii_case(value.as_bytes())) {
        let text = format!("the header {name}: {value} is missing");
        return Err(OAuthError::new(Cause::WorkloadHeaderMissing, text));
    }
    let client = account(call, form, store)?;
    let mut form = form.clone();
    if let Some(scopes) = form.get("scopes").map(|scopes| scopes.replace(',', " ")) {
        form.set("scope", &scopes);
    }
    let grant = "client_credentials";
    let asked = Asked { client: &client, grant, generation: listener.generation, store };
    let form = call.vendor.standard(&form, &asked)?;
    let scopes = grant::scopes(&form, &client.scopes)?;
    let access = kept(store, &client, &scopes, &workload, now_ms).unwrap_or_else(|| {
        let family = store.new_family();
        let to = Grantee {
            listener,
            client: client.id.clone(),
            subject: client.id.clone(),
            scopes: scopes.clone(),
            audience: client.audience.clone(),
            family,
            holder: None,
        };
        let access = store.access_token(&to, now_ms);
        store.workloads.retain(|_, kept| kept.expires_at_ms > now_ms);
        store.workloads.insert((client.id.clone(), scopes), access.clone());
        access
    });
    let granted = Granted { access, refresh: None };
    let mut reply = success(call.vendor, listener.generation, granted.into(), store.stated_lifetime, now_ms);
    if workload.echoed
        && let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), http::HeaderValue::from_str(value))
    {
        reply.http.headers.insert(name, value);
    }
    Ok(reply)
}

/// The token that was given before, if it is not in its last minutes: until then there is no other.
fn kept(store: &Store, client: &Client, scopes: &[String], workload: &Workload, now_ms: i64) -> Option<TokenFacts> {
    let kept = store.workloads.get(&(client.id.clone(), scopes.to_vec()))?;
    let left_ms = kept.expires_at_ms - now_ms;
    let fresh = u64::try_from(left_ms).is_ok_and(|left_ms| left_ms > workload.cached_until * 1000);
    // A revoked one is dead here, too.
    let live = || store.find(kept.value.expose()).is_some_and(|token| token.is_live(now_ms));
    (fresh && live()).then(|| kept.clone())
}

/// Whose token it is: `client_id` of the query, or the name in the path; without either, or with `default`, the first
/// client by id that may ask for itself.
fn account(call: &Call, form: &Form, store: &Store) -> Result<Arc<Client>, OAuthError> {
    let in_path = call.vendor.route(&call.method, &call.path).and_then(|route| route.captured(&call.path));
    let wanted = form.get("client_id").or(in_path).filter(|name| *name != "default");
    let mut able = store
        .clients
        .values()
        .filter(|registered| !registered.disabled && registered.client.grants.contains(&GrantType::ClientCredentials));
    let found = match wanted {
        Some(id) => able.find(|registered| registered.client.id == id),
        None => able.next(),
    };
    let found = found.ok_or_else(|| OAuthError::new(Cause::WorkloadUnknown, "no such account is on this machine"))?;
    Ok(Arc::clone(&found.client))
}
