import { describe, expect, test } from 'vitest';
import { toDot, toMermaid } from '../../../src/pipeline/diagram.ts';
import { nodeOf } from '../../fakes/plans.ts';
import { definitionText, planOf } from './definitions.ts';

const standard = planOf(definitionText('standard'));

/** A plan whose texts hold what the languages of the diagrams keep for themselves. */
const hostile = {
  pipeline: 'a "b" \\',
  nodes: [
    nodeOf('end', { kind: '"]; x["' }),
    nodeOf('<b>', { kind: '\\"\n#', needs: ['end'], optional: true }),
  ],
};

describe('the Mermaid flowchart', () => {
  test('of the standard pipeline', () => {
    expect(toMermaid(standard)).toBe(`flowchart LR
  n0["validate"]
  n1["extract-audio<br/>when media.audio"]
  n2["thumbnail<br/>when media.video"]
  n3["transcode-720p<br/>transcode<br/>when media.video"]
  n4["transcode-1080p<br/>transcode<br/>when media.video #38;#38; media.shortSide #62; 720"]
  n5(["recognize-speech"])
  n6["merge-720p<br/>merge"]
  n7["merge-1080p<br/>merge"]
  n8["publish"]
  n0 --> n1
  n0 --> n2
  n0 --> n3
  n0 --> n4
  n1 --> n5
  n3 --> n6
  n5 --> n6
  n4 --> n7
  n5 --> n7
  n2 --> n8
  n6 --> n8
  n7 --> n8
`);
  });

  test('escapes what a label cannot hold', () => {
    expect(toMermaid(hostile)).toBe(`flowchart LR
  n0["end<br/>#34;#93;; x#91;#34;"]
  n1(["#60;b#62;<br/>#92;#34; #35;"])
  n0 --> n1
`);
  });

  test('of an empty plan is a flowchart', () => {
    expect(toMermaid({ pipeline: 'x', nodes: [] })).toBe('flowchart LR\n');
  });
});

describe('the DOT graph', () => {
  test('of the standard pipeline', () => {
    expect(toDot(standard)).toBe(`digraph "standard" {
  rankdir=LR;
  node [shape=box];
  "validate" [label="validate"];
  "extract-audio" [label="extract-audio\\nwhen media.audio"];
  "thumbnail" [label="thumbnail\\nwhen media.video"];
  "transcode-720p" [label="transcode-720p\\ntranscode\\nwhen media.video"];
  "transcode-1080p" [label="transcode-1080p\\ntranscode\\nwhen media.video && media.shortSide > 720"];
  "recognize-speech" [label="recognize-speech", style="rounded"];
  "merge-720p" [label="merge-720p\\nmerge"];
  "merge-1080p" [label="merge-1080p\\nmerge"];
  "publish" [label="publish"];
  "validate" -> "extract-audio";
  "validate" -> "thumbnail";
  "validate" -> "transcode-720p";
  "validate" -> "transcode-1080p";
  "extract-audio" -> "recognize-speech";
  "transcode-720p" -> "merge-720p";
  "recognize-speech" -> "merge-720p";
  "transcode-1080p" -> "merge-1080p";
  "recognize-speech" -> "merge-1080p";
  "thumbnail" -> "publish";
  "merge-720p" -> "publish";
  "merge-1080p" -> "publish";
}
`);
  });

  test('escapes what a quoted text cannot hold', () => {
    expect(toDot(hostile)).toBe(`digraph "a \\"b\\" \\\\" {
  rankdir=LR;
  node [shape=box];
  "end" [label="end\\n\\"]; x[\\""];
  "<b>" [label="<b>\\n\\\\\\" #", style="rounded"];
  "end" -> "<b>";
}
`);
  });
});
