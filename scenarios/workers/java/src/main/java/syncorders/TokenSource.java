package syncorders;

import io.temporal.common.CancellationToken;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Caches one token, and asks for a new one only when there is none. One per identity: client, scopes, audience.
 *
 * <ul>
 *   <li>Single flight: callers that find no token await the same grant, so an expiry that hits a hundred activities
 *       costs one request. A grant that fails fails its waiters; the next caller starts afresh.
 *   <li>Refresh on retry: a token is used until the API refuses it. No clock and no {@code expires_in} is read, so
 *       neither a skewed clock nor a wrong lifetime can hurt.
 *   <li>Only the very token that was refused is dropped; a late refusal of the old one does not throw away the new one.
 *   <li>A grant runs in a thread of its own: a cancelled or interrupted activity cannot end a rotation half-way.
 * </ul>
 */
final class TokenSource {
    private final Grant grant;

    /** Guarded by this; null if there is none. */
    private Secret cached;

    /** Guarded by this; null if no grant is under way. */
    private CompletableFuture<Secret> flight;

    TokenSource(Grant grant) {
        this.grant = grant;
    }

    /** One that, as far as is known, is good. */
    Secret token(CancellationToken<?> cancellation) {
        CompletableFuture<Secret> mine;
        synchronized (this) {
            if (cached != null) {
                return cached;
            }
            if (flight == null) {
                CompletableFuture<Secret> next = new CompletableFuture<>();
                flight = next;
                new Thread(() -> fly(next), "grant").start();
            }
            // A copy, so that a caller who gives up gives up for itself.
            mine = flight.copy();
        }
        CancellationToken.Registration registration = cancellation.onCancel(() -> mine.cancel(true));
        try {
            return mine.get();
        } catch (CancellationException e) {
            cancellation.throwIfCancellationRequested();
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Party.IDENTITY_PROVIDER.unavailable("no token before the worker stopped");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            // A grant throws nothing else.
            throw (RuntimeException) e.getCause();
        } finally {
            registration.close();
        }
    }

    /** Says that {@code refused} was refused. A newer token stays. */
    synchronized void invalidate(Secret refused) {
        if (refused.equals(cached)) {
            cached = null;
        }
    }

    /** Waits until no grant is under way, so that a rotated refresh token is not lost on shutdown. */
    void settle() {
        CompletableFuture<Secret> awaited;
        synchronized (this) {
            awaited = flight;
        }
        if (awaited != null) {
            awaited.exceptionally(failed -> null).join();
        }
    }

    /** Nobody's cancellation reaches it: each request and each lock has a limit of its own. */
    private void fly(CompletableFuture<Secret> landed) {
        Secret token = null;
        Throwable failed = null;
        try {
            token = grant.token();
        } catch (RuntimeException | Error e) {
            failed = e;
        }
        synchronized (this) {
            cached = token;
            flight = null;
        }
        if (failed == null) {
            landed.complete(token);
        } else {
            landed.completeExceptionally(failed);
        }
    }
}
