import type { ParamDeclaration, ParamValue } from './pipeline.ts';
import { paramNamePattern, paramShape, paramsMax } from './definition.ts';
import type { FaultList } from './problem.ts';
import { readFields } from './read-fields.ts';
import type { SourceEntry, SourceMap } from './source.ts';
import { offsetAt } from './source.ts';

/** What a definition declares; an undefined one is there, but wrong. */
export type DeclaredParams = ReadonlyMap<string, ParamDeclaration | undefined>;

/** Reads the `params:` of a definition. */
export function readParams(map: SourceMap, offset: number, faults: FaultList): DeclaredParams {
  if (map.entries.size > paramsMax) {
    faults.add(offset, `There are more than ${paramsMax} parameters`, 'Remove some.');
  }
  return new Map(
    [...map.entries].map(([name, entry]) => {
      if (!paramNamePattern.test(name)) {
        const message = `\`${name}\` cannot be the name of a parameter`;
        faults.add(entry.keyOffset, message, 'Use letters, digits, `-` and `_`, e.g. `language`.');
      }
      return [name, readParam(name, entry, faults)];
    }),
  );
}

function readParam(
  name: string,
  { keyOffset, value }: SourceEntry,
  faults: FaultList,
): ParamDeclaration | undefined {
  const prefix = `params.${name}`;
  if (value.type !== 'map') {
    faults.add(
      keyOffset,
      `\`${prefix}\` must be a map`,
      'Write `type: string` below it, indented.',
    );
    return undefined;
  }
  const fields = readFields(
    { map: value, prefix: `${prefix}.`, offset: keyOffset },
    paramShape,
    faults,
  );
  const { type, description, default: fallback, enum: choices } = fields;
  if (type === undefined) return undefined;
  const misfit = (found: ParamValue, path: readonly (string | number)[]) => {
    const message = `\`${found}\` is not a ${type}, the type of parameter \`${name}\``;
    faults.add(offsetAt(value, path), message, 'Change the value or the type.');
  };
  choices?.forEach((choice, index) => {
    if (typeof choice !== type) misfit(choice, ['enum', index]);
  });
  if (fallback !== undefined && typeof fallback !== type) misfit(fallback, ['default']);
  else if (fallback !== undefined && choices?.includes(fallback) === false) {
    const message = `The default \`${fallback}\` is not one of the values of \`enum\``;
    faults.add(offsetAt(value, ['default']), message, 'Choose one of them, or add it.');
  }
  return {
    name,
    type,
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
    ...(choices !== undefined && { enum: choices }),
  };
}
