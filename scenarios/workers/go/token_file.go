package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockPatience is how long to wait for another process that redeems the token; its own HTTP timeout is shorter.
const lockPatience = 15 * time.Second

const lockPoll = 5 * time.Millisecond

// refreshTokenFile holds one refresh token, mode 0600, shared by all worker processes of this identity; its lock is the
// file of the same name with `.lock` added.
//
// Whoever redeems the token holds the lock from before reading until after writing: a lock that is taken after the token
// was read protects nothing.
type refreshTokenFile struct {
	path     string
	patience time.Duration
}

// locked runs work under the lock. The kernel frees it when its holder dies.
func (f refreshTokenFile) locked(work func(lockedFile) error) error {
	lock, err := openPrivate(f.path + ".lock")
	if err != nil {
		return storeFailure("cannot open the refresh token's lock")
	}
	defer lock.Close()
	deadline := time.Now().Add(f.patience)
	// Trying again, because a flock that blocks cannot be given up.
	for {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return work(lockedFile(f.path))
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR {
			return storeFailure("cannot lock the refresh token")
		}
		if time.Now().After(deadline) {
			return storeFailure("another process keeps the refresh token")
		}
		time.Sleep(lockPoll)
	}
}

// lockedFile is the file while it is locked.
type lockedFile string

// read gives the newest refresh token.
func (f lockedFile) read() (secret, error) {
	content, err := os.ReadFile(string(f))
	if err != nil {
		return secret{}, storeFailure("cannot read the refresh token")
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return secret{}, storeFailure("the refresh token's file is empty")
	}
	return newSecret(token), nil
}

// write replaces the refresh token so that a crash at any moment leaves the old one or the new one, whole.
func (f lockedFile) write(token secret) error {
	if replace(string(f), token.reveal()) != nil {
		return storeFailure("cannot save the rotated refresh token")
	}
	return nil
}

func replace(path, content string) error {
	aside, err := openPrivate(path + ".new")
	if err != nil {
		return err
	}
	defer aside.Close()
	// What a crash may have left there.
	if err := aside.Truncate(0); err != nil {
		return err
	}
	if _, err := aside.WriteString(content); err != nil {
		return err
	}
	if err := aside.Sync(); err != nil {
		return err
	}
	if err := os.Rename(aside.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

func openPrivate(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	// The mode above counts only for a new file.
	if err := file.Chmod(0o600); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func storeFailure(text string) error {
	return &failure{kind: tokenStoreUnavailable, text: "worker: " + text}
}
