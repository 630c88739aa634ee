//! What a client may exchange.

/// What a client may exchange tokens for. By default: tokens of its own audience, and only with an actor's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangePolicy {
    /// Audiences and resources, besides the client's own audience.
    pub audiences: Vec<String>,
    /// Whether it may do so without an `actor_token`, so that nobody sees from the new token who acts.
    pub impersonation: bool,
    /// Whether it may do so with an `actor_token`.
    pub delegation: bool,
}

impl Default for ExchangePolicy {
    fn default() -> Self {
        Self { audiences: Vec::new(), impersonation: false, delegation: true }
    }
}
