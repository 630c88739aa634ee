package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.temporal.common.CancellationToken;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OrdersTest {
    static final Duration LONG = Duration.ofSeconds(10);
    private static final Call CALL = new Call("wf-1", "2", CancellationToken.none());

    /** Gives t0k-1, t0k-2, … */
    private int grants;

    private final TokenSource tokens = new TokenSource(() -> new Secret("t0k-" + ++grants));

    private Orders at(URI url, Duration limit) {
        return new Orders(url, tokens, new Http(limit));
    }

    @Test
    void everyRequestNamesItsWorkflowAndCarriesTheToken() throws IOException {
        try (var api = new TestServer(TestServer.reply(200, "true"))) {
            Orders orders = at(URI.create(api.url + "/"), LONG);
            assertEquals("true", orders.fetch(CALL, "a/b c").toString());
            orders.items(CALL, "7", 3);
            orders.ship(CALL, "7");
            assertEquals(
                    List.of(
                            "GET /orders/a%2Fb%20c null",
                            "GET /orders/7/items?page=3 null",
                            "POST /orders/7/ship wf-1/2"),
                    api.seen.stream()
                            .map(got -> got.method() + " " + got.path() + " " + got.header("Idempotency-Key"))
                            .toList());
            for (var got : api.seen) {
                assertEquals("Bearer t0k-1", got.header("Authorization"));
                assertEquals("wf-1", got.header("X-Workflow-Id"));
            }
        }
    }

    @Test
    void anEmptyAnswerIsOne() throws IOException {
        try (var api = new TestServer(TestServer.reply(201, ""))) {
            assertNull(at(api.url, LONG).ship(CALL, "7"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "401, WWW-Authenticate, Bearer error=\"invalid_token\", TOKEN_EXPIRED, 0",
        "401, X, '', TOKEN_EXPIRED, 0",
        "403, WWW-Authenticate, Bearer error=\"insufficient_scope\", INSUFFICIENT_SCOPE, 0",
        "403, WWW-Authenticate, Bearer, FORBIDDEN, 0",
        "403, Retry-After, 3, RATE_LIMITED, 3",
        "429, Retry-After, 3, RATE_LIMITED, 3",
        "429, X, '', RATE_LIMITED, 0",
        "500, X, '', API_UNAVAILABLE, 0",
        "503, Retry-After, 3, API_UNAVAILABLE, 3",
        "302, Location, /login, API_UNAVAILABLE, 0",
        "409, X, '', API_UNAVAILABLE, 0",
        "404, X, '', API_REJECTED, 0",
        "200, X, '', API_UNAVAILABLE, 0",
    })
    void refusalsHaveTypesAndOnlyA401DropsTheToken(int status, String header, String value, Kind kind, int seconds)
            throws IOException {
        try (var api = new TestServer(TestServer.reply(status, "<html>t0k-1 hush-hush</html>", header, value))) {
            Failure failure = Failures.failure(() -> at(api.url, LONG).fetch(CALL, "7"));
            assertEquals(kind, failure.kind);
            assertEquals(Duration.ofSeconds(seconds), failure.retryAfter);
            assertEquals(1, api.seen.size());
            tokens.token(CancellationToken.none());
            assertEquals(kind == Kind.TOKEN_EXPIRED ? 2 : 1, grants);
        }
    }

    @Test
    void noAnswerInTimeIsAnOutage() throws IOException {
        for (TestServer.Answer answer : List.<TestServer.Answer>of(TestServer::silence, TestServer::dribble)) {
            try (var api = new TestServer(answer)) {
                Failure failure = Failures.failure(() -> at(api.url, Duration.ofMillis(100)).fetch(CALL, "7"));
                assertEquals("API: no answer in time", failure.getMessage());
                assertEquals(Kind.API_UNAVAILABLE, failure.kind);
            }
        }
    }

    @Test
    void aRequestThatIsGivenUpEndsItsConnection() throws Exception {
        CompletableFuture<Void> ended = new CompletableFuture<>();
        TestServer.Answer dribble = (exchange, request) -> {
            try {
                TestServer.dribble(exchange, request);
            } catch (IOException gone) {
                ended.complete(null);
            }
        };
        try (var api = new TestServer(dribble)) {
            Failures.failure(() -> at(api.url, Duration.ofMillis(100)).fetch(CALL, "7"));
            ended.join();
        }
    }

    @Test
    void aBodyWithoutEndIsAnOutage() throws IOException {
        TestServer.Answer flood = (exchange, request) -> {
            exchange.sendResponseHeaders(200, 0);
            while (true) {
                exchange.getResponseBody().write(new byte[1 << 16]);
            }
        };
        try (var api = new TestServer(flood)) {
            Failure failure = Failures.failure(() -> at(api.url, LONG).fetch(CALL, "7"));
            assertEquals("API: no answer", failure.getMessage());
        }
    }

    @Test
    void nobodyThereIsAnOutage() throws IOException {
        TestServer gone = new TestServer(TestServer::silence);
        gone.close();
        Failure failure = Failures.failure(() -> at(gone.url, LONG).fetch(CALL, "7"));
        assertEquals("API: cannot connect", failure.getMessage());
    }

    @Test
    void aWorkflowIdThatIsNoHeaderIsNotShown() throws IOException {
        try (var api = new TestServer(TestServer.reply(200, "true"))) {
            Call call = new Call("hush\r\nX: 1", "2", CancellationToken.none());
            for (Runnable work : List.<Runnable>of(
                    () -> at(api.url, LONG).fetch(call, "7"), () -> at(api.url, LONG).ship(call, "7"))) {
                assertEquals(Kind.API_UNAVAILABLE, Failures.failure(work::run).kind);
            }
            assertEquals(0, api.seen.size());
        }
    }

    @Test
    void aCancelledActivityIsNoOutage() throws IOException {
        TestCancellation cancellation = new TestCancellation();
        try (var api = new TestServer((exchange, request) -> {
            cancellation.cancel();
            TestServer.silence(exchange, request);
        })) {
            Call call = new Call("wf-1", "2", cancellation);
            assertThrows(TestCancellation.Cancelled.class, () -> at(api.url, LONG).fetch(call, "7"));
        }
    }

    @Test
    void aWorkerThatStopsInterruptsARequest() throws IOException {
        Thread self = Thread.currentThread();
        try (var api = new TestServer((exchange, request) -> {
            self.interrupt();
            TestServer.silence(exchange, request);
        })) {
            Failure failure = Failures.failure(() -> at(api.url, LONG).fetch(CALL, "7"));
            assertTrue(Thread.interrupted());
            assertEquals("API: no answer before the worker stopped", failure.getMessage());
        }
    }
}
