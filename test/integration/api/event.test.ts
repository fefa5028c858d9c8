import { get, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventSchemas } from '../../../src/api/schema.ts';
import { required } from '../../../src/base/assert.ts';
import { failure } from '../../../src/base/failure.ts';
import { ManualClock } from '../../unit/api/manual-clock.ts';
import { ApiRig, once, problemDetail, until } from './api-rig.ts';

let clock: ManualClock;
let rig: ApiRig;

beforeEach(async () => {
  clock = new ManualClock();
  rig = await ApiRig.start({ clock });
});

afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

/** One event as text: its id if it has one, its name, its data. */
const eventPattern = /^(?:id: (\d+)\n)?event: (\w+)\ndata: (.*)$/;

/** A client of an event stream, reading as it comes. */
class EventClient {
  readonly response: IncomingMessage;
  text = '';
  isEnded = false;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (this.text += chunk));
    response.on('end', () => (this.isEnded = true));
    response.on('error', () => {});
  }

  static async open(jobId: string, query = '', headers = {}): Promise<EventClient> {
    const url = `${rig.url}/v1/jobs/${jobId}/events${query}`;
    const { promise, resolve, reject } = Promise.withResolvers<EventClient>();
    get(url, { agent: false, headers }, (response) => resolve(new EventClient(response))).on(
      'error',
      reject,
    );
    return promise;
  }

  /** The whole events received, checked against their schemas. */
  get events(): readonly { id: number | undefined; event: string; data: object }[] {
    return this.text
      .split('\n\n')
      .slice(0, -1)
      .filter((block) => block.includes('data: '))
      .map((block) => {
        const [, id, event = '', data = ''] = eventPattern.exec(block) ?? [];
        const schema = Object.entries(eventSchemas).find(([name]) => name === event)?.[1];
        const parsed = required(schema, `the schema of ${block}`).parse(JSON.parse(data));
        return { id: id === undefined ? undefined : Number(id), event, data: parsed };
      });
  }

  get ids(): readonly number[] {
    return this.events.flatMap(({ id }) => id ?? []);
  }
}

/** Runs the three nodes of the test graph, one after another. */
function finish(jobId: string): void {
  for (const nodeId of ['validate', 'encode', 'publish']) {
    rig.service.start(jobId, nodeId, 2);
    rig.service.succeed(jobId, nodeId);
  }
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe('The events of a job', () => {
  test('tell its whole story, and end with it', async () => {
    const jobId = await rig.makeJob();
    const client = await EventClient.open(jobId);
    await until(() => client.events.length === 2);
    rig.service.start(jobId, 'validate', 2);
    rig.service.report(jobId, 'validate', 0.25);
    await until(() => client.events.some(({ event }) => event === 'progress'));
    const warning = { code: 'cut', message: 'It is cut.', nodeId: 'validate' };
    rig.service.succeed(jobId, 'validate', { warnings: [warning] });
    rig.service.start(jobId, 'encode');
    rig.service.fail(jobId, 'encode', failure('corrupt', 'It is damaged.', 'at /srv/in'));

    await until(() => client.isEnded);

    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(client.text.startsWith('retry: 2000\n\n')).toBe(true);
    expect(client.ids).toEqual(range(1, client.ids.length));
    const kinds = new Set(client.events.map(({ event }) => event));
    expect([...kinds].sort()).toEqual(['job', 'node', 'progress', 'warning']);
    expect(client.events.find(({ event }) => event === 'progress')).toEqual({
      event: 'progress',
      id: undefined,
      data: { node: 'validate', progress: 0.25 },
    });
    expect(client.events.find(({ event }) => event === 'warning')?.data).toMatchObject({
      code: 'cut',
      node: 'validate',
    });
    expect(client.events.at(-1)).toMatchObject({
      event: 'job',
      data: {
        state: 'failed',
        error: { code: 'corrupt', message: 'It is damaged.', node: 'encode' },
      },
    });
    expect(client.text).not.toContain('srv');
  });

  test('go on without gap or repetition behind the last one seen, while more arrive', async () => {
    const jobId = await rig.makeJob();
    const first = await EventClient.open(jobId);
    await until(() => first.ids.length === 2);
    rig.service.start(jobId, 'validate');
    await until(() => first.ids.length > 2);
    first.response.destroy();
    const seen = first.ids.length;
    rig.service.succeed(jobId, 'validate');
    const second = await EventClient.open(jobId, '', { 'Last-Event-ID': String(seen) });
    rig.service.start(jobId, 'encode');
    rig.service.succeed(jobId, 'encode');
    const third = await EventClient.open(jobId, `?after=${seen}`);
    rig.service.start(jobId, 'publish');
    rig.service.succeed(jobId, 'publish');

    await until(() => second.isEnded && third.isEnded);

    expect(second.ids).toEqual(range(seen + 1, second.ids.at(-1) ?? 0));
    expect(second.ids.length).toBeGreaterThan(4);
    expect(third.ids).toEqual(second.ids);
    expect(second.events.at(-1)?.data).toMatchObject({ state: 'succeeded' });
  });

  test('follow the header rather than the address, as a reconnecting browser sends both', async () => {
    const jobId = await rig.makeJob();
    finish(jobId);

    const client = await EventClient.open(jobId, '?after=1', { 'Last-Event-ID': '3' });
    await until(() => client.isEnded);

    expect(client.ids[0]).toBe(4);
  });

  test('are 204 when the job has ended and all is told: a browser then stops asking', async () => {
    const jobId = await rig.makeJob();
    finish(jobId);
    const all = await EventClient.open(jobId);
    await until(() => all.isEnded);

    const path = `/v1/jobs/${jobId}/events?after=${all.ids.length}`;

    expect((await rig.send({ path })).status).toBe(204);
  });

  test.each(['-1', 'x', '1.5', '', '9'.repeat(16)])('cannot go on behind %j', async (after) => {
    const jobId = await rig.makeJob();

    const answer = await rig.send({ path: `/v1/jobs/${jobId}/events?after=${after}` });

    expect(problemDetail(answer, 400, 'invalid_request')).toMatch(/\.$/);
  });

  test('answer HEAD without following', async () => {
    const jobId = await rig.makeJob();

    const answer = await rig.send({ method: 'HEAD', path: `/v1/jobs/${jobId}/events` });

    expect(answer.headers['content-type']).toContain('text/event-stream');
    expect(rig.service.followers).toBe(0);
  });
});

describe('An event stream', () => {
  test('says every fifteen seconds that it lives', async () => {
    const client = await EventClient.open(await rig.makeJob());
    await until(() => client.events.length === 2);

    clock.advance(14_999);
    expect(client.text).not.toContain(': alive');
    clock.advance(1);
    await until(() => client.text.endsWith(': alive\n\n'));
    clock.advance(15_000);
    await until(() => client.text.endsWith(': alive\n\n: alive\n\n'));

    expect(client.events.length).toBe(2);
    client.response.destroy();
  });

  test('stops following when its client goes away', async () => {
    const client = await EventClient.open(await rig.makeJob());
    await until(() => rig.service.followers === 1);

    client.response.destroy();
    await until(() => rig.service.followers === 0);

    await until(() => clock.pending === 0);
    expect(client.isEnded).toBe(false);
  });

  test('ends at once when the server closes', async () => {
    const client = await EventClient.open(await rig.makeJob());

    await rig.stop();

    await until(() => client.isEnded);
    expect(rig.service.followers).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test('is refused beyond the limit', async () => {
    await using small = await ApiRig.start({ limits: { eventStreamsMax: 1 } });
    const jobId = await small.makeJob();
    const path = `/v1/jobs/${jobId}/events`;
    const socket = await small.dial();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => small.service.followers === 1);

    expect(problemDetail(await small.send({ path }), 429, 'too_many_requests')).toMatch(/\.$/);
    socket.destroy();
    await until(() => small.service.followers === 0);
  });

  test('pulls nothing while its reader stands still, and is cut after a minute of that', async () => {
    const jobId = await rig.makeJob();
    let pulled = 0;
    rig.service.follow = async function* endless() {
      for (;;) {
        pulled += 1;
        yield { type: 'progress', nodeId: 'x'.repeat(10_000), fraction: 0.5 };
      }
    };
    const socket = await rig.dial();
    socket.pause();
    const closed = once(socket, 'close');
    socket.write(`GET /v1/jobs/${jobId}/events HTTP/1.1\r\nHost: x\r\n\r\n`);
    // A heartbeat and the watch over the standing reader.
    await until(() => clock.pending === 2);
    const held = pulled;

    clock.advance(59_999);
    expect(pulled).toBe(held);
    // Some megabytes in the kernel's buffers, no more than one event in ours.
    expect(pulled * 10_000).toBeLessThan(16_000_000);
    clock.advance(1);

    socket.resume();
    await closed;
    await until(() => clock.pending === 0);
  });
});
