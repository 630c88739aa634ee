import unittest

from sync_orders.secret import Secret
from sync_orders.settings import Settings, SettingsError

GOOD = {
    "TEMPORAL_ADDRESS": "127.0.0.1:7233",
    "OAUTH_TOKEN_URL": "http://127.0.0.1:1/token",
    "OAUTH_CLIENT_ID": "id",
    "OAUTH_CLIENT_SECRET": "s3cr3t-value",
    "OAUTH_SCOPES": "orders.read,orders.write",
    "API_URL": "http://127.0.0.1:2",
    "TASK_QUEUE": "orders",
}


def read(**changes: str) -> Settings:
    return Settings.from_environ(GOOD | changes)


class SettingsTest(unittest.TestCase):
    def test_all_settings_are_read(self) -> None:
        settings = read()
        self.assertEqual(settings.oauth.scopes, "orders.read orders.write")
        self.assertEqual(settings.temporal_namespace, "default")
        self.assertEqual(settings.http_timeout, 5.0)
        self.assertIsNone(settings.oauth.refresh_token_file)
        self.assertIsNone(settings.oauth.audience)
        self.assertEqual(read(OAUTH_AUDIENCE="api").oauth.audience, "api")

    def test_an_empty_value_is_absent(self) -> None:
        self.assertIsNone(read(OAUTH_REFRESH_TOKEN_FILE="").oauth.refresh_token_file)
        with self.assertRaisesRegex(SettingsError, "^TASK_QUEUE is not set$"):
            read(TASK_QUEUE="")

    def test_an_issuer_will_do(self) -> None:
        oauth = read(OAUTH_TOKEN_URL="", OAUTH_ISSUER="http://127.0.0.1:3").oauth
        self.assertEqual((oauth.token_url, oauth.issuer), (None, "http://127.0.0.1:3"))
        with self.assertRaisesRegex(SettingsError, "^OAUTH_ISSUER is not set$"):
            read(OAUTH_TOKEN_URL="")

    def test_a_key_is_trimmed_and_turns_tls_on_only_away_from_home(self) -> None:
        here = read(TEMPORAL_API_KEY="key\n")
        self.assertEqual(here.temporal_api_key, Secret("key"))
        self.assertFalse(here.temporal_tls)
        away = {"TEMPORAL_API_KEY": "key", "TEMPORAL_ADDRESS": "temporal.example:7233"}
        self.assertTrue(read(**away).temporal_tls)
        self.assertFalse(read(**away, TEMPORAL_TLS="false").temporal_tls)
        file = read(TEMPORAL_API_KEY_FILE="/run/key", TEMPORAL_ADDRESS="temporal.example:7233")
        self.assertTrue(file.temporal_tls)

    def test_wrong_values_are_named_but_not_shown(self) -> None:
        wrong = {
            "API_URL": "no url s3cr3t-value",
            "OAUTH_TOKEN_URL": "http://127.0.0.1:s3cr3t-value",
            "OAUTH_CLIENT_AUTH": "s3cr3t-value",
            "HTTP_TIMEOUT_MS": "-5",
            "TEMPORAL_TLS": "yes",
        }
        for name, value in wrong.items():
            with self.subTest(name), self.assertRaisesRegex(SettingsError, f"^{name} is not ") as caught:
                read(**{name: value})
            self.assertNotIn("s3cr3t", str(caught.exception))

    def test_no_secret_is_shown(self) -> None:
        shown = repr(read(TEMPORAL_API_KEY="frontend-key"))
        self.assertNotIn("s3cr3t-value", shown)
        self.assertNotIn("frontend-key", shown)
