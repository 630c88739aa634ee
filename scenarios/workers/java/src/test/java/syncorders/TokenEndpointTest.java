package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static syncorders.TestServer.reply;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenEndpointTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final String GRANTED = "{\"access_token\": \"t0k\", \"token_type\": \"bearer\"}";

    private static Settings.OAuth settings(URI tokenUrl, URI issuer, boolean secretInBody, String audience) {
        List<String> scopes = List.of("orders.read", "orders.write");
        return new Settings.OAuth(
                tokenUrl, issuer, "client", new Secret("s3cret+/:%"), secretInBody, scopes, audience, null);
    }

    static TokenEndpoint at(URI idp, Duration limit) {
        return new TokenEndpoint(settings(idp.resolve("/token"), null, false, null), new Http(limit));
    }

    private static TokenEndpoint found(URI issuer) {
        return new TokenEndpoint(settings(null, issuer, false, null), new Http(LONG));
    }

    /** How it fails, having asked once. */
    private static Failure refusedBy(TestServer.Answer answer) throws IOException {
        try (var idp = new TestServer(answer)) {
            Failure failure = Failures.failure(at(idp.url, LONG)::clientCredentials);
            assertEquals(1, idp.seen.size());
            return failure;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "\"3600\"", "-1", "3600.5", "\"1h\"", "[1]"})
    void aLifetimeOfAnyShapeIsNoConcern(String life) throws IOException {
        String body = "{\"access_token\": \"t0k\", \"refresh_token\": \"r\", \"token_type\": 1, \"scope\": [1],"
                + "\"expires_in\": " + life + "}";
        try (var idp = new TestServer(reply(200, body, "Content-Type", "text/plain"))) {
            assertEquals(
                    new TokenEndpoint.Issued(new Secret("t0k"), new Secret("r")),
                    at(idp.url, LONG).clientCredentials());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "400, invalid_grant, TOKEN_REVOKED",
        "401, invalid_client, TOKEN_REVOKED",
        "400, unauthorized_client, TOKEN_REVOKED",
        "400, access_denied, TOKEN_REVOKED",
        "401, disabled_client, TOKEN_REVOKED",
        // Auth0 and a dead refresh token.
        "403, invalid_grant, TOKEN_REVOKED",
        "400, invalid_scope, INSUFFICIENT_SCOPE",
        "400, slow_down, RATE_LIMITED",
        "400, temporarily_unavailable, IDP_UNAVAILABLE",
        "400, hush-hush, IDP_UNAVAILABLE",
        // The right words from the wrong place are a fault.
        "503, invalid_grant, IDP_UNAVAILABLE",
        "403, access_denied, IDP_UNAVAILABLE",
        "200, hush-hush, IDP_UNAVAILABLE",
        "200, invalid_grant, IDP_UNAVAILABLE",
    })
    void aRefusalIsPermanentOnlyIfTheProtocolSaysSo(int status, String code, Kind kind) throws IOException {
        String body = "{\"error\": \"" + code + "\", \"error_description\": \"hush-hush\"}";
        Failure failure = refusedBy(reply(status, body));
        assertEquals(kind, failure.kind);
        String text = kind == Kind.IDP_UNAVAILABLE && !code.startsWith("temp")
                ? status == 200 ? "answer cannot be read" : "status " + status
                : code;
        assertEquals("identity provider: " + text, failure.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    400|{"error": ["invalid_grant"]}
                    400|{"access_token": "hush-hush"}
                    502|<html>hush-hush</html>
                    200|<html>hush-hush</html>
                    401|<html>hush-hush</html>
                    403|<html>hush-hush</html>
                    200|[]
                    200|null
                    200|{}
                    200|{"access_token": ""}
                    200|{"access_token": null}
                    200|{"access_token": 7}
                    200|{"access_token": "hush\\thush"}
                    200|{"access_token": "hush-hush
                    201|{"access_token": "hush-hush"}
                    302|hush
                    500|''
                    503|''
                    """)
    void whatCannotBeUsedIsAnOutage(int status, String body) throws IOException {
        assertEquals(Kind.IDP_UNAVAILABLE, refusedBy(reply(status, body, "Location", "/login")).kind);
    }

    @Test
    void theIdentityProvidersWishToWaitIsPassedOn() throws IOException {
        for (int status : List.of(429, 503)) {
            Failure failure = refusedBy(reply(status, "", "Retry-After", "2"));
            assertEquals(Kind.RATE_LIMITED, failure.kind);
            assertEquals(Duration.ofSeconds(2), failure.retryAfter);
        }
        assertEquals(Kind.RATE_LIMITED, refusedBy(reply(429, "")).kind);
    }

    @Test
    void noTokenInTimeIsAnOutage() throws IOException {
        for (TestServer.Answer answer : List.<TestServer.Answer>of(TestServer::silence, TestServer::dribble)) {
            try (var idp = new TestServer(answer)) {
                Failure failure = Failures.failure(at(idp.url, Duration.ofMillis(100))::clientCredentials);
                assertEquals("identity provider: no answer in time", failure.getMessage());
                assertEquals(1, idp.seen.size());
            }
        }
    }

    @Test
    void theClientAuthenticatesAsConfigured() throws IOException {
        try (var idp = new TestServer(reply(200, GRANTED))) {
            for (boolean secretInBody : List.of(false, true)) {
                new TokenEndpoint(settings(idp.url.resolve("/token"), null, secretInBody, "https://api.example"),
                                new Http(LONG))
                        .clientCredentials();
            }
            var byHeader = idp.seen.get(0);
            var byBody = idp.seen.get(1);
            // Each half is form-encoded (RFC 6749 §2.3.1).
            String pair = Base64.getEncoder()
                    .encodeToString("client:s3cret%2B%2F%3A%25".getBytes(StandardCharsets.UTF_8));
            assertEquals("Basic " + pair, byHeader.header("Authorization"));
            assertEquals(
                    Map.of(
                            "grant_type", "client_credentials",
                            "scope", "orders.read orders.write",
                            "audience", "https://api.example"),
                    byHeader.form());
            assertNull(byBody.header("Authorization"));
            assertEquals(
                    Map.of(
                            "grant_type", "client_credentials",
                            "scope", "orders.read orders.write",
                            "audience", "https://api.example",
                            "client_id", "client",
                            "client_secret", "s3cret+/:%"),
                    byBody.form());
        }
    }

    @Test
    void aRefreshPresentsTheTokenAndAsksForNoScope() throws IOException {
        Iterator<String> bodies = List.of(
                        "{\"access_token\": \"a\", \"refresh_token\": \"new\", \"expires_in\": \"1h\"}",
                        "{\"access_token\": \"b\"}",
                        "{\"access_token\": \"c\", \"refresh_token\": null}",
                        "{\"access_token\": \"d\", \"refresh_token\": \"\"}")
                .iterator();
        try (var idp = new TestServer((exchange, request) -> reply(200, bodies.next()).to(exchange, request))) {
            TokenEndpoint endpoint = at(idp.url, LONG);
            assertEquals(
                    new TokenEndpoint.Issued(new Secret("a"), new Secret("new")),
                    endpoint.refresh(new Secret("old+/=")));
            for (String access : List.of("b", "c", "d")) {
                assertEquals(
                        new TokenEndpoint.Issued(new Secret(access), null), endpoint.refresh(new Secret("new")));
            }
            assertEquals(
                    Map.of("grant_type", "refresh_token", "refresh_token", "old+/="),
                    idp.seen.get(0).form());
        }
    }

    @Test
    void theEndpointIsFoundByDiscoveryOnce() throws IOException {
        TestServer.Answer answer = (exchange, request) -> {
            String self = "http://" + request.header("Host");
            boolean token = request.path().equals("/token");
            String metadata = "{\"issuer\": \"" + self + "\", \"token_endpoint\": \"" + self + "/token\"}";
            reply(200, token ? GRANTED : metadata).to(exchange, request);
        };
        try (var idp = new TestServer(answer)) {
            TokenEndpoint endpoint = found(URI.create(idp.url + "/"));
            endpoint.clientCredentials();
            endpoint.clientCredentials();
            assertEquals(
                    List.of("/.well-known/openid-configuration", "/token", "/token"),
                    idp.seen.stream().map(TestServer.Received::path).toList());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    200|{"issuer": "https://other.example", "token_endpoint": "https://hush.example/token"}
                    200|{"issuer": "SELF", "token_endpoint": "file:///hush"}
                    200|{"issuer": "SELF"}
                    200|[]
                    200|<html>hush</html>
                    503|''
                    302|''
                    """)
    void aUselessDiscoveryDocumentIsAnOutage(int status, String body) throws IOException {
        TestServer.Answer answer = (exchange, request) -> {
            String self = "http://" + request.header("Host");
            reply(status, body.replace("SELF", self), "Location", "/hush").to(exchange, request);
        };
        try (var idp = new TestServer(answer)) {
            Failure failure = Failures.failure(found(idp.url)::clientCredentials);
            assertEquals(Kind.IDP_UNAVAILABLE, failure.kind);
            assertEquals(1, idp.seen.size());
        }
    }
}
