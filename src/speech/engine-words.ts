import type { TranscriptSegment, TranscriptWord } from './recognizer.ts';

/** What stands for bytes that are no whole character: an engine cut a letter into two tokens. */
const brokenCharacter = '\u{FFFD}';

/** Less than this is no time to say a word in: the engine did not place it, in milliseconds. */
const wordMsMin = 20;

/**
 * Makes a segment of an engine's tokens (pieces of words, a new word starts with a space), with their
 * times in milliseconds. A language without spaces, or a letter spread over two tokens, gives no words.
 */
export function toSegment(
  segment: { readonly startMs: number; readonly endMs: number; readonly text: string },
  tokens: readonly TranscriptWord[],
): TranscriptSegment {
  const words = spreadWords(joinTokens(tokens));
  const isWhole = words.map(({ text }) => text).join(' ') === segment.text.trim();
  return isWhole && words.length > 0 && !segment.text.includes(brokenCharacter)
    ? { ...segment, words }
    : segment;
}

function joinTokens(tokens: readonly TranscriptWord[]): readonly TranscriptWord[] {
  const words: TranscriptWord[] = [];
  for (const token of tokens) {
    const last = words.at(-1);
    if (last === undefined || /^\s/.test(token.text)) words.push(token);
    else {
      words[words.length - 1] = {
        startMs: last.startMs,
        endMs: Math.max(last.endMs, token.endMs),
        text: last.text + token.text,
      };
    }
  }
  return words
    .map((word) => ({ ...word, text: word.text.trim() }))
    .filter(({ text }) => text !== '');
}

/**
 * Words with times, in milliseconds. Engines give some of them no time at all: such a word shares the time
 * of the next one that has some, by its letters.
 */
export function spreadWords(words: readonly TranscriptWord[]): readonly TranscriptWord[] {
  const spread: TranscriptWord[] = [];
  let waiting: TranscriptWord[] = [];
  for (const word of words) {
    waiting.push(word);
    if (word.endMs - word.startMs < wordMsMin) continue;
    spread.push(...shareTime(waiting, word.endMs));
    waiting = [];
  }
  return [...spread, ...waiting];
}

function shareTime(words: readonly TranscriptWord[], endMs: number): readonly TranscriptWord[] {
  const startMs = words[0]?.startMs ?? endMs;
  const letters = words.reduce((sum, { text }) => sum + text.length, 0);
  let lettersSoFar = 0;
  let lastEndMs = startMs;
  return words.map(({ text }) => {
    lettersSoFar += text.length;
    const shared = { startMs: lastEndMs, text };
    lastEndMs = Math.round(startMs + ((endMs - startMs) * lettersSoFar) / letters);
    return { ...shared, endMs: lastEndMs };
  });
}
