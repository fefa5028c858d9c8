import { nearestName } from '../base/nearest-name.ts';

/** The hint for an unknown name: the one that was probably meant, else all there are. */
export function hintForName(name: string, known: readonly string[], what: string): string {
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `Did you mean \`${nearest}\`?`;
  if (known.length === 0) return `There are no ${what} here.`;
  return `Known ${what}: ${listNames(known)}.`;
}

/** Names in a list for people are cut off after this many. */
const namesListedMax = 20;

/** `` `a`, `b`, `c` ``; long lists are cut. */
export function listNames(names: readonly string[]): string {
  const listed = names.slice(0, namesListedMax).map((name) => `\`${name}\``);
  const rest = names.length - listed.length;
  return rest > 0 ? `${listed.join(', ')} and ${rest} more` : listed.join(', ');
}
