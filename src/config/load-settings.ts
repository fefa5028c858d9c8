import { failure } from '../base/failure.ts';
import type { Failure } from '../base/failure.ts';
import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import { nearestName } from '../base/nearest-name.ts';
import { toSettingNames, variablePrefix } from './setting-names.ts';
import { describeSettings } from './setting-specs.ts';
import type { SettingSpec } from './setting-specs.ts';
import { settingsSchema } from './settings.ts';
import type { Settings } from './settings.ts';

/** Where settings come from, strongest first. */
export interface SettingSources {
  /** Flag → value; `data-dir` and `dataDir` are the same flag. `undefined` is not given. */
  readonly flags: Readonly<Record<string, string | number | undefined>>;
  /** Environment variables, all of the process; an empty one is not given. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The settings with what the operator should know about how they were given. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** Sentences. */
  readonly warnings: readonly string[];
}

/** A value as it was given. */
interface Given {
  readonly spec: SettingSpec;
  /** `--port` or `REELGRAPH_PORT`. */
  readonly origin: string;
  readonly text: string;
}

/**
 * The settings: flags over environment over defaults. `invalid_request` names every flag or variable
 * whose value does not fit, the value, and what is allowed; an unknown flag is refused too. An unknown
 * `REELGRAPH_…` variable is only warned of, as another version may know it.
 */
export function loadSettings(sources: SettingSources): Result<LoadedSettings, Failure> {
  const specs = describeSettings();
  const flags = new Map(
    Object.entries(sources.flags)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [toSettingNames(name).flag, String(value)]),
  );
  const given = specs.flatMap((spec) => findGiven(spec, flags, sources.env));
  const checked = given.map(check);
  const problems = [...unknownFlags([...flags.keys()], specs), ...checked.flatMap(problemOf)];
  if (problems.length > 0) return err(failure('invalid_request', problems.join(' ')));
  const values = checked.map(({ name, value }) => [name, value] as const);
  const settings = settingsSchema.parse(Object.fromEntries(values));
  return ok({ settings, warnings: unknownVariables(sources.env, specs) });
}

function findGiven(
  spec: SettingSpec,
  flags: ReadonlyMap<string, string>,
  env: SettingSources['env'],
): readonly Given[] {
  const flag = flags.get(spec.flag);
  if (flag !== undefined) return [{ spec, origin: `--${spec.flag}`, text: flag }];
  const variable = env[spec.variable] ?? '';
  return variable === '' ? [] : [{ spec, origin: spec.variable, text: variable }];
}

interface Checked {
  readonly name: keyof Settings;
  readonly value: string | number | undefined;
  readonly problem?: string;
}

function check({ spec, origin, text }: Given): Checked {
  const value = spec.parse(text);
  const isFine = value !== undefined && settingsSchema.shape[spec.name].safeParse(value).success;
  return isFine
    ? { name: spec.name, value }
    : {
        name: spec.name,
        value,
        problem: `${origin} is ${JSON.stringify(text)}, but must be ${spec.allowed}.`,
      };
}

function problemOf({ problem }: Checked): readonly string[] {
  return problem === undefined ? [] : [problem];
}

function unknownFlags(given: readonly string[], specs: readonly SettingSpec[]): readonly string[] {
  const known = specs.map(({ flag }) => flag);
  return given
    .filter((flag) => !known.includes(flag))
    .map((flag) => {
      const nearest = nearestName(flag, known);
      const hint = nearest === undefined ? 'See --help.' : `Did you mean --${nearest}?`;
      return `There is no flag --${flag}. ${hint}`;
    });
}

function unknownVariables(
  env: SettingSources['env'],
  specs: readonly SettingSpec[],
): readonly string[] {
  const known = specs.map(({ variable }) => variable);
  return Object.keys(env)
    .filter((variable) => variable.startsWith(variablePrefix) && !known.includes(variable))
    .sort()
    .map((variable) => {
      // Also without the prefix: some settings have a variable of another family.
      const nearest =
        nearestName(variable, known) ?? nearestName(variable.slice(variablePrefix.length), known);
      const hint = nearest === undefined ? 'It has no effect.' : `Did you mean ${nearest}?`;
      return `${variable} is set, but there is no such setting. ${hint}`;
    });
}
