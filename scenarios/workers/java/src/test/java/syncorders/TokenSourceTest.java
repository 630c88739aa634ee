package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.temporal.common.CancellationToken;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TokenSourceTest {
    private static final Failure NONE = new Failure(Kind.UNEXPECTED, "none");
    private static final Failure DOWN = Party.IDENTITY_PROVIDER.unavailable("status 503");

    private final AtomicInteger begun = new AtomicInteger();
    private final BlockingQueue<Failure> goOn = new LinkedBlockingQueue<>();

    /** Its grant waits until it is let go, and then fails or gives t1, t2, … */
    private final TokenSource tokens = new TokenSource(() -> {
        int n = begun.incrementAndGet();
        Failure failure = uninterrupted(goOn);
        if (failure != NONE) {
            throw failure;
        }
        return new Secret("t" + n);
    });

    private static <T> T uninterrupted(BlockingQueue<T> queue) {
        try {
            return queue.take();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** So many callers, who wait or have their answer when it returns. */
    private List<CompletableFuture<Secret>> ask(int callers) throws InterruptedException {
        List<CompletableFuture<Secret>> outcomes = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            CompletableFuture<Secret> outcome = new CompletableFuture<>();
            Thread caller = new Thread(() -> {
                try {
                    outcome.complete(tokens.token(CancellationToken.none()));
                } catch (Throwable e) {
                    outcome.completeExceptionally(e);
                }
            });
            caller.start();
            while (caller.getState() != Thread.State.WAITING && caller.isAlive()) {
                Thread.onSpinWait();
            }
            outcomes.add(outcome);
        }
        return outcomes;
    }

    @Test
    void callersShareOneGrant() throws Exception {
        var outcomes = ask(20);
        goOn.add(NONE);
        for (var outcome : outcomes) {
            assertEquals(new Secret("t1"), outcome.join());
        }
        // It is kept.
        assertEquals(new Secret("t1"), ask(1).get(0).join());
        assertEquals(1, begun.get());
    }

    @Test
    void aFailedGrantFailsItsWaitersAndNobodyElse() throws Exception {
        var outcomes = ask(3);
        goOn.add(DOWN);
        for (var outcome : outcomes) {
            assertSame(DOWN, assertThrows(CompletionException.class, outcome::join).getCause());
        }
        goOn.add(NONE);
        assertEquals(new Secret("t2"), ask(1).get(0).join());
    }

    @Test
    void onlyTheVeryTokenThatWasRefusedIsDropped() throws Exception {
        goOn.addAll(List.of(NONE, NONE));
        assertEquals(new Secret("t1"), ask(1).get(0).join());
        tokens.invalidate(new Secret("t1"));
        assertEquals(new Secret("t2"), ask(1).get(0).join());
        // A late refusal of the old one.
        tokens.invalidate(new Secret("t1"));
        assertEquals(new Secret("t2"), ask(1).get(0).join());
    }

    @Test
    void aCancelledCallerDoesNotEndTheGrant() throws Exception {
        var waiting = ask(1).get(0);
        TestCancellation cancelled = new TestCancellation();
        cancelled.cancel();
        assertThrows(TestCancellation.Cancelled.class, () -> tokens.token(cancelled));
        CompletableFuture<Void> settled = CompletableFuture.runAsync(tokens::settle);
        assertFalse(waiting.isDone());
        assertFalse(settled.isDone());
        goOn.add(NONE);
        settled.join();
        assertEquals(new Secret("t1"), waiting.join());
        assertEquals(1, begun.get());
    }

    @Test
    void anInterruptedCallerDoesNotEndTheGrant() {
        Thread.currentThread().interrupt();
        Failure failure = Failures.failure(() -> tokens.token(CancellationToken.none()));
        assertTrue(Thread.interrupted());
        assertEquals(Kind.IDP_UNAVAILABLE, failure.kind);
        goOn.add(NONE);
        tokens.settle();
        assertEquals(new Secret("t1"), tokens.token(CancellationToken.none()));
        assertEquals(1, begun.get());
    }
}
