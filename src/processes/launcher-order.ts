import { cpuGraceSec } from './child-limits.ts';
import { childNiceness } from './process-starter.ts';
import type { StartOrder } from './process-starter.ts';

/** The version of the layout; a launcher that speaks another is not used. See `launcher.c`. */
export const launcherOrderVersion = 2;

/** What a launcher of this version answers to `--version`. */
export const launcherVersionLine = `reelgraph-launcher ${launcherOrderVersion}\n`;

/** Bits of the field `flags`. */
const flags = { keepStdin: 1, keepAnswers: 2, confine: 4 } as const;

/** Leaves a limit as the service has it: the largest number of 64 bits. */
const noLimit = 2n ** 64n - 1n;

/** Bytes in front of the strings, with the length. */
const headerBytes = 76;

/**
 * An order as the launcher reads it: its length, numbers, and strings that end with a zero byte. The
 * layout is described in `launcher.c`.
 *
 * @throws TypeError when a string holds a zero byte: the program would see only what is before it.
 */
export function encodeLauncherOrder(order: StartOrder): Buffer {
  const { argv, cwd, env, limits, access } = order;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const paths = access === undefined ? [[], [], []] : [access.read, access.execute, access.change];
  const strings = Buffer.from(joined([cwd, ...argv, ...variables, ...paths.flat()]), 'utf8');
  const header = new FieldWriter(Buffer.alloc(headerBytes));
  header.write32(headerBytes - 4 + strings.length);
  header.write32(launcherOrderVersion);
  header.write32(flagsOf(order));
  header.write32(childNiceness());
  header.write64(limits.cpuSec);
  header.write64(limits.cpuSec + cpuGraceSec);
  header.write64(limits.fileBytesMax);
  header.write64(limits.openFilesMax);
  header.write64(limits.addressBytesMax);
  header.write32(argv.length);
  header.write32(variables.length);
  for (const list of paths) header.write32(list.length);
  return Buffer.concat([header.bytes, strings]);
}

function flagsOf({ isConversing, access }: StartOrder): number {
  const kept = isConversing ? flags.keepStdin | flags.keepAnswers : 0;
  return access === undefined ? kept : kept | flags.confine;
}

/** Bytes of a launcher's answer to an order that it could not carry out: an errno, and a step. */
const refusalBytes = 8;

/** Parts of the sandbox by the step in which they are put on; other steps say nothing beside the errno. */
const sandboxParts: ReadonlyMap<number, string> = new Map([
  [2, 'no new privileges'],
  [3, 'Landlock'],
  [4, 'seccomp'],
]);

/** Why a launcher did not become the program; nothing where it has answered nothing. */
export function parseLauncherRefusal(answer: Buffer): LauncherRefusal | undefined {
  if (answer.length < refusalBytes) return undefined;
  const part = sandboxParts.get(answer.readUInt32LE(4));
  return { errno: answer.readInt32LE(0), ...(part !== undefined && { part }) };
}

/** Why a launcher did not become the program. */
export interface LauncherRefusal {
  readonly errno: number;
  /** The part of the sandbox that could not be had. */
  readonly part?: string;
}

function joined(strings: readonly string[]): string {
  const bad = strings.find((string) => string.includes('\0'));
  if (bad !== undefined) throw new TypeError(`A string of an order holds a zero byte: ${bad}`);
  return strings.map((string) => `${string}\0`).join('');
}

/** Writes numbers one behind the other, little-endian. */
class FieldWriter {
  readonly bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** A whole number of 32 bits; a negative one as its two's complement. */
  write32(value: number): void {
    this.#offset = this.bytes.writeUInt32LE(value >>> 0, this.#offset);
  }

  /** A whole number ≥ 0, or no limit. */
  write64(value: number | undefined): void {
    const number = value === undefined ? noLimit : BigInt(value);
    this.#offset = this.bytes.writeBigUInt64LE(number, this.#offset);
  }
}
