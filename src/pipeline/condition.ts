/**
 * When a node applies, as data. Written in a pipeline as text, e.g.
 * `when: media.video && media.shortSide > 720`; all parts must hold.
 */
export type Condition = readonly ConditionTerm[];

/** One part of a condition: a flag, or a number compared with a constant. */
export type ConditionTerm =
  | { readonly fact: 'video' | 'audio'; readonly is: boolean }
  | {
      readonly fact:
        'width' | 'height' | 'shortSide' | 'durationSec' | 'framesPerSecond' | 'channels';
      readonly operator: '<' | '<=' | '>' | '>=' | '==' | '!=';
      readonly value: number;
    };
