import { describe, expect, test } from 'vitest';
import type { PlannedNode } from '../../../src/pipeline/plan.ts';
import { isSameWork } from '../../../src/pipeline/same-work.ts';
import { estimateOf, inputOf, nodeOf } from '../../fakes/plans.ts';

const node = nodeOf('a', {
  kind: 'transcode',
  kindVersion: 2,
  params: { resolution: 720, nested: { x: 1, y: [1, 2] } },
  inputs: [inputOf('one', 'source', 'validate')],
  when: [{ fact: 'video', is: true }],
});

describe('the same work', () => {
  test.each<[string, Partial<PlannedNode>]>([
    ['how often it is tried', { retry: { attemptsMax: 9, backoffMs: 1 } }],
    ['how long it may take', { timeoutMs: 1 }],
    ['what it costs', { estimate: estimateOf(99), resources: { coresMax: 1 } }],
    ['whether it is optional', { optional: true }],
    ['what it only has to wait for', { needs: ['b'] }],
    ['its name', { id: 'b' }],
    ['the order of the keys', { params: { nested: { y: [1, 2], x: 1 }, resolution: 720 } }],
    ['a parameter that is absent', { params: { ...node.params, crf: undefined } }],
  ])('does not depend on %s', (_what, changes) => {
    expect(isSameWork(node, { ...node, ...changes })).toBe(true);
    expect(isSameWork({ ...node, ...changes }, node)).toBe(true);
  });

  test.each<[string, Partial<PlannedNode>]>([
    ['of another kind', { kind: 'thumbnail' }],
    ['of another version of the kind', { kindVersion: 3 }],
    ['with another parameter', { params: { ...node.params, resolution: 1080 } }],
    ['with one more parameter', { params: { ...node.params, crf: 20 } }],
    ['with a list in another order', { params: { resolution: 720, nested: { x: 1, y: [2, 1] } } }],
    ['from another node', { inputs: [inputOf('one', 'source', 'other')] }],
    ['with another role', { inputs: [inputOf('one', 'video', 'validate')] }],
    ['that takes its input otherwise', { inputs: [inputOf('optional', 'source', 'validate')] }],
    ['without its input', { inputs: [] }],
    ['on another condition', { when: [{ fact: 'video', is: false }] }],
    ['on one more condition', { when: [...(node.when ?? []), { fact: 'audio', is: true }] }],
  ])('is not what a node does %s', (_what, changes) => {
    expect(isSameWork(node, { ...node, ...changes })).toBe(false);
  });

  test('is not what a node does whose condition is gone', () => {
    const { when: _when, ...unconditional } = node;
    expect(isSameWork(node, unconditional)).toBe(false);
    expect(isSameWork(unconditional, unconditional)).toBe(true);
  });

  test('in a plan that names no version is that of the first one', () => {
    const { kindVersion: _kindVersion, ...old } = node;
    expect(isSameWork(old, { ...node, kindVersion: 1 })).toBe(true);
    expect(isSameWork(old, { ...node, kindVersion: 2 })).toBe(false);
  });

  test('is so after a way through JSON', () => {
    const stored: PlannedNode = JSON.parse(JSON.stringify(node));
    expect(isSameWork(node, stored)).toBe(true);
  });
});
