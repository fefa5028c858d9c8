import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseServerEvent,
  readServerEvents,
  type ServerEvent,
} from '../../../src/cli/server-events.ts';

async function readAll(chunks: readonly Uint8Array[]): Promise<readonly ServerEvent[]> {
  const events: ServerEvent[] = [];
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  for await (const event of readServerEvents(stream)) events.push(event);
  return events;
}

describe('server-sent events', () => {
  const text =
    ': hello\n\nid: 1\nevent: node\ndata: {"node":"ä🎬"}\n\nevent: progress\r\ndata: 2\r\n\r\n';
  const events = [
    { event: 'node', data: '{"node":"ä🎬"}' },
    { event: 'progress', data: '2' },
  ];

  test('are the same wherever the stream is cut, also inside a character', async () => {
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
        const ends = [...cuts, bytes.length].sort((left, right) => left - right);
        const chunks = ends.map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
        expect(await readAll(chunks)).toEqual(events);
      }),
    );
  });

  test('without data are none', () => {
    expect(parseServerEvent(': still there')).toBeUndefined();
    expect(parseServerEvent('event: node')).toBeUndefined();
  });

  test('without a name are messages, and lines of data are joined', () => {
    expect(parseServerEvent('data: a\ndata:b\ndata')).toEqual({ event: 'message', data: 'a\nb\n' });
  });

  test('that never end are refused', async () => {
    const endless = new TextEncoder().encode(`data: ${'x'.repeat(1_000_001)}`);
    await expect(readAll([endless])).rejects.toThrow('too long');
  });
});
