package main

import "context"

// grant gets one new access token. Whatever must survive is on disk before it returns.
type grant interface {
	token(ctx context.Context) (secret, error)
}

// clientCredentialsGrant is RFC 6749 §4.4: the client acts for itself.
type clientCredentialsGrant struct{ endpoint *tokenEndpoint }

func (g clientCredentialsGrant) token(ctx context.Context) (secret, error) {
	got, err := g.endpoint.clientCredentials(ctx)
	return got.accessToken, err
}

// refreshGrant is RFC 6749 §6: the client acts for whoever consented. Each use may replace the refresh token (RFC 9700
// §4.14). It is for one caller at a time, which the token source sees to.
//
// If no answer comes, the file still holds the token that was sent, and the retry presents it again: the identity
// provider alone knows whether it rotated, and its grace period or its refusal decides.
type refreshGrant struct {
	endpoint *tokenEndpoint
	file     refreshTokenFile
	unsaved  rotation
}

// rotation is one that could not be written: before is in the file, after is what the identity provider knows.
type rotation struct{ before, after secret }

func (g *refreshGrant) token(ctx context.Context) (access secret, err error) {
	err = g.file.locked(func(file lockedFile) error {
		presented, err := g.newest(file)
		if err != nil {
			return err
		}
		got, err := g.endpoint.refresh(ctx, presented)
		if err != nil {
			return err
		}
		if !got.refreshToken.isZero() {
			if err := g.save(file, rotation{presented, got.refreshToken}); err != nil {
				return err
			}
		}
		access = got.accessToken
		return nil
	})
	return access, err
}

// newest is what to present: the file's token, unless this process knows that it could not save its successor.
func (g *refreshGrant) newest(file lockedFile) (secret, error) {
	stored, err := file.read()
	if err != nil || g.unsaved.before != stored {
		return stored, err
	}
	successor := g.unsaved.after
	return successor, g.save(file, g.unsaved)
}

func (g *refreshGrant) save(file lockedFile, rotated rotation) error {
	g.unsaved = rotated
	if err := file.write(rotated.after); err != nil {
		return err
	}
	g.unsaved = rotation{}
	return nil
}
