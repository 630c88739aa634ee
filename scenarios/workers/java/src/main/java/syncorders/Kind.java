package syncorders;

import java.util.Arrays;

/** The failure's type as workflows, retry policies and dashboards see it. The list is closed. */
enum Kind {
    /** The API refused the access token (401). The token is dropped; the retry gets a new one. */
    TOKEN_EXPIRED("TokenExpired", false),
    /** The identity provider says that the grant or the client is no longer good. Only a person can help. */
    TOKEN_REVOKED("TokenRevoked", true),
    /** The token is good, but not for this (RFC 6750 §3.1). A refresh cannot widen it. */
    INSUFFICIENT_SCOPE("InsufficientScope", true),
    /** The API refused for another reason (403). Proxies and firewalls answer so too, hence retryable. */
    FORBIDDEN("Forbidden", false),
    /** 429, or another refusal that says when to come back. */
    RATE_LIMITED("RateLimited", false),
    /** The token endpoint gave no usable answer. */
    IDP_UNAVAILABLE("IdpUnavailable", false),
    /** The API gave no usable answer. */
    API_UNAVAILABLE("ApiUnavailable", false),
    /** The API understood the request and will never accept it. */
    API_REJECTED("ApiRejected", true),
    /** The refresh token's file cannot be read, locked or written. */
    TOKEN_STORE_UNAVAILABLE("TokenStoreUnavailable", false),
    /** A mistake in this worker. Retried: the next release may know better. */
    UNEXPECTED("Unexpected", false);

    /** Its name in Temporal. */
    final String type;

    /** Ends the workflow; everything else is retried for as long as the retry policy allows. */
    final boolean permanent;

    Kind(String type, boolean permanent) {
        this.type = type;
        this.permanent = permanent;
    }

    static String[] permanentTypes() {
        return Arrays.stream(values()).filter(kind -> kind.permanent).map(kind -> kind.type).toArray(String[]::new);
    }
}
