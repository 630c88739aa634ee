package syncorders;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The protected API over HTTP with a bearer token. */
final class Orders {
    private final String base;
    private final TokenSource tokens;
    private final Http http;

    Orders(URI base, TokenSource tokens, Http http) {
        this.base = base.toString().replaceFirst("/+$", "");
        this.tokens = tokens;
        this.http = http;
    }

    /** Reads an order. */
    JsonNode fetch(Call call, String order) {
        return send(call, path(order), HttpRequest.newBuilder());
    }

    /** Reads one page of its items; pages count from 1. */
    JsonNode items(Call call, String order, int page) {
        return send(call, path(order) + "/items?page=" + page, HttpRequest.newBuilder());
    }

    /** Ships it, an effect: the API does it once per idempotency key. */
    JsonNode ship(Call call, String order) {
        HttpRequest.Builder request = HttpRequest.newBuilder().POST(HttpRequest.BodyPublishers.noBody());
        return send(call, path(order) + "/ship", headed(request, "Idempotency-Key", call.idempotencyKey()));
    }

    private static String path(String order) {
        return "/orders/" + URLEncoder.encode(order, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /**
     * Makes one request. A refused token is dropped here and nowhere else; the next attempt gets a new one, so the
     * retry policy, and not a loop in this process, paces the refreshes.
     */
    private JsonNode send(Call call, String path, HttpRequest.Builder request) {
        Secret token = tokens.token(call.cancellation());
        request.uri(URI.create(base + path));
        headed(request, "Authorization", "Bearer " + token.reveal());
        headed(request, "X-Workflow-Id", call.workflowId());
        HttpResponse<byte[]> answer = http.send(request.build(), Party.API, call.cancellation());
        if (answer.statusCode() / 100 != 2) {
            Failure refused = refused(answer);
            if (refused.kind == Kind.TOKEN_EXPIRED) {
                tokens.invalidate(token);
            }
            throw refused;
        }
        if (answer.body().length == 0) {
            return null;
        }
        // A login page with status 200 is no order.
        return Json.read(answer.body()).orElseThrow(() -> Party.API.unavailable("answer cannot be read"));
    }

    /** An exception of java.net.http would hold the value. */
    private static HttpRequest.Builder headed(HttpRequest.Builder request, String name, String value) {
        try {
            return request.header(name, value);
        } catch (IllegalArgumentException e) {
            throw Party.API.unavailable("request cannot be built");
        }
    }

    private static Failure refused(HttpResponse<byte[]> answer) {
        Duration wait = RetryAfter.of(answer.headers());
        int status = answer.statusCode();
        Kind kind = switch (status) {
            case 401 -> Kind.TOKEN_EXPIRED;
            case 403 -> {
                if (lacksScope(answer.headers())) {
                    yield Kind.INSUFFICIENT_SCOPE;
                }
                // A 403 with a wish to wait is a rate limit in disguise.
                yield wait.isZero() ? Kind.FORBIDDEN : Kind.RATE_LIMITED;
            }
            case 429 -> Kind.RATE_LIMITED;
            // 409: the first request with this idempotency key is still being worked on.
            case 408, 409, 425 -> Kind.API_UNAVAILABLE;
            // Redirects among the rest: they lead to a login page, and are not followed.
            default -> status / 100 == 4 ? Kind.API_REJECTED : Kind.API_UNAVAILABLE;
        };
        return new Failure(kind, "API: status " + status, wait);
    }

    private static boolean lacksScope(HttpHeaders headers) {
        return String.join(",", headers.allValues("WWW-Authenticate")).contains("insufficient_scope");
    }
}
