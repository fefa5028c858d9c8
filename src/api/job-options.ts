import { failure, type Failure } from '../base/failure.ts';
import type { JsonObject } from '../base/json.ts';
import { err, ok, type Result } from '../base/result.ts';
import { isTenantName, tenantNameRule } from '../base/tenant.ts';
import { defaultTenant } from '../scheduler/job-state.ts';

/** What a client may say about a new job, besides the file. */
export interface JobOptions {
  readonly pipeline: string;
  readonly params: JsonObject;
  /** −100 … 100. */
  readonly priority: number;
  /** A label that the client chooses, as long as nobody has to say who he is. */
  readonly tenant: string;
  /** Whether results of earlier jobs may be used, and its own kept for later ones. */
  readonly usesCache: boolean;
  /** What to call the file; a form's file part brings its own name. */
  readonly name?: string;
}

/** The pipeline of a job that names none. */
const defaultPipeline = 'standard';

/** Priorities that have a name: half way to the ends, so that there is something beyond them. */
const priorityClasses = { low: -50, normal: 0, high: 50 } as const;

/** The options of a job whose client said nothing. */
export const defaultJobOptions: JobOptions = {
  pipeline: defaultPipeline,
  params: {},
  priority: priorityClasses.normal,
  tenant: defaultTenant,
  usesCache: true,
};

/** Reads options as they come: from a query, or from form fields before and after the file. */
export class JobOptionsReader {
  readonly #pipelines: readonly string[];
  readonly #seen = new Set<string>();
  #options: JobOptions = defaultJobOptions;

  /** `pipelines` are the names that exist: a wrong one is refused before a film is sent. */
  constructor(pipelines: readonly string[]) {
    this.#pipelines = pipelines;
  }

  /** Everything read so far over the defaults. */
  get options(): JobOptions {
    return this.#options;
  }

  /** Reads one option; `invalid_request` and `not_found` (no such pipeline) name what is wrong. */
  read(name: string, text: string): Result<void, Failure> {
    if (this.#seen.has(name)) return invalid(`${quote(name)} is given more than once.`);
    this.#seen.add(name);
    const part = this.#parse(name, text);
    if (!part.ok) return part;
    this.#options = { ...this.#options, ...part.value };
    return ok(undefined);
  }

  /** Reads the options in the query of a URL. */
  readQuery(query: URLSearchParams): Result<void, Failure> {
    for (const [name, text] of query) {
      const read = this.read(name, text);
      if (!read.ok) return read;
    }
    return ok(undefined);
  }

  #parse(name: string, text: string): Result<Partial<JobOptions>, Failure> {
    switch (name) {
      case 'pipeline':
        return this.#parsePipeline(text);
      case 'priority':
        return parsePriority(text);
      case 'tenant':
        return parseTenant(text);
      case 'cache':
        return parseCache(text);
      case 'params':
        return parseParams(text);
      case 'name':
        return ok({ name: text });
      default:
        return invalid(
          `${quote(name)} is not known here. There are "pipeline", "params", "priority", "tenant", "cache" and "name".`,
        );
    }
  }

  #parsePipeline(text: string): Result<Partial<JobOptions>, Failure> {
    if (this.#pipelines.includes(text)) return ok({ pipeline: text });
    const names = this.#pipelines.join(', ');
    return err(
      failure('not_found', `There is no pipeline ${quote(text)}. The pipelines are: ${names}.`),
    );
  }
}

/** A client's text as part of a message: short, on one line, in quotes. */
export function quote(text: string): string {
  const characters = Array.from(text);
  const short = characters.slice(0, quotedLengthMax).join('');
  return JSON.stringify(characters.length > quotedLengthMax ? `${short}…` : short);
}

/** Characters of a client's own words that an error repeats. */
const quotedLengthMax = 40;

function parsePriority(text: string): Result<Partial<JobOptions>, Failure> {
  if (isPriorityClass(text)) return ok({ priority: priorityClasses[text] });
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (priority >= -100 && priority <= 100) return ok({ priority });
  return invalid(
    `"priority" has to be low, normal, high, or a whole number from -100 to 100, not ${quote(text)}.`,
  );
}

function isPriorityClass(text: string): text is keyof typeof priorityClasses {
  return Object.hasOwn(priorityClasses, text);
}

function parseTenant(text: string): Result<Partial<JobOptions>, Failure> {
  if (isTenantName(text)) return ok({ tenant: text });
  return invalid(`"tenant" has to be ${tenantNameRule}, not ${quote(text)}.`);
}

function parseCache(text: string): Result<Partial<JobOptions>, Failure> {
  if (text === 'on' || text === 'off') return ok({ usesCache: text === 'on' });
  return invalid(`"cache" has to be "on" or "off", not ${quote(text)}.`);
}

function parseParams(text: string): Result<Partial<JobOptions>, Failure> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return invalid(`"params" is not valid JSON: ${quote(text)}.`);
  }
  if (isJsonObject(value)) return ok({ params: value });
  return invalid('"params" has to be a JSON object such as {"language": "en"}.');
}

/** For what `JSON.parse` returned. */
function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string): Result<never, Failure> {
  return err(failure('invalid_request', message));
}
