import { createRequire } from 'node:module';
import { z } from 'zod';

/**
 * The part of `@fugood/whisper.node` that is used. Only a child process loads it: it is native code, a
 * recognition can't be stopped, and one that fails never settles.
 */
export interface WhisperAddon {
  /** Loads a model; takes as long as reading it. Rejects for a file that is none. */
  initWhisper(
    options: { filePath: string; useGpu: boolean },
    variant: AddonVariant,
  ): Promise<WhisperContext>;
  initWhisperVad(
    options: { filePath: string; useGpu: boolean; nThreads: number },
    variant: AddonVariant,
  ): Promise<VoiceActivityContext>;
  /** Loads the native library. */
  loadWhisperModule(variant: AddonVariant): Promise<unknown>;
}

/** Where it computes: `default` is the processor. */
type AddonVariant = 'default';

/** A loaded model. */
export interface WhisperContext {
  /** Recognizes samples: 16 kHz, mono, signed 16-bit little-endian. */
  transcribeData(sound: ArrayBuffer, options: TranscribeOptions): { promise: Promise<AddonResult> };
}

/** What reaches whisper.cpp of the options that are used; the search is always greedy. */
export interface TranscribeOptions {
  /** ISO 639-1, or `auto`. */
  readonly language: string;
  readonly maxThreads: number;
  /** Tokens of earlier text that are given along. */
  readonly maxContext: number;
  readonly temperature: number;
  readonly tokenTimestamps: boolean;
  /** Letters per segment; with 1 every token comes as a segment. 0 for no limit. */
  readonly maxLen: number;
  /** Called once per segment of the unlimited length, with the parts that `maxLen` cut it into. */
  readonly onNewSegments: (news: AddonNews) => void;
}

/** A segment as one text, and its parts. Times are milliseconds. */
export interface AddonNews {
  readonly result: string;
  readonly segments: readonly AddonSegment[];
}

/** A stretch of text. */
export interface AddonSegment {
  readonly text: string;
  readonly t0: number;
  readonly t1: number;
}

/** What is known at the end. */
export interface AddonResult {
  /** ISO 639-1: the given or the detected one. */
  readonly language?: string;
}

/** Silero's network. */
export interface VoiceActivityContext {
  /** Finds speech in samples of the same format. Times are hundredths of a second. */
  detectSpeechData(
    sound: ArrayBuffer,
    options: Readonly<Record<string, number>>,
  ): Promise<readonly { readonly t0: number; readonly t1: number }[]>;
}

const packageName = '@fugood/whisper.node';

/**
 * Loads the addon with its native library.
 *
 * @throws Error where there is no build for this kind of machine, or a library that it needs is missing.
 */
export async function loadWhisperAddon(): Promise<WhisperAddon> {
  // Its sources lie beside its types, and an import would have them compiled by this project's rules.
  const addon: WhisperAddon = createRequire(import.meta.url)(packageName);
  await addon.loadWhisperModule('default');
  return addon;
}

const manifest = z.object({ version: z.string() });

/** The addon's version, for people. */
export function whisperAddonVersion(): string {
  return manifest.parse(createRequire(import.meta.url)(`${packageName}/package.json`)).version;
}
