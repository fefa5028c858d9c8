import type { FaultCode, FaultPoint } from '../fakes/fault-plan.ts';
import { check, checkSettled } from './checker.ts';
import type { CheckReport } from './checker.ts';
import { FaultyService } from './faulty-service.ts';
import { ProductCheck } from './product-check.ts';
import { RecordingClient } from './recording-client.ts';
import type { SmallWork } from './small-work.ts';

/** An operation that fails. */
export interface IoFailure {
  readonly code: FaultCode;
  readonly at: FaultPoint;
}

/** How the upload under a failure ended, and how often. */
type Endings = Readonly<Record<'succeeded' | 'failed' | 'refused', number>>;

/** What came of failures on one service. */
export interface IoFailureReport {
  /** Failure → what was found wrong behind it. */
  readonly findings: readonly string[];
  readonly endings: Endings;
  /** What the whole directory looks like after a restart. */
  readonly final: CheckReport;
}

/** Codes with which a job or an upload may end whose disk failed. */
const expectedCodes: ReadonlySet<string> = new Set(['storage']);

/**
 * Lets one operation fail after another, each once and each under a job of its own, in one service that
 * has to stay up: the upload is refused with 507, or the job fails with `storage`, or it succeeds by its
 * retries; and the next upload succeeds. What the disk kept the service from removing is removed by the
 * restart at the end.
 */
export async function failEach(
  failures: readonly IoFailure[],
  work: SmallWork,
): Promise<IoFailureReport> {
  await using service = await FaultyService.create({ flags: work.replayFlags });
  const client = new RecordingClient();
  const products = new ProductCheck('probe');
  const parts = { history: client, products };
  const findings: string[] = [];
  const endings = { succeeded: 0, failed: 0, refused: 0 };
  await service.start();
  client.url = service.url;
  for (const failure of failures) {
    await service.arm({ fail: failure });
    const ending = await endOfUpload(client, work);
    endings[ending.state] += 1;
    await service.arm({});
    const { violations } = await check({ ...parts, ...service.facts });
    const lies = [...problemsOf(ending), ...violations.filter((text) => !text.startsWith('I5'))];
    findings.push(...lies.map((text) => `${describe(failure)}: ${text}`));
    // The same violation stays in every later check.
    if (violations.some((text) => !text.startsWith('I5'))) break;
  }
  const next = await endOfUpload(client, work);
  if (next.state !== 'succeeded') findings.push(`the next upload ${next.state}: ${next.code}`);
  await service.stop();
  await service.start();
  const whole = { ...parts, ...service.facts, serviceUrl: service.url };
  return { findings, endings, final: await checkSettled(whole) };
}

/** How an upload ended, in the job's words or in those of the refusal. */
interface Ending {
  readonly state: keyof Endings;
  readonly code?: string;
  readonly status?: number;
}

async function endOfUpload(client: RecordingClient, work: SmallWork): Promise<Ending> {
  const { outcome } = await client.upload(work.clip, { pipeline: 'small' });
  switch (outcome.type) {
    case 'accepted': {
      const { state, error } = await client.finish(outcome.jobId);
      if (state !== 'succeeded' && state !== 'failed') throw new Error(`The job is ${state}.`);
      return { state, ...(error !== undefined && { code: error.code }) };
    }
    case 'refused':
      return { state: 'refused', code: outcome.code, status: outcome.status };
    default:
      throw new Error(`The upload was ${outcome.type}.`);
  }
}

function problemsOf({ state, code = '', status }: Ending): readonly string[] {
  if (state === 'succeeded') return [];
  if (!expectedCodes.has(code)) return [`the upload ${state} with "${code}"`];
  return status === undefined || status === 507 ? [] : [`it was refused with ${status}`];
}

function describe({ code, at }: IoFailure): string {
  const place = 'nth' in at ? `operation ${at.nth}` : `"${at.name}" (${at.occurrence})`;
  return `${code} at ${place}`;
}
