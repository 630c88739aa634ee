package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.temporal.activity.ActivityInterface;
import io.temporal.activity.ActivityOptions;
import io.temporal.common.converter.DefaultDataConverter;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.testing.TestActivityEnvironment;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.worker.WorkerFactoryOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import syncorders.OrderActivities.ItemsInput;

class OrderActivitiesTest {
    private final TestActivityEnvironment temporal =
            TestActivityEnvironment.newInstance(TestEnvironmentOptions.newBuilder()
                    .setWorkerFactoryOptions(WorkerFactoryOptions.newBuilder()
                            .setWorkerInterceptors(new TypedFailures())
                            .build())
                    .build());

    @AfterEach
    void end() {
        temporal.close();
    }

    private <T> T stub(Class<T> activities) {
        return temporal.newActivityStub(
                activities,
                ActivityOptions.newBuilder().setStartToCloseTimeout(Duration.ofSeconds(10)).build());
    }

    private OrderActivities activities(TestServer api) {
        TokenSource tokens = new TokenSource(() -> new Secret("t0k"));
        temporal.registerActivitiesImplementations(
                new OrderActivitiesImpl(new Orders(api.url, tokens, new Http(OrdersTest.LONG))));
        return stub(OrderActivities.class);
    }

    private static List<String> pages(TestServer api) {
        return api.seen.stream().map(got -> got.path().replace("/orders/7/items?page=", "")).toList();
    }

    @Test
    void eachPageIsReported() throws IOException {
        List<Integer> reported = new ArrayList<>();
        try (var api = new TestServer(TestServer.reply(200, "true"))) {
            temporal.setActivityHeartbeatListener(Integer.class, reported::add);
            assertEquals(3, activities(api).listItems(new ItemsInput("7", 3)));
            assertEquals(List.of("1", "2", "3"), pages(api));
        }
        assertEquals(1, reported.get(0));
    }

    @Test
    void aRetryGoesOnAfterTheLastPageThatWasReported() throws IOException {
        try (var api = new TestServer(TestServer.reply(200, "true"))) {
            temporal.setHeartbeatDetails(2);
            activities(api).listItems(new ItemsInput("7", 3));
            assertEquals(List.of("3"), pages(api));
        }
    }

    @Test
    void aCancelledActivityStops() throws IOException {
        try (var api = new TestServer(TestServer.reply(200, "true"))) {
            temporal.requestCancelActivity();
            OrderActivities activities = activities(api);
            var ended = assertThrows(Exception.class, () -> activities.listItems(new ItemsInput("7", 3)));
            assertFalse(ended.getCause() instanceof ApplicationFailure, ended.toString());
        }
    }

    /** An activity that ends so. */
    @ActivityInterface
    public interface Ending {
        void end();
    }

    /** What the SDK would store. */
    private ApplicationFailure stored(Runnable body) {
        temporal.registerActivitiesImplementations((Ending) body::run);
        Ending ending = stub(Ending.class);
        ApplicationFailure failure =
                (ApplicationFailure) assertThrows(ActivityFailure.class, ending::end).getCause();
        var stored = DefaultDataConverter.STANDARD_INSTANCE.exceptionToFailure(failure);
        assertFalse(stored.hasCause());
        assertFalse(stored.toString().contains("hush"), stored.toString());
        return failure;
    }

    private static void is(ApplicationFailure failure, Kind kind, String text, Duration wait) {
        assertEquals(kind.type, failure.getType());
        assertEquals(text, failure.getOriginalMessage());
        assertEquals(kind.permanent, failure.isNonRetryable());
        assertEquals(wait, Objects.requireNonNullElse(failure.getNextRetryDelay(), Duration.ZERO));
    }

    @Test
    void aFailureIsTyped() {
        String text = "identity provider: invalid_grant";
        is(stored(() -> {
            throw new Failure(Kind.TOKEN_REVOKED, text);
        }), Kind.TOKEN_REVOKED, text, Duration.ZERO);
    }

    @Test
    void aFailureKeepsTheWishToWait() {
        Duration wait = Duration.ofSeconds(3);
        is(stored(() -> {
            throw new Failure(Kind.RATE_LIMITED, "API: status 429", wait);
        }), Kind.RATE_LIMITED, "API: status 429", wait);
    }

    @Test
    void aMistakeIsNamedWithoutItsText() {
        is(stored(() -> {
            throw new IllegalStateException("hush", new IOException("hush-hush"));
        }), Kind.UNEXPECTED, "worker: IllegalStateException", Duration.ZERO);
    }

    @Test
    void anErrorIsNamedWithoutItsText() {
        is(stored(() -> {
            throw new AssertionError("hush");
        }), Kind.UNEXPECTED, "worker: AssertionError", Duration.ZERO);
    }
}
