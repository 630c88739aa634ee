//! Where the identity provider rotates refresh tokens, each is redeemed once (RFC 9700 §4.14.2).
//!
//! It may be presented again only if every earlier redemption ended without a success whose reply was handed over
//! whole: nobody can know then whether the next token was lost.

use std::collections::BTreeMap;

use super::grants::grants;
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Run, Seq, TokenName};
use crate::scenario::Grant;

pub(super) struct SingleRedemption;

/// The redemptions of one refresh token so far.
#[derive(Default)]
struct Redeemed {
    /// The first that succeeded and arrived.
    delivered: Option<Seq>,
    /// The first success of which the journal does not say whether it arrived.
    unknown: Option<Seq>,
}

impl Check for SingleRedemption {
    fn id(&self) -> &'static str {
        "single-redemption"
    }

    fn doc(&self) -> &'static str {
        "a refresh token that is rotated is not presented again once its successor has arrived"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-01"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["grant refresh_token", "rotation"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let resolved = &context.resolved;
        if resolved.client.grant != Grant::RefreshToken {
            return Opinion::not_applicable("the client has no refresh token");
        }
        if !resolved.idp.rotation {
            return Opinion::not_applicable("refresh tokens are not rotated");
        }
        let mut redeemed: BTreeMap<&TokenName, Redeemed> = BTreeMap::new();
        let (mut tally, mut undecided, mut count) = (Tally::default(), Vec::new(), 0);
        for grant in grants(run) {
            if grant.request.grant.as_deref() != Some("refresh_token") {
                continue;
            }
            let Some(token) = &grant.request.token else { continue };
            count += 1;
            let earlier = redeemed.entry(token).or_default();
            if let Some(first) = earlier.delivered {
                tally.find(
                    format!(
                        "{} presented {token} again, though its successor had been granted",
                        grant.request.instance
                    ),
                    "the refresh token that came with the last grant",
                    vec![first, grant.at()],
                );
            } else if let Some(first) = earlier.unknown {
                undecided.extend([first, grant.at()]);
            }
            match grant.reply {
                Some((_, reply)) if reply.status < 300 && grant.delivery.is_none() => {
                    earlier.unknown.get_or_insert(grant.at());
                }
                _ if grant.succeeded().is_some() => {
                    earlier.delivered.get_or_insert(grant.at());
                }
                _ => {}
            }
        }
        let otherwise: Opinion = if count == 0 {
            Opinion::not_applicable("no refresh token was presented")
        } else if undecided.is_empty() {
            Judgement::Pass.into()
        } else {
            Opinion::inconclusive("the journal does not say whether a token's successor arrived").resting_on(undecided)
        };
        tally.opinion(otherwise).detail(format!("{count} redemptions of {} refresh tokens", redeemed.len()))
    }
}
