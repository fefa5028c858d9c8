import { z } from 'zod';
import {
  formatExactBytes,
  formatExactSeconds,
  formatRetention,
  parseBytes,
  parseDecimal,
  parseRetention,
  parseSeconds,
} from './quantities.ts';
import { settingsSchema } from './settings.ts';
import type { Settings } from './settings.ts';
import { toSettingNames } from './setting-names.ts';
import type { SettingNames } from './setting-names.ts';
import { tenantWeightMax } from './tenant-weights.ts';

/** A setting, described: what the loader and `--help` know of it. */
export interface SettingSpec extends SettingNames {
  readonly name: keyof Settings;
  /** What its value is, as one word for a usage line, e.g. `number`, `size`. */
  readonly placeholder: string;
  /** What its value may be, to follow "must be": `a whole number from 0 to 65535`. */
  readonly allowed: string;
  /** In the form that {@link SettingSpec.parse} takes; absent when there is no fixed one. */
  readonly default?: string;
  readonly description: string;
  /** Turns its text form into a number or a text; undefined when it is neither. */
  parse(text: string): string | number | undefined;
}

/** The part of a setting's JSON Schema that matters here. */
const fieldSchema = z.object({
  type: z.enum(['string', 'number', 'integer']),
  description: z.string(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  default: z.union([z.string(), z.number()]).optional(),
});

type Field = z.infer<typeof fieldSchema>;

/** All settings in the order of the schema. */
export function describeSettings(): readonly SettingSpec[] {
  const fields = z.toJSONSchema(settingsSchema).properties ?? {};
  const names = settingsSchema.keyof().options;
  return names.map((name) => toSpec(name, fieldSchema.parse(fields[name])));
}

function toSpec(name: keyof Settings, field: Field): SettingSpec {
  const unit = unitOf(name, field);
  const spec = {
    name,
    ...toSettingNames(name),
    placeholder: unit.placeholder,
    allowed: unit.allowed,
    description: describe(field),
    parse: unit.parse,
  };
  return field.default === undefined
    ? spec
    : { ...spec, default: unit.format?.(Number(field.default)) ?? String(field.default) };
}

function describe({ description, enum: choices }: Field): string {
  return choices === undefined ? description : `${description} One of ${choices.join(', ')}.`;
}

interface Unit extends Pick<SettingSpec, 'placeholder' | 'allowed' | 'parse'> {
  format?(value: number): string;
}

/** How a value is written. The unit is part of a setting's name, as everywhere in the code. */
function unitOf(name: string, field: Field): Unit {
  if (field.enum !== undefined) {
    return {
      placeholder: 'choice',
      allowed: `one of ${field.enum.join(', ')}`,
      parse: (text) => text,
    };
  }
  if (name.endsWith('Weights')) {
    return {
      placeholder: 'weights',
      allowed: `weights from 1 to ${tenantWeightMax} such as acme=3,other=1, each tenant once`,
      parse: (text) => text,
    };
  }
  if (field.type === 'string') {
    return { placeholder: 'text', allowed: 'a text that is not empty', parse: (text) => text };
  }
  if (/Bytes(Max|Min)?$/.test(name)) {
    return {
      placeholder: 'size',
      allowed: `a size such as 500MB, 2GiB or 1048576 (bytes), ${rangeOf(field)}`,
      parse: parseBytes,
      format: formatExactBytes,
    };
  }
  if (name.endsWith('RetentionSec')) {
    return {
      placeholder: 'duration',
      allowed: `a duration such as 90s, 4h, 7d or 3600 (seconds), or forever, ${rangeOf(field)}`,
      parse: parseRetention,
      format: formatRetention,
    };
  }
  if (/Sec(Max|Min)?$/.test(name)) {
    return {
      placeholder: 'duration',
      allowed: `a duration such as 90s, 15m, 4h or 3600 (seconds), ${rangeOf(field)}`,
      parse: parseSeconds,
      format: formatExactSeconds,
    };
  }
  const sort = field.type === 'integer' ? 'a whole number' : 'a number';
  return { placeholder: 'number', allowed: `${sort}, ${rangeOf(field)}`, parse: parseDecimal };
}

function rangeOf({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Field): string {
  return maximum === Number.MAX_SAFE_INTEGER
    ? `at least ${minimum}`
    : `from ${minimum} to ${maximum}`;
}
