package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RefreshTest {
    private static final Duration LONG = Duration.ofSeconds(10);

    @TempDir
    Path folder;

    private Path path;
    private TestServer idp;

    /** Runs while the identity provider answers the nth request; true means that the reply is lost. */
    private interface Disturbance {
        boolean at(int n) throws IOException;
    }

    private Disturbance disturbance = n -> false;

    /** The identity provider adds a `+` at each refresh. */
    @BeforeEach
    void begin() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        path = Files.writeString(folder.resolve("refresh-token"), "r\n");
        idp = new TestServer((exchange, request) -> {
            if (disturbance.at(asked.getAndIncrement())) {
                exchange.close();
            } else {
                rotate(exchange, request);
            }
        });
    }

    static void rotate(HttpExchange exchange, TestServer.Received request) throws IOException {
        String presented = request.form().get("refresh_token");
        String body = "{\"access_token\": \"t0k-%s\", \"refresh_token\": \"%s+\"}".formatted(presented, presented);
        TestServer.reply(200, body).to(exchange, request);
    }

    @AfterEach
    void end() {
        idp.close();
    }

    private Refresh refresh() {
        return refresh(idp.url, path);
    }

    private static Refresh refresh(URI idp, Path path) {
        return new Refresh(TokenEndpointTest.at(idp, LONG), new RefreshTokenFile(path, RefreshTokenFile.PATIENCE));
    }

    private List<String> presented() {
        return idp.seen.stream().map(got -> got.form().get("refresh_token")).toList();
    }

    @Test
    void aRotatedTokenIsSavedBeforeTheAccessTokenIsOut() throws IOException {
        Refresh refresh = refresh();
        assertEquals(new Secret("t0k-r"), refresh.token());
        assertEquals("r+", Files.readString(path));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        assertFalse(Files.exists(folder.resolve("refresh-token.new")));
        refresh.token();
        assertEquals(List.of("r", "r+"), presented());
    }

    @Test
    void aLostReplyMakesTheRetryPresentTheSameToken() {
        disturbance = n -> n == 1;
        Refresh refresh = refresh();
        // The second goes over a connection that was kept, where an HTTP client could send it again by itself.
        refresh.token();
        assertEquals("identity provider: no answer", Failures.failure(refresh::token).getMessage());
        assertEquals(List.of("r", "r+"), presented());
        refresh.token();
        assertEquals(List.of("r", "r+", "r+"), presented());
    }

    @Test
    void aRotationThatCannotBeSavedIsNeitherUsedNorForgotten() throws IOException {
        Path obstacle = folder.resolve("refresh-token.new");
        disturbance = n -> {
            if (n == 0) {
                Files.createDirectory(obstacle);
            }
            return false;
        };
        Refresh refresh = refresh();
        assertEquals(Kind.TOKEN_STORE_UNAVAILABLE, Failures.failure(refresh::token).kind);
        assertEquals(Kind.TOKEN_STORE_UNAVAILABLE, Failures.failure(refresh::token).kind);
        Files.delete(obstacle);
        refresh.token();
        assertEquals(List.of("r", "r+"), presented());
        assertEquals("r++", Files.readString(path));
    }

    @Test
    void anotherProcessesTokenWinsOverAnUnsavedOne() throws IOException {
        Refresh.Rotation older = new Refresh.Rotation(new Secret("older"), new Secret("older+"));
        new Refresh(TokenEndpointTest.at(idp.url, LONG), new RefreshTokenFile(path, LONG), older).token();
        assertEquals(List.of("r"), presented());
        assertEquals("r+", Files.readString(path));
    }

    @Test
    void threadsRedeemEachTokenOnce() throws IOException {
        Stream.generate(() -> CompletableFuture.supplyAsync(refresh()::token))
                .limit(4)
                .toList()
                .forEach(CompletableFuture::join);
        assertEquals(List.of("r", "r+", "r++", "r+++"), presented());
        assertEquals("r++++", Files.readString(path));
    }

    @Test
    void processesRedeemEachTokenOnce() throws Exception {
        List<Process> others = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            others.add(new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                            "-cp", System.getProperty("java.class.path"),
                            Another.class.getName(), idp.url.toString(), path.toString())
                    .inheritIO()
                    .start());
        }
        for (Process other : others) {
            assertEquals(0, other.waitFor());
        }
        assertEquals(
                List.of("r", "r+", "r++", "r+++", "r++++", "r+++++", "r++++++", "r+++++++", "r++++++++"),
                presented());
    }

    /** Another process of the same identity. */
    static final class Another {
        public static void main(String[] args) {
            Refresh refresh = refresh(URI.create(args[0]), Path.of(args[1]));
            for (int i = 0; i < 3; i++) {
                refresh.token();
            }
        }
    }

    @Test
    void aLockThatNeverComesFreeIsAFailure() {
        RefreshTokenFile file = new RefreshTokenFile(path, Duration.ZERO);
        Failure failure = Failures.failure(() -> file.locked(locked -> file.locked(twice -> twice)));
        assertEquals("worker: another process keeps the refresh token", failure.getMessage());
        // It is free again.
        file.locked(RefreshTokenFile.Locked::read);
    }

    @Test
    void aShorterTokenLeavesNothingOfATornWrite() throws IOException {
        Files.writeString(folder.resolve("refresh-token.new"), "torn-and-long");
        new RefreshTokenFile(path, LONG).locked(locked -> {
            locked.write(new Secret("new"));
            return null;
        });
        assertEquals("new", Files.readString(path));
    }

    @Test
    void anEmptyOrMissingFileIsAFailure() throws IOException {
        Path empty = Files.writeString(folder.resolve("empty"), " \n");
        for (Path useless : List.of(empty, folder.resolve("missing"), folder.resolve("no").resolve("folder"))) {
            RefreshTokenFile file = new RefreshTokenFile(useless, Duration.ZERO);
            Failure failure = Failures.failure(() -> file.locked(RefreshTokenFile.Locked::read));
            assertEquals(Kind.TOKEN_STORE_UNAVAILABLE, failure.kind);
        }
    }
}
