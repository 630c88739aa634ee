package syncorders;

/**
 * RFC 6749 §6: the client acts for whoever consented. Each use may replace the refresh token (RFC 9700 §4.14). It is
 * for one caller at a time, which the token source sees to.
 *
 * <p>If no answer comes, the file still holds the token that was sent, and the retry presents it again: the identity
 * provider alone knows whether it rotated, and its grace period or its refusal decides.
 */
final class Refresh implements Grant {
    /** One that could not be written: before is in the file, after is what the identity provider knows. */
    record Rotation(Secret before, Secret after) {}

    private final TokenEndpoint endpoint;
    private final RefreshTokenFile file;

    /** Null if all is saved. */
    private Rotation unsaved;

    Refresh(TokenEndpoint endpoint, RefreshTokenFile file) {
        this(endpoint, file, null);
    }

    Refresh(TokenEndpoint endpoint, RefreshTokenFile file, Rotation unsaved) {
        this.endpoint = endpoint;
        this.file = file;
        this.unsaved = unsaved;
    }

    @Override
    public Secret token() {
        return file.locked(locked -> {
            Secret presented = newest(locked);
            TokenEndpoint.Issued issued = endpoint.refresh(presented);
            if (issued.refreshToken() != null) {
                save(locked, new Rotation(presented, issued.refreshToken()));
            }
            return issued.accessToken();
        });
    }

    /** What to present: the file's token, unless this process knows that it could not save its successor. */
    private Secret newest(RefreshTokenFile.Locked locked) {
        Secret stored = locked.read();
        if (unsaved == null || !unsaved.before().equals(stored)) {
            return stored;
        }
        Secret successor = unsaved.after();
        save(locked, unsaved);
        return successor;
    }

    private void save(RefreshTokenFile.Locked locked, Rotation rotation) {
        unsaved = rotation;
        locked.write(rotation.after());
        unsaved = null;
    }
}
