/** The part of fs-native-extensions that is used; it has no types of its own. */
declare module 'fs-native-extensions' {
  /** Locks a file that is open for writing; false if it is locked already, by this process or another. */
  export function tryLock(fd: number): boolean;
}
