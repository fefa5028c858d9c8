import type { z } from 'zod';
import { addIssues } from './issue-faults.ts';
import type { FaultList } from './problem.ts';
import type { SourceMap } from './source.ts';
import { hintForName } from './suggest.ts';

/** The keys of a map with their schemas. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** What could be read of a map: keys that are wrong are absent. */
export type Fields<S extends Shape> = { readonly [Key in keyof S]?: z.output<S[Key]> };

/** A map to be read. */
export interface ReadableMap {
  readonly map: SourceMap;
  /** Put before the names of its keys in messages; empty for the definition itself. */
  readonly prefix: string;
  /** Where a missing key is reported. */
  readonly offset: number;
}

/**
 * Checks a map key by key, so that one wrong key hides nothing about the others. Unknown, missing and
 * refused keys become faults.
 */
export function readFields<S extends Shape>(
  readable: ReadableMap,
  shape: S,
  faults: FaultList,
): Fields<S> {
  const { map, prefix } = readable;
  for (const [key, { keyOffset }] of map.entries) {
    if (Object.hasOwn(shape, key)) continue;
    const known = Object.keys(shape);
    const message = `\`${prefix}${key}\` is not known`;
    faults.add(keyOffset, message, () => hintForName(key, known, 'keys'));
  }
  const fields: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(shape)) {
    const entry = map.entries.get(key);
    const parsed = schema.safeParse(entry?.value.json);
    if (parsed.success) {
      fields[key] = parsed.data;
    } else {
      addIssues(faults, parsed.error.issues, {
        schema,
        value: entry?.value,
        name: `${prefix}${key}`,
        offset: entry?.keyOffset ?? readable.offset,
      });
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key was parsed by its schema
  return fields as Fields<S>;
}
