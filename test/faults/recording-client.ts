import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { jobSchema, problemSchema } from '../../src/api/schema.ts';
import type { JobView } from '../../src/api/schema.ts';
import { readServerEvents } from '../../src/cli/server-events.ts';
import type { History, ReadRecord, RequestRecord, UploadRecord } from './history.ts';

/** States that a job never leaves. */
const terminalStates: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);

/** How to send a file. */
export interface UploadOptions {
  readonly pipeline: string;
  /** Bytes behind which the client breaks off; all are sent unless it is said. */
  readonly abortAfterBytes?: number;
  /** Sent as its `Idempotency-Key`. */
  readonly key?: string;
  /** The code that a job of this film fails with. */
  readonly failsWith?: string;
}

/**
 * A client of a service that may be killed at any time. It writes down what it asked and was answered,
 * for the check at the end. It goes on at another address after a restart.
 */
export class RecordingClient implements History {
  /** Where the service listens now. */
  url = '';
  readonly uploads: UploadRecord[] = [];
  readonly cancels: RequestRecord[] = [];
  readonly deletes: RequestRecord[] = [];
  readonly retries: RequestRecord[] = [];
  readonly reads: ReadRecord[] = [];

  /** Jobs that were accepted, in order. */
  get jobIds(): readonly string[] {
    return this.uploads.flatMap(({ outcome }) =>
      outcome.type === 'accepted' ? [outcome.jobId] : [],
    );
  }

  /** Sends a file as the body of a request. What is sent again with its key keeps its name. */
  async upload(path: string, options: UploadOptions): Promise<UploadRecord> {
    const { key, failsWith } = options;
    const body = await readFile(path);
    const name = key === undefined ? `upload-${this.#serial()}` : `keyed-${key}`;
    const sha256 = createHash('sha256').update(body).digest('hex');
    const outcome = await this.#send(name, body, options);
    const record = {
      ...{ name, bytes: body.length, sha256, outcome },
      ...(key !== undefined && { key }),
      ...(failsWith !== undefined && { failsWith }),
    };
    this.uploads.push(record);
    return record;
  }

  /** Sends a file that has to be accepted, and gives the id of its job. */
  async submit(path: string, options: UploadOptions): Promise<string> {
    const { outcome } = await this.upload(path, options);
    if (outcome.type === 'accepted') return outcome.jobId;
    throw new Error(`The upload was not accepted: ${JSON.stringify(outcome)}`);
  }

  /** Sends a file until it is accepted or refused, as a client does whose upload got no answer. */
  async uploadUntilAnswered(path: string, options: UploadOptions): Promise<UploadRecord> {
    for (;;) {
      const record = await this.upload(path, options);
      if (record.outcome.type !== 'unanswered') return record;
    }
  }

  /** Cancels a job; gives the status of the answer, if there was one. */
  cancel(jobId: string): Promise<number | undefined> {
    return this.#ask('POST', jobId, { path: '/cancel', records: this.cancels });
  }

  /** Deletes a job; likewise. */
  delete(jobId: string): Promise<number | undefined> {
    return this.#ask('DELETE', jobId, { path: '', records: this.deletes });
  }

  /** Lets an ended job go on; likewise. */
  retry(jobId: string): Promise<number | undefined> {
    return this.#ask('POST', jobId, { path: '/retry', records: this.retries });
  }

  /** The job as the service tells it; undefined when it tells nothing of one. */
  async read(jobId: string): Promise<JobView | undefined> {
    const retriesBefore = this.retries.length;
    const answer = await answered(fetch(`${this.url}/v1/jobs/${jobId}`));
    if (answer?.status !== 200) return undefined;
    const job = jobSchema.parse(await answer.json());
    this.reads.push({ jobId, state: job.state, retriesBefore });
    return job;
  }

  /** Follows a job to its end, and gives it as it ended. Throws when the service goes away. */
  async finish(jobId: string): Promise<JobView> {
    for (;;) {
      const job = await this.read(jobId);
      if (job === undefined) throw new Error(`The service says nothing of job ${jobId}.`);
      if (terminalStates.has(job.state)) return job;
      const events = await fetch(`${this.url}/v1/jobs/${jobId}/events`);
      if (events.body === null) throw new Error('The events have no body.');
      for await (const event of readServerEvents(events.body)) void event;
    }
  }

  /** Waits until an event of the job matches, e.g. that a node runs. */
  async until(jobId: string, event: RegExp): Promise<void> {
    const events = await fetch(`${this.url}/v1/jobs/${jobId}/events`);
    if (events.body === null) throw new Error('The events have no body.');
    for await (const { data } of readServerEvents(events.body)) if (event.test(data)) return;
    throw new Error(`Job ${jobId} ended without ${String(event)}.`);
  }

  /** The record is made with the request, so that what is read meanwhile counts as read behind it. */
  async #ask(
    method: string,
    jobId: string,
    { path, records }: { readonly path: string; readonly records: RequestRecord[] },
  ): Promise<number | undefined> {
    const index = records.push({ jobId }) - 1;
    const answer = await answered(fetch(`${this.url}/v1/jobs/${jobId}${path}`, { method }));
    await answer?.body?.cancel().catch(() => undefined);
    if (answer !== undefined) records[index] = { jobId, status: answer.status };
    return answer?.status;
  }

  #lastSerial = 0;

  #serial(): number {
    this.#lastSerial += 1;
    return this.#lastSerial;
  }

  async #send(
    name: string,
    body: Buffer,
    { pipeline, abortAfterBytes, key }: UploadOptions,
  ): Promise<UploadRecord['outcome']> {
    const address = new URL(`/v1/jobs?pipeline=${pipeline}&name=${name}`, this.url);
    const sending = request(address, {
      method: 'POST',
      agent: false,
      headers: {
        ...{ 'content-type': 'video/mp4', 'content-length': body.length },
        ...(key !== undefined && { 'idempotency-key': key }),
      },
    });
    const answer = answerTo(sending);
    if (abortAfterBytes === undefined) {
      sending.end(body);
      return answer;
    }
    sending.write(body.subarray(0, abortAfterBytes), () => sending.destroy());
    const outcome = await answer;
    return outcome.type === 'unanswered' ? { type: 'aborted' } : outcome;
  }
}

/** The answer of a request, or nothing when the service is not there or goes away. */
async function answered(asking: Promise<Response>): Promise<Response | undefined> {
  try {
    return await asking;
  } catch (thrown) {
    // What `fetch` throws when a connection cannot be had or breaks.
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}

function answerTo(sending: ClientRequest): Promise<UploadRecord['outcome']> {
  return new Promise((resolve) => {
    sending.on('error', () => resolve({ type: 'unanswered' }));
    sending.on('close', () => resolve({ type: 'unanswered' }));
    sending.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', () => resolve({ type: 'unanswered' }));
      response.on('end', () => resolve(outcomeOf(response.statusCode ?? 0, text)));
    });
  });
}

function outcomeOf(status: number, text: string): UploadRecord['outcome'] {
  // 200 is the answer to what was sent before with the same key.
  const isAccepted = status === 201 || status === 200;
  if (isAccepted) return { type: 'accepted', jobId: jobSchema.parse(JSON.parse(text)).id };
  return { type: 'refused', status, code: problemSchema.parse(JSON.parse(text)).code };
}
