package syncorders;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {
    static Settings read(Map<String, String> changes) throws Settings.Wrong {
        Map<String, String> given = new HashMap<>(Map.of(
                "TEMPORAL_ADDRESS", "127.0.0.1:7233",
                "OAUTH_TOKEN_URL", "http://127.0.0.1:1/token",
                "OAUTH_CLIENT_ID", "id",
                "OAUTH_CLIENT_SECRET", "s3cr3t-value",
                "OAUTH_SCOPES", "orders.read,orders.write",
                "API_URL", "http://127.0.0.1:2",
                "TASK_QUEUE", "orders"));
        given.putAll(changes);
        return Settings.read(given::get);
    }

    @Test
    void allSettingsAreRead() throws Exception {
        Settings settings = read(Map.of());
        assertEquals(List.of("orders.read", "orders.write"), settings.oauth().scopes());
        assertEquals("default", settings.temporalNamespace());
        assertEquals(Duration.ofSeconds(5), settings.httpTimeout());
        assertNull(settings.oauth().refreshTokenFile());
        assertNull(settings.oauth().audience());
        assertFalse(settings.oauth().secretInBody());
        settings = read(Map.of("OAUTH_AUDIENCE", "api", "OAUTH_CLIENT_AUTH", "client_secret_post"));
        assertEquals("api", settings.oauth().audience());
        assertTrue(settings.oauth().secretInBody());
        assertEquals(List.of(), read(Map.of("OAUTH_SCOPES", "")).oauth().scopes());
    }

    @Test
    void anIssuerWillDo() throws Exception {
        Settings settings = read(Map.of("OAUTH_TOKEN_URL", "", "OAUTH_ISSUER", "http://127.0.0.1:3"));
        assertNull(settings.oauth().tokenUrl());
        assertEquals(URI.create("http://127.0.0.1:3"), settings.oauth().issuer());
    }

    @Test
    void aKeyIsTrimmed() throws Exception {
        assertEquals(new Secret("key"), read(Map.of("TEMPORAL_API_KEY", "key\n")).temporalApiKey());
        assertNull(read(Map.of("TEMPORAL_API_KEY", "\n")).temporalApiKey());
    }

    @ParameterizedTest
    @CsvSource(
            emptyValue = "",
            textBlock =
                    """
                    127.0.0.1:7233,key,'','',false
                    localhost:7233,key,'','',false
                    [::1]:7233,key,'','',false
                    127.0.0.1:7233,key,'',true,true
                    temporal.example:7233,'','','',false
                    temporal.example:7233,key,'','',true
                    temporal.example:7233,'',/run/key,'',true
                    temporal.example:7233,key,'',false,false
                    localhost.example:7233,key,'','',true
                    """)
    void aKeyTurnsTlsOnOnlyAwayFromHome(String address, String key, String file, String tls, boolean wanted)
            throws Exception {
        assertEquals(
                wanted,
                read(Map.of(
                                "TEMPORAL_ADDRESS", address,
                                "TEMPORAL_API_KEY", key,
                                "TEMPORAL_API_KEY_FILE", file,
                                "TEMPORAL_TLS", tls))
                        .temporalTls());
    }

    @ParameterizedTest
    @CsvSource({
        "API_URL, no url s3cr3t-value",
        "API_URL, ftp://s3cr3t-value",
        "OAUTH_TOKEN_URL, http://127.0.0.1:s3cr3t-value",
        "OAUTH_CLIENT_AUTH, s3cr3t-value",
        "HTTP_TIMEOUT_MS, -5",
        "HTTP_TIMEOUT_MS, 0",
        "HTTP_TIMEOUT_MS, 5 s",
        "TEMPORAL_TLS, yes",
    })
    void aWrongSettingIsNamedAndNotShown(String name, String value) {
        String text = assertThrows(Settings.Wrong.class, () -> read(Map.of(name, value))).toString();
        assertTrue(text.contains(name + " is not "), text);
        assertFalse(text.contains("s3cr3t"), text);
    }

    @ParameterizedTest
    @CsvSource({"TASK_QUEUE, TASK_QUEUE", "OAUTH_TOKEN_URL, OAUTH_ISSUER"})
    void aMissingSettingIsNamed(String absent, String named) {
        var wrong = assertThrows(Settings.Wrong.class, () -> read(Map.of(absent, "")));
        assertEquals(named + " is not set", wrong.getMessage());
    }

    @Test
    void noSecretIsShown() throws Exception {
        String shown = read(Map.of("TEMPORAL_API_KEY", "frontend-key")).toString();
        assertFalse(shown.contains("s3cr3t-value") || shown.contains("frontend-key"), shown);
    }
}
