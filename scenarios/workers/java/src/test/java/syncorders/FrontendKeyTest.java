package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FrontendKeyTest {
    @Test
    void theBearerIsFollowed(@TempDir Path folder) throws IOException {
        Path path = Files.writeString(folder.resolve("key"), " first\r\n");
        FrontendKey key = new FrontendKey(path);
        assertEquals("first", key.current());
        Files.writeString(path, "second\n");
        assertEquals("second", key.current());
        for (String useless : List.of("", "\n", "two\nlines", "two words", "käy")) {
            Files.writeString(path, useless);
            assertEquals("second", key.current());
        }
        Files.write(path, new byte[] {(byte) 0xff});
        assertEquals("second", key.current());
        Files.delete(path);
        assertEquals("second", key.current());
    }

    @Test
    void aWorkerDoesNotStartWithoutAUsableOne(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("key");
        assertThrows(IOException.class, () -> new FrontendKey(path));
        Files.writeString(path, "two words");
        assertThrows(IOException.class, () -> new FrontendKey(path));
    }
}
