/**
 * Puts a launcher in front of a command: takes the program with its arguments and the directory it
 * works in, returns what is started instead. A sandbox is such a launcher.
 */
export type Launch = (argv: readonly string[], cwd: string) => readonly string[];
