import { unreachable } from '../base/assert.ts';
import type { MediaProbe } from '../graph/media-probe.ts';
import type { Condition, ConditionTerm } from './condition.ts';

/**
 * Why a condition does not hold for a source, or undefined when it holds. A comparison with something
 * that the source lacks does not hold, whatever the operator. The text starts small and has no period,
 * so that it can follow a colon: `the source has no audio track`.
 */
export function whyUnmet(condition: Condition, media: MediaProbe): string | undefined {
  for (const term of condition) {
    const reason = whyTermUnmet(term, media);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

type NumberTerm = Extract<ConditionTerm, { readonly value: number }>;

/** What is compared: its value, or what the source lacks for it to have one. */
type Measure =
  { readonly name: string; readonly value: number } | { readonly missing: 'video' | 'audio' };

function whyTermUnmet(term: ConditionTerm, media: MediaProbe): string | undefined {
  if ('is' in term) {
    const has = media[term.fact] !== undefined;
    if (has === term.is) return undefined;
    const article = term.fact === 'audio' ? 'an' : 'a';
    return `the source has ${has ? article : 'no'} ${term.fact} track`;
  }
  const measure = measureOf(term.fact, media);
  if ('missing' in measure) return `the source has no ${measure.missing} track`;
  if (isTrue(measure.value, term)) return undefined;
  return `the source's ${measure.name} is ${rounded(measure.value)}, not ${term.operator} ${term.value}`;
}

function isTrue(value: number, term: NumberTerm): boolean {
  switch (term.operator) {
    case '<':
      return value < term.value;
    case '<=':
      return value <= term.value;
    case '>':
      return value > term.value;
    case '>=':
      return value >= term.value;
    case '==':
      return value === term.value;
    case '!=':
      return value !== term.value;
    default:
      return unreachable(term.operator);
  }
}

function measureOf(fact: NumberTerm['fact'], media: MediaProbe): Measure {
  const { video, audio } = media;
  if (fact === 'durationSec') return { name: 'length in seconds', value: media.durationSec };
  if (fact === 'channels') {
    return audio ? { name: 'channel count', value: audio.channels } : { missing: 'audio' };
  }
  if (video === undefined) return { missing: 'video' };
  const { displayWidth, displayHeight } = video;
  switch (fact) {
    case 'width':
      return { name: 'width', value: displayWidth };
    case 'height':
      return { name: 'height', value: displayHeight };
    case 'shortSide':
      return { name: 'short side', value: Math.min(displayWidth, displayHeight) };
    case 'framesPerSecond':
      return { name: 'frame rate', value: video.framesPerSecond };
    default:
      return unreachable(fact);
  }
}

/** Three decimals are enough for people: 29.970029… → 29.97. */
function rounded(value: number): string {
  return String(Number(value.toFixed(3)));
}
