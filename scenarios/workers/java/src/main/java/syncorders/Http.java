package syncorders;

import io.temporal.common.CancellationToken;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The HTTP client for identity provider and API alike.
 *
 * <p>Its limit is for the whole request, the body included, so a server that dribbles cannot hold an activity; the
 * timeouts of java.net.http end with the answer's head. It follows no redirect: that would carry the client's secret or
 * the token to another host (RFC 9700 §4.12). What java.net.http sends again by itself, when a kept connection ends
 * before any answer, is a GET. A token request is none, and a refresh that is sent twice would kill the token family.
 */
final class Http {
    private final HttpClient client;
    private final Duration limit;

    Http(Duration limit) {
        Duration connecting = Duration.ofSeconds(2);
        this.limit = limit;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(connecting.compareTo(limit) < 0 ? connecting : limit)
                .build();
    }

    /** Sends it once. Stops at once when the activity is cancelled, with the SDK's own exception. */
    HttpResponse<byte[]> send(HttpRequest request, Party party, CancellationToken<?> cancellation) {
        CompletableFuture<HttpResponse<byte[]>> answer = client.sendAsync(request, info -> new LimitedBody());
        CancellationToken.Registration registration = cancellation.onCancel(() -> answer.cancel(true));
        try {
            return answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw party.unavailable("no answer before the worker stopped");
        } catch (TimeoutException e) {
            throw party.unavailable("no answer in time");
        } catch (ExecutionException | CancellationException e) {
            // Whoever gives up says nothing of the other side.
            cancellation.throwIfCancellationRequested();
            throw party.unavailable(reason(e.getCause()));
        } finally {
            registration.close();
            // Ends the connection of a request that is given up; does nothing to one that is done.
            answer.cancel(true);
        }
    }

    /** The exception's own text is dropped: it may hold the URL. */
    private static String reason(Throwable cause) {
        if (cause instanceof ConnectException || cause instanceof HttpConnectTimeoutException) {
            return "cannot connect";
        }
        return cause instanceof IOException ? "no answer" : "request cannot be sent";
    }
}
