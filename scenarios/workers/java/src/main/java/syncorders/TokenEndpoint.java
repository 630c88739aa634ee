package syncorders;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.common.contenttype.ContentType;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.ClientCredentialsGrant;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenErrorResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import io.temporal.common.CancellationToken;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The token endpoint of one client. Each request is sent once.
 *
 * <p>The Nimbus library makes the requests and reads the answers. It does not send them: by default it uses
 * HttpURLConnection, which follows redirects, has no limit for a whole request, and sends a POST again by itself when a
 * kept connection ends.
 */
final class TokenEndpoint {
    /** Tells "never again" from "not now" (RFC 6749 §5.2). Only these are shown: another text could hold anything. */
    private static final Map<String, Kind> ERROR_CODES = Map.ofEntries(
            Map.entry("invalid_grant", Kind.TOKEN_REVOKED),
            Map.entry("invalid_client", Kind.TOKEN_REVOKED),
            Map.entry("unauthorized_client", Kind.TOKEN_REVOKED),
            Map.entry("access_denied", Kind.TOKEN_REVOKED),
            Map.entry("disabled_client", Kind.TOKEN_REVOKED),
            Map.entry("deleted_client", Kind.TOKEN_REVOKED),
            Map.entry("invalid_scope", Kind.INSUFFICIENT_SCOPE),
            Map.entry("slow_down", Kind.RATE_LIMITED),
            Map.entry("invalid_request", Kind.IDP_UNAVAILABLE),
            Map.entry("unsupported_grant_type", Kind.IDP_UNAVAILABLE),
            Map.entry("temporarily_unavailable", Kind.IDP_UNAVAILABLE),
            Map.entry("server_error", Kind.IDP_UNAVAILABLE));

    /**
     * What came back. {@code expires_in} is left out on purpose: it may be missing or wrong, and nobody here looks at
     * the clock.
     *
     * @param refreshToken the one to use from now on; null if it stays
     */
    record Issued(Secret accessToken, Secret refreshToken) {}

    private final Settings.OAuth settings;
    private final Http http;

    /** Guarded by this; null until it is known. */
    private URI tokenUrl;

    /** Sends nothing yet, discovery included: a worker must be able to start while the identity provider is down. */
    TokenEndpoint(Settings.OAuth settings, Http http) {
        this.settings = settings;
        this.http = http;
        this.tokenUrl = settings.tokenUrl();
    }

    /** RFC 6749 §4.4. */
    Issued clientCredentials() {
        TokenRequest.Builder request = request(new ClientCredentialsGrant());
        if (!settings.scopes().isEmpty()) {
            request.scope(new Scope(settings.scopes().toArray(String[]::new)));
        }
        if (settings.audience() != null) {
            request.customParameter("audience", settings.audience());
        }
        return ask(request.build());
    }

    /** RFC 6749 §6; without {@code scope}, which asks for what was consented to. */
    Issued refresh(Secret presented) {
        return ask(request(new RefreshTokenGrant(new RefreshToken(presented.reveal()))).build());
    }

    private TokenRequest.Builder request(AuthorizationGrant grant) {
        ClientID id = new ClientID(settings.clientId());
        var secret = new com.nimbusds.oauth2.sdk.auth.Secret(settings.clientSecret().reveal());
        ClientAuthentication authentication =
                settings.secretInBody() ? new ClientSecretPost(id, secret) : new ClientSecretBasic(id, secret);
        return new TokenRequest.Builder(url(), authentication, grant);
    }

    private Issued ask(TokenRequest tokenRequest) {
        HTTPRequest wanted = tokenRequest.toHTTPRequest();
        HttpRequest.Builder request = HttpRequest.newBuilder(wanted.getURI())
                .POST(HttpRequest.BodyPublishers.ofString(wanted.getBody()))
                .header("Accept", "application/json");
        wanted.getHeaderMap().forEach((name, values) -> values.forEach(value -> request.header(name, value)));
        HttpResponse<byte[]> answer =
                http.send(request.build(), Party.IDENTITY_PROVIDER, CancellationToken.none());
        try {
            TokenResponse response = TokenResponse.parse(lenient(answer));
            if (response instanceof TokenErrorResponse refused) {
                throw refusal(answer, refused.getErrorObject().getCode());
            }
            return issued(response);
        } catch (ParseException | IllegalArgumentException e) {
            if (answer.statusCode() != 200) {
                throw refused(answer);
            }
            throw Party.IDENTITY_PROVIDER.unavailable("answer cannot be read");
        }
    }

    private static Issued issued(TokenResponse response) {
        var tokens = response.toSuccessResponse().getTokens();
        String access = tokens.getAccessToken().getValue();
        if (!Secret.isBearer(access)) {
            throw Party.IDENTITY_PROVIDER.unavailable("access token cannot be sent");
        }
        RefreshToken rotated = tokens.getRefreshToken();
        return new Issued(new Secret(access), rotated == null ? null : new Secret(rotated.getValue()));
    }

    /**
     * Leaves of an answer only what the library must read, whatever the content type says. A lifetime of another shape
     * ({@code "1h"}) or a missing type is an error to the library, and a rotated refresh token would be lost with it.
     */
    private static HTTPResponse lenient(HttpResponse<byte[]> answer) throws ParseException {
        ObjectNode fields = Json.readObject(answer.body()).orElseThrow(() -> new ParseException("no object"));
        fields.retain(List.of("access_token", "refresh_token", "error"));
        if (fields.path("refresh_token").asText().isEmpty()) {
            fields.remove("refresh_token");
        }
        fields.put("token_type", "Bearer");
        HTTPResponse lenient = new HTTPResponse(answer.statusCode());
        lenient.setEntityContentType(ContentType.APPLICATION_JSON);
        lenient.setBody(Json.write(fields));
        return lenient;
    }

    /** Configured, or found in the issuer's metadata once. */
    private synchronized URI url() {
        if (tokenUrl == null) {
            tokenUrl = discover();
        }
        return tokenUrl;
    }

    /** Refuses a document of another issuer (RFC 8414 §3.3). */
    private URI discover() {
        String base = withoutSlash(settings.issuer().toString());
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/.well-known/openid-configuration")).build();
        HttpResponse<byte[]> answer = http.send(request, Party.IDENTITY_PROVIDER, CancellationToken.none());
        if (answer.statusCode() != 200) {
            throw refused(answer);
        }
        ObjectNode metadata = Json.readObject(answer.body())
                .orElseThrow(() -> Party.IDENTITY_PROVIDER.unavailable("discovery document cannot be read"));
        if (!withoutSlash(metadata.path("issuer").asText()).equals(base)) {
            throw Party.IDENTITY_PROVIDER.unavailable("discovery document is another issuer's");
        }
        return Settings.httpUrl(metadata.path("token_endpoint").asText())
                .orElseThrow(() -> Party.IDENTITY_PROVIDER.unavailable("discovery document cannot be read"));
    }

    private static String withoutSlash(String url) {
        return url.replaceFirst("/+$", "");
    }

    /** Judges why there is no token. */
    private static Failure refusal(HttpResponse<byte[]> answer, String code) {
        Kind known = code == null ? null : ERROR_CODES.get(code);
        boolean counts = switch (answer.statusCode()) {
            case 400, 401 -> true;
            // Auth0 refuses a dead refresh token so. It is a proxy's favourite, too, hence that one word only.
            case 403 -> "invalid_grant".equals(code);
            // The right words from elsewhere are a fault (RFC 6749 §5.2).
            default -> false;
        };
        return known != null && counts ? new Failure(known, "identity provider: " + code) : refused(answer);
    }

    private static Failure refused(HttpResponse<byte[]> answer) {
        Duration wait = RetryAfter.of(answer.headers());
        int status = answer.statusCode();
        boolean limited = status == 429 || (status == 503 && !wait.isZero());
        return new Failure(
                limited ? Kind.RATE_LIMITED : Kind.IDP_UNAVAILABLE, "identity provider: status " + status, wait);
    }
}
