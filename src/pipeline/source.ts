import { isAlias, isMap, isScalar, isSeq, parseDocument, Scalar } from 'yaml';
import type { Alias, Document, ParsedNode, YAMLError, YAMLMap } from 'yaml';
import type { Json } from '../base/json.ts';
import { kibibyte } from '../base/units.ts';
import type { Fault } from './problem.ts';

/** Largest definition in bytes: 500 nodes with comments take about 100 KiB. */
export const sourceBytesMax = 256 * kibibyte;

/** Deepest nesting of lists and maps; a definition needs five levels. */
export const sourceDepthMax = 32;

/**
 * Most values after all aliases are written out, so that a few lines of aliases cannot become
 * gigabytes ("billion laughs"). A definition of 500 nodes has about 10 000.
 */
export const sourceValuesMax = 50_000;

/** A value of the text with its place. */
export type SourceValue = SourceScalar | SourceList | SourceMap;

interface SourceBase {
  /** Where the value begins, zero-based. */
  readonly offset: number;
  /** The plain value; parts that aliases share are shared. */
  readonly json: Json;
  /** Number of values in it, itself and aliased ones included. */
  readonly size: number;
}

/** A text, number, boolean or null. */
export interface SourceScalar extends SourceBase {
  readonly type: 'scalar';
  /** Where the characters of a text begin; absent when they do not stand in the file as they are. */
  readonly textOffset?: number;
}

/** A list. */
export interface SourceList extends SourceBase {
  readonly type: 'list';
  readonly items: readonly SourceValue[];
}

/** A map; keys are texts and unique. */
export interface SourceMap extends SourceBase {
  readonly type: 'map';
  readonly entries: ReadonlyMap<string, SourceEntry>;
}

/** A key with its value. */
export interface SourceEntry {
  readonly keyOffset: number;
  readonly value: SourceValue;
}

/** A text that was read: its value if it has one, and all that is wrong with it as YAML. */
export interface Source {
  readonly root: SourceValue | undefined;
  readonly faults: readonly Fault[];
  /** One-based line and column of an offset. */
  position(offset: number): { readonly line: number; readonly column: number };
}

/**
 * Reads YAML 1.2 (and so JSON) into values that know their places. Never throws. Aliases are resolved,
 * keys must be unique texts, tags and values beyond JSON are refused.
 */
export function readSource(text: string): Source {
  const lineStarts = lineStartsOf(text);
  const position = (offset: number) => positionIn(lineStarts, Math.min(offset, text.length));
  if (isTooLarge(text)) return { root: undefined, faults: [tooLarge], position };
  const document = parseDocument(text, {
    prettyErrors: false,
    // With 'silent', a second document would be passed over.
    logLevel: 'error',
    // Checked here instead: the library compares every key with every other.
    uniqueKeys: false,
    resolveKnownTags: false,
  });
  const syntaxFaults = firstOfEachLine([...document.errors, ...document.warnings], position);
  if (syntaxFaults.length > 0) return { root: undefined, faults: syntaxFaults, position };
  return { ...new SourceReader(text).read(document), position };
}

/** The value at a path, or undefined when there is none. */
export function valueAt(
  root: SourceValue,
  path: readonly (string | number)[],
): SourceValue | undefined {
  let current: SourceValue | undefined = root;
  for (const step of path) {
    if (current?.type === 'map') current = current.entries.get(String(step))?.value;
    else if (current?.type === 'list') current = current.items[Number(step)];
    else return undefined;
  }
  return current;
}

/** Offset of the key at a path, of an item of a list, or of the nearest value around it. */
export function offsetAt(root: SourceValue, path: readonly (string | number)[]): number {
  let current = root;
  let offset = root.offset;
  for (const step of path) {
    if (current.type === 'scalar') return offset;
    const entry = current.type === 'map' ? current.entries.get(String(step)) : undefined;
    const next = current.type === 'map' ? entry?.value : current.items[Number(step)];
    if (next === undefined) return offset;
    current = next;
    offset = entry?.keyOffset ?? next.offset;
  }
  return offset;
}

const tooLarge: Fault = {
  offset: 0,
  message: `The file is larger than ${sourceBytesMax / kibibyte} KiB`,
  hint: 'Split it into several pipelines.',
};

function isTooLarge(text: string): boolean {
  // A UTF-16 unit is at most three bytes in UTF-8, so most texts need not be encoded to be measured.
  if (text.length * 3 <= sourceBytesMax) return false;
  return text.length > sourceBytesMax || new TextEncoder().encode(text).length > sourceBytesMax;
}

/** Offset of each line's first character. */
function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) {
    starts.push(end + 1);
  }
  return starts;
}

/** The library's own counter loses its way in texts over several lines. */
function positionIn(
  lineStarts: readonly number[],
  offset: number,
): { readonly line: number; readonly column: number } {
  let line = 1;
  let after = lineStarts.length;
  // The line is the last one that does not start behind the offset.
  while (after - line > 0) {
    const middle = Math.ceil((line + after) / 2);
    if ((lineStarts[middle - 1] ?? 0) <= offset) line = middle;
    else after = middle - 1;
  }
  return { line, column: offset - (lineStarts[line - 1] ?? 0) + 1 };
}

/** What follows the first fault of a line is mostly its consequence. */
function firstOfEachLine(
  errors: readonly YAMLError[],
  position: Source['position'],
): readonly Fault[] {
  const firsts = new Map<number, Fault>();
  for (const { pos, message } of errors.toSorted((left, right) => left.pos[0] - right.pos[0])) {
    const [offset] = pos;
    const { line } = position(offset);
    if (firsts.has(line)) continue;
    const reason = message.split('\n')[0]?.replace(/[\s.:]+$/, '');
    firsts.set(line, {
      offset,
      message: `This is not valid YAML: ${reason}`,
      hint: 'Check indentation, quotes and brackets here and just above.',
    });
  }
  return [...firsts.values()];
}

/** Turns the library's tree into values. Each node is read once, so shared parts stay shared. */
class SourceReader {
  readonly #text: string;
  readonly #faults: Fault[] = [];
  /** Anchor → what it stands for at this place of the text; a later anchor of the name replaces it. */
  readonly #anchors = new Map<string, SourceValue>();
  #isOverfull = false;

  constructor(text: string) {
    this.#text = text;
  }

  read(document: Document.Parsed): { root: SourceValue | undefined; faults: readonly Fault[] } {
    const version = document.directives.yaml.version;
    if (version !== '1.2') {
      this.#fault(0, `The file asks for YAML ${version}`, 'Remove the `%YAML` line.');
      return { root: undefined, faults: this.#faults };
    }
    const { contents } = document as { contents: ParsedNode | null };
    const root = contents === null ? undefined : this.#value(contents, 0);
    if (root !== undefined && root.size > sourceValuesMax) this.#overfull(root.offset);
    return { root: this.#isOverfull ? undefined : root, faults: this.#faults };
  }

  #value(node: ParsedNode | null, depth: number): SourceValue {
    const offset = node?.range[0] ?? 0;
    if (node === null) return { type: 'scalar', offset, json: null, size: 1 };
    if (depth > sourceDepthMax) {
      this.#fault(offset, 'Lists and maps are nested too deeply here', 'A definition needs five.');
      return { type: 'scalar', offset, json: null, size: 1 };
    }
    if (isAlias(node)) return this.#aliased(node.source, offset);
    const value = this.#unaliased(node, depth);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, value);
    return value;
  }

  #unaliased(node: Exclude<ParsedNode, Alias.Parsed>, depth: number): SourceValue {
    if (isMap(node)) return this.#map(node, depth);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#value(item, depth + 1));
      return {
        type: 'list',
        offset: node.range[0],
        items,
        json: items.map((item) => item.json),
        size: items.reduce((sum, item) => sum + item.size, 1),
      };
    }
    return this.#scalar(node);
  }

  #map(node: YAMLMap.Parsed, depth: number): SourceMap {
    const entries = new Map<string, SourceEntry>();
    let size = 1;
    for (const pair of node.items) {
      const key = this.#key(pair.key, node.range[0], entries);
      const found = this.#value(pair.value, depth + 1);
      if (key === undefined) continue;
      const value = pair.value === null ? { ...found, offset: key.offset } : found;
      entries.set(key.name, { keyOffset: key.offset, value });
      size += value.size;
    }
    const json = Object.fromEntries([...entries].map(([name, { value }]) => [name, value.json]));
    return { type: 'map', offset: node.range[0], entries, json, size };
  }

  #key(
    node: ParsedNode | null,
    mapOffset: number,
    entries: ReadonlyMap<string, SourceEntry>,
  ): { name: string; offset: number } | undefined {
    const offset = node?.range[0] ?? mapOffset;
    const name = isScalar(node) ? (node.source ?? String(node.value)) : undefined;
    if (name === undefined || name === '' || name === '__proto__') {
      this.#fault(offset, 'This cannot be a key', 'Keys are plain names.');
      return undefined;
    }
    const first = entries.get(name);
    if (first !== undefined) {
      this.#fault(offset, `The key \`${name}\` is given twice`, 'Keep one of the two.');
      return undefined;
    }
    return { name, offset };
  }

  #scalar(node: Scalar.Parsed): SourceScalar {
    const [offset] = node.range;
    const { value } = node;
    if (!isJsonScalar(value)) {
      this.#fault(offset, `\`${node.source}\` is not a value of JSON`, 'Use a finite number.');
      return { type: 'scalar', offset, json: null, size: 1 };
    }
    const textOffset = typeof value === 'string' ? this.#textOffset(node, value) : undefined;
    return { type: 'scalar', offset, json: value, size: 1, ...(textOffset && { textOffset }) };
  }

  #textOffset(node: Scalar.Parsed, value: string): number | undefined {
    const isQuoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
    const start = node.range[0] + (isQuoted ? 1 : 0);
    return this.#text.startsWith(value, start) ? start : undefined;
  }

  #aliased(anchor: string, offset: number): SourceValue {
    const target = this.#anchors.get(anchor);
    if (target === undefined) {
      const message = `\`*${anchor}\` stands for nothing: no value with \`&${anchor}\` ends before it`;
      this.#fault(offset, message, 'Write the value out.');
      return { type: 'scalar', offset, json: null, size: 1 };
    }
    if (target.size > sourceValuesMax) this.#overfull(offset);
    return target;
  }

  #overfull(offset: number): void {
    if (this.#isOverfull) return;
    this.#isOverfull = true;
    const message = `Written out, the aliases make more than ${sourceValuesMax} values`;
    this.#fault(offset, message, 'Use fewer aliases.');
  }

  #fault(offset: number, message: string, hint: string): void {
    this.#faults.push({ offset, message, hint });
  }
}

function isJsonScalar(value: unknown): value is string | number | boolean | null {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}
