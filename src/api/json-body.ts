import { failure, type Failure } from '../base/failure.ts';
import { err, ok, type Result } from '../base/result.ts';
import { kibibyte } from '../base/units.ts';
import { hasBody, startBody, type Exchange } from './exchange.ts';

/** Most bytes of a JSON body: the names of all nodes of a large pipeline, several times. */
export const jsonBodyBytesMax = 64 * kibibyte;

/** How long a JSON body may take, in milliseconds: it comes in one or two packets. */
const jsonBodyTimeoutMs = 10_000;

/**
 * The JSON in the body of a request; undefined when there is no body. Afterwards nothing of the request
 * is read or watched any more. Failures: `limit_size`, `timeout`, `cancelled` (the client went away),
 * `invalid_request` (no JSON). The caller has checked that the body says it is JSON.
 */
export async function readJsonBody(exchange: Exchange): Promise<Result<unknown, Failure>> {
  if (!hasBody(exchange.request)) return ok(undefined);
  startBody(exchange);
  const bytes = await readBytes(exchange);
  if (!bytes.ok) return bytes;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.value);
    return ok(JSON.parse(text));
  } catch {
    return err(failure('invalid_request', 'The body is not JSON.'));
  }
}

async function readBytes({ request, clock }: Exchange): Promise<Result<Buffer, Failure>> {
  const { promise, resolve } = Promise.withResolvers<Result<Buffer, Failure>>();
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer): void => {
    length += chunk.length;
    if (length <= jsonBodyBytesMax) chunks.push(chunk);
    else resolve(err(tooLarge()));
  };
  const end = (): void => resolve(ok(Buffer.concat(chunks)));
  const leave = (): void => resolve(err(failure('cancelled', 'The client went away.')));
  const cancelTimer = clock.after(jsonBodyTimeoutMs, () => resolve(err(tooSlow())));
  request.on('data', take).once('end', end).once('close', leave).once('error', leave);
  const read = await promise;
  cancelTimer();
  request.off('data', take).off('end', end).off('close', leave);
  return read;
}

function tooLarge(): Failure {
  return failure('limit_size', `The body is larger than ${jsonBodyBytesMax / kibibyte} KiB.`);
}

function tooSlow(): Failure {
  return failure('timeout', `The body did not come within ${jsonBodyTimeoutMs / 1000} seconds.`);
}
