package syncorders;

/** RFC 6749 §4.4: the client acts for itself. */
record ClientCredentials(TokenEndpoint endpoint) implements Grant {
    @Override
    public Secret token() {
        return endpoint.clientCredentials().accessToken();
    }
}
