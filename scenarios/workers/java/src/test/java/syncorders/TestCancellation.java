package syncorders;

import io.temporal.common.CancellationToken;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** What the SDK gives to an activity, in the hands of a test. */
final class TestCancellation implements CancellationToken<TestCancellation.Cancelled> {
    static final class Cancelled extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private final List<Runnable> callbacks = new CopyOnWriteArrayList<>();
    private volatile boolean cancelled;

    void cancel() {
        cancelled = true;
        callbacks.forEach(Runnable::run);
    }

    @Override
    public boolean isCancellationRequested() {
        return cancelled;
    }

    @Override
    public void throwIfCancellationRequested() {
        if (cancelled) {
            throw new Cancelled();
        }
    }

    @Override
    public Registration onCancel(Runnable callback) {
        callbacks.add(callback);
        if (cancelled) {
            callback.run();
        }
        return () -> callbacks.remove(callback);
    }
}
