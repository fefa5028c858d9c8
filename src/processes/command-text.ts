import type { ChildExit } from './child.ts';

/** A command as text that can be pasted into a shell. */
export function commandText(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

function quoted(token: string): string {
  if (/^[\w@%+=:,./-]+$/.test(token)) return token;
  return `'${token.replaceAll("'", String.raw`'\''`)}'`;
}

/** How a child ended, in a few words: `exit code 1`, `signal SIGKILL`, `could not start: …`. */
export function describeEnd(exit: ChildExit): string {
  const byUs = exit.cause === undefined ? '' : `, ended by the service: ${exit.cause}`;
  if (exit.startError !== undefined) return `could not start: ${exit.startError.message}`;
  if (exit.signal !== undefined) return `signal ${exit.signal}${byUs}`;
  if (exit.code !== undefined) return `exit code ${exit.code}${byUs}`;
  return `never started${byUs}`;
}
