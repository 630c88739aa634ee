//! What the token endpoint's refusals mean (RFC 6749 §5.2), in every dialect.

/// The client itself is turned away: Auth0 says `access_denied`, Keycloak `unauthorized_client`, Google more of its own.
pub fn turns_client_away(error: &str) -> bool {
    matches!(error, "invalid_client" | "unauthorized_client" | "access_denied" | "disabled_client" | "deleted_client")
}

/// Access is gone for good: asking again is no use, only a person can help.
pub fn is_final(error: &str) -> bool {
    error == "invalid_grant" || turns_client_away(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_not_final() {
        for error in ["invalid_grant", "invalid_client", "unauthorized_client", "access_denied", "disabled_client"] {
            assert!(is_final(error), "{error}");
        }
        for error in ["temporarily_unavailable", "server_error", "slow_down", "invalid_request", "invalid_scope"] {
            assert!(!is_final(error), "{error}");
        }
        assert!(!turns_client_away("invalid_grant"), "that is the token's end, not the client's");
    }
}
