import { err, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Condition, ConditionTerm } from './condition.ts';
import { hintForName } from './suggest.ts';

/** Why a text is no condition. */
export interface ConditionFault {
  /** Zero-based offset into the text. */
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
}

/** Longest condition in characters. */
export const conditionLengthMax = 500;

type FlagFact = Extract<ConditionTerm, { readonly is: boolean }>['fact'];
type NumberFact = Exclude<ConditionTerm['fact'], FlagFact>;
type Operator = Extract<ConditionTerm, { readonly value: number }>['operator'];

/** What a condition may ask with yes or no, and what the name stands for. */
export const flagFacts: Readonly<Record<FlagFact, string>> = {
  video: 'the source has a video track',
  audio: 'the source has an audio track',
};

/** What a condition may compare with a number, and what the name stands for. */
export const numberFacts: Readonly<Record<NumberFact, string>> = {
  width: 'width of the picture as shown, in pixels',
  height: 'height of the picture as shown, in pixels',
  shortSide: 'the smaller of the two, in pixels',
  durationSec: 'length of the source in seconds',
  framesPerSecond: 'average frames per second of the video track',
  channels: 'number of channels of the audio track',
};

/** The comparisons, longer ones first so that `<=` is not read as `<`. */
const operators: readonly Operator[] = ['<=', '>=', '==', '!=', '<', '>'];

/** Reads a condition such as `media.video && media.shortSide > 720`. */
export function parseCondition(text: string): Result<Condition, ConditionFault> {
  if (text.length > conditionLengthMax) {
    return fault(0, `The condition has more than ${conditionLengthMax} characters`, 'Shorten it.');
  }
  const cursor = new Cursor(text);
  const terms: ConditionTerm[] = [];
  do {
    const term = parseTerm(cursor);
    if (!term.ok) return term;
    terms.push(term.value);
  } while (cursor.take('&&'));
  return cursor.isAtEnd() ? ok(terms) : fault(cursor.offset, ...leftOver(cursor.rest()));
}

/** The condition as text that {@link parseCondition} reads back. */
export function conditionToText(condition: Condition): string {
  return condition
    .map((term) =>
      'is' in term
        ? `${term.is ? '' : '!'}media.${term.fact}`
        : `media.${term.fact} ${term.operator} ${term.value}`,
    )
    .join(' && ');
}

/** What a whole condition looks like, for editors; {@link parseCondition} is the one that decides. */
export function conditionPattern(): string {
  const flag = `!?\\s*media\\.(${Object.keys(flagFacts).join('|')})`;
  const number = '[+-]?\\d+(\\.\\d+)?([eE][+-]?\\d+)?';
  const fact = `media\\.(${Object.keys(numberFacts).join('|')})`;
  const term = `(${flag}|${fact}\\s*(${operators.join('|')})\\s*${number})`;
  return `^\\s*${term}(\\s*&&\\s*${term})*\\s*$`;
}

function parseTerm(cursor: Cursor): Result<ConditionTerm, ConditionFault> {
  const bangOffset = cursor.offset;
  const isNegated = cursor.take('!');
  const start = cursor.offset;
  const name = cursor.takeMatch(/[A-Za-z_][\w.]*/y);
  if (name === undefined) return fault(start, 'Part of the condition is missing here', partHint);
  const fact = name.startsWith('media.') ? name.slice('media.'.length) : undefined;
  if (fact !== undefined && isFlagFact(fact)) return ok({ fact, is: !isNegated });
  if (fact === undefined || !isNumberFact(fact)) return unknownFact(name, start);
  if (isNegated) return fault(bangOffset, `\`${name}\` is a number, not a yes or no`, compareHint);
  const operator = operators.find((candidate) => cursor.take(candidate));
  if (operator === undefined) {
    return fault(cursor.offset, `\`${name}\` has to be compared with a number`, compareHint);
  }
  const valueOffset = cursor.offset;
  const value = cursor.takeMatch(/[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y);
  if (value === undefined || !Number.isFinite(Number(value))) {
    return fault(valueOffset, `A number has to follow \`${operator}\``, compareHint);
  }
  // Adding zero makes a written -0 the zero it is equal to.
  return ok({ fact, operator, value: Number(value) + 0 });
}

const partHint = 'Write for example `media.audio` or `media.shortSide > 720`.';
const compareHint = 'Write for example `media.shortSide > 720`.';

function unknownFact(name: string, offset: number): Result<never, ConditionFault> {
  const known = [...Object.keys(flagFacts), ...Object.keys(numberFacts)];
  const names = known.map((fact) => `media.${fact}`);
  const hint = known.includes(name)
    ? `Did you mean \`media.${name}\`?`
    : hintForName(name, names, 'facts');
  return fault(offset, `\`${name}\` is nothing that a condition knows`, hint);
}

/** Message and hint for text where `&&` or the end has to be. */
function leftOver(rest: string): [string, string] {
  if (/^(\|\||or\b)/i.test(rest)) {
    return ['A condition has no "or"', 'Join parts with `&&`, or make two nodes.'];
  }
  if (/^(&|and\b)/i.test(rest)) return ['Parts are joined by `&&`', 'Write `&&`.'];
  if (/^[<>=!]/.test(rest)) {
    return ['This is a yes or no, not a number', 'Write `media.audio` or `!media.audio`.'];
  }
  return [`\`${rest.slice(0, 20)}\` is not understood here`, 'Join parts with `&&`.'];
}

function isFlagFact(name: string): name is FlagFact {
  return Object.hasOwn(flagFacts, name);
}

function isNumberFact(name: string): name is NumberFact {
  return Object.hasOwn(numberFacts, name);
}

function fault(offset: number, message: string, hint: string): Result<never, ConditionFault> {
  return err({ offset, message, hint });
}

/** A place in the text; blanks are passed over before each token. */
class Cursor {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipBlanks();
  }

  get offset(): number {
    return this.#offset;
  }

  isAtEnd(): boolean {
    return this.#offset === this.#text.length;
  }

  rest(): string {
    return this.#text.slice(this.#offset);
  }

  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#offset)) return false;
    this.#advance(token.length);
    return true;
  }

  /** `pattern` is sticky. */
  takeMatch(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text)?.[0];
    if (match !== undefined) this.#advance(match.length);
    return match;
  }

  #advance(length: number): void {
    this.#offset += length;
    this.#skipBlanks();
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#offset] ?? '')) this.#offset += 1;
  }
}
