package syncorders;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Holds one refresh token, mode 0600, shared by all worker processes of this identity; its lock is the file of the same
 * name with {@code .lock} added.
 *
 * <p>Whoever redeems the token holds the lock from before reading until after writing: a lock that is taken after the
 * token was read protects nothing.
 */
record RefreshTokenFile(Path path, Duration patience) {
    /** How long to wait for another process that redeems the token; its own HTTP timeout is shorter. */
    static final Duration PATIENCE = Duration.ofSeconds(15);

    private static final long POLL_MILLIS = 5;

    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rw-------");

    /**
     * A lock for the threads of this process: the kernel's belongs to the process as a whole, and is lost when any of
     * its threads closes the file.
     */
    private static final Map<Path, Semaphore> IN_THIS_PROCESS = new ConcurrentHashMap<>();

    /** Runs the work under the lock. The kernel frees it when its holder dies. */
    <T> T locked(Function<Locked, T> work) {
        Semaphore threads = IN_THIS_PROCESS.computeIfAbsent(path.toAbsolutePath(), any -> new Semaphore(1));
        long deadline = System.nanoTime() + patience.toNanos();
        try {
            if (!threads.tryAcquire(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                throw failure("another process keeps the refresh token");
            }
            try (FileChannel lock = openPrivate(beside(".lock"))) {
                // Trying again, because a lock that blocks cannot be given up.
                while (lock.tryLock() == null) {
                    if (System.nanoTime() >= deadline) {
                        throw failure("another process keeps the refresh token");
                    }
                    Thread.sleep(POLL_MILLIS);
                }
                return work.apply(new Locked());
            } finally {
                threads.release();
            }
        } catch (IOException e) {
            throw failure("cannot lock the refresh token");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure("interrupted while another process keeps the refresh token");
        }
    }

    /** The file while it is locked. */
    final class Locked {
        private Locked() {}

        /** The newest refresh token. */
        Secret read() {
            try {
                String token = Files.readString(path).strip();
                if (token.isEmpty()) {
                    throw failure("the refresh token's file is empty");
                }
                return new Secret(token);
            } catch (IOException e) {
                throw failure("cannot read the refresh token");
            }
        }

        /** Replaces the refresh token so that a crash at any moment leaves the old one or the new one, whole. */
        void write(Secret token) {
            try {
                Path aside = beside(".new");
                try (FileChannel file = openPrivate(aside)) {
                    // What a crash may have left there.
                    file.truncate(0);
                    ByteBuffer content = StandardCharsets.UTF_8.encode(token.reveal());
                    while (content.hasRemaining()) {
                        file.write(content);
                    }
                    file.force(true);
                }
                Files.move(aside, path, StandardCopyOption.ATOMIC_MOVE);
                try (FileChannel folder = FileChannel.open(path.toAbsolutePath().getParent())) {
                    folder.force(true);
                }
            } catch (IOException e) {
                throw failure("cannot save the rotated refresh token");
            }
        }
    }

    private Path beside(String ending) {
        return path.resolveSibling(path.getFileName() + ending);
    }

    private static FileChannel openPrivate(Path path) throws IOException {
        FileChannel file = FileChannel.open(
                path,
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PRIVATE));
        try {
            // The mode above counts only for a new file.
            Files.setPosixFilePermissions(path, PRIVATE);
            return file;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static Failure failure(String text) {
        return new Failure(Kind.TOKEN_STORE_UNAVAILABLE, "worker: " + text);
    }
}
