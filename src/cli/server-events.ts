/** A server-sent event as it came over the wire (HTML standard, §9.2). */
export interface ServerEvent {
  /** `message` when the server gave no name. */
  readonly event: string;
  readonly data: string;
}

/** Characters of one event at most; ours have a few hundred. */
const eventCharactersMax = 1_000_000;

/**
 * Reads a stream of server-sent events. Chunks may end anywhere, also inside a character. Comments
 * (`: …`) keep a connection alive and give no event. The stream is cancelled when the reader stops.
 *
 * @throws Error when a single event is longer than {@link eventCharactersMax}.
 */
export async function* readServerEvents(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerEvent> {
  let pending = '';
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    pending += text;
    const blocks = pending.split(/\r?\n\r?\n/);
    pending = blocks.pop() ?? '';
    if (pending.length > eventCharactersMax) throw new Error('A server-sent event is too long.');
    for (const block of blocks) {
      const event = parseServerEvent(block);
      if (event !== undefined) yield event;
    }
  }
}

/** One event from its lines; undefined when they hold no data. */
export function parseServerEvent(block: string): ServerEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const match = /^([a-z]+)(?:: ?(.*))?$/.exec(line);
    if (match?.[1] === 'event') event = match[2] ?? '';
    if (match?.[1] === 'data') data.push(match[2] ?? '');
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}
